using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Routing;
using Fairlead.Gateway.Dispatch;
using Fairlead.Protocols.OpenAi;
using Fairlead.Upstreams;

namespace Fairlead.Gateway.Catalogue;

/// <summary>What is needed to ask one offer: the way to it, its quirks, and what live traffic has taught about it.</summary>
/// <remarks>The offer is immutable and changes with the catalogue; the breaker and the health stay, since they are found again by name.</remarks>
internal sealed class OfferRuntime(Offer offer, IUpstream upstream, RequestQuirks requestQuirks, ResponseQuirks responseQuirks, bool badRequestMayBeTransient, OfferBreaker breaker)
{
    public Offer Offer { get; } = offer;
    public IUpstream Upstream { get; } = upstream;
    public ResponseQuirks ResponseQuirks { get; } = responseQuirks;

    /// <summary>True for a provider that answers 400 for faults of its own (fault U-13).</summary>
    public bool BadRequestMayBeTransient { get; } = badRequestMayBeTransient;

    public OfferBreaker Breaker { get; } = breaker;

    /// <summary>What the provider needs said differently: as its row states, and as its refusals have taught since (F227, F228).</summary>
    public RequestQuirks RequestQuirks => requestQuirks | Breaker.Learned;

    public OfferCondition Condition => Breaker.Condition();
}
