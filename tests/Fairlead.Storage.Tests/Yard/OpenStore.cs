using Fairlead.Domain.Ledger;
using Fairlead.Storage.Journal;
using Fairlead.Storage.Ledger;
using Fairlead.Storage.Sqlite;

namespace Fairlead.Storage.Tests.Yard;

/// <summary>Journal, store and shipper over one folder.</summary>
internal sealed class OpenStore : IAsyncDisposable
{
    public OpenStore(string folder, TimeProvider? time = null, long segmentBytes = 64 << 20)
    {
        Journal = JournalFiles.Open(Path.Combine(folder, "journal"), time, segmentBytes: segmentBytes);
        Database = StoreDatabase.Open(Path.Combine(folder, "store.db"), TimeSpan.FromSeconds(1));
        Ledger = new LedgerStore(Database, Journal);
        Shipper = new JournalShipper(Journal, Ledger, time ?? TimeProvider.System, linger: TimeSpan.Zero);
    }

    public RequestJournal Journal { get; }
    public StoreDatabase Database { get; }
    public LedgerStore Ledger { get; }
    public JournalShipper Shipper { get; }

    /// <summary>Reserves and closes one request.</summary>
    public async Task<RequestClosed> RunAsync(RequestReserved reserved, Func<RequestClosed, RequestClosed>? change = null)
    {
        RequestClosed closed = Records.Close(reserved);
        closed = change is null ? closed : Records.Priced(change(closed));
        await Journal.AppendAsync(reserved);
        await Journal.AppendAsync(closed);
        return closed;
    }

    public Task ShipAsync() => Shipper.DrainAsync(CancellationToken.None);

    /// <summary>Runs SQL that the product would never run; triggers are dropped first.</summary>
    public void Tamper(string sql) => Database.Write(connection =>
    {
        foreach (string table in new[] { "requests", "entries" })
        {
            connection.Run($"DROP TRIGGER IF EXISTS {table}_no_update");
            connection.Run($"DROP TRIGGER IF EXISTS {table}_no_delete");
        }
        connection.Run(sql);
    });

    public async ValueTask DisposeAsync()
    {
        await Shipper.DisposeAsync();
        await Journal.DisposeAsync();
        Database.Dispose();
    }
}
