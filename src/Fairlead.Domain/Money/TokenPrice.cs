namespace Fairlead.Domain.Money;

/// <summary>Price per million tokens: 0.0375 USD/M is no whole number of nano-dollars per token, so a price is never divided.</summary>
public readonly record struct TokenPrice(NanoDollars PerMillion)
{
    /// <summary>The exact product in nano-dollars × 1e6; the caller adds products up and rounds once.</summary>
    internal Int128 MillionthsFor(long tokens) => (Int128)PerMillion.Value * tokens;
}
