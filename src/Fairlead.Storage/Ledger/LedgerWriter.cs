using Fairlead.Domain.Ids;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Fairlead.Storage.Journal;
using Fairlead.Storage.Sqlite;
using Microsoft.Data.Sqlite;

namespace Fairlead.Storage.Ledger;

/// <summary>Posts one batch of journal records inside the caller's transaction. Posting a record again changes nothing.</summary>
/// <remarks>Numbers of entries and requests have no gaps, so a row that is missing shows.</remarks>
internal sealed class LedgerWriter : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly BoundStatement _request;
    private readonly BoundStatement _entry;
    private readonly PostingsText _postings = new();
    private readonly Dictionary<AccountName, NanoDollars> _moved = [];
    private readonly Dictionary<KeyId, (string Text, KeyAccounts Accounts)> _keys = [];
    private readonly UsageRollup _rollup = new();
    private long _lastRequest;
    private long _lastEntry;

    public LedgerWriter(SqliteConnection connection)
    {
        _connection = connection;
        _lastRequest = connection.One<long>("SELECT COALESCE(MAX(seq), 0) FROM requests");
        _lastEntry = connection.One<long>("SELECT COALESCE(MAX(id), 0) FROM entries");
        _request = new BoundStatement(connection, RequestRow.Insert);
        _entry = new BoundStatement(connection, "INSERT INTO entries (id, request_id, at_ms, postings) VALUES (?, ?, ?, ?)");
    }

    /// <summary>Requests that were closed here and not before.</summary>
    public int Closed { get; private set; }

    /// <summary>A reservation is not posted: its close says it again, and until then it is the journal's.</summary>
    public void Post(in JournalRecord record)
    {
        if (record.Closed is not { } closed)
            return;
        if (!_keys.TryGetValue(closed.Key, out (string Text, KeyAccounts Accounts) key))
            _keys[closed.Key] = key = (closed.Key.ToString(), KeyAccounts.Of(closed.Key));
        string id = closed.Id.ToString();
        Entry? entry = RequestEntry.Of(closed, key.Accounts);
        RequestRow.Bind(_request, _lastRequest + 1, entry is null ? null : _lastEntry + 1, id, key.Text, closed, record.Payload);
        if (_request.Run() == 0)
            return; // it stands there already
        _lastRequest++;
        Closed++;
        _rollup.Add(closed);
        if (entry is not null)
            Post(entry, id);
    }

    /// <summary>Writes the sums of the batch; call once, last.</summary>
    public void Finish()
    {
        using var balance = new BoundStatement(_connection,
            "INSERT INTO balances (account, balance) VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET balance = balances.balance + excluded.balance");
        foreach ((AccountName account, NanoDollars moved) in _moved)
            balance.Text(account.Value).Number(moved.Value).Run();
        _rollup.Write(_connection);
    }

    public void Dispose()
    {
        _request.Dispose();
        _entry.Dispose();
        _postings.Dispose();
    }

    private void Post(Entry entry, string request)
    {
        _entry.Number(++_lastEntry).Text(request).Number(entry.At.ToUnixTimeMilliseconds()).Text(_postings.Of(entry)).Run();
        foreach (Posting posting in entry.Postings)
            _moved[posting.Account] = _moved.GetValueOrDefault(posting.Account) + posting.Amount;
    }
}
