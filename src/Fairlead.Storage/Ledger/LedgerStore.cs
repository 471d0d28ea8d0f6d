using System.Globalization;
using Fairlead.Domain.Ids;
using Fairlead.Domain.Keys;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Fairlead.Storage.Journal;
using Fairlead.Storage.Sqlite;
using Microsoft.Data.Sqlite;

namespace Fairlead.Storage.Ledger;

/// <summary>The ledger for good: decision records, entries and the daily sums, in SQLite; what the store has not taken yet is read from the journal.</summary>
/// <remarks>Every method throws <see cref="StoreUnavailableException"/> when the store is locked or failing. Safe for any number of threads.</remarks>
public sealed class LedgerStore(StoreDatabase database, RequestJournal journal)
{
    private const string PositionName = "shipped_position";

    /// <summary>Tells the journal how far the store has taken it. Call once, before anything is read: a start would otherwise read every segment
    /// that is still there, which took 6 s for the 40 MB that 150,000 requests leave behind.</summary>
    public void ResumeJournal() => journal.ResumeAt(Position());

    /// <summary>Spend of every key that spent something this month, journal included: fills the budgets at start.</summary>
    public IReadOnlyDictionary<KeyId, PeriodSpend> SpendByKey(DateTimeOffset now)
    {
        DateTimeOffset day = new Budget(default, BudgetPeriod.Day).PeriodStart(now);
        DateTimeOffset month = new Budget(default, BudgetPeriod.Month).PeriodStart(now);
        // Read before the store: what is shipped in between is then in both and counted once.
        (List<RequestClosed> waiting, JournalPosition from) = Unshipped();
        return database.Read(connection =>
        {
            bool moved = HasMovedFrom(connection, from);
            var spend = new Dictionary<KeyId, PeriodSpend>();
            foreach ((KeyId key, string on, NanoDollars charged) in connection.All(
                "SELECT key_id, day, SUM(charged) FROM usage_daily WHERE day >= @month GROUP BY key_id, day",
                static row => (Key(row.GetString(0)), row.GetString(1), new NanoDollars(row.GetInt64(2))),
                ("@month", UsageRollup.Day(month))))
            {
                Add(key, charged, today: on == UsageRollup.Day(day));
            }
            var seen = new HashSet<RequestId>();
            foreach (RequestClosed closed in waiting)
            {
                if (closed.StartedAt < month || !seen.Add(closed.Id) || (moved && Holds(connection, closed.Id)))
                    continue;
                Add(closed.Key, closed.Charged, closed.StartedAt >= day);
            }
            return spend;

            void Add(KeyId key, NanoDollars charged, bool today)
            {
                PeriodSpend before = spend.GetValueOrDefault(key);
                spend[key] = new PeriodSpend(today ? before.Today + charged : before.Today, before.Month + charged);
            }
        });
    }

