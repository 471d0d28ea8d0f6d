using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Fairlead.Storage.Sqlite;
using Microsoft.Data.Sqlite;

namespace Fairlead.Storage.Ledger;

/// <summary>Writes entries with their postings and keeps the balances. Numbers have no gaps, so a missing entry shows.</summary>
internal sealed class EntryRowWriter : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _entry;
    private readonly SqliteCommand _posting;
    private readonly Dictionary<AccountName, NanoDollars> _moved = [];
    private long _last;

    public EntryRowWriter(SqliteConnection connection)
    {
        _connection = connection;
        _last = connection.One<long>("SELECT COALESCE(MAX(id), 0) FROM entries");
        _entry = connection.Prepare(
            "INSERT INTO entries (id, kind, request_id, at_ms) VALUES (@id, @kind, @request, @at)",
            ("@id", null), ("@kind", null), ("@request", null), ("@at", null));
        _posting = connection.Prepare(
            "INSERT INTO postings (entry_id, line, account, amount) VALUES (@entry, @line, @account, @amount)",
            ("@entry", null), ("@line", null), ("@account", null), ("@amount", null));
    }

    public void Write(Entry entry)
    {
        long id = ++_last;
        _entry.Parameters[0].Value = id;
        _entry.Parameters[1].Value = entry.Kind.Word();
        _entry.Parameters[2].Value = entry.Request is { } request ? request.ToString() : DBNull.Value;
        _entry.Parameters[3].Value = entry.At.ToUnixTimeMilliseconds();
        _entry.ExecuteNonQuery();
        for (int line = 0; line < entry.Postings.Length; line++)
        {
            Posting posting = entry.Postings[line];
            _posting.Parameters[0].Value = id;
            _posting.Parameters[1].Value = line + 1;
            _posting.Parameters[2].Value = posting.Account.Value;
            _posting.Parameters[3].Value = posting.Amount.Value;
            _posting.ExecuteNonQuery();
            _moved[posting.Account] = _moved.GetValueOrDefault(posting.Account) + posting.Amount;
        }
    }

    public void WriteBalances()
    {
        foreach ((AccountName account, NanoDollars moved) in _moved)
        {
            _connection.Run(
                "INSERT INTO balances (account, balance) VALUES (@account, @moved) ON CONFLICT (account) DO UPDATE SET balance = balances.balance + excluded.balance",
                ("@account", account.Value), ("@moved", moved.Value));
        }
        _moved.Clear();
    }

    public void Dispose()
    {
        _entry.Dispose();
        _posting.Dispose();
    }
}
