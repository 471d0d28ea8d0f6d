using FsCheck;
using FsCheck.Fluent;
using Fairlead.Domain.Routing;

namespace Fairlead.Domain.Tests.Routing;

public sealed class CircuitTests
{
    private static readonly UpstreamFault Failure = new(FaultKind.ServerError, "boom", 500);

    [Fact]
    public void Five_failures_in_a_row_open_it_and_a_success_between_does_not()
    {
        var circuit = new Circuit();
        Fail(circuit, 4, at: 0);
        circuit.OnSuccess(Seconds(1));
        Fail(circuit, 4, at: 2);
        Assert.Equal(CircuitEntry.Passed, circuit.TryEnter(Seconds(2)));
        Fail(circuit, 1, at: 2);
        Assert.Equal(CircuitEntry.Refused, circuit.TryEnter(Seconds(2)));
        Assert.Equal((Seconds(10), CircuitCause.Failing), (circuit.AskableIn(Seconds(2)), circuit.Cause));
    }

    [Theory]
    [InlineData(30, true)]
    [InlineData(31, false)]
    public void Half_of_twenty_calls_within_thirty_seconds_open_it(int lastAt, bool opens)
    {
        var circuit = new Circuit();
        for (int i = 0; i < 9; i++)
        {
            circuit.OnFault(Failure, Seconds(0), 0);
            circuit.OnSuccess(Seconds(0));
        }
        circuit.OnSuccess(Seconds(lastAt));
        circuit.OnFault(Failure, Seconds(lastAt), 0);
        Assert.Equal(opens, circuit.AskableIn(Seconds(lastAt)) > TimeSpan.Zero);
    }

    [Fact]
    public void Each_failed_probe_doubles_the_rest_from_ten_seconds_to_three_hundred()
    {
        var circuit = new Circuit();
        Fail(circuit, 5, at: 0);
        TimeSpan now = TimeSpan.Zero;
        var rests = new List<double>();
        for (int i = 0; i < 8; i++)
        {
            rests.Add(circuit.AskableIn(now).TotalSeconds);
            now += circuit.AskableIn(now);
            Assert.Equal(CircuitEntry.Probe, circuit.TryEnter(now));
            circuit.OnFault(Failure, now, 0);
        }
        Assert.Equal([10, 20, 40, 80, 160, 300, 300, 300], rests);
        now += circuit.AskableIn(now);
        circuit.TryEnter(now);
        circuit.OnSuccess(now);
        Fail(circuit, 5, at: now.TotalSeconds);
        Assert.Equal(Seconds(10), circuit.AskableIn(now));
    }

    [Fact]
    public void The_jitter_lengthens_a_rest_by_up_to_a_tenth_and_never_shortens_it() =>
        Prop.ForAll((NormalFloat chance) =>
        {
            double jitter = Math.Abs(chance.Get) % 1;
            var circuit = new Circuit();
            for (int i = 0; i < 5; i++)
                circuit.OnFault(Failure, TimeSpan.Zero, jitter);
            double rest = circuit.AskableIn(TimeSpan.Zero).TotalSeconds;
            return rest >= 10 && rest <= 11 && Math.Abs(rest - 10 * (1 + 0.1 * jitter)) < 1e-6;
        }).QuickCheckThrowOnFailure();

    /// <summary>A hundred requests under way when a provider dies are one outage, not ten doublings.</summary>
    [Fact]
    public void Requests_that_were_under_way_when_it_opened_lengthen_nothing()
    {
        var circuit = new Circuit();
        Fail(circuit, 100, at: 0);
        Assert.Equal(Seconds(10), circuit.AskableIn(TimeSpan.Zero));
        Fail(circuit, 100, at: 9);
        Assert.Equal(Seconds(1), circuit.AskableIn(Seconds(9)));
    }

