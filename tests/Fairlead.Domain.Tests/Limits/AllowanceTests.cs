using FsCheck;
using FsCheck.Fluent;
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

    /// <summary>L-03 and L-20: whatever is taken and settled in whatever order, what is charged stays within the budget and nothing leaks.</summary>
    [Fact]
    public void No_sequence_of_requests_charges_more_than_the_budget_or_loses_a_hold() =>
        Prop.ForAll((NonNegativeInt seed) =>
        {
            var random = new Random(seed.Get);
            Allowance allowance = Make(new KeyLimits { Budget = Day(100_000), Parallel = 20 });
            var held = new List<Hold>();
            long charged = 0;
            for (int i = 0; i < 400; i++)
            {
                if (held.Count > 0 && random.Next(2) == 0)
                {
                    int at = random.Next(held.Count);
                    charged += allowance.Settle(held[at], Nano(random.Next(8_000)), 0, Noon).Value;
                    held.RemoveAt(at);
                }
                else if (allowance.TryTake(Nano(random.Next(5_000)), 0, TimeSpan.Zero, Noon, out Hold hold) is null)
                {
                    held.Add(hold);
                }
                AllowanceView view = allowance.View(TimeSpan.Zero, Noon);
                if (charged > 100_000 || view.Spent!.Value.Value != charged || view.Running != held.Count)
                    return false;
            }
            foreach (Hold hold in held)
                allowance.Void(hold, Noon);
            AllowanceView end = allowance.View(TimeSpan.Zero, Noon);
            return end.Running == 0 && end.MoneyLeft!.Value.Value == 100_000 - charged;
        }).QuickCheckThrowOnFailure();

    private static Shortage? Take(Allowance allowance, double at) => allowance.TryTake(default, 0, TimeSpan.FromSeconds(at), Noon, out _);

    private static Allowance Make(KeyLimits limits) => new(limits, NanoDollars.Zero, Noon);

    private static Budget Day(long nano) => new(Nano(nano), BudgetPeriod.Day);

    private static NanoDollars Nano(long value) => new(value);
}
