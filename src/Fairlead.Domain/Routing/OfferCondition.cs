using Fairlead.Domain.Inference;

namespace Fairlead.Domain.Routing;

/// <summary>Live health of one offer at the moment of ranking; a copy, so that ranking stays pure.</summary>
/// <param name="FirstTokenMs">Smoothed time to the first token in milliseconds; NaN before the first measurement.</param>
/// <param name="TokensPerSecond">Smoothed output speed; NaN before the first measurement.</param>
/// <param name="ErrorShare">Smoothed share of failed attempts, 0 to 1; 0 before the first.</param>
/// <param name="AskableIn">Zero when it may be asked now; otherwise how long its circuit stays open.</param>
/// <param name="Why">What opened the circuit; meaningless while <paramref name="AskableIn"/> is zero.</param>
public readonly record struct OfferCondition(double FirstTokenMs, double TokensPerSecond, double ErrorShare, TimeSpan AskableIn, CircuitCause Why)
{
    /// <summary>What its provider's refusals have taught that it cannot do here (fault F225).</summary>
    public Abilities Cannot { get; init; }

    /// <summary>Share of requests, 0 to 1, for which it is asked last: it has just come back and gets its load by and by.</summary>
    public double HeldBack { get; init; }

    /// <summary>How long it takes until it can begin to answer, where it is a model of our own that is not loaded or whose slots are taken; zero for everybody else.</summary>
    public TimeSpan ReadyIn { get; init; }

    /// <summary>Nobody has measured its speed lately, or ever.</summary>
    public bool IsStale { get; init; }

    /// <summary>Nothing is known yet.</summary>
    public static OfferCondition Unknown { get; } = new(double.NaN, double.NaN, 0, TimeSpan.Zero, CircuitCause.None);
}

/// <summary>Why an offer may not be asked for a while.</summary>
public enum CircuitCause : byte
{
    None = 0,

    /// <summary>Too many failures of the provider, its credential or the model at it.</summary>
    Failing = 1,

    /// <summary>The provider said when to come back (429, Retry-After).</summary>
    RateLimited = 2,

    /// <summary>The provider refused our credential (401, 403).</summary>
    Credential = 3,

    /// <summary>Our account there is out of money (402 and its disguises).</summary>
    Quota = 4,

    /// <summary>The model is gone there (404, 410 and their disguises).</summary>
    Gone = 5,

    /// <summary>A model of our own that died too often: it is asked again when an operator wants it or its terms change.</summary>
    Parked = 6,
}
