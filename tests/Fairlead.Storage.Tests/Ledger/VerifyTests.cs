using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Fairlead.Storage.Ledger;
using Fairlead.Storage.Tests.Yard;

namespace Fairlead.Storage.Tests.Ledger;

public sealed class VerifyTests
{
    // Each request makes one entry of ten postings: reserve 0–1, settle 2–4, cost 5–7, waste 8–9.
    [Theory]
    [InlineData("UPDATE entries SET postings = json_set(postings, '$[2][2]', 1) WHERE id = 2", "every entry sums to zero", "entry 2")]
    [InlineData("UPDATE entries SET postings = '[]' WHERE id = 2", "every entry has postings", "entry 2")]
    [InlineData("DELETE FROM entries WHERE id = 2", "entries are numbered without gaps", "entry 2")]
    [InlineData("UPDATE balances SET balance = balance + 5 WHERE account = 'platform:revenue'", "balances are the sums of their postings", "platform:revenue")]
    [InlineData("DELETE FROM balances WHERE account = 'platform:write_off'", "balances are the sums of their postings", "platform:write_off")]
    [InlineData("UPDATE requests SET charged = charged + 1 WHERE seq = 2", "every closed request is settled with its charge", "REQUEST2")]
    [InlineData("UPDATE requests SET charged = charged + 1 WHERE seq = 2", "a request's columns say what its record says", "REQUEST2")]
    [InlineData("UPDATE requests SET compute_ticks = compute_ticks + 1 WHERE seq = 2", "a request's columns say what its record says", "REQUEST2")]
    [InlineData("UPDATE requests SET cache_write_hour_tokens = 1 WHERE seq = 2", "a request's columns say what its record says", "REQUEST2")]
    [InlineData("UPDATE usage_daily SET cache_write_hour_tokens = 1", "daily usage is the sum of its requests", "2026-03-14")]
    [InlineData("UPDATE usage_daily SET compute_ticks = compute_ticks + 1", "daily usage is the sum of its requests", "2026-03-14")]
    [InlineData("UPDATE requests SET record = substr(record, 1, 40) WHERE seq = 2", "a request's columns say what its record says", "REQUEST2")]
    [InlineData("DELETE FROM requests WHERE seq = 2", "requests are numbered without gaps", "request number 2")]
    [InlineData("DELETE FROM requests WHERE seq = 2", "every entry of a request belongs to one closed request", "entry 2")]
    [InlineData("INSERT INTO entries SELECT 5, request_id, at_ms, postings FROM entries WHERE id = 2", "every entry of a request belongs to one closed request", "entry 5")]
    [InlineData("UPDATE requests SET entry_id = 1 WHERE seq = 2", "every entry of a request belongs to one closed request", "entry 2")]
    [InlineData("UPDATE usage_daily SET charged = charged - 1", "daily usage is the sum of its requests", "2026-03-14")]
    [InlineData("DELETE FROM usage_daily", "daily usage is the sum of its requests", "2026-03-14")]
    [InlineData("UPDATE entries SET postings = json_set(postings, '$[2][1]', 'platform:funding') WHERE id = 2", "a closed request holds nothing", "REQUEST2")]
    [InlineData("UPDATE entries SET postings = json_set(postings, '$[3][1]', 'platform:funding') WHERE id = 2", "what a key has left is its grants less its charges", "KEY")]
    [InlineData("UPDATE entries SET postings = json_set(postings, '$[5][1]', 'platform:funding') WHERE id = 2", "every charge is booked as provider cost", "REQUEST2")]
    [InlineData("UPDATE entries SET postings = json_set(postings, '$[8][2]', -4, '$[9][2]', 4) WHERE id = 2", "every waste is booked", "REQUEST2")]
    [InlineData("UPDATE requests SET written_off = 0 WHERE seq = 3", "every write-off is booked", "REQUEST3")]
    public async Task A_planted_fault_is_found_and_named(string sql, string rule, string where)
    {
        using var folder = new TempFolder();
        await using var store = new OpenStore(folder.Path);
        var ids = new List<string>();
        for (int i = 0; i < 4; i++)
        {
            ids.Add((await store.RunAsync(Records.Reserve(), static closed => closed with { WrittenOff = new NanoDollars(3), Waste = new NanoDollars(2) })).Id.ToString());
            await store.ShipAsync(); // one at a time, so that the numbers are those above
        }
        VerifyResult before = store.Ledger.Verify();
        Assert.True(before.Holds);
        Assert.Equal((4, 4), (before.Requests, before.Entries));

        store.Tamper(sql);

        VerifyResult after = store.Ledger.Verify();
        LedgerFault fault = Assert.Single(after.Faults, fault => fault.Rule == rule);
        string expected = where switch { "REQUEST2" => "request " + ids[1], "REQUEST3" => "request " + ids[2], "KEY" => Records.Key.ToString(), _ => where };
        Assert.StartsWith(expected, fault.Where, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 6_600)] // 7 input tokens at $0.20 a million, 4 written for minutes at $0.25, 7 output tokens at $0.60
    [InlineData(3, 7_050)] // of the 4, one for minutes and three for an hour at $0.40
    public async Task The_charge_for_what_a_cache_keeps_for_an_hour_is_worked_out_again(long hour, long cost)
    {
        using var folder = new TempFolder();
        await using var store = new OpenStore(folder.Path);
        RequestReserved reserved = Records.Reserve(20_000);
        TokenPrice Per(long million) => new(new NanoDollars(million));
        RequestClosed closed = Records.Close(reserved) with
        {
            Charged = new NanoDollars(cost),
            Usage = new Usage(11, 7, 0, 4, 0, hour),
            Price = new OfferPrice(Per(200_000_000), Per(600_000_000), null, Per(250_000_000), Per(400_000_000)),
        };
        await store.Journal.AppendAsync(reserved);
        await store.Journal.AppendAsync(closed);
        RequestReserved second = Records.Reserve(20_000);
        await store.Journal.AppendAsync(second);
        await store.Journal.AppendAsync(closed with { Id = second.Id, Usage = closed.Usage with { CacheWriteHourTokens = hour + 1 } });
        await store.ShipAsync();

        LedgerFault fault = Assert.Single(store.Ledger.Verify().Faults);

        Assert.Equal(("every charge and write-off is the price of what was used", $"request {second.Id}"), (fault.Rule, fault.Where));
        Assert.Equal(hour, store.Ledger.Find(closed.Id)!.Usage.CacheWriteHourTokens);
        Assert.Equal(2 * hour + 1, Assert.Single(store.Ledger.Usage(new DateOnly(2026, 3, 14), UsageGrouping.None).Rows).CacheWriteHourTokens);
    }

