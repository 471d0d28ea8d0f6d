using Fairlead.Gateway.Settings;
using Fairlead.Storage;
using Fairlead.Storage.Journal;
using Fairlead.Storage.Keys;
using Fairlead.Storage.Ledger;
using Microsoft.Extensions.Logging;

namespace Fairlead.Gateway;

/// <summary>Everything this process keeps on disk, opened together and closed together: the data folder, journal, ledger and keys.</summary>
internal sealed class Vault : IAsyncDisposable
{
    private readonly TimeProvider _time;
    private string? _socket;

    private Vault(DataFolder folder, Journal journal, LedgerStore ledger, KeyStore keys, JournalShipper shipper, byte[] pepper, TimeProvider time)
    {
        Folder = folder;
        Journal = journal;
        Ledger = ledger;
        Keys = keys;
        Shipper = shipper;
        Pepper = pepper;
        _time = time;
    }

    public DataFolder Folder { get; }
    public Journal Journal { get; }
    public LedgerStore Ledger { get; }
    public KeyStore Keys { get; }
    public JournalShipper Shipper { get; }

    /// <summary>Secret of the keyed hashes under which API keys are stored.</summary>
    public byte[] Pepper { get; }

    public static Vault Open(GatewaySettings settings, TimeProvider time, ILoggerFactory loggers)
    {
        DataFolder folder = DataFolder.Open(settings.DataFolder, time);
        try
        {
            Journal journal = Journal.Open(
                new JournalOptions { Folder = folder.JournalFolder, Strict = settings.Journal.Strict, MaxUnshippedBytes = settings.Journal.MaxUnshippedBytes },
                time, loggers.CreateLogger<Journal>());
            LedgerStore ledger = LedgerStore.Open(folder.StorePath, time);
            return new Vault(folder, journal, ledger, KeyStore.Open(folder.StorePath, time), new JournalShipper(journal, ledger, time, loggers.CreateLogger<JournalShipper>()), folder.Pepper(), time);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    public void StartShipping() => Shipper.Start();

    /// <summary>Where the admin API listens: in the data folder, or, where that path is too long for a socket, in a private folder under /tmp.</summary>
    public string PrepareControlSocket()
    {
        _socket = Folder.ControlSocketPath;
        File.Delete(_socket); // left behind by a process that was killed; the folder's lock says that it is gone
        return _socket;
    }

    /// <summary>Nobody but the owner may connect.</summary>
    public void ProtectControlSocket()
    {
        if (!OperatingSystem.IsWindows() && _socket is not null)
            File.SetUnixFileMode(_socket, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    public async ValueTask DisposeAsync()
    {
        await Shipper.DisposeAsync();
        await Journal.DisposeAsync();
        Keys.Dispose();
        Ledger.Dispose();
        if (_socket is not null)
            File.Delete(_socket);
        Folder.Dispose();
    }
}
