using Fairlead.Domain.Ids;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Fairlead.Storage.Ledger;
using Fairlead.Storage.Sqlite;
using Fairlead.Storage.Tests.Yard;
using Microsoft.Data.Sqlite;

namespace Fairlead.Storage.Tests.Ledger;

public sealed class LedgerStoreTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private OpenStore _store = null!;

    public ValueTask InitializeAsync()
    {
        _store = new OpenStore(_folder.Path);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_request_is_found_before_and_after_shipping_and_is_the_same()
    {
        RequestClosed closed = await _store.RunAsync(Records.Reserve());
        Assert.Equal(Records.Print(closed), Records.Print(_store.Ledger.Find(closed.Id)!));
        await _store.ShipAsync();
        Assert.False(_store.Journal.TryFind(closed.Id, out _));
        Assert.Equal(Records.Print(closed), Records.Print(_store.Ledger.Find(closed.Id)!));
        Assert.Null(_store.Ledger.Find(RequestId.New(Records.Noon)));
    }

    [Fact]
    public async Task The_accounts_of_a_settled_request()
    {
        RequestReserved reserved = Records.Reserve(10_000);
        await _store.Journal.AppendAsync(reserved);
        await _store.ShipAsync();
        Assert.Equal(0, Balance(AccountName.Reserved(reserved.Key))); // until its close the reservation is the journal's alone

        await _store.Journal.AppendAsync(Records.Priced(Records.Close(reserved, 6_400) with { WrittenOff = new NanoDollars(30), Waste = new NanoDollars(7) }));
        await _store.ShipAsync();
        Assert.Equal(-6_400, Balance(AccountName.Available(reserved.Key)));
        Assert.Equal(0, Balance(AccountName.Reserved(reserved.Key)));
        Assert.Equal(6_400, Balance(AccountName.Revenue));
        Assert.Equal(-6_400, Balance(AccountName.ProviderCost));
        Assert.Equal(-30, Balance(AccountName.WriteOff));
        Assert.Equal(6_430, Balance(AccountName.Owed("together")));
        Assert.Equal(-7, Balance(AccountName.ProviderWaste));
        Assert.Equal(7, Balance(AccountName.UnattributedOwed));
        Assert.Empty(_store.Ledger.Verify().Faults);
    }

    [Fact]
    public async Task Ids_and_texts_of_any_shape_lose_no_row()
    {
        string[] odd = ["", "always-the-same", new string('x', 10_240), "a\0b", "🛟🛟", "\ud800 half", "7"];
        var random = new Random(3);
        var ids = new HashSet<RequestId>();
        for (int i = 0; i < 100_000; i++)
        {
            RequestReserved reserved = Records.Reserve(0);
            ids.Add(reserved.Id);
            string text = odd[i % odd.Length];
            await _store.Journal.AppendAsync(Records.Close(reserved, 0) with
            {
                ClientReference = text.Length > 300 ? text[..300] : text,
                Attempts = [new Attempt { Offer = "a/b", StartMs = 0, EndMs = 1, UpstreamRequestId = text, Detail = text }],
                Candidates = [], Excluded = [],
            });
        }
        await _store.ShipAsync();
        Assert.Equal(100_000, ids.Count);
        Assert.Equal(100_000, _store.Database.Read(static connection => connection.One<long>("SELECT COUNT(*) FROM requests")));
        Assert.Equal(100_000, _store.Ledger.Usage(new DateOnly(2026, 1, 1), UsageGrouping.None).Rows.Single().Requests);
    }

    [Fact]
    public async Task Rows_of_the_ledger_cannot_be_changed_or_deleted()
    {
        await _store.RunAsync(Records.Reserve());
        await _store.ShipAsync();
        foreach (string sql in new[]
        {
            "UPDATE entries SET at_ms = 1", "UPDATE entries SET postings = '[]'", "DELETE FROM entries",
            "UPDATE requests SET charged = 1", "DELETE FROM requests",
        })
        {
            Assert.Throws<SqliteException>(() => _store.Database.Write(connection => connection.Run(sql)));
        }
        Assert.Empty(_store.Ledger.Verify().Faults);
    }

    [Fact]
    public async Task Spend_counts_the_store_and_the_journal_once()
    {
        KeyId other = KeyId.New(Records.Noon);
        await _store.RunAsync(Records.Reserve(at: Records.Noon.AddDays(-1)), static closed => closed with { Charged = new NanoDollars(100) });
        await _store.RunAsync(Records.Reserve(at: Records.Noon.AddMonths(-1)), static closed => closed with { Charged = new NanoDollars(9_999) });
        await _store.RunAsync(Records.Reserve(), static closed => closed with { Charged = new NanoDollars(20) });
        await _store.ShipAsync();
        await _store.RunAsync(Records.Reserve(), static closed => closed with { Charged = new NanoDollars(3) });
        await _store.RunAsync(Records.Reserve(key: other), static closed => closed with { Charged = new NanoDollars(5) });

        IReadOnlyDictionary<KeyId, PeriodSpend> spend = _store.Ledger.SpendByKey(Records.Noon.AddHours(1));
        Assert.Equal(new PeriodSpend(new NanoDollars(23), new NanoDollars(123)), spend[Records.Key]);
        Assert.Equal(new PeriodSpend(new NanoDollars(5), new NanoDollars(5)), spend[other]);
        await _store.ShipAsync();
        Assert.Equal(spend, _store.Ledger.SpendByKey(Records.Noon.AddHours(1)));
    }

    [Fact]
    public async Task Pages_follow_each_other_without_gap_or_overlap()
    {
        KeyId other = KeyId.New(Records.Noon);
        var all = new List<RequestClosed>();
        for (int i = 0; i < 250; i++)
        {
            int number = i;
            all.Add(await _store.RunAsync(Records.Reserve(key: i % 5 == 0 ? other : null, at: Records.Noon.AddMilliseconds(i)), closed => closed with
            {
                EndReason = number % 7 == 0 ? EndReason.UpstreamReset : EndReason.Ok,
                Model = number % 2 == 0 ? "a" : "b",
            }));
        }
        await _store.ShipAsync();
        all.Reverse();
        var paged = new List<RequestId>();
        RequestId? before = null;
        while (true)
        {
            IReadOnlyList<RequestClosed> page = _store.Ledger.List(new RequestQuery { Limit = 17, Before = before });
            if (page.Count == 0)
                break;
            paged.AddRange(page.Select(static closed => closed.Id));
            before = page[^1].Id;
        }
        Assert.Equal(all.Select(static closed => closed.Id), paged);
        Assert.Equal(
            all.Where(closed => closed.Key == other && closed.EndReason == EndReason.UpstreamReset && closed.Model == "a").Select(static closed => closed.Id),
            _store.Ledger.List(new RequestQuery { Limit = 1000, Key = other, Failed = true, Model = "a" }).Select(static closed => closed.Id));
        Assert.Throws<ArgumentOutOfRangeException>(() => _store.Ledger.List(new RequestQuery { Limit = 1001 }));
    }

    [Fact]
    public async Task Usage_is_grouped_by_what_is_asked()
    {
        for (int i = 0; i < 12; i++)
        {
            int number = i;
            await _store.RunAsync(Records.Reserve(at: Records.Noon.AddDays(-(i % 3))), closed => closed with { Model = number % 2 == 0 ? "a" : "b", Charged = new NanoDollars(1) });
        }
        await _store.ShipAsync();
        var since = new DateOnly(2026, 3, 13);
        Assert.Equal(8, Assert.Single(_store.Ledger.Usage(since, UsageGrouping.None).Rows).Requests);
        IReadOnlyList<UsageRow> rows = _store.Ledger.Usage(since, UsageGrouping.Day | UsageGrouping.Model).Rows;
        Assert.Equal(4, rows.Count);
        Assert.All(rows, static row => Assert.Equal((2L, new NanoDollars(2)), (row.Requests, row.Charged)));
        Assert.Equal([(since, "a"), (since, "b"), (since.AddDays(1), "a"), (since.AddDays(1), "b")], rows.Select(static row => (row.Day!.Value, row.Model!)));
    }

    [Fact]
    public async Task Idempotency_marks_come_from_both_places()
    {
        RequestClosed first = await _store.RunAsync(Records.Reserve(at: Records.Noon.AddMinutes(-2)));
        await _store.ShipAsync();
        RequestClosed second = await _store.RunAsync(Records.Reserve());
        Assert.Equal([first.Id, second.Id], _store.Ledger.IdempotencyMarks(Records.Noon.AddHours(-24)).Select(static mark => mark.Id));
        Assert.Equal([second.Id], _store.Ledger.IdempotencyMarks(Records.Noon.AddMinutes(-1)).Select(static mark => mark.Id));
    }

    private long Balance(AccountName account) => _store.Database.Read(connection =>
        connection.One<long>("SELECT COALESCE(SUM(balance), 0) FROM balances WHERE account = @account", ("@account", account.Value)));
}
