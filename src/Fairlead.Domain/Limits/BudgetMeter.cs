using Fairlead.Domain.Keys;
using Fairlead.Domain.Money;

namespace Fairlead.Domain.Limits;

/// <summary>Money of one budget's running period. What is held is not its own: holds outlive periods, and changes of the budget.</summary>
internal struct BudgetMeter(Budget budget, NanoDollars spent, DateTimeOffset periodStart)
{
    public readonly Budget Budget => budget;

    /// <summary>First moment of the running period.</summary>
    public DateTimeOffset PeriodStart { get; private set; } = periodStart;

    /// <summary>Charged in this period.</summary>
    public NanoDollars Spent { get; private set; } = spent;

    public void Roll(DateTimeOffset now)
    {
        DateTimeOffset start = budget.PeriodStart(now);
        // Only forwards: a clock that is set back must not hand out a fresh budget.
        if (start > PeriodStart)
        {
            PeriodStart = start;
            Spent = NanoDollars.Zero;
        }
    }

    /// <summary>What is left beside <paramref name="held"/>; never negative, also where a budget was lowered below what is spent.</summary>
    public readonly NanoDollars Left(NanoDollars held)
    {
        NanoDollars left = budget.Amount - Spent - held;
        return left < NanoDollars.Zero ? NanoDollars.Zero : left;
    }

    /// <summary>A request that costs nothing always fits.</summary>
    public readonly bool Fits(NanoDollars amount, NanoDollars held) => amount == NanoDollars.Zero || amount <= Left(held);

    public void Charge(NanoDollars amount) => Spent += amount;

    /// <summary>Undoes a charge. One that this meter has not seen, because it is younger, gives nothing.</summary>
    public void TakeBack(NanoDollars amount) => Spent -= NanoDollars.Min(amount, Spent);

    /// <summary>The same money under another amount for the same kind of period.</summary>
    public readonly BudgetMeter With(Budget other) => new(other, Spent, PeriodStart);
}
