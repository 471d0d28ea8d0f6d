using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Fairlead.Storage.Ledger;
using Fairlead.Storage.Tests.Yard;

namespace Fairlead.Storage.Tests.Ledger;

/// <summary>A data folder that the last version has left behind which knew one price for all that is written to a cache (tests/data/ledger-2): three requests
/// in a store of schema 2, one of them of a model of our own, and in the journal, as records of version 2, one that is closed but not shipped and a
/// reservation whose process died.</summary>
public sealed class SecondVersionTests : IDisposable
{
    private static readonly OfferPrice Old = new(Per(200_000_000), Per(600_000_000), Per(20_000_000), Per(250_000_000));

    private readonly TempFolder _folder = new();

    public SecondVersionTests() => EarlierData.Unpack(_folder, 2);

    [Fact]
    public async Task A_store_and_a_journal_of_the_second_version_are_read_go_on_and_hold()
    {
        await using var store = new OpenStore(_folder.Path);
        store.Ledger.ResumeJournal();

        IReadOnlyList<RequestClosed> old = store.Ledger.List(new RequestQuery());
        Assert.Equal([166_667, 5_910, 5_910], old.Select(static closed => closed.Charged.Value).OrderDescending());
        Assert.All(old, static closed => Assert.Equal(0, closed.Usage.CacheWriteHourTokens));
        Assert.All(old, static closed => Assert.Null(closed.SubstituteFor));
        RequestClosed served = old.First(static closed => closed.Charged.Value == 5_910);
        Assert.Equal((new Usage(11, 7, 3, 1, 2), Old), (served.Usage, served.Price));
        Assert.Equal((8, true), (served.Attempts[1].WaitedMs, served.Attempts[1].WasCold));
        RequestClosed own = old.Single(static closed => closed.Provider == "local");
        Assert.Equal((TimeSpan.FromSeconds(1), OfferPrice.ByTheHour(new NanoDollars(600_000_000))), (own.Usage.ComputeTime, own.Price));

        Assert.Equal(1, await store.Ledger.CloseInterruptedAsync(Records.Noon));
        await store.ShipAsync();
        RequestClosed[] carried = [.. store.Ledger.List(new RequestQuery()).ExceptBy(old.Select(static closed => closed.Id), static closed => closed.Id)];
        Assert.Equal([(5_000, 910), (777, 0)], carried.Select(static closed => (closed.Charged.Value, closed.WrittenOff.Value)).OrderDescending());

        // 7 plain, 3 read, 1 kept for an hour at twice the input's price, 7 output: 1,400 + 60 + 400 + 4,200.
        RequestReserved reserved = Records.Reserve(10_000, served.Key);
        await store.Journal.AppendAsync(reserved);
        await store.Journal.AppendAsync(Records.Close(reserved, 6_060) with
        {
            Usage = new Usage(11, 7, 3, 1, 2, 1),
            Price = Old with { CacheWriteHour = Per(400_000_000) },
            SubstituteFor = new Retirement("claude-3-opus-20240229", new DateOnly(2026, 1, 5), "anthropic/claude-opus-5"),
        });
        await store.ShipAsync();

        Assert.Empty(store.Ledger.Verify().Faults);
        Assert.Equal(new DateOnly(2026, 1, 5), store.Ledger.Find(reserved.Id)!.SubstituteFor!.Since);
        UsageRow all = Assert.Single(store.Ledger.Usage(new DateOnly(2026, 3, 14), UsageGrouping.None).Rows);
        Assert.Equal((6, 4, 1, 166_667 + 2 * 5_910 + 5_000 + 777 + 6_060), (all.Requests, all.CacheWriteTokens, all.CacheWriteHourTokens, all.Charged.Value));
    }

    public void Dispose() => _folder.Dispose();

    private static TokenPrice Per(long million) => new(new NanoDollars(million));
}
