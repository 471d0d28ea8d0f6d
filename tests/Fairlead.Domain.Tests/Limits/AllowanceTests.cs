using Fairlead.Domain.Keys;
using Fairlead.Domain.Limits;
using Fairlead.Domain.Money;

namespace Fairlead.Domain.Tests.Limits;

public sealed class AllowanceTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_refusal_for_one_limit_uses_up_none_of_the_others()
    {
        Allowance allowance = Make(new KeyLimits { RequestsPerMinute = 2, TokensPerMinute = 100, Parallel = 5, Budget = Day(1_000) });
        Shortage? shortage = allowance.TryTake(Nano(5_000), 10, TimeSpan.Zero, Noon, out _);
        Assert.Equal(LimitKind.Budget, shortage?.Kind);
        AllowanceView view = allowance.View(TimeSpan.Zero, Noon);
        Assert.Equal((2, 100, Nano(1_000), 0), (view.RequestsLeft, view.TokensLeft, view.MoneyLeft!.Value, view.Running));
    }

    [Fact]
    public void The_third_request_of_a_minute_waits_for_the_next()
    {
        Allowance allowance = Make(new KeyLimits { RequestsPerMinute = 2 });
        Assert.Null(Take(allowance, at: 0));
        Assert.Null(Take(allowance, at: 10));
        Shortage shortage = Take(allowance, at: 20)!;
        Assert.Equal((LimitKind.Requests, TimeSpan.FromSeconds(40)), (shortage.Kind, shortage.ResetsIn!.Value));
        Assert.Null(Take(allowance, at: 60));
    }

    [Fact]
    public void Tokens_are_put_right_when_the_answer_is_known()
    {
        Allowance allowance = Make(new KeyLimits { TokensPerMinute = 100 });
        Assert.Null(allowance.TryTake(default, 90, TimeSpan.Zero, Noon, out Hold hold));
        Assert.Equal(LimitKind.Tokens, allowance.TryTake(default, 20, TimeSpan.Zero, Noon, out _)?.Kind);
        allowance.Settle(hold, default, 30, Noon);
        Assert.Equal(70, allowance.View(TimeSpan.Zero, Noon).TokensLeft);
    }

    [Fact]
    public void A_request_larger_than_the_whole_limit_is_served_once_a_minute_rather_than_never()
    {
        Allowance allowance = Make(new KeyLimits { TokensPerMinute = 100 });
        Assert.Null(allowance.TryTake(default, 500, TimeSpan.Zero, Noon, out _));
        Assert.Equal(LimitKind.Tokens, allowance.TryTake(default, 1, TimeSpan.Zero, Noon, out _)?.Kind);
    }

    [Fact]
    public void A_parallel_slot_is_free_again_after_settlement()
    {
        Allowance allowance = Make(new KeyLimits { Parallel = 1 });
        Assert.Null(allowance.TryTake(default, 0, TimeSpan.Zero, Noon, out Hold hold));
        Assert.Equal(LimitKind.Parallel, allowance.TryTake(default, 0, TimeSpan.Zero, Noon, out _)?.Kind);
        allowance.Settle(hold, default, 0, Noon);
        Assert.Null(allowance.TryTake(default, 0, TimeSpan.Zero, Noon, out _));
    }

    [Fact]
    public void A_budget_is_whole_again_at_midnight_and_not_before()
    {
        Allowance allowance = Make(new KeyLimits { Budget = Day(1_000) });
        Assert.Null(allowance.TryTake(Nano(1_000), 0, TimeSpan.Zero, Noon, out Hold hold));
        allowance.Settle(hold, Nano(1_000), 0, Noon);
        Shortage shortage = allowance.TryTake(Nano(1), 0, TimeSpan.Zero, Noon.AddHours(11.99), out _)!;
        Assert.Equal((LimitKind.Budget, 0), (shortage.Kind, shortage.Left));
        Assert.Null(allowance.TryTake(Nano(1_000), 0, TimeSpan.Zero, Noon.AddHours(12), out _));
    }

    [Fact]
    public void A_clock_that_is_set_back_hands_out_no_fresh_budget()
    {
        Allowance allowance = Make(new KeyLimits { Budget = Day(1_000) });
        Assert.Null(allowance.TryTake(Nano(1_000), 0, TimeSpan.Zero, Noon, out Hold hold));
        allowance.Settle(hold, Nano(1_000), 0, Noon);
        Assert.NotNull(allowance.TryTake(Nano(1), 0, TimeSpan.Zero, Noon.AddDays(-3), out _));
        Assert.NotNull(allowance.TryTake(Nano(1), 0, TimeSpan.Zero, Noon, out _));
    }

    [Fact]
    public void A_month_of_a_leap_year_ends_on_the_first_of_march()
    {
        var budget = new Budget(Nano(1), BudgetPeriod.Month);
        Assert.Equal(new DateTimeOffset(2028, 3, 1, 0, 0, 0, TimeSpan.Zero), budget.PeriodEnd(new DateTimeOffset(2028, 2, 29, 23, 59, 59, TimeSpan.Zero)));
    }

    [Fact]
    public void An_answer_dearer_than_its_hold_is_charged_as_far_as_the_budget_has_room()
    {
        Allowance allowance = Make(new KeyLimits { Budget = Day(1_000) });
        Assert.Null(allowance.TryTake(Nano(600), 0, TimeSpan.Zero, Noon, out Hold hold));
        Assert.Equal(Nano(1_000), allowance.Settle(hold, Nano(5_000), 0, Noon));
        Assert.Equal(NanoDollars.Zero, allowance.View(TimeSpan.Zero, Noon).MoneyLeft);
    }

    [Fact]
    public void New_limits_keep_what_was_spent_and_held()
    {
        Allowance allowance = Make(new KeyLimits { Budget = Day(1_000) });
        Assert.Null(allowance.TryTake(Nano(400), 0, TimeSpan.Zero, Noon, out Hold first));
        allowance.Settle(first, Nano(300), 0, Noon);
        Assert.Null(allowance.TryTake(Nano(100), 0, TimeSpan.Zero, Noon, out _));
        allowance.Change(new KeyLimits { Budget = Day(2_000) }, default, Noon);
        Assert.Equal(Nano(1_600), allowance.View(TimeSpan.Zero, Noon).MoneyLeft);
    }

    [Fact]
    public void A_budget_put_in_force_later_holds_for_those_who_came_before_it()
    {
        Allowance allowance = Make(new KeyLimits());
        Assert.Null(allowance.TryTake(Nano(900), 0, TimeSpan.Zero, Noon, out Hold early));
        allowance.Change(new KeyLimits { Budget = Day(1_000) }, Nano(50), Noon);
        Assert.Equal(LimitKind.Budget, allowance.TryTake(Nano(51), 0, TimeSpan.Zero, Noon, out _)?.Kind);
        Assert.Null(allowance.TryTake(Nano(50), 0, TimeSpan.Zero, Noon, out Hold late));
        Assert.Equal(Nano(900), allowance.Settle(early, Nano(2_000), 0, Noon));
        Assert.Equal(Nano(50), allowance.Settle(late, Nano(50), 0, Noon));
        Assert.Equal(Nano(1_000), allowance.View(TimeSpan.Zero, Noon).Spent);
    }

    [Fact]
    public void Limits_changed_after_midnight_do_not_bring_yesterdays_spend_along()
    {
        Allowance allowance = Make(new KeyLimits { Budget = Day(1_000) });
        Assert.Null(allowance.TryTake(Nano(1_000), 0, TimeSpan.Zero, Noon, out Hold hold));
        allowance.Settle(hold, Nano(1_000), 0, Noon);
        allowance.Change(new KeyLimits { Budget = Day(1_000), RequestsPerMinute = 5 }, default, Noon.AddHours(13));
        Assert.Equal(Nano(1_000), allowance.View(TimeSpan.Zero, Noon.AddHours(13)).MoneyLeft);
    }

    /// <summary>T-02: as on the ledger, a request belongs to the period it began in; until it ends, what it holds counts now.</summary>
    [Theory]
    [InlineData("2026-11-30T23:59:59Z", "2026-12-01T00:00:01Z", BudgetPeriod.Month)]
    [InlineData("2028-02-29T23:59:59Z", "2028-03-01T00:00:01Z", BudgetPeriod.Month)]
    [InlineData("2028-02-28T23:59:59Z", "2028-02-29T00:00:01Z", BudgetPeriod.Day)]
    [InlineData("2026-12-31T23:59:59Z", "2027-01-01T00:00:01Z", BudgetPeriod.Day)]
    public void A_request_over_midnight_is_paid_from_the_period_it_began_in(string began, string ended, BudgetPeriod period)
    {
        DateTimeOffset before = DateTimeOffset.Parse(began, System.Globalization.CultureInfo.InvariantCulture);
        DateTimeOffset after = DateTimeOffset.Parse(ended, System.Globalization.CultureInfo.InvariantCulture);
        var allowance = new Allowance(new KeyLimits { Budget = new Budget(Nano(1_000), period) }, Nano(300), before);
        Assert.Null(allowance.TryTake(Nano(600), 0, TimeSpan.Zero, before, out Hold hold));
        Assert.Equal(Nano(400), allowance.View(TimeSpan.Zero, after).MoneyLeft);
        Assert.Equal(Nano(600), allowance.Settle(hold, Nano(650), 0, after));
        AllowanceView view = allowance.View(TimeSpan.Zero, after);
        Assert.Equal((Nano(1_000), Nano(0)), (view.MoneyLeft!.Value, view.Spent!.Value));
    }

    [Theory]
    [InlineData("2026-11-30T12:00:00Z", "2026-12-01T00:00:00Z")]
    [InlineData("2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z")]
    [InlineData("2027-02-28T23:59:59Z", "2027-03-01T00:00:00Z")]
    [InlineData("2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z")]
    public void A_months_budget_resets_exactly_once_at_its_end(string spentAt, string resets)
    {
        DateTimeOffset at = DateTimeOffset.Parse(spentAt, System.Globalization.CultureInfo.InvariantCulture);
        DateTimeOffset end = DateTimeOffset.Parse(resets, System.Globalization.CultureInfo.InvariantCulture);
        var allowance = new Allowance(new KeyLimits { Budget = new Budget(Nano(1_000), BudgetPeriod.Month) }, Nano(1_000), at);
        int freshBudgets = 0;
        for (DateTimeOffset now = at; now < end.AddDays(20); now += TimeSpan.FromHours(1))
        {
            if (allowance.TryTake(Nano(1_000), 0, TimeSpan.Zero, now, out Hold hold) is null)
            {
                Assert.True(now >= end);
                allowance.Settle(hold, Nano(1_000), 0, now);
                freshBudgets++;
            }
        }
        Assert.Equal(1, freshBudgets);
        Assert.Null(allowance.TryTake(default, 0, TimeSpan.Zero, at, out _)); // a clock set back is no third month
    }

    /// <summary>L-03 and L-20: a million operations in random order give at each step what a plain book gives.</summary>
    [Fact]
    public void A_million_random_operations_agree_with_a_plain_book()
    {
        var random = new Random(20261126);
        long budget = 100_000;
        Allowance allowance = Make(new KeyLimits { Budget = Day(budget), Parallel = 20, RequestsPerMinute = 50, TokensPerMinute = 5_000 });
        DateTimeOffset now = Noon;
        TimeSpan elapsed = TimeSpan.Zero;
        var held = new List<(Hold Hold, DateTimeOffset Day)>();
        DateTimeOffset day = new(Noon.Date, TimeSpan.Zero);
        long spent = 0;
        for (int i = 0; i < 1_000_000; i++)
        {
            if (random.Next(2_000) == 0)
            {
                now += TimeSpan.FromHours(random.Next(-3, 9)); // now and then back
                DateTimeOffset today = new(now.Date, TimeSpan.Zero);
                if (today > day)
                    (day, spent) = (today, 0);
            }
            elapsed += TimeSpan.FromMilliseconds(random.Next(2_000));
            long running = held.Sum(static h => h.Hold.Amount.Value);
            switch (random.Next(16))
            {
                case 0:
                    budget = random.Next(1, 200_000);
                    allowance.Change(allowance.Limits with { Budget = Day(budget) }, Nano(999), now);
                    break;
                case 1 when held.Count > 0:
                    int voided = random.Next(held.Count);
                    allowance.Void(held[voided].Hold, now);
                    held.RemoveAt(voided);
                    break;
                case 2 when held.Count > 0:
                    int failed = random.Next(held.Count);
                    Hold unsettled = held[failed].Hold;
                    held.RemoveAt(failed);
                    allowance.TakeBack(unsettled, allowance.Settle(unsettled, Nano(random.Next(8_000)), random.Next(500), now), now);
                    break;
                case < 9 when held.Count > 0:
                    int at = random.Next(held.Count);
                    (Hold hold, DateTimeOffset began) = held[at];
                    held.RemoveAt(at);
                    long wanted = random.Next(8_000);
                    long charged = allowance.Settle(hold, Nano(wanted), random.Next(500), now).Value;
                    long room = Math.Max(budget - spent - (running - hold.Amount.Value), 0);
                    Assert.Equal(began == day ? Math.Min(wanted, Math.Max(room, hold.Amount.Value)) : Math.Min(wanted, hold.Amount.Value), charged);
                    spent += began == day ? charged : 0;
                    break;
                default:
                    long amount = random.Next(5_000);
                    Shortage? shortage = allowance.TryTake(Nano(amount), random.Next(500), elapsed, now, out Hold taken);
                    bool fits = amount == 0 || amount <= Math.Max(budget - spent - running, 0);
                    Assert.Equal(fits, shortage?.Kind != LimitKind.Budget);
                    if (shortage is null)
                        held.Add((taken, day));
                    break;
            }
            AllowanceView view = allowance.View(elapsed, now);
            Assert.Equal((spent, held.Count), (view.Spent!.Value.Value, view.Running));
            Assert.Equal(Math.Max(budget - spent - held.Sum(static h => h.Hold.Amount.Value), 0), view.MoneyLeft!.Value.Value);
        }
    }

    [Fact]
    public void A_charge_that_is_taken_back_can_be_spent_again_and_its_tokens_stay_used()
    {
        Allowance allowance = Make(new KeyLimits { Budget = Day(1_000), TokensPerMinute = 100 });
        Assert.Null(allowance.TryTake(Nano(1_000), 50, TimeSpan.Zero, Noon, out Hold hold));
        allowance.TakeBack(hold, allowance.Settle(hold, Nano(700), 30, Noon), Noon);
        AllowanceView view = allowance.View(TimeSpan.Zero, Noon);
        Assert.Equal((Nano(0), Nano(1_000), 70, 0), (view.Spent!.Value, view.MoneyLeft!.Value, view.TokensLeft, view.Running));
    }

    [Fact]
    public void A_charge_that_is_taken_back_after_midnight_gives_the_new_day_nothing()
    {
        Allowance allowance = Make(new KeyLimits { Budget = Day(1_000) });
        Assert.Null(allowance.TryTake(Nano(1_000), 0, TimeSpan.Zero, Noon, out Hold hold));
        NanoDollars charged = allowance.Settle(hold, Nano(700), 0, Noon);
        Assert.Null(allowance.TryTake(Nano(400), 0, TimeSpan.Zero, Noon.AddHours(13), out Hold next));
        allowance.Settle(next, Nano(400), 0, Noon.AddHours(13));
        allowance.TakeBack(hold, charged, Noon.AddHours(13));
        Assert.Equal(Nano(400), allowance.View(TimeSpan.Zero, Noon.AddHours(13)).Spent);
    }

    [Fact]
    public void A_charge_that_a_new_budget_never_saw_is_not_taken_back_from_it()
    {
        Allowance allowance = Make(new KeyLimits());
        Assert.Null(allowance.TryTake(Nano(1_000), 0, TimeSpan.Zero, Noon, out Hold hold));
        NanoDollars charged = allowance.Settle(hold, Nano(700), 0, Noon);
        allowance.Change(new KeyLimits { Budget = Day(1_000) }, default, Noon);
        allowance.TakeBack(hold, charged, Noon);
        AllowanceView view = allowance.View(TimeSpan.Zero, Noon);
        Assert.Equal((Nano(0), Nano(1_000)), (view.Spent!.Value, view.MoneyLeft!.Value));
    }

    [Fact]
    public void What_would_overflow_is_refused_and_takes_nothing()
    {
        Allowance allowance = Make(new KeyLimits());
        Assert.Null(allowance.TryTake(Nano(long.MaxValue), 0, TimeSpan.Zero, Noon, out Hold hold));
        Assert.Throws<OverflowException>(() => allowance.TryTake(Nano(1), 0, TimeSpan.Zero, Noon, out _));
        Assert.Equal(1, allowance.View(TimeSpan.Zero, Noon).Running);
        allowance.Void(hold, Noon);
        Assert.Equal(0, allowance.View(TimeSpan.Zero, Noon).Running);
    }

    private static Shortage? Take(Allowance allowance, double at) => allowance.TryTake(default, 0, TimeSpan.FromSeconds(at), Noon, out _);

    private static Allowance Make(KeyLimits limits) => new(limits, NanoDollars.Zero, Noon);

    private static Budget Day(long nano) => new(Nano(nano), BudgetPeriod.Day);

    private static NanoDollars Nano(long value) => new(value);
}
