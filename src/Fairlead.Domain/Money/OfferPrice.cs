using Fairlead.Domain.Inference;

namespace Fairlead.Domain.Money;

/// <summary>What one offer costs. Every part is known: an offer whose price is not known has no <see cref="OfferPrice"/> at all.</summary>
/// <param name="Input">Input tokens that were not read from the provider's cache.</param>
/// <param name="Output">Output tokens, reasoning included.</param>
/// <param name="CachedInput">Input tokens read from the provider's cache; null means they cost what input costs.</param>
/// <param name="CacheWrite">Input tokens written to the provider's cache; null means they cost what input costs.</param>
/// <param name="CacheWriteHour">Those that are kept there for an hour; null means they cost what other written tokens cost.</param>
/// <param name="Hourly">Time that computing the answer takes, measured by us; null where it is not measured, because a provider computes.</param>
public sealed record OfferPrice(
    TokenPrice Input, TokenPrice Output, TokenPrice? CachedInput = null, TokenPrice? CacheWrite = null, TokenPrice? CacheWriteHour = null, HourlyPrice? Hourly = null)
{
    // A token's price is counted in millionths of a nano-dollar, a tick's in nano-dollars by the hour: the larger unit is a whole multiple of the smaller.
    private const long TokenUnit = 1_000_000;
    private const long HourUnit = TimeSpan.TicksPerHour;
    private const long HourUnitsInTokenUnit = HourUnit / TokenUnit;

    /// <summary>A known price of nothing: the operator's own machine.</summary>
    public static OfferPrice Free { get; } = new(default, default);

    /// <summary>A price for computing time alone, be it nothing: a model that this server runs itself.</summary>
    public static OfferPrice ByTheHour(NanoDollars perHour) => new(default, default, Hourly: new HourlyPrice(perHour));

    /// <summary>True when no usage can cost anything.</summary>
    public bool IsFree => !ChargesTokens && !ChargesTime;

    /// <summary>True when some kind of token costs something.</summary>
    public bool ChargesTokens =>
        Input != default || Output != default
        || CachedInput.GetValueOrDefault() != default || CacheWrite.GetValueOrDefault() != default || CacheWriteHour.GetValueOrDefault() != default;

    /// <summary>True when time costs something: what a token comes to is known only afterwards.</summary>
    public bool ChargesTime => Hourly.GetValueOrDefault() != default;

    /// <summary>The exact charge, rounded up once per ledger line, so that streamed and whole answers cost the same.</summary>
    /// <exception cref="OverflowException">The charge is beyond the range of <see cref="NanoDollars"/>.</exception>
    public NanoDollars For(in Usage usage)
    {
        long plain = usage.InputTokens - usage.CachedInputTokens - usage.CacheWriteTokens;
        return RoundUp(
            Input.MillionthsFor(plain)
            + (CachedInput ?? Input).MillionthsFor(usage.CachedInputTokens)
            + (CacheWrite ?? Input).MillionthsFor(usage.CacheWriteTokens - usage.CacheWriteHourTokens)
            + (CacheWriteHour ?? CacheWrite ?? Input).MillionthsFor(usage.CacheWriteHourTokens)
            + Output.MillionthsFor(usage.OutputTokens),
            Hourly?.HourTicksFor(usage.ComputeTime) ?? 0);
    }

    /// <summary>The most that so many tokens and so much time can cost, whichever of the tokens turn out to be cached and for how long; what a reservation holds.</summary>
    /// <exception cref="OverflowException">It is beyond the range of <see cref="NanoDollars"/>.</exception>
    public NanoDollars MostFor(long inputTokens, long outputTokens, TimeSpan computeTime)
    {
        TokenPrice dearest = Input;
        if (CachedInput is { } read && read.PerMillion > dearest.PerMillion)
            dearest = read;
        if (CacheWrite is { } write && write.PerMillion > dearest.PerMillion)
            dearest = write;
        if (CacheWriteHour is { } hour && hour.PerMillion > dearest.PerMillion)
            dearest = hour;
        return RoundUp(dearest.MillionthsFor(inputTokens) + Output.MillionthsFor(outputTokens), Hourly?.HourTicksFor(computeTime) ?? 0);
    }

    /// <summary>Tokens and time together, rounded up once. Whole nano-dollars are set apart first: the product of the two units would not fit.</summary>
    private static NanoDollars RoundUp(Int128 millionths, Int128 hourTicks)
    {
        (Int128 ofTokens, Int128 tokenRest) = Int128.DivRem(millionths, TokenUnit);
        (Int128 ofTime, Int128 timeRest) = Int128.DivRem(hourTicks, HourUnit);
        Int128 rest = tokenRest * HourUnitsInTokenUnit + timeRest;
        return new NanoDollars(checked((long)(ofTokens + ofTime + (rest + HourUnit - 1) / HourUnit)));
    }
}
