using Fairlead.Domain.Keys;
using Fairlead.Domain.Money;

namespace Fairlead.Domain.Limits;

/// <summary>Money of one budget's period: what was spent, and what is held for requests under way.</summary>
internal struct BudgetMeter(Budget budget, NanoDollars spent, DateTimeOffset periodStart)
{
    private DateTimeOffset _periodStart = periodStart;

    public readonly Budget Budget => budget;

    /// <summary>Charged in this period.</summary>
    public NanoDollars Spent { get; private set; } = spent;

    /// <summary>Held for requests that are not closed yet, of whichever period: money that may still be spent counts now.</summary>
    public NanoDollars Held { get; private set; }

    public readonly NanoDollars Left
    {
        get
        {
            NanoDollars left = budget.Amount - Spent - Held;
            return left < NanoDollars.Zero ? NanoDollars.Zero : left;
        }
    }

    public void Roll(DateTimeOffset now)
    {
        DateTimeOffset start = budget.PeriodStart(now);
        // Only forwards: a clock that is set back must not hand out a fresh budget.
        if (start > _periodStart)
        {
            _periodStart = start;
            Spent = NanoDollars.Zero;
        }
    }

    /// <summary>Nothing is left, or this would be more than is left. A request that costs nothing always fits.</summary>
    public readonly bool Fits(NanoDollars amount) => amount == NanoDollars.Zero || amount <= budget.Amount - Spent - Held;

    public void Hold(NanoDollars amount) => Held += amount;

    /// <summary>Turns a hold into a charge. What the charge exceeds the hold by is taken only as far as the budget still has room.</summary>
    /// <returns>What is charged in the end.</returns>
    public NanoDollars Settle(NanoDollars held, NanoDollars wanted)
    {
        // A budget that was put in force while requests were under way never held for them.
        Held = held < Held ? Held - held : NanoDollars.Zero;
        // What was held is back in Left by now; a budget that was lowered meanwhile still honours its holds.
        NanoDollars room = Left > held ? Left : held;
        NanoDollars charged = wanted <= held ? wanted : NanoDollars.Min(wanted, room);
        Spent += charged;
        return charged;
    }
}
