using Fairlead.Domain.Routing;

namespace Fairlead.Gateway.Tests.Routing;

/// <summary>Outages and slow-downs, in simulated time.</summary>
public sealed class OutageTests
{
    private static readonly UpstreamFault Down = new(FaultKind.ServerError, "boom", 500);
    private static readonly UpstreamFault Busy = new(FaultKind.Overloaded, "busy", 503);
    private static readonly UpstreamFault Silent = new(FaultKind.HeaderStall, "nothing came");
    private static readonly Behaviour Well = new(0.1, 1_000);

    /// <summary>R-01.</summary>
    [Fact]
    public void A_provider_that_dies_gets_no_more_than_its_load_and_everybody_is_served_by_the_others()
    {
        Simulation simulation = new Simulation(
            ("dying", static now => now < 5 ? Well : new Behaviour(0.05, 0, Down)),
            ("second", static _ => Well),
            ("third", static _ => Well)).Run(perSecond: 2_000, seconds: 20);
        Assert.All(simulation.Outcomes, static o => Assert.NotNull(o.By));
        Assert.True(simulation.Count("dying", 5, 20) < 2_000, "a dead provider is left alone once it is known to be dead");
        int offered = 2_000 * 15;
        Assert.InRange(simulation.Count("second", 5, 20) + simulation.Count("third", 5, 20), offered * 0.99, offered * 1.01);
    }

    /// <summary>R-02.</summary>
    [Fact]
    public void When_everything_is_down_callers_hear_at_once_when_to_come_back_and_one_a_second_looks_whether_it_is_over()
    {
        Simulation simulation = new Simulation(
            ("first", static _ => new Behaviour(0.05, 0, Busy)),
            ("second", static _ => new Behaviour(0.05, 0, Busy))).Run(perSecond: 2_000, seconds: 60);
        Assert.All(simulation.Outcomes, static o => Assert.True(o.By is null && o.Took < 1 && o.RetryAfter > 0, o.ToString()));
        Assert.True(simulation.Attempts.Count(static a => a.At < 30) <= 1.2 * 2_000 * 30);
        Assert.InRange(simulation.Count("first", 30, 60), 0, 32);
        Assert.InRange(simulation.Count("second", 30, 60), 0, 32);
        Assert.Contains(simulation.Attempts, static a => a.At >= 30);
    }

    [Fact]
    public void When_an_outage_of_everything_ends_it_is_noticed_within_seconds()
    {
        Simulation simulation = new Simulation(("only", static now => now < 300 ? new Behaviour(0.05, 0, Down) : Well)).Run(perSecond: 50, seconds: 320);
        Assert.All(simulation.Outcomes.Where(static o => o.At > 303), static o => Assert.Equal("only", o.By));
    }

    /// <summary>R-05.</summary>
    [Fact]
    public void An_offer_whose_answers_break_off_is_benched_for_five_minutes()
    {
        Simulation simulation = new Simulation(
            ("cutting", static now => now < 310 ? new Behaviour(0.05, 0, new UpstreamFault(FaultKind.Truncated, "cut")) : Well),
            ("whole", static _ => Well)).Run(perSecond: 10, seconds: 400);
        Assert.All(simulation.Outcomes, static o => Assert.NotNull(o.By));
        double benched = simulation.Attempts.Where(static a => a.Provider == "cutting").Select(static a => a.At).Order().TakeWhile(static at => at < 100).Last();
        Assert.Equal(0, simulation.Count("cutting", benched + 0.01, benched + 300));
        Assert.True(simulation.Count("cutting", benched + 300, 400) > 0);
    }

    /// <summary>U-41.</summary>
    [Fact]
    public void A_brown_out_loses_its_load_within_fifteen_seconds_and_gets_it_back_within_a_minute()
    {
        Simulation simulation = new Simulation(
            ("browning", static now => now is >= 60 and < 360 ? new Behaviour(6, 5) : new Behaviour(0.3, 100)),
            ("steady", static _ => new Behaviour(0.3, 60))).Run(perSecond: 25, seconds: 500);
        double before = simulation.Share("browning", 20, 60);
        Assert.True(before > 0.9, $"the faster one gets the load before: {before:0.000}");
        Assert.True(simulation.Share("browning", 75, 360) < 0.05, $"{simulation.Share("browning", 75, 360):0.000} while it is slow");
        Assert.True(simulation.Share("browning", 420, 500) > 0.9 * before, $"{simulation.Share("browning", 420, 500):0.000} after it has healed");
    }

    /// <summary>U-42.</summary>
    [Fact]
    public void A_black_hole_is_probed_once_per_rest_and_its_load_comes_back_over_thirty_seconds()
    {
        Simulation simulation = new Simulation(
            ("hole", static now => now is >= 30 and < 630 ? new Behaviour(60, 0, Silent) : new Behaviour(0.3, 100)),
            ("other", static _ => new Behaviour(0.3, 40))).Run(perSecond: 10, seconds: 1_300);
        Assert.All(simulation.Outcomes, static o => Assert.NotNull(o.By));
        double before = simulation.Share("hole", 5, 30);
        List<double> probes = [.. simulation.Attempts.Where(static a => a.Provider == "hole" && a.At > 95).Select(static a => a.At).Order()];
        double back = probes.First(at => simulation.Count("hole", at, at + 10) > 5);
        List<double> during = [.. probes.TakeWhile(at => at < back)];
        Assert.InRange(during.Count, 1, 8);
        Assert.All(during.Zip(during.Skip(1)), static pair => Assert.True(pair.Second - pair.First >= 10));
        Assert.InRange(simulation.Share("hole", back, back + 10), 0, 0.5 * before);
        Assert.True(simulation.Share("hole", back + 35, back + 95) > 0.9 * before);
    }
}