    [Theory]
    [InlineData(1, 0)] // a nano-dollar too much
    [InlineData(-1, 0)] // and too little
    [InlineData(0, 1)] // a tick more at a price at which it is a nano-dollar more
    public async Task A_charge_that_is_not_the_price_of_what_was_used_is_found(long nano, long ticks)
    {
        using var folder = new TempFolder();
        await using var store = new OpenStore(folder.Path);
        await store.RunAsync(Records.Reserve());
        RequestReserved reserved = Records.Reserve();
        // 11 and 7 tokens at $0.20 and $0.60 a million are 6,400 nano-dollars; 100 µs at $3,600 an hour are 100,000.
        var price = new OfferPrice(
            new TokenPrice(new NanoDollars(200_000_000)), new TokenPrice(new NanoDollars(600_000_000)), Hourly: new HourlyPrice(new NanoDollars(3_600 * NanoDollars.PerDollar)));
        await store.Journal.AppendAsync(Records.Close(reserved) with
        {
            Charged = new NanoDollars(10_000 + nano),
            WrittenOff = new NanoDollars(96_400),
            Usage = new Usage(11, 7) { ComputeTime = TimeSpan.FromTicks(1_000 + ticks) },
            Price = price,
        });
        await store.ShipAsync();

        LedgerFault fault = Assert.Single(store.Ledger.Verify().Faults);

        Assert.Equal("every charge and write-off is the price of what was used", fault.Rule);
        Assert.Equal($"request {reserved.Id}", fault.Where);
        Assert.Equal($"found {new NanoDollars(106_400 + nano)}, expected {new NanoDollars(106_400 + 100 * ticks)}", fault.Detail);
    }
}
