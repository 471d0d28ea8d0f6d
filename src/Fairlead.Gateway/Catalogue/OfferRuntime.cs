using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Routing;
using Fairlead.Gateway.Dispatch;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;
using Fairlead.Upstreams;

namespace Fairlead.Gateway.Catalogue;

/// <summary>What is needed to ask one offer: the way to it, its quirks, and what live traffic has taught about it.</summary>
/// <remarks>The offer is immutable and changes with the catalogue; the breaker and the health stay, since they are found again by name.</remarks>
internal sealed class OfferRuntime(Offer offer, UpstreamWay way, OfferBreaker breaker)
{
    public Offer Offer { get; } = offer;
    public IUpstream Upstream { get; } = way.Upstream;
    public ResponseQuirks ResponseQuirks { get; } = way.ResponseQuirks;

    /// <summary>True for a provider that answers 400 for faults of its own (fault U-13).</summary>
    public bool BadRequestMayBeTransient { get; } = way.BadRequestMayBeTransient;

    /// <summary>Null: somebody else runs it.</summary>
    public OwnModel? Own { get; } = way.Own;

    /// <summary>The name that stands in the body that it is sent.</summary>
    public string Called => Own?.Called ?? Offer.ProviderModelId;

    public OfferBreaker Breaker { get; } = breaker;

    /// <summary>What the provider needs said differently: as its row states, and as its refusals have taught since (F227, F228).</summary>
    public RequestQuirks RequestQuirks => way.RequestQuirks | Breaker.Learned;

    /// <summary>What has to be said differently to it.</summary>
    public BodyEdits Edits => new(Called, ForceUsage: true, RequestQuirks) { Spoken = Offer.Dialect, MaxOutputTokens = Offer.MaxOutputTokens };

    public OfferCondition Condition => Own is null ? Breaker.Condition() : Own.Condition(Breaker.Condition());
}
