using Fairlead.Domain.Ids;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;

namespace Fairlead.Storage.Tests.Yard;

/// <summary>Records to write.</summary>
internal static class Records
{
    public static readonly DateTimeOffset Noon = new(2026, 3, 14, 12, 0, 0, TimeSpan.Zero);

    public static KeyId Key { get; } = KeyId.New(Noon);

    public static RequestReserved Reserve(long amount = 10_000, KeyId? key = null, DateTimeOffset? at = null) =>
        new(RequestId.New(at ?? Noon), key ?? Key, at ?? Noon, Route.Chat, "meta-llama/Llama-3.3-70B-Instruct:fastest", new NanoDollars(amount));

    public static RequestClosed Close(RequestReserved reserved, long charged = 6_400) => Priced(new RequestClosed
    {
        Id = reserved.Id,
        Key = reserved.Key,
        StartedAt = reserved.At,
        ClosedAt = reserved.At.AddMilliseconds(812),
        Route = reserved.Route,
        AskedModel = reserved.Model,
        Stream = true,
        Status = 200,
        EndReason = EndReason.Ok,
        Reserved = reserved.Amount,
        Charged = new NanoDollars(charged),
        Usage = new Usage(11, 7, 3, 1, 2) { ComputeTime = TimeSpan.FromTicks(15_000_001) },
        UsageSource = UsageSource.Reported,
        Provider = "together",
        Model = "meta-llama/Llama-3.3-70B-Instruct",
        ProviderModelId = "meta-llama/Llama-3.3-70B-Instruct-Turbo",
        Policy = "fastest",
        CatalogueVersion = 17,
        Seed = 0xFFFF_0000_1234_5678,
        Candidates = ["together/llama", "groq/llama"],
        Excluded = [new ExcludedOffer("nebius/llama", ExclusionReason.CoolingDown)],
        Attempts =
        [
            new Attempt { Offer = "groq/llama", StartMs = 0.25, EndMs = 31.5, Fault = FaultKind.RateLimited, UpstreamStatus = 429, Detail = "slow down" },
            new Attempt { Offer = "together/llama", StartMs = 31.5, PlaceMs = 39.5, WasCold = true, ConnectedMs = 40, HeadersMs = 90, FirstTokenMs = 120.125, EndMs = 811, UpstreamRequestId = "abc" },
        ],
        ClientReference = "session-1",
        Idempotency = new IdempotencyMark(UInt128.MaxValue, 42),
    });

    /// <summary>The same at a price by which its usage comes to what was charged and written off: its one token that was written to the cache costs it all.</summary>
    public static RequestClosed Priced(RequestClosed closed) => closed with
    {
        Price = new OfferPrice(Per(0), Per(0), Per(0), Per(closed.Charged.Value + closed.WrittenOff.Value), Hourly: new HourlyPrice(NanoDollars.Zero)),
    };

    /// <summary>All of a record as text, lists included: records compare their lists by reference.</summary>
    public static string Print(RequestClosed closed) => string.Join('|',
        closed with { Candidates = [], Excluded = [], Attempts = [] }, string.Join(',', closed.Candidates),
        string.Join(',', closed.Excluded), string.Join(',', closed.Attempts));

    private static TokenPrice Per(long token) => new(new NanoDollars(token * 1_000_000));
}
