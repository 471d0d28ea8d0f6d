using FsCheck;
using FsCheck.Fluent;
using Fairlead.Domain.Routing;

namespace Fairlead.Domain.Tests.Routing;

public sealed class RetryBudgetTests
{
    private static readonly UpstreamFault Failure = new(FaultKind.Overloaded, "busy", 503);

    [Theory]
    [InlineData(0, 3)]
    [InlineData(1, 3)]
    [InlineData(19, 3)]
    [InlineData(20, 4)]
    [InlineData(2_000, 400)]
    public void A_fifth_of_the_requests_under_way_and_never_fewer_than_three(int running, int most)
    {
        var budget = new RetryBudget();
        Assert.All(Enumerable.Range(0, most), _ => Assert.True(budget.TryTake(running)));
        Assert.False(budget.TryTake(running));
        budget.Return();
        Assert.True(budget.TryTake(running));
    }

    [Fact]
    public void What_is_returned_too_often_does_not_make_it_larger() =>
        Prop.ForAll((NonNegativeInt returns) =>
        {
            var budget = new RetryBudget();
            for (int i = 0; i < returns.Get; i++)
                budget.Return();
            return Enumerable.Range(0, 100).Count(_ => budget.TryTake(50)) == 10;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Moving_to_a_target_that_is_well_is_no_extra_load_and_moving_to_one_that_fails_is()
    {
        Assert.False(RetryBudget.Covers(NextStepKind.TryNext, Failure, OfferCondition.Unknown));
        Assert.True(RetryBudget.Covers(NextStepKind.TryNext, Failure, OfferCondition.Unknown with { ErrorShare = 0.6 }));
    }

    [Fact]
    public void Asking_the_same_target_again_is_extra_load_unless_it_never_saw_the_request_or_has_taught_us_better()
    {
        Assert.True(RetryBudget.Covers(NextStepKind.RetrySame, Failure, default));
        Assert.False(RetryBudget.Covers(NextStepKind.RetrySame, new UpstreamFault(FaultKind.StreamRefused, "x"), default));
        Assert.False(RetryBudget.Covers(NextStepKind.RetrySame, Failure with { Quirk = QuirkHint.MaxTokens }, default));
        Assert.False(RetryBudget.Covers(NextStepKind.GiveUp, Failure, default));
    }
}
