namespace Fairlead.Domain.Inference;

/// <summary>Replaces a provider's impossible counts by the nearest possible ones (fault U-34): a bill is not written from nonsense.</summary>
public static class UsageBounds
{
    /// <param name="usage">As reported.</param>
    /// <param name="expectedInput">Stands in for an input count that is negative.</param>
    /// <param name="maxInput">Most input that the model can hold.</param>
    /// <param name="maxOutput">Most output that it can give.</param>
    public static (Usage Usage, UsageSource Source) Bound(Usage usage, long expectedInput, long maxInput, long maxOutput)
    {
        long input = usage.InputTokens < 0 ? expectedInput : Math.Min(usage.InputTokens, maxInput);
        long output = Math.Clamp(usage.OutputTokens, 0, maxOutput);
        long cached = Math.Clamp(usage.CachedInputTokens, 0, input);
        long written = Math.Clamp(usage.CacheWriteTokens, 0, input - cached);
        long reasoning = Math.Clamp(usage.ReasoningTokens, 0, output);
        long hour = Math.Clamp(usage.CacheWriteHourTokens, 0, written);
        var bounded = new Usage(input, output, cached, written, reasoning, hour);
        return (bounded, bounded == usage ? UsageSource.Reported : UsageSource.Bounded);
    }
}
