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
}
