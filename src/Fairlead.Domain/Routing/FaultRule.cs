using Fairlead.Domain.Problems;

namespace Fairlead.Domain.Routing;

/// <summary>Whom a fault counts against.</summary>
public enum BreakerScope : byte
{
    /// <summary>Nobody: it was not the upstream's doing, or it says nothing about the next request.</summary>
    None = 0,

    /// <summary>The model at this provider.</summary>
    Offer = 1,

    /// <summary>Our credential at this provider.</summary>
    Credential = 2,

    /// <summary>The provider as a whole.</summary>
    Provider = 3,
}

/// <summary>Whether the same target may be asked again.</summary>
public enum SameTarget : byte
{
    Never = 0,

    /// <summary>Once, and only where it is certain that nothing of the request was sent.</summary>
    OnceIfNothingSent,

    /// <summary>Once, after a short random wait.</summary>
    OnceAfterBackoff,

    /// <summary>After the wait the upstream named, where that is short and no other candidate is left; else as <see cref="OnceAfterBackoff"/>.</summary>
    AfterHint,
}

/// <summary>One row of the fault table: what follows from a fault before the commit point.</summary>
/// <param name="Kind">The fault.</param>
/// <param name="Row">Id of the row in docs/faults.md.</param>
/// <param name="Same">Whether the same target may be asked again.</param>
/// <param name="TryNext">Whether another candidate may be asked.</param>
/// <param name="Breaker">Whom it counts against.</param>
/// <param name="Answer">What the caller hears if nobody else can answer.</param>
public sealed record FaultRule(FaultKind Kind, string Row, SameTarget Same, bool TryNext, BreakerScope Breaker, ProblemKind Answer);
