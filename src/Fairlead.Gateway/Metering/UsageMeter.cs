using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Inference;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Gateway.Metering;

/// <summary>Decides which token counts are charged: the provider's where they are possible, ours where there are none.</summary>
internal static class UsageMeter
{
    /// <param name="request">For the expected input.</param>
    /// <param name="offer">For the bounds that its context sets.</param>
    /// <param name="reported">What the provider counted; null when it did not (fault U-33).</param>
    /// <param name="outputTokensSeen">What we counted going by.</param>
    public static (Usage Usage, UsageSource Source) Final(InferenceRequest request, Offer offer, Usage? reported, long outputTokensSeen)
    {
        if (reported is not { } usage)
            return (new Usage(request.InputTokensExpected, outputTokensSeen), UsageSource.Estimated);
        // An answer never has more input than the model can hold, nor more output than that for each choice (fault U-34).
        long most = offer.ContextLength ?? long.MaxValue / 1024;
        return UsageBounds.Bound(usage, request.InputTokensExpected, most, most * request.Choices);
    }
}
