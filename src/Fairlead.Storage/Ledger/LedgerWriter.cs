using Fairlead.Domain.Ids;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Fairlead.Storage.Journal;
using Fairlead.Storage.Sqlite;
using Microsoft.Data.Sqlite;

namespace Fairlead.Storage.Ledger;

/// <summary>Posts one batch of journal records inside the caller's transaction. Posting a record again changes nothing.</summary>
internal sealed class LedgerWriter : IDisposable
{
    private readonly SqliteCommand _findReserve;
    private readonly SqliteCommand _findClosed;
    private readonly RequestRowWriter _requests;
    private readonly EntryRowWriter _entries;
    private readonly UsageRollup _rollup = new();
    private readonly Dictionary<RequestId, NanoDollars> _held = [];
    private readonly HashSet<RequestId> _closed = [];
    private readonly SqliteConnection _connection;

    public LedgerWriter(SqliteConnection connection)
    {
        _connection = connection;
        _requests = new RequestRowWriter(connection);
        _entries = new EntryRowWriter(connection);
        _findReserve = connection.Prepare(
            "SELECT p.amount FROM entries e JOIN postings p ON p.entry_id = e.id WHERE e.request_id = @id AND e.kind = 'reserve' AND p.amount > 0",
            ("@id", null));
        _findClosed = connection.Prepare("SELECT 1 FROM requests WHERE id = @id", ("@id", null));
    }

    /// <summary>Requests that were closed here and not before.</summary>
    public int Closed => _closed.Count;

    public void Post(JournalRecord record)
    {
        if (record.Reserved is { } reserved)
            Hold(reserved);
        else
            Close(record.Closed!);
    }

    /// <summary>Writes the sums of the batch; call once, last.</summary>
    public void Finish()
    {
        _entries.WriteBalances();
        _rollup.Write(_connection);
    }

    public void Dispose()
    {
        _findReserve.Dispose();
        _findClosed.Dispose();
        _requests.Dispose();
        _entries.Dispose();
    }

    private NanoDollars Hold(RequestReserved reserved)
    {
        if (Held(reserved.Id) is { } already)
            return already;
        // A close that was posted without its reservation implied it; a reservation of nothing has no entry and needs none.
        if (RequestEntries.Reserve(reserved) is { } entry && !IsClosed(reserved.Id))
            _entries.Write(entry);
        _held[reserved.Id] = reserved.Amount;
        return reserved.Amount;
    }

    private void Close(RequestClosed closed)
    {
        if (IsClosed(closed.Id))
            return;
        NanoDollars held = Hold(RequestEntries.ImpliedBy(closed));
        foreach (Entry entry in RequestEntries.Close(closed, held))
            _entries.Write(entry);
        _requests.Write(closed);
        _rollup.Add(closed);
        _closed.Add(closed.Id);
    }

    private NanoDollars? Held(RequestId id)
    {
        if (_held.TryGetValue(id, out NanoDollars held))
            return held;
        _findReserve.Parameters[0].Value = id.ToString();
        return _findReserve.ExecuteScalar() is long amount ? new NanoDollars(amount) : null;
    }

    private bool IsClosed(RequestId id)
    {
        if (_closed.Contains(id))
            return true;
        _findClosed.Parameters[0].Value = id.ToString();
        return _findClosed.ExecuteScalar() is not null;
    }
}
