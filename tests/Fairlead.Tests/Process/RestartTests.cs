using Fairlead.Domain.Ids;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Fairlead.Storage;
using Fairlead.Storage.Journal;
using Fairlead.Storage.Ledger;
using Fairlead.Storage.Sqlite;

namespace Fairlead.Tests.Process;

/// <summary>A restart takes no longer than a first start, whatever has been served before.</summary>
public sealed class RestartTests
{
    private const int Served = 40_000;
    private const int LeftOpen = 1_000;

    [Fact]
    public async Task A_long_past_and_a_thousand_requests_left_open_add_next_to_nothing_to_a_start()
    {
        await using var fairlead = new FairleadProcess("");
        await LiveALongLifeAsync(fairlead.Data);
        // Reading the journal from its beginning would take 1.2 s more for this past, where a start without one takes 0.6 to 0.8 s.
        Assert.InRange((await RestartCost.MeasureAsync(fairlead)).Cpu, 0, 1.6);
        await fairlead.StartAsync();
        Assert.Contains($"{LeftOpen} requests were under way", fairlead.Said, StringComparison.Ordinal);
        Assert.True((await fairlead.JsonAsync("ledger", "verify")).GetProperty("holds").GetBoolean());
    }

    /// <summary>What a server leaves behind that was killed: a store, a journal whose segment is not full yet, and reservations that nobody closed.</summary>
    private static async Task LiveALongLifeAsync(string data)
    {
        using DataFolder folder = DataFolder.Open(data, TimeProvider.System);
        using StoreDatabase database = StoreDatabase.Open(folder.StorePath);
        await using RequestJournal journal = RequestJournal.Open(new JournalOptions { Folder = folder.JournalFolder }, TimeProvider.System);
        var ledger = new LedgerStore(database, journal);
        await using var shipper = new JournalShipper(journal, ledger, TimeProvider.System);
        var key = KeyId.New(DateTimeOffset.UtcNow);
        for (int i = 0; i < Served; i++)
        {
            RequestReserved reserved = Reserve(key);
            await journal.AppendAsync(reserved);
            await journal.AppendAsync(new RequestClosed
            {
                Id = reserved.Id,
                Key = key,
                StartedAt = reserved.At,
                ClosedAt = reserved.At,
                Route = reserved.Route,
                AskedModel = reserved.Model,
                Status = 200,
                EndReason = EndReason.Ok,
                Reserved = reserved.Amount,
                Charged = new NanoDollars(6_400),
                Usage = new Usage(11, 7),
                UsageSource = UsageSource.Reported,
                Provider = "alpha",
                Model = reserved.Model,
                ProviderModelId = "m",
                Price = new OfferPrice(new TokenPrice(new NanoDollars(200_000_000)), new TokenPrice(new NanoDollars(600_000_000))),
                Policy = "fastest",
                Candidates = ["alpha/acme/chat"],
                Attempts = [new Attempt { Offer = "alpha/acme/chat", StartMs = 0.1, HeadersMs = 1, FirstTokenMs = 2, EndMs = 3 }],
            });
        }
        await shipper.DrainAsync(TestContext.Current.CancellationToken);
        for (int i = 0; i < LeftOpen; i++)
            await journal.AppendAsync(Reserve(key));
    }

    private static RequestReserved Reserve(KeyId key)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        return new RequestReserved(RequestId.New(now), key, now, Route.Chat, "acme/chat", new NanoDollars(20_000));
    }
}
