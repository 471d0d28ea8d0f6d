using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Fairlead.Storage.Journal;
using Fairlead.Storage.Sqlite;
using Microsoft.Data.Sqlite;

namespace Fairlead.Storage.Ledger;

/// <summary>What the proof came to.</summary>
/// <param name="Requests">Closed requests that were looked at.</param>
/// <param name="Entries">Entries that were looked at.</param>
/// <param name="Faults">Empty when everything holds; else the first fault of each rule, in the order of the rules.</param>
public sealed record VerifyResult(long Requests, long Entries, IReadOnlyList<LedgerFault> Faults)
{
    public bool Holds => Faults.Count == 0;
}

/// <summary>A rule that does not hold, and the first row that breaks it.</summary>
/// <param name="Rule">The rule in words, as docs/ledger.md lists it.</param>
/// <param name="Where">The row: an entry's number, a request, an account or a day.</param>
/// <param name="Detail">What is there and what should be.</param>
public sealed record LedgerFault(string Rule, string Where, string Detail);

/// <summary>The rules of docs/ledger.md as queries. Each finds the first row that breaks it: where, found, expected.</summary>
internal static class LedgerVerification
{
    private static readonly (string Rule, string Sql)[] Rules =
    [
        ("entries are numbered without gaps",
            "SELECT 'entry ' || (e.id - 1), 'missing', 'there' FROM entries e WHERE e.id > 1 AND NOT EXISTS (SELECT 1 FROM entries p WHERE p.id = e.id - 1) "
            + "UNION ALL SELECT 'entry ' || MIN(id), 'first', 'entry 1' FROM entries HAVING MIN(id) <> 1 LIMIT 1"),
        ("every entry has postings",
            "SELECT 'entry ' || id, 0, '2 or more' FROM entries WHERE json_array_length(postings) < 2 ORDER BY id LIMIT 1"),
        ("every entry sums to zero",
            "SELECT 'entry ' || entry_id, SUM(amount), 0 FROM posted GROUP BY entry_id, kind HAVING SUM(amount) <> 0 ORDER BY entry_id LIMIT 1"),
        ("balances are the sums of their postings",
            "SELECT a, f, x FROM (SELECT b.account AS a, b.balance AS f, COALESCE(p.total, 0) AS x FROM balances b "
            + "LEFT JOIN (SELECT account, SUM(amount) AS total FROM posted GROUP BY account) p ON p.account = b.account "
            + "UNION ALL SELECT p.account, NULL, SUM(p.amount) FROM posted p WHERE NOT EXISTS (SELECT 1 FROM balances b WHERE b.account = p.account) GROUP BY p.account) "
            + "WHERE f IS NULL OR f <> x ORDER BY a LIMIT 1"),
        ("requests are numbered without gaps",
            "SELECT 'request number ' || (r.seq - 1), 'missing', 'there' FROM requests r WHERE r.seq > 1 AND NOT EXISTS (SELECT 1 FROM requests p WHERE p.seq = r.seq - 1) "
            + "UNION ALL SELECT 'request number ' || MIN(seq), 'first', 'request number 1' FROM requests HAVING MIN(seq) <> 1 LIMIT 1"),
        ("every entry of a request belongs to one closed request",
            "SELECT 'entry ' || e.id, e.request_id, 'no entry without a closed request' FROM entries e WHERE e.request_id IS NOT NULL "
            + "AND NOT EXISTS (SELECT 1 FROM requests r WHERE r.id = e.request_id AND r.entry_id = e.id) ORDER BY e.id LIMIT 1"),
        ("every closed request is settled with its charge",
            Amounts("platform:revenue", "settle", 1, "charged")),
        ("every charge is booked as provider cost",
            Amounts("platform:provider_cost", "cost", -1, "charged")),
        ("every write-off is booked",
            Amounts("platform:write_off", "cost", -1, "written_off")),
        ("every waste is booked",
            Amounts("platform:provider_waste", "waste", -1, "waste")),
        ("a closed request holds nothing",
            "SELECT 'request ' || r.id, SUM(p.amount), 0 FROM requests r JOIN posted p ON p.entry_id = r.entry_id "
            + "WHERE p.account = 'key:' || r.key_id || ':reserved' GROUP BY r.id HAVING SUM(p.amount) <> 0 ORDER BY r.seq LIMIT 1"),
        ("what a key has left is its grants less its charges",
            "SELECT k, f, x FROM (SELECT t.key_id AS k, "
            + "COALESCE((SELECT SUM(p.amount) FROM posted p WHERE p.account IN ('key:' || t.key_id || ':available', 'key:' || t.key_id || ':reserved') AND p.kind <> 'grant'), 0) AS f, "
            + "-t.charged AS x FROM (SELECT key_id, SUM(charged) AS charged FROM requests GROUP BY key_id) t) WHERE f <> x ORDER BY k LIMIT 1"),
        ("daily usage is the sum of its requests", RollupRule()),
    ];