    /// <summary>Charged since <paramref name="since"/> for requests that asked for this name, with whatever selector: fills an alias's budget at start.</summary>
    public NanoDollars SpentByAskedModel(string name, DateTimeOffset since)
    {
        (List<RequestClosed> waiting, JournalPosition from) = Unshipped();
        return database.Read(connection =>
        {
            bool moved = HasMovedFrom(connection, from);
            long spent = connection.One<long>(
                "SELECT COALESCE(SUM(charged), 0) FROM requests WHERE started_ms >= @since AND (lower(asked_model) = lower(@name) OR substr(lower(asked_model), 1, length(@name) + 1) = lower(@name) || ':')",
                ("@since", since.ToUnixTimeMilliseconds()), ("@name", name));
            foreach (RequestClosed closed in waiting)
            {
                bool asked = closed.AskedModel.Equals(name, StringComparison.OrdinalIgnoreCase) || closed.AskedModel.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase);
                if (asked && closed.StartedAt >= since && !(moved && Holds(connection, closed.Id)))
                    spent += closed.Charged.Value;
            }
            return new NanoDollars(spent);
        });
    }

    /// <summary>Closes what the last process left open: every dangling reservation of the journal that the store does not know as closed is
    /// charged with what it held and marked for reconciliation. Call once at start, before the first request.</summary>
    /// <returns>How many were closed.</returns>
    /// <exception cref="JournalUnavailableException">The journal cannot be written; the rest is found again at the next start.</exception>
    public async Task<int> CloseInterruptedAsync(DateTimeOffset now)
    {
        int closed = 0;
        foreach (RequestReserved reserved in journal.Dangling)
        {
            if (Find(reserved.Id) is not null)
                continue;
            await journal.AppendAsync(InterruptedRequest.Close(reserved, now));
            closed++;
        }
        return closed;
    }

    /// <summary>The decision record of a closed request; null when there is none.</summary>
    public RequestClosed? Find(RequestId id)
    {
        if (journal.TryFind(id, out RequestClosed closed))
            return closed;
        return database.Read(connection =>
            connection.All(RequestRow.Select + " WHERE id = @id", RequestRow.Read, ("@id", id.ToString()))).FirstOrDefault();
    }

    /// <summary>Decision records in the store, newest first; the last fraction of a second may still be in the journal.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A limit outside 1 to 1,000.</exception>
    public IReadOnlyList<RequestClosed> List(RequestQuery query)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Limit, 1, nameof(query));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(query.Limit, RequestQuery.MaxLimit, nameof(query));
        var where = new List<string>();
        var values = new List<(string, object?)> { ("@limit", query.Limit) };
        if (query.Before is { } before)
        {
            where.Add("id < @before");
            values.Add(("@before", before.ToString()));
        }
        if (query.Failed)
            where.Add("failed = 1");
        if (query.Key is { } key)
        {
            where.Add("key_id = @key");
            values.Add(("@key", key.ToString()));
        }
        if (query.Model is { } model)
        {
            where.Add("(model = @model OR asked_model = @model)");
            values.Add(("@model", model));
        }
        string sql = RequestRow.Select + (where.Count > 0 ? " WHERE " + string.Join(" AND ", where) : "") + " ORDER BY id DESC LIMIT @limit";
        return database.Read(connection => connection.All(sql, RequestRow.Read, values.ToArray()));
    }

    /// <summary>Sums since a UTC day, that day included; rows in the order of their groups.</summary>
    public UsageReport Usage(DateOnly since, UsageGrouping by) => new(database.Read(connection => UsageQuery.Run(connection, since, by)));

    /// <summary>Requests that carried an Idempotency-Key and began at or after <paramref name="since"/>, journal included, oldest first.</summary>
    public IReadOnlyList<(IdempotencyMark Mark, RequestId Id, DateTimeOffset StartedAt)> IdempotencyMarks(DateTimeOffset since)
    {
        (List<RequestClosed> waiting, _) = Unshipped();
        List<RequestClosed> stored = database.Read(connection => connection.All(
            RequestRow.Select + " WHERE idempotent = 1 AND started_ms >= @since", RequestRow.Read, ("@since", since.ToUnixTimeMilliseconds())));
        return [.. stored.Concat(waiting)
            .Where(closed => closed.Idempotency is not null && closed.StartedAt >= since)
            .DistinctBy(static closed => closed.Id)
            .OrderBy(static closed => closed.Id)
            .Select(static closed => (closed.Idempotency!.Value, closed.Id, closed.StartedAt))];
    }

    /// <summary>Proves the ledger: see <see cref="LedgerVerification"/>. Reads everything, in one snapshot; minutes for a large store.</summary>
    public VerifyResult Verify() => database.Read(LedgerVerification.Run);

    /// <summary>Posts a batch and remembers how far the journal has been taken, in one transaction.</summary>
    /// <returns>How many requests were closed that were not closed before.</returns>
    internal int Post(List<JournalRecord> records, JournalPosition next) => database.Write(connection =>
    {
        using var writer = new LedgerWriter(connection);
        foreach (JournalRecord record in records)
            writer.Post(record);
        writer.Finish();
        connection.Run(
            "INSERT INTO meta (name, value) VALUES (@name, @value) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            ("@name", PositionName), ("@value", string.Create(CultureInfo.InvariantCulture, $"{next.Segment}:{next.Offset}")));
        return writer.Closed;
    });

    /// <summary>How far the journal has been taken; null when nothing was.</summary>
    internal JournalPosition? Position() => database.Read(Position);

    private static JournalPosition? Position(SqliteConnection connection)
    {
        string? text = connection.OneOrNull<string>("SELECT value FROM meta WHERE name = @name", ("@name", PositionName));
        if (text is null)
            return (JournalPosition?)null;
        string[] parts = text.Split(':');
        return new JournalPosition(int.Parse(parts[0], CultureInfo.InvariantCulture), long.Parse(parts[1], CultureInfo.InvariantCulture));
    }

    /// <summary>Whether the store may hold some of what was read from the journal at <paramref name="from"/>; while it has not moved it holds none,
    /// and none has to be looked up.</summary>
    private static bool HasMovedFrom(SqliteConnection connection, JournalPosition from) => Position(connection) is { } now && now != from;

    private static bool Holds(SqliteConnection connection, RequestId id) =>
        connection.OneOrNull<object>("SELECT 1 FROM requests WHERE id = @id", ("@id", id.ToString())) is not null;

    /// <summary>What the store has not taken, and where the journal was read from.</summary>
    private (List<RequestClosed> Closed, JournalPosition From) Unshipped()
    {
        var closed = new List<RequestClosed>();
        var piece = new List<JournalRecord>();
        JournalPosition from = journal.Shipped;
        JournalPosition position = from;
        do
        {
            piece.Clear();
            position = journal.Read(position, 1000, piece);
            closed.AddRange(piece.Where(static record => record.Kind == RecordKind.Closed).Select(static record => record.Closed!));
        }
        while (piece.Count > 0);
        return (closed, from);
    }

    private static KeyId Key(string text) => KeyId.TryParse(text, out KeyId key) ? key : throw new InvalidDataException($"{text} is no key id");
}