    [Fact]
    public void Half_open_it_lets_one_through_and_the_others_wait_for_what_becomes_of_it()
    {
        var circuit = new Circuit();
        Fail(circuit, 5, at: 0);
        Assert.Equal(CircuitEntry.Probe, circuit.TryEnter(Seconds(10)));
        Assert.Equal(CircuitEntry.Refused, circuit.TryEnter(Seconds(11)));
        Assert.Equal(Seconds(1), circuit.AskableIn(Seconds(60)));
        circuit.OnSuccess(Seconds(61));
        Assert.Equal(CircuitEntry.Passed, circuit.TryEnter(Seconds(61)));
    }

    [Fact]
    public void A_probe_that_is_given_back_leaves_its_place_to_the_next()
    {
        var circuit = new Circuit();
        Fail(circuit, 5, at: 0);
        circuit.TryEnter(Seconds(10));
        circuit.GiveBack();
        Assert.Equal(CircuitEntry.Probe, circuit.TryEnter(Seconds(10)));
        Assert.Equal(CircuitEntry.Refused, circuit.TryEnter(Seconds(11)));
    }

    [Theory]
    [InlineData(FaultKind.Truncated)]
    [InlineData(FaultKind.ModelNotFound)]
    [InlineData(FaultKind.Malformed)]
    public void A_probe_that_fails_opens_it_again_however_it_fails(FaultKind kind)
    {
        var circuit = new Circuit();
        Fail(circuit, 5, at: 0);
        circuit.TryEnter(Seconds(10));
        circuit.OnFault(new UpstreamFault(kind, "x"), Seconds(11), 0);
        Assert.Equal(CircuitEntry.Refused, circuit.TryEnter(Seconds(11)));
    }

    [Fact]
    public void The_beginning_of_an_answer_ends_the_wait_however_long_the_answer_goes_on()
    {
        var circuit = new Circuit();
        Fail(circuit, 5, at: 0);
        circuit.TryEnter(Seconds(10));
        circuit.OnAnswering(Seconds(11));
        Assert.Equal(CircuitEntry.Passed, circuit.TryEnter(Seconds(11)));
    }

    [Fact]
    public void After_it_closes_the_load_comes_back_over_thirty_seconds()
    {
        var circuit = new Circuit();
        Assert.Equal(0, circuit.HeldBack(TimeSpan.Zero));
        Fail(circuit, 5, at: 0);
        circuit.TryEnter(Seconds(10));
        circuit.OnSuccess(Seconds(10));
        Assert.Equal([1, 0.5, 0, 0], [circuit.HeldBack(Seconds(10)), circuit.HeldBack(Seconds(25)), circuit.HeldBack(Seconds(40)), circuit.HeldBack(Seconds(400))]);
    }

    [Fact]
    public void A_rate_limit_rests_as_long_as_it_was_told_and_five_seconds_where_it_was_not()
    {
        var told = new Circuit();
        told.OnFault(new UpstreamFault(FaultKind.RateLimited, "slow down", 429, Seconds(40)), TimeSpan.Zero, 0);
        told.OnFault(new UpstreamFault(FaultKind.RateLimited, "slow down", 429, Seconds(2)), Seconds(1), 0);
        Assert.Equal((Seconds(39), CircuitCause.RateLimited), (told.AskableIn(Seconds(1)), told.Cause));
        var untold = new Circuit();
        untold.OnFault(new UpstreamFault(FaultKind.RateLimited, "slow down", 429), TimeSpan.Zero, 0);
        Assert.Equal(Seconds(5), untold.AskableIn(TimeSpan.Zero));
    }

    /// <summary>Answers that had begun before the limit was told end well; that lifts no limit.</summary>
    [Theory]
    [InlineData(FaultKind.RateLimited)]
    [InlineData(FaultKind.CredentialRefused)]
    [InlineData(FaultKind.QuotaExhausted)]
    [InlineData(FaultKind.ModelGone)]
    public void A_success_that_was_under_way_does_not_lift_what_was_told(FaultKind kind)
    {
        var circuit = new Circuit();
        circuit.OnFault(new UpstreamFault(kind, "x", 429, Seconds(40)), TimeSpan.Zero, 0);
        circuit.OnAnswering(Seconds(1));
        circuit.OnSuccess(Seconds(1));
        Assert.Equal(CircuitEntry.Refused, circuit.TryEnter(Seconds(2)));
        circuit.Reset(Seconds(2));
        Assert.Equal(CircuitEntry.Passed, circuit.TryEnter(Seconds(2)));
    }

