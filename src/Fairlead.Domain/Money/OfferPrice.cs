using Fairlead.Domain.Inference;

namespace Fairlead.Domain.Money;

/// <summary>What one offer costs. Every part is known: an offer whose price is not known has no <see cref="OfferPrice"/> at all.</summary>
/// <param name="Input">Input tokens that were not read from the provider's cache.</param>
/// <param name="Output">Output tokens, reasoning included.</param>
/// <param name="CachedInput">Input tokens read from the provider's cache; null means they cost what input costs.</param>
/// <param name="CacheWrite">Input tokens written to the provider's cache; null means they cost what input costs.</param>
public sealed record OfferPrice(TokenPrice Input, TokenPrice Output, TokenPrice? CachedInput = null, TokenPrice? CacheWrite = null)
{
    /// <summary>A known price of nothing: the operator's own machine.</summary>
    public static OfferPrice Free { get; } = new(default, default);

    /// <summary>True when no usage can cost anything.</summary>
    public bool IsFree => MostFor(1_000_000, 1_000_000) == NanoDollars.Zero;

    /// <summary>The exact charge, rounded up once per ledger line, so that streamed and whole answers cost the same.</summary>
    public NanoDollars For(in Usage usage)
    {
        long plain = usage.InputTokens - usage.CachedInputTokens - usage.CacheWriteTokens;
        return RoundUp(
            Input.MillionthsFor(plain)
            + (CachedInput ?? Input).MillionthsFor(usage.CachedInputTokens)
            + (CacheWrite ?? Input).MillionthsFor(usage.CacheWriteTokens)
            + Output.MillionthsFor(usage.OutputTokens));
    }

    /// <summary>The most that so many tokens can cost, whichever of them turn out to be cached; what a reservation holds.</summary>
    public NanoDollars MostFor(long inputTokens, long outputTokens)
    {
        TokenPrice dearest = Input;
        if (CachedInput is { } read && read.PerMillion > dearest.PerMillion)
            dearest = read;
        if (CacheWrite is { } write && write.PerMillion > dearest.PerMillion)
            dearest = write;
        return RoundUp(dearest.MillionthsFor(inputTokens) + Output.MillionthsFor(outputTokens));
    }

    private static NanoDollars RoundUp(Int128 millionths) => new(checked((long)((millionths + 999_999) / 1_000_000)));
}
