using Fairlead.Domain.Keys;
using Fairlead.Domain.Money;

namespace Fairlead.Domain.Limits;

/// <summary>What one key, or one alias with a budget, may still do. All limits are taken in one step or not at all.</summary>
/// <remarks>Mutable state with one rule book and no clock of its own; whoever owns it takes its lock around each call.
/// Rates run on a clock that never goes back, budgets on the calendar.</remarks>
public sealed class Allowance
{
    private KeyLimits _limits;
    private RateWindow _requests;
    private RateWindow _tokens;
    private BudgetMeter? _money;
    private NanoDollars _held; // of every request under way, whichever limits were in force when it came
    private DateTimeOffset _day; // the latest that was seen: a clock that is set back does not undo it
    private int _running;

    /// <param name="limits">What may be done.</param>
    /// <param name="spent">Charged in the budget's running period, from the ledger.</param>
    /// <param name="now">For the budget's period.</param>
    public Allowance(KeyLimits limits, NanoDollars spent, DateTimeOffset now)
    {
        _limits = limits;
        _requests = new RateWindow(limits.RequestsPerMinute ?? long.MaxValue);
        _tokens = new RateWindow(limits.TokensPerMinute ?? long.MaxValue);
        _money = limits.Budget is { } budget ? new BudgetMeter(budget, spent, budget.PeriodStart(now)) : null;
        Roll(now);
    }

    public KeyLimits Limits => _limits;

    /// <summary>Puts new limits in force; what is used, held and running stays counted.</summary>
    /// <param name="limits">The new limits.</param>
    /// <param name="spent">Charged in the new budget's running period; regarded only where there was no budget of that period.</param>
    /// <param name="now">For the budget's period.</param>
    public void Change(KeyLimits limits, NanoDollars spent, DateTimeOffset now)
    {
        Roll(now);
        _money = limits.Budget is not { } budget ? null
            : _money is { } old && old.Budget.Period == budget.Period ? old.With(budget)
            : new BudgetMeter(budget, spent, budget.PeriodStart(_day));
        if (limits.RequestsPerMinute != _limits.RequestsPerMinute)
            _requests = new RateWindow(limits.RequestsPerMinute ?? long.MaxValue);
        if (limits.TokensPerMinute != _limits.TokensPerMinute)
            _tokens = new RateWindow(limits.TokensPerMinute ?? long.MaxValue);
        _limits = limits;
    }

    /// <summary>Takes a request, its tokens, a parallel slot and its money: all of them, or none and the reason.</summary>
    /// <param name="amount">The most that the request can cost.</param>
    /// <param name="tokens">Tokens that it is expected to use.</param>
    /// <param name="elapsed">Monotonic clock, for the rates.</param>
    /// <param name="now">Calendar, for the budget.</param>
    /// <param name="hold">What was taken, to be given to <see cref="Settle"/> exactly once.</param>
    public Shortage? TryTake(NanoDollars amount, long tokens, TimeSpan elapsed, DateTimeOffset now, out Hold hold)
    {
        hold = default;
        Roll(now);
        TimeSpan requestWindow = _requests.Roll(elapsed);
        TimeSpan tokenWindow = _tokens.Roll(elapsed);
        if (_money is { } money && !money.Fits(amount, _held))
            return new Shortage(LimitKind.Budget, money.Budget.PeriodEnd(money.PeriodStart) - now, money.Left(_held).Value, amount.Value);
        if (_running >= (_limits.Parallel ?? int.MaxValue))
            return new Shortage(LimitKind.Parallel, null, Left: 0, Wanted: 1);
        if (!_requests.Fits(1))
            return new Shortage(LimitKind.Requests, _requests.ResetsIn(elapsed), Left: 0, Wanted: 1);
        if (!_tokens.Fits(tokens))
            return new Shortage(LimitKind.Tokens, _tokens.ResetsIn(elapsed), _tokens.Left, tokens);

        _held += amount; // first: the one step that can throw
        _requests.Take(1);
        _tokens.Take(tokens);
        _running++;
        hold = new Hold(amount, tokens, requestWindow, tokenWindow, _day);
        return null;
    }

    /// <summary>Gives back a hold that led to nothing at all, as if it had never been taken.</summary>
    public void Void(in Hold hold, DateTimeOffset now)
    {
        _requests.Correct(hold.RequestWindow, -1);
        Settle(hold, NanoDollars.Zero, 0, now);
    }