    [Theory]
    [InlineData(FaultKind.CredentialRefused, CircuitCause.Credential, 10)]
    [InlineData(FaultKind.QuotaExhausted, CircuitCause.Quota, 300)]
    [InlineData(FaultKind.PermissionDenied, CircuitCause.Credential, 300)]
    [InlineData(FaultKind.ModelGone, CircuitCause.Gone, 3_600)]
    public void What_waiting_does_not_heal_opens_it_at_once(FaultKind kind, CircuitCause cause, int seconds)
    {
        var circuit = new Circuit();
        circuit.OnFault(new UpstreamFault(kind, "x"), TimeSpan.Zero, 0);
        Assert.Equal((Seconds(seconds), cause), (circuit.AskableIn(TimeSpan.Zero), circuit.Cause));
    }

    [Fact]
    public void A_model_that_is_not_found_once_may_be_a_mistake_and_twice_is_a_fact()
    {
        var circuit = new Circuit();
        var missing = new UpstreamFault(FaultKind.ModelNotFound, "no such model", 404);
        circuit.OnFault(missing, TimeSpan.Zero, 0);
        Assert.Equal(TimeSpan.Zero, circuit.AskableIn(TimeSpan.Zero));
        circuit.OnFault(missing, TimeSpan.Zero, 0);
        Assert.Equal((TimeSpan.FromHours(1), CircuitCause.Gone), (circuit.AskableIn(TimeSpan.Zero), circuit.Cause));
    }

    /// <summary>R-05.</summary>
    [Fact]
    public void Three_answers_in_a_row_that_break_off_bench_it_for_five_minutes()
    {
        var circuit = new Circuit();
        var truncated = new UpstreamFault(FaultKind.Truncated, "cut");
        circuit.OnFault(truncated, TimeSpan.Zero, 0);
        circuit.OnFault(truncated, Seconds(1), 0);
        circuit.OnSuccess(Seconds(2));
        for (int i = 3; i < 6; i++)
        {
            Assert.Equal(CircuitEntry.Passed, circuit.TryEnter(Seconds(i)));
            circuit.OnFault(truncated, Seconds(i), 0);
        }
        Assert.Equal(TimeSpan.FromMinutes(5), circuit.AskableIn(Seconds(5)));
    }

    [Fact]
    public void Whatever_happens_it_says_when_it_may_be_asked_and_keeps_its_word() =>
        Prop.ForAll((NonNegativeInt[] events) =>
        {
            var circuit = new Circuit();
            TimeSpan now = TimeSpan.Zero;
            foreach (NonNegativeInt item in events)
            {
                now += Seconds(item.Get % 40);
                switch (item.Get % 4)
                {
                    case 0:
                        circuit.OnSuccess(now);
                        break;
                    case 1:
                        circuit.TryEnter(now);
                        break;
                    case 2:
                        circuit.GiveBack();
                        break;
                    default:
                        FaultKind kind = (FaultKind)(1 + item.Get % Enum.GetValues<FaultKind>().Length);
                        circuit.OnFault(new UpstreamFault(kind, "x", 500), now, item.Get % 10 / 10.0);
                        break;
                }
                TimeSpan wait = circuit.AskableIn(now);
                if (wait < TimeSpan.Zero || wait > TimeSpan.FromHours(1))
                    return false;
                if (wait > TimeSpan.Zero && circuit.TryEnter(now) != CircuitEntry.Refused)
                    return false;
            }
            circuit.GiveBack();
            return circuit.TryEnter(now + circuit.AskableIn(now)) != CircuitEntry.Refused;
        }).QuickCheckThrowOnFailure();

    private static void Fail(Circuit circuit, int times, double at)
    {
        for (int i = 0; i < times; i++)
            circuit.OnFault(Failure, Seconds(at), 0);
    }

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);
}
