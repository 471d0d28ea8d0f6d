using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Inference;
using Fairlead.Gateway.Dispatch;

namespace Fairlead.Gateway.Metering;

/// <summary>Decides what is charged: the provider's token counts where they are possible, ours where there are none, and the time that we have measured.</summary>
internal static class UsageMeter
{
    /// <summary>Most tokens of one answer where nobody knows the model's context. No model has as many, and at any price that somebody could pay they can be charged.</summary>
    private const long MostTokens = 1L << 30;

    /// <param name="request">For the expected input.</param>
    /// <param name="offer">For the bounds that its context sets.</param>
    /// <param name="reported">What the provider counted; null when it did not (fault U-33).</param>
    /// <param name="outputTokensSeen">What we counted going by.</param>
    /// <param name="computeTime">See <see cref="ComputeTime"/>.</param>
    /// <param name="isPartial">A count of <paramref name="reported"/> is ours, because the provider told the other only.</param>
    public static (Usage Usage, UsageSource Source) Final(
        InferenceRequest request, Offer offer, Usage? reported, long outputTokensSeen, TimeSpan computeTime, bool isPartial = false)
    {
        (Usage tokens, UsageSource source) = Tokens(request, offer, reported, outputTokensSeen);
        return (tokens with { ComputeTime = computeTime }, isPartial ? UsageSource.Estimated : source);
    }

    /// <summary>How long an answer was computed, where that is measured: from when the model was given the request to the answer's last byte, or to where it
    /// broke off or was left. It had its place in the model by then, so neither a load nor a queue is in it.</summary>
    public static TimeSpan ComputeTime(Offer offer, AnswerProgress progress, TimeProvider time)
    {
        if (offer.Price?.Hourly is null || progress.Call.ConnectedAt == 0)
            return TimeSpan.Zero;
        long end = progress.EndAt != 0 ? progress.EndAt : time.GetTimestamp();
        return time.GetElapsedTime(progress.Call.ConnectedAt, Math.Max(end, progress.Call.ConnectedAt));
    }

    private static (Usage Usage, UsageSource Source) Tokens(InferenceRequest request, Offer offer, Usage? reported, long outputTokensSeen)
    {
        if (reported is not { } usage)
            return (new Usage(request.InputTokensExpected, outputTokensSeen), UsageSource.Estimated);
        // An answer never has more input than the model can hold, nor more output than that for each choice (fault U-34).
        long most = offer.ContextLength ?? MostTokens;
        return UsageBounds.Bound(usage, request.InputTokensExpected, most, most * request.Choices);
    }
}