    /// <summary>Ends a hold: the slot is free, tokens and money are put right. The request itself stays counted.</summary>
    /// <param name="hold">As taken.</param>
    /// <param name="wanted">What the answer cost.</param>
    /// <param name="tokens">What it used.</param>
    /// <param name="now">Calendar, for the budget.</param>
    /// <returns>What is charged: <paramref name="wanted"/>, unless it exceeds the hold by more than the budget has room for.</returns>
    public NanoDollars Settle(in Hold hold, NanoDollars wanted, long tokens, DateTimeOffset now)
    {
        Roll(now);
        _running--;
        _held -= hold.Amount;
        _tokens.Correct(hold.TokenWindow, tokens - hold.Tokens);
        if (_money is not { } money)
            return wanted;
        // A request belongs to the period it began in, and what room that one had beyond the hold is not known any more.
        if (hold.Day < money.PeriodStart)
            return NanoDollars.Min(wanted, hold.Amount);
        // A budget that was lowered meanwhile still honours its holds.
        NanoDollars left = money.Left(_held);
        NanoDollars charged = NanoDollars.Min(wanted, left > hold.Amount ? left : hold.Amount);
        money.Charge(charged);
        _money = money;
        return charged;
    }

    /// <summary>Undoes the charge of a hold that was settled for an answer which then could not be handed out. What it used stays counted.</summary>
    /// <param name="hold">As taken and settled.</param>
    /// <param name="charged">What <see cref="Settle"/> returned.</param>
    /// <param name="now">Calendar, for the budget.</param>
    public void TakeBack(in Hold hold, NanoDollars charged, DateTimeOffset now)
    {
        Roll(now);
        if (_money is not { } money || hold.Day < money.PeriodStart)
            return; // no budget, or the one that paid has lapsed
        money.TakeBack(charged);
        _money = money;
    }

    /// <summary>What is left at this moment, for headers and pages.</summary>
    public AllowanceView View(TimeSpan elapsed, DateTimeOffset now)
    {
        Roll(now);
        _requests.Roll(elapsed);
        _tokens.Roll(elapsed);
        NanoDollars? left = null;
        NanoDollars? spent = null;
        if (_money is { } money)
        {
            left = money.Left(_held);
            spent = money.Spent;
        }
        return new AllowanceView(
            _limits, _requests.Left, _requests.ResetsIn(elapsed), _tokens.Left, _tokens.ResetsIn(elapsed), left, spent, _running);
    }

    private void Roll(DateTimeOffset now)
    {
        var day = new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero);
        if (day > _day)
            _day = day;
        if (_money is { } money)
        {
            money.Roll(_day);
            _money = money;
        }
    }
}

/// <summary>What a request holds of an <see cref="Allowance"/> while it is under way.</summary>
/// <param name="Amount">The most that it can cost.</param>
/// <param name="Tokens">What it is expected to use.</param>
/// <param name="RequestWindow">The minute it was counted in.</param>
/// <param name="TokenWindow">The minute its tokens were counted in.</param>
/// <param name="Day">The UTC day it began on.</param>
public readonly record struct Hold(NanoDollars Amount, long Tokens, TimeSpan RequestWindow, TimeSpan TokenWindow, DateTimeOffset Day);

/// <summary>Which limit did not suffice.</summary>
/// <param name="Kind">Which.</param>
/// <param name="ResetsIn">When it is whole again; null where that depends on other requests.</param>
/// <param name="Left">What is left: requests, tokens or nano-dollars.</param>
/// <param name="Wanted">What the request would have taken, in the same unit.</param>
public sealed record Shortage(LimitKind Kind, TimeSpan? ResetsIn, long Left, long Wanted);

public enum LimitKind : byte
{
    Requests = 1,
    Tokens,
    Parallel,
    Budget,
}

/// <summary>A copy of what an <see cref="Allowance"/> has left.</summary>
public readonly record struct AllowanceView(
    KeyLimits Limits,
    long RequestsLeft,
    TimeSpan RequestsResetIn,
    long TokensLeft,
    TimeSpan TokensResetIn,
    NanoDollars? MoneyLeft,
    NanoDollars? Spent,
    int Running);
