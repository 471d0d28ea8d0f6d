using Fairlead.Domain.Ids;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Fairlead.Storage.Ledger;
using Fairlead.Storage.Tests.Yard;

namespace Fairlead.Storage.Tests.Ledger;

/// <summary>A data folder that the last version before compute time was metered has left behind (tests/data/ledger-1): four requests in a store of schema 1,
/// and in the journal, as records of version 1, one that is closed but not shipped and a reservation whose process died.</summary>
public sealed class FirstVersionTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public FirstVersionTests() => EarlierData.Unpack(_folder, 1);

    [Fact]
    public async Task A_store_and_a_journal_of_the_first_version_are_read_go_on_and_hold()
    {
        await using var store = new OpenStore(_folder.Path);
        store.Ledger.ResumeJournal();

        IReadOnlyList<RequestClosed> old = store.Ledger.List(new RequestQuery());
        Assert.Equal(4, old.Count);
        Assert.Equal([5_860, 5_860, 5_860, 0], old.Select(static closed => closed.Charged.Value).OrderDescending());
        Assert.All(old, static closed => Assert.Equal(TimeSpan.Zero, closed.Usage.ComputeTime));
        Assert.All(old, static closed => Assert.Null(closed.Price?.Hourly));
        RequestClosed served = old.First(static closed => closed.Charged != NanoDollars.Zero);
        Assert.Equal(new Usage(11, 7, 3, 1, 2), served.Usage);
        Assert.Equal(new OfferPrice(Per(200_000_000), Per(600_000_000), Per(20_000_000)), served.Price);
        Assert.Equal(["groq/llama", "together/llama"], served.Attempts.Select(static attempt => attempt.Offer));
        Assert.Equal((31.5, null, 40, 120.125, 811, "abc"),
            (served.Attempts[1].StartMs, served.Attempts[1].WaitedMs, served.Attempts[1].ConnectedMs, served.Attempts[1].FirstTokenMs, served.Attempts[1].EndMs, served.Attempts[1].UpstreamRequestId));

        // What the journal still holds is known before and after it is shipped, and the reservation is closed as interrupted.
        Assert.Equal(1, await store.Ledger.CloseInterruptedAsync(Records.Noon));
        await store.ShipAsync();
        RequestClosed[] carried = [.. store.Ledger.List(new RequestQuery()).ExceptBy(old.Select(static closed => closed.Id), static closed => closed.Id)];
        Assert.Equal([(5_000, 860), (777, 0)], carried.Select(static closed => (closed.Charged.Value, closed.WrittenOff.Value)).OrderDescending());

        // New requests stand beside the old ones, in the same day's sums.
        RequestReserved reserved = Records.Reserve(200_000, served.Key);
        await store.Journal.AppendAsync(reserved);
        await store.Journal.AppendAsync(Records.Close(reserved, 166_667) with
        {
            Usage = new Usage(11, 7) { ComputeTime = TimeSpan.FromSeconds(1) },
            Price = OfferPrice.ByTheHour(new NanoDollars(600_000_000)),
        });
        await store.ShipAsync();

        Assert.Empty(store.Ledger.Verify().Faults);
        UsageRow all = Assert.Single(store.Ledger.Usage(new DateOnly(2026, 3, 14), UsageGrouping.None).Rows);
        Assert.Equal((7, TimeSpan.FromSeconds(1), 3 * 5_860 + 5_000 + 777 + 166_667), (all.Requests, all.ComputeTime, all.Charged.Value));
    }

    public void Dispose() => _folder.Dispose();

    private static TokenPrice Per(long million) => new(new NanoDollars(million));
}