    public static VerifyResult Run(SqliteConnection connection)
    {
        // The view takes each entry's text apart anew for every rule; once is enough. A reader may write its own temporary tables.
        connection.Run("CREATE TEMP TABLE posted AS SELECT entry_id, kind, account, amount FROM postings");
        connection.Run("CREATE INDEX temp.posted_by_account ON posted (account, kind, amount)");
        connection.Run("CREATE INDEX temp.posted_by_entry ON posted (entry_id, kind, account, amount)");
        var faults = new List<LedgerFault>();
        foreach ((string rule, string sql) in Rules)
        {
            faults.AddRange(connection.All(sql, row => new LedgerFault(
                rule, row.GetString(0), $"found {(row.IsDBNull(1) ? "nothing" : row.GetValue(1))}, expected {(row.IsDBNull(2) ? "nothing" : row.GetValue(2))}")));
        }
        faults.AddRange(FirstFaultsOfRecords(connection));
        connection.Run("DROP TABLE temp.posted");
        return new VerifyResult(
            connection.One<long>("SELECT COUNT(*) FROM requests"), connection.One<long>("SELECT COUNT(*) FROM entries"), faults);
    }

    /// <summary>The postings to one account under one kind are what the request's column says.</summary>
    private static string Amounts(string account, string kind, int sign, string column) =>
        $"SELECT 'request ' || r.id, COALESCE(t.amount, 0), r.{column} FROM requests r "
        + $"LEFT JOIN (SELECT entry_id, {sign} * SUM(amount) AS amount FROM posted "
        + $"WHERE kind = '{kind}' AND account = '{account}' GROUP BY entry_id) t ON t.entry_id = r.entry_id "
        + $"WHERE COALESCE(t.amount, 0) <> r.{column} ORDER BY r.seq LIMIT 1";

    /// <summary>What only the records themselves can tell, in one pass over them: whether the columns say the same, and whether the price was kept.</summary>
    private static IEnumerable<LedgerFault> FirstFaultsOfRecords(SqliteConnection connection)
    {
        LedgerFault? belied = null;
        LedgerFault? mispriced = null;
        using SqliteCommand command = connection.Prepare(
            "SELECT id, reserved, charged, written_off, waste, input_tokens, output_tokens, cached_tokens, cache_write_tokens, "
            + "cache_write_hour_tokens, compute_ticks, record FROM requests ORDER BY seq");
        using SqliteDataReader row = command.ExecuteReader();
        while (row.Read() && (belied is null || mispriced is null))
        {
            string where = $"request {row.GetString(0)}";
            string columns = string.Join(' ', Enumerable.Range(0, row.FieldCount - 1).Select(row.GetValue));
            try
            {
                RequestClosed closed = RecordCodec.ReadClosed(row.GetFieldValue<byte[]>(row.FieldCount - 1));
                string recorded = string.Join(
                    ' ', closed.Id, closed.Reserved.Value, closed.Charged.Value, closed.WrittenOff.Value, closed.Waste.Value, closed.Usage.InputTokens,
                    closed.Usage.OutputTokens, closed.Usage.CachedInputTokens, closed.Usage.CacheWriteTokens, closed.Usage.CacheWriteHourTokens,
                    closed.Usage.ComputeTime.Ticks);
                if (columns != recorded)
                    belied ??= Belied(recorded);
                if (Mispricing(closed) is { } detail)
                    mispriced ??= new LedgerFault("every charge and write-off is the price of what was used", where, detail);
            }
            catch (JournalFormatException e)
            {
                belied ??= Belied(e.Message);
            }

            LedgerFault Belied(string recorded) => new("a request's columns say what its record says", where, $"found {columns}, expected {recorded}");
        }
        return new[] { belied, mispriced }.OfType<LedgerFault>();
    }

    /// <summary>Works the price out again: tokens and computing time at the prices that the record holds. Null when it comes to the same.</summary>
    private static string? Mispricing(RequestClosed closed)
    {
        if (closed.Price is not { } price)
            return null; // nobody served; or it was interrupted, and is charged with what it held
        try
        {
            NanoDollars cost = closed.Usage.IsPossible ? price.For(closed.Usage) : throw new OverflowException();
            NanoDollars booked = closed.Charged + closed.WrittenOff;
            return booked == cost ? null : $"found {booked}, expected {cost}";
        }
        catch (OverflowException)
        {
            return $"found {closed.Charged} and {closed.WrittenOff} for {closed.Usage}, expected a usage and amounts that there can be";
        }
    }

    private static string RollupRule()
    {
        const string Group = "day, key_id, provider, model";
        string raw = "SELECT strftime('%Y-%m-%d', started_ms / 1000, 'unixepoch') AS day, key_id, COALESCE(provider, '') AS provider, COALESCE(model, '') AS model, "
            + "COUNT(*) AS requests, "
            + string.Join(", ", UsageRollup.Sums.Skip(1).Select(static sum => $"SUM({sum}) AS {sum}"))
            + " FROM requests GROUP BY 1, 2, 3, 4";
        string rolled = $"SELECT {Group}, {string.Join(", ", UsageRollup.Sums)} FROM usage_daily";
        return "SELECT day || ' ' || key_id || ' ' || provider || ' ' || model, side, 'the same on both sides' FROM ("
            + $"SELECT *, 'a sum that its requests do not give' AS side FROM (SELECT * FROM ({rolled}) EXCEPT SELECT * FROM ({raw})) "
            + $"UNION ALL SELECT *, 'requests that the sum does not have' AS side FROM (SELECT * FROM ({raw}) EXCEPT SELECT * FROM ({rolled}))) "
            + $"ORDER BY {Group} LIMIT 1";
    }
}
