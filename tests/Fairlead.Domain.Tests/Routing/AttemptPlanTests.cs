using FsCheck;
using FsCheck.Fluent;
using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Problems;
using Fairlead.Domain.Routing;

namespace Fairlead.Domain.Tests.Routing;

public sealed class AttemptPlanTests
{
    private static readonly AttemptState First = new()
    {
        Attempts = 1, MostAttempts = 3, SameTargetTries = 0, CandidatesLeft = 0, TimeLeft = TimeSpan.FromMinutes(1), LongestWait = TimeSpan.FromSeconds(10), Chance = 0.5,
    };

    public static TheoryData<FaultKind> Kinds() => [.. Enum.GetValues<FaultKind>()];

    [Theory, MemberData(nameof(Kinds))]
    public void Every_fault_has_one_row_and_goes_to_the_next_candidate_where_the_row_says_so(FaultKind kind)
    {
        FaultRule rule = Assert.Single(FaultTable.All, r => r.Kind == kind);
        Assert.Same(rule, FaultTable.For(kind));
        NextStepKind step = AttemptPlan.After(new UpstreamFault(kind, "x"), First with { CandidatesLeft = 1 }).Kind;
        Assert.Equal(rule.TryNext ? NextStepKind.TryNext : NextStepKind.GiveUp, step);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void The_last_candidate_is_asked_again_only_where_the_row_says_so_and_only_once(FaultKind kind)
    {
        bool again = FaultTable.For(kind).Same is not SameTarget.Never;
        var fault = new UpstreamFault(kind, "x", NothingSent: true);
        Assert.Equal(again ? NextStepKind.RetrySame : NextStepKind.GiveUp, AttemptPlan.After(fault, First).Kind);
        Assert.Equal(NextStepKind.GiveUp, AttemptPlan.After(fault, First with { Attempts = 2, SameTargetTries = 1 }).Kind);
    }

    [Theory]
    [InlineData(FaultKind.ConnectionRefused)]
    [InlineData(FaultKind.ResetBeforeAnswer)]
    [InlineData(FaultKind.ClosedBeforeAnswer)]
    public void A_connection_that_died_is_tried_again_only_when_nothing_of_the_request_was_sent(FaultKind kind)
    {
        Assert.Equal(NextStepKind.RetrySame, AttemptPlan.After(new UpstreamFault(kind, "x", NothingSent: true), First).Kind);
        Assert.Equal(NextStepKind.GiveUp, AttemptPlan.After(new UpstreamFault(kind, "x", NothingSent: false), First).Kind);
    }

    /// <summary>R-03.</summary>
    [Theory]
    [InlineData(FaultKind.HeaderStall)]
    [InlineData(FaultKind.FirstEventStall)]
    [InlineData(FaultKind.ConnectTimeout)]
    public void Who_let_us_wait_is_never_asked_again_for_the_same_request(FaultKind kind) =>
        Prop.ForAll((NonNegativeInt attempts, NonNegativeInt left, bool nothingSent) =>
        {
            AttemptState state = First with { Attempts = 1 + attempts.Get % 3, CandidatesLeft = left.Get % 3 };
            return AttemptPlan.After(new UpstreamFault(kind, "x", NothingSent: nothingSent), state).Kind is not NextStepKind.RetrySame;
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(2, 1, NextStepKind.TryNext, 0)]
    [InlineData(2, 0, NextStepKind.RetrySame, 2)]
    [InlineData(10, 0, NextStepKind.RetrySame, 10)]
    [InlineData(11, 0, NextStepKind.GiveUp, 0)]
    public void A_short_hint_is_waited_out_when_nobody_else_is_left(int hint, int left, NextStepKind kind, int delay)
    {
        NextStep step = AttemptPlan.After(new UpstreamFault(FaultKind.RateLimited, "x", 429, TimeSpan.FromSeconds(hint)), First with { CandidatesLeft = left });
        Assert.Equal(new NextStep(kind, TimeSpan.FromSeconds(delay)), step);
    }

    [Fact]
    public void Attempts_never_exceed_their_limit_and_waits_never_the_time_left() =>
        Prop.ForAll((NonNegativeInt n, NonNegativeInt m) =>
        {
            FaultKind kind = (FaultKind)(1 + n.Get % Enum.GetValues<FaultKind>().Length);
            var fault = new UpstreamFault(kind, "x", 500, m.Get % 2 == 0 ? TimeSpan.FromSeconds(n.Get % 30) : null, NothingSent: m.Get % 3 == 0, Quirk: m.Get % 7 == 0 ? QuirkHint.MaxTokens : null);
            AttemptState state = First with
            {
                Attempts = 1 + n.Get % 4, SameTargetTries = m.Get % 2, CandidatesLeft = m.Get % 3, TimeLeft = TimeSpan.FromMilliseconds(m.Get % 20_000 - 100), Chance = n.Get % 100 / 100.0,
            };
            NextStep step = AttemptPlan.After(fault, state);
            return (step.Kind == NextStepKind.GiveUp || (state.Attempts < state.MostAttempts && state.TimeLeft > TimeSpan.Zero && step.Delay < state.TimeLeft))
                && (step.Kind != NextStepKind.TryNext || (state.CandidatesLeft > 0 && step.Delay == TimeSpan.Zero));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Back_off_is_random_from_nothing_to_100_ms_doubling_to_two_seconds() =>
        Prop.ForAll((NormalFloat random, PositiveInt attempts) =>
        {
            double chance = Math.Abs(random.Get) % 1;
            int made = 1 + attempts.Get % 9;
            NextStep step = AttemptPlan.After(new UpstreamFault(FaultKind.Overloaded, "x", 503), First with { Attempts = made, MostAttempts = 20, Chance = chance });
            double most = Math.Min(2_000, 100 * Math.Pow(2, made - 1));
            return step.Kind == NextStepKind.RetrySame && Math.Abs(step.Delay.TotalMilliseconds - most * chance) < 1;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_client_that_repeats_by_itself_gets_no_repetitions_from_us_but_still_the_next_candidate()
    {
        AttemptState state = First with { CallerRetries = 2 };
        Assert.Equal(NextStepKind.GiveUp, AttemptPlan.After(new UpstreamFault(FaultKind.Overloaded, "x", 503), state).Kind);
        Assert.Equal(NextStepKind.TryNext, AttemptPlan.After(new UpstreamFault(FaultKind.Overloaded, "x", 503), state with { CandidatesLeft = 1 }).Kind);
    }

    [Fact]
    public void A_refusal_that_teaches_is_put_right_at_the_same_place_once()
    {
        var taught = new UpstreamFault(FaultKind.InvalidRequest, "no stream_options", 400, Quirk: QuirkHint.NoStreamOptions);
        Assert.Equal(new NextStep(NextStepKind.RetrySame), AttemptPlan.After(taught, First with { CandidatesLeft = 1 }));
        Assert.Equal(NextStepKind.TryNext, AttemptPlan.After(taught, First with { CandidatesLeft = 1, SameTargetTries = 1, Attempts = 2 }).Kind);
    }

    /// <summary>F225.</summary>
    [Fact]
    public void A_refusal_of_tools_is_not_repeated_there_and_goes_to_the_next()
    {
        var taught = new UpstreamFault(FaultKind.InvalidRequest, "no tools", 400, Quirk: QuirkHint.NoTools);
        Assert.Equal(NextStepKind.TryNext, AttemptPlan.After(taught, First with { CandidatesLeft = 1 }).Kind);
        Assert.Equal(NextStepKind.GiveUp, AttemptPlan.After(taught, First).Kind);
    }

    [Fact]
    public void A_bad_request_goes_on_only_where_the_provider_is_known_to_say_so_for_faults_of_its_own()
    {
        var bad = new UpstreamFault(FaultKind.InvalidRequest, "x", 400);
        Assert.Equal(NextStepKind.GiveUp, AttemptPlan.After(bad, First with { CandidatesLeft = 2 }).Kind);
        Assert.Equal(NextStepKind.TryNext, AttemptPlan.After(bad, First with { CandidatesLeft = 2, BadRequestMayBeTransient = true }).Kind);
    }

    [Fact]
    public void A_body_too_large_for_one_provider_was_not_sent_there_and_goes_to_the_next()
    {
        var large = new UpstreamFault(FaultKind.InvalidRequest, "the body has 9 bytes there, and at most 8 are taken", 413, NothingSent: true);
        Assert.Equal(NextStepKind.TryNext, AttemptPlan.After(large, First with { CandidatesLeft = 1 }).Kind);
        Assert.Equal(NextStepKind.GiveUp, AttemptPlan.After(large, First).Kind);
        Assert.Equal((ProblemKind.UpstreamRefusedRequest, 413), (AttemptPlan.Answer([Failed("a", large)], "m").Kind, AttemptPlan.Answer([Failed("a", large)], "m").Status));
    }

    [Theory]
    [InlineData(8_192L, 8_192L, false)]
    [InlineData(8_192L, 4_096L, false)]
    [InlineData(8_192L, 16_384L, true)]
    [InlineData(8_192L, null, true)]
    [InlineData(null, 8_192L, true)]
    public void A_prompt_too_long_for_one_goes_only_where_the_window_is_larger_or_not_known(long? had, long? has, bool may)
    {
        Offer failed = Offers.Of("alpha") with { ContextLength = had }, next = Offers.Of("beta") with { ContextLength = has };
        Assert.Equal(may, AttemptPlan.MayServe(new UpstreamFault(FaultKind.ContextTooLong, "x", 400), failed, next));
        Assert.True(AttemptPlan.MayServe(new UpstreamFault(FaultKind.ServerError, "x", 500), failed, next));
    }

    /// <summary>F233.</summary>
    [Fact]
    public void Of_all_faults_the_one_that_tells_most_what_to_do_is_told_with_the_smallest_wait()
    {
        FailedAttempt[] faults =
        [
            Failed("a", new UpstreamFault(FaultKind.ServerError, "boom", 500)),
            Failed("b", new UpstreamFault(FaultKind.RateLimited, "slow", 429, TimeSpan.FromSeconds(40))),
            Failed("c", new UpstreamFault(FaultKind.Overloaded, "busy", 503, TimeSpan.FromSeconds(7))),
        ];
        Problem problem = AttemptPlan.Answer(faults, "acme/chat");
        Assert.Equal((ProblemKind.UpstreamRateLimited, 429, TimeSpan.FromSeconds(7)), (problem.Kind, problem.Status, problem.RetryAfter!.Value));
    }

    [Fact]
    public void Gone_is_told_only_when_everybody_says_so()
    {
        FailedAttempt gone = Failed("a", new UpstreamFault(FaultKind.ModelGone, "x", 410));
        Assert.Equal(410, AttemptPlan.Answer([gone, gone], "m").Status);
        Assert.Equal(502, AttemptPlan.Answer([gone, Failed("b", new UpstreamFault(FaultKind.Dns, "x"))], "m").Status);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(413)]
    [InlineData(422)]
    public void The_providers_own_words_about_the_request_are_passed_with_its_status(int status)
    {
        Problem problem = AttemptPlan.Answer([Failed("a", new UpstreamFault(FaultKind.InvalidRequest, "temperature is too hot", status))], "m");
        Assert.Equal(status, problem.Status);
        Assert.Contains("temperature is too hot", problem.Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Every_answer_is_short_names_the_provider_and_says_when_to_come_back_where_waiting_helps(FaultKind kind)
    {
        Problem problem = AttemptPlan.Answer([Failed("alpha", new UpstreamFault(kind, new string('x', 300), 500))], "acme/chat");
        Assert.InRange(problem.Message.Length, 20, 300);
        Assert.Same(FaultTable.For(kind).Answer, problem.Kind);
        bool waits = problem.Kind.Retryable && problem.Status is 429 or 503;
        Assert.Equal(waits, problem.RetryAfter is not null);
        // The first two are no provider's; of its models the fleet says all itself, their names included.
        if (kind is not (FaultKind.Deadline or FaultKind.ServerStopping or FaultKind.WorkerCold or FaultKind.WorkerQueueFull or FaultKind.WorkerParked or FaultKind.WorkerLoadFailed))
            Assert.Contains("alpha", problem.Message, StringComparison.OrdinalIgnoreCase);
    }

    private static FailedAttempt Failed(string provider, UpstreamFault fault) => new(Offers.Of(provider), fault);

    [Fact]
    public void What_died_with_its_worker_goes_to_somebody_else_and_where_there_is_nobody_once_more_to_the_same_model()
    {
        var crash = new UpstreamFault(FaultKind.WorkerCrash, "the worker was ended by signal 9");
        Assert.Equal(NextStepKind.TryNext, AttemptPlan.After(crash, First with { CandidatesLeft = 1 }).Kind);
        Assert.Equal(NextStepKind.RetrySame, AttemptPlan.After(crash, First).Kind);
        Assert.Equal(NextStepKind.GiveUp, AttemptPlan.After(crash, First with { Attempts = 2, SameTargetTries = 1 }).Kind);
        Assert.False(RetryBudget.Covers(NextStepKind.RetrySame, crash, default)); // however many died with it
    }

    [Fact]
    public void Nobody_is_sent_back_before_the_model_is_loaded_whatever_another_provider_hints()
    {
        Offer local = Offers.Of("local"), alpha = Offers.Of("alpha");
        var cold = new UpstreamFault(FaultKind.WorkerCold, "loading") { Cold = new ColdForecast(Fairlead.Domain.Fleet.ModelState.Loading, TimeSpan.FromSeconds(8.4), 0.62) };
        Problem told = AttemptPlan.Answer(
            [new FailedAttempt(alpha, new UpstreamFault(FaultKind.Overloaded, "busy", 503, TimeSpan.FromSeconds(1))), new FailedAttempt(local, cold)], "m");
        Assert.Equal((ProblemKind.ColdStarting, TimeSpan.FromSeconds(8.4), cold.Cold), (told.Kind, told.RetryAfter, told.Cold));
    }
}
