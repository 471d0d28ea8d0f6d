using System.Collections.Immutable;
using Fairlead.Domain.Money;

namespace Fairlead.Domain.Routing;

/// <summary>How offers of one model are put in order.</summary>
public enum RoutePolicy : byte
{
    /// <summary>Highest measured tokens per second over a typical answer, the wait for its first token included. The default.</summary>
    Fastest = 1,

    /// <summary>Lowest price per output token, then per input token; of a price by the hour, what a token came to at the measured speed.</summary>
    Cheapest = 2,

    /// <summary>The operator's order: as the providers stand in the configuration.</summary>
    Preferred = 3,

    /// <summary>Shortest time to the first token (<c>provider.sort: "latency"</c>).</summary>
    Latency = 4,

    /// <summary>One provider and no other (<c>:together</c>); no failover.</summary>
    Provider = 5,
}

/// <summary>What the caller asked of routing: the selector after the model's colon and the <c>provider</c> object.</summary>
public sealed record RoutePreferences
{
    public static RoutePreferences Default { get; } = new();

    public RoutePolicy Policy { get; init; } = RoutePolicy.Fastest;

    /// <summary>With <see cref="RoutePolicy.Provider"/>: the only provider.</summary>
    public string? Pinned { get; init; }

    /// <summary><c>provider.order</c>: these first, in this order; the others after them by policy.</summary>
    public ImmutableArray<string> Order { get; init; } = [];

    /// <summary><c>provider.only</c>: nobody else; empty means everybody.</summary>
    public ImmutableArray<string> Only { get; init; } = [];

    /// <summary><c>provider.ignore</c>: never these.</summary>
    public ImmutableArray<string> Ignore { get; init; } = [];

    /// <summary><c>provider.allow_fallbacks</c>: false asks the first candidate and nobody else.</summary>
    public bool AllowFallbacks { get; init; } = true;

    /// <summary><c>provider.require_parameters</c>: only offers that honour every parameter the request sets.</summary>
    public bool RequireParameters { get; init; }

    /// <summary><c>provider.max_price.prompt</c>, per million tokens. Takes out what is priced by time.</summary>
    public TokenPrice? MaxInputPrice { get; init; }

    /// <summary><c>provider.max_price.completion</c>, per million tokens. Takes out what is priced by time.</summary>
    public TokenPrice? MaxOutputPrice { get; init; }

    /// <summary>The word that <c>x-fairlead-policy</c> prints: <c>fastest</c>, <c>cheapest</c>, <c>preferred</c>, <c>latency</c> or the provider's name.</summary>
    public string PolicyWord => Policy switch
    {
        RoutePolicy.Fastest => "fastest",
        RoutePolicy.Cheapest => "cheapest",
        RoutePolicy.Preferred => "preferred",
        RoutePolicy.Latency => "latency",
        _ => Pinned ?? "provider",
    };
}
