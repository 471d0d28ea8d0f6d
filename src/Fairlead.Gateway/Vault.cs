using Fairlead.Gateway.Identity;
using Fairlead.Gateway.Settings;
using Fairlead.Storage;
using Fairlead.Storage.Journal;
using Fairlead.Storage.Keys;
using Fairlead.Storage.Ledger;
using Fairlead.Storage.Sqlite;
using Microsoft.Extensions.Logging;

namespace Fairlead.Gateway;

/// <summary>Everything this process keeps on disk, opened together and closed together: the data folder, journal, ledger and keys.</summary>
internal sealed class Vault : IAsyncDisposable
{
    private readonly StoreDatabase _database;
    private string? _socket;

    private Vault(DataFolder folder, StoreDatabase database, RequestJournal journal, TimeProvider time, ILoggerFactory loggers)
    {
        Folder = folder;
        _database = database;
        Journal = journal;
        Ledger = new LedgerStore(database, journal);
        Keys = new KeyStore(database);
        Gone = new GoneOfferStore(database);
        Shipper = new JournalShipper(journal, Ledger, time, loggers.CreateLogger<JournalShipper>());
    }

    public DataFolder Folder { get; }
    public RequestJournal Journal { get; }
    public LedgerStore Ledger { get; }
    public KeyStore Keys { get; }
    public GoneOfferStore Gone { get; }
    public JournalShipper Shipper { get; }

    /// <summary>Secret of the keyed hashes under which API keys are stored.</summary>
    public byte[] Pepper => Folder.Pepper.ToArray();

    /// <summary>Where a first start leaves the first key.</summary>
    public string FirstKeyPath => Folder.In(KeyRing.FirstKeyName);

    /// <exception cref="DataFolderException">Not ours, open to others, or in use.</exception>
    public static Vault Open(GatewaySettings settings, TimeProvider time, ILoggerFactory loggers)
    {
        DataFolder folder = DataFolder.Open(settings.DataFolder, time);
        StoreDatabase? database = null;
        try
        {
            database = StoreDatabase.Open(folder.StorePath);
            RequestJournal journal = RequestJournal.Open(
                new JournalOptions { Folder = folder.JournalFolder, Strict = settings.Journal.Strict, MaxUnshippedBytes = settings.Journal.MaxUnshippedBytes },
                time, loggers.CreateLogger<RequestJournal>());
            var vault = new Vault(folder, database, journal, time, loggers);
            vault.Ledger.ResumeJournal();
            return vault;
        }
        catch
        {
            database?.Dispose();
            folder.Dispose();
            throw;
        }
    }

    public void StartShipping() => Shipper.Start();

    /// <summary>Where the admin API listens: in the data folder, or, where that path is too long for a socket, in a private folder under /tmp.</summary>
    public string PrepareControlSocket()
    {
        _socket = ControlSocket.PathFor(Folder.Path);
        DataFolder.EnsurePrivate(Path.GetDirectoryName(_socket)!); // under /tmp anybody may have made it first
        File.Delete(_socket); // left behind by a process that was killed; the folder's lock says that it is gone
        return _socket;
    }

    /// <summary>Where the sockets of workers lie: a folder that only the owner may enter, and only the process that holds the data folder's lock uses.</summary>
    public string PrepareWorkerFolder()
    {
        string folder = ControlSocket.WorkerFolderFor(Folder.Path);
        DataFolder.EnsurePrivate(folder);
        return folder;
    }

    /// <summary>Where the packed weights of local models lie, which only the owner may enter.</summary>
    public string PreparePackFolder()
    {
        string folder = Folder.In("packs");
        DataFolder.EnsurePrivate(folder);
        return folder;
    }

    /// <summary>File that keeps how long models took to load.</summary>
    public string LoadTimes => Path.Combine(Folder.Path, "load-times.json");

    /// <summary>Nobody but the owner may connect.</summary>
    public void ProtectControlSocket()
    {
        if (!OperatingSystem.IsWindows() && _socket is not null)
            File.SetUnixFileMode(_socket, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    /// <summary>Ships what is left and closes everything, in the opposite order of opening.</summary>
    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        await Shipper.StopAsync(patience.Token);
        await Shipper.DisposeAsync();
        await Journal.DisposeAsync();
        _database.Dispose();
        if (_socket is not null)
            File.Delete(_socket);
        Folder.Dispose();
    }
}
