namespace Fairlead.Domain.Money;

/// <summary>Price of an hour of computing. A request is charged for the time it took, to the 100 nanoseconds that <see cref="TimeSpan"/> counts in.</summary>
public readonly record struct HourlyPrice(NanoDollars PerHour)
{
    /// <summary>The exact product in nano-dollars × <see cref="TimeSpan.TicksPerHour"/>; the caller adds parts up and rounds once.</summary>
    internal Int128 HourTicksFor(TimeSpan time) => (Int128)PerHour.Value * time.Ticks;
}
