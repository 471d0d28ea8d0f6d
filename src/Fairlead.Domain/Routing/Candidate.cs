using Fairlead.Domain.Catalogue;

namespace Fairlead.Domain.Routing;

/// <summary>An offer that may be asked for this request, at its place in the order.</summary>
public readonly record struct Candidate(Offer Offer, OfferCondition Condition);

/// <summary>An offer that may not be asked, and why.</summary>
public readonly record struct Excluded(Offer Offer, ExclusionReason Reason);

/// <summary>Why an offer is no candidate; the words stand in decision records and messages.</summary>
public enum ExclusionReason : byte
{
    PriceUnknown = 1,
    Gone,
    Retired,
    WrongRoute,
    ContextTooSmall,
    NoTools = 7, // records hold the numbers: 6 was never written and is left out
    NoImages,
    NoStructuredOutput,
    ParameterNotHonoured,
    NotInOnly,
    Ignored,
    NotThePinnedProvider,
    OverMaxPrice,
    CoolingDown,
    RateLimited,
    CredentialRefused,
    OutOfQuota,
    Parked,
    PricedByTime,
    BoundToDialect,
    LostInTranslation,
}

/// <summary>The order of the offers of one model for one request, and why the others are not in it.</summary>
/// <param name="Candidates">In the order in which they are asked.</param>
/// <param name="Excluded">The others.</param>
/// <param name="SoonestAskableIn">When the first of those that are only resting may be asked again; null when none is.</param>
public readonly record struct RouteOrder(IReadOnlyList<Candidate> Candidates, IReadOnlyList<Excluded> Excluded, TimeSpan? SoonestAskableIn);
