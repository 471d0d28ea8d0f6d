namespace Fairlead.Domain.Inference;

/// <summary>Where the token counts of a charge come from.</summary>
public enum UsageSource : byte
{
    /// <summary>Nothing was used: the request was refused, or failed before the first token.</summary>
    None = 0,

    /// <summary>The provider's own count.</summary>
    Reported = 1,

    /// <summary>Counted by us, because the provider sent no usage (fault U-33) or the answer broke off.</summary>
    Estimated = 2,

    /// <summary>The provider's count was impossible and was replaced by the nearest possible one (fault U-34).</summary>
    Bounded = 3,
}

/// <summary>What one answer took: tokens, and where we compute ourselves, time.</summary>
/// <param name="InputTokens">All input tokens, cached and cache-write tokens included.</param>
/// <param name="OutputTokens">All output tokens, reasoning included.</param>
/// <param name="CachedInputTokens">Of the input, how many were read from the provider's cache.</param>
/// <param name="CacheWriteTokens">Of the input, how many were written to the provider's cache, for however long.</param>
/// <param name="ReasoningTokens">Of the output, how many were reasoning.</param>
/// <param name="CacheWriteHourTokens">Of <paramref name="CacheWriteTokens"/>, how many are kept there for an hour; the others for as long as is usual, which
/// is five minutes at Anthropic.</param>
public readonly record struct Usage(
    long InputTokens,
    long OutputTokens,
    long CachedInputTokens = 0,
    long CacheWriteTokens = 0,
    long ReasoningTokens = 0,
    long CacheWriteHourTokens = 0)
{
    /// <summary>From when a model of our own was given the request to the end of its answer, whoever ended it; waiting for the model is not in it.
    /// Zero where a provider computed.</summary>
    public TimeSpan ComputeTime { get; init; }

    /// <summary>The same in seconds, exactly: seven places at most.</summary>
    public decimal ComputeSeconds => (decimal)ComputeTime.Ticks / TimeSpan.TicksPerSecond;

    /// <summary>No count is negative and no part is larger than its whole.</summary>
    public bool IsPossible =>
        ComputeTime >= TimeSpan.Zero
        && InputTokens >= 0 && OutputTokens >= 0 && CachedInputTokens >= 0 && CacheWriteTokens >= 0 && ReasoningTokens >= 0
        && CacheWriteHourTokens >= 0 && CacheWriteHourTokens <= CacheWriteTokens
        && ReasoningTokens <= OutputTokens
        && CachedInputTokens <= InputTokens
        && CacheWriteTokens <= InputTokens - CachedInputTokens;
}
