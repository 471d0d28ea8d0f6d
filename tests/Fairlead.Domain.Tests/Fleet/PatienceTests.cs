using Fairlead.Domain.Fleet;
using static Fairlead.Domain.Tests.Fleet.PlanYard;

namespace Fairlead.Domain.Tests.Fleet;

/// <summary>How long a caller waits, and what he is told.</summary>
public sealed class PatienceTests
{
    [Fact]
    public void Who_does_not_wait_is_told_when_it_will_be_there_and_the_load_is_begun()
    {
        var yard = new PlanYard(models: Model("a", 2));
        (long ask, List<FleetEffect> effects) = yard.Ask("a", patience: 0);
        Assert.Equal(new FleetEffect.StartWorker("a", 1), effects[0]);
        FleetRefusal refusal = Assert.IsType<FleetEffect.Refuse>(effects[1]).Refusal;
        Assert.Equal((ask, FleetRefusalKind.Cold), (((FleetEffect.Refuse)effects[1]).Ask, refusal.Kind));
        Assert.Equal(yard.Status("a").ColdStart, refusal.RetryAfter);
        Assert.Equal("'a' is loading, about 5 s. Ask again then, or let the request wait.", refusal.Reason);
        yard.Tell(new FleetEvent.Measured(1, Need(2)));
        yard.Pass(2);
        yard.Tell(new FleetEvent.Progressed(1, 0.5));
        Assert.StartsWith("'a' is loading: 50 %, about 3 s.", yard.Ask("a", patience: 0).Effects.OfType<FleetEffect.Refuse>().Single().Refusal.Reason, StringComparison.Ordinal);
        yard.Tell(new FleetEvent.Loaded(1));
        Assert.Single(yard.Ask("a", patience: 0).Effects.OfType<FleetEffect.Grant>());
    }

    [Fact]
    public void Who_must_not_cause_a_load_causes_none_and_waits_for_one_that_others_have_begun()
    {
        var yard = new PlanYard(models: Model("a", 2));
        FleetEffect.Refuse refuse = Assert.IsType<FleetEffect.Refuse>(Assert.Single(yard.Ask("a", mayLoad: false).Effects));
        Assert.Equal(FleetRefusalKind.Cold, refuse.Refusal.Kind);
        Assert.Equal(refuse.Refusal.Kind, Assert.IsType<FleetEffect.Refuse>(Assert.Single(yard.Ask("a", mayLoad: false, patience: 0).Effects)).Refusal.Kind);
        yard.Ask("a");
        (long guest, List<FleetEffect> waits) = yard.Ask("a", mayLoad: false);
        Assert.Empty(waits);
        Assert.Contains(new FleetEffect.Grant(guest, 1), yard.Load(1, 2));
    }

    [Fact]
    public void Who_must_not_cause_a_load_is_told_when_those_who_did_have_gone()
    {
        var yard = new PlanYard(models: new ModelTerms("a"));
        long loader = yard.Ask("a").Ask, guest = yard.Ask("a", mayLoad: false).Ask;
        yard.Tell(new FleetEvent.GaveUp(loader));
        yard.Tell(new FleetEvent.Measured(1, Need(2)));
        Assert.Equal(guest, yard.Die(1).OfType<FleetEffect.Refuse>().Single().Ask);
    }

    [Fact]
    public void A_place_in_a_loaded_model_is_waited_for_also_by_those_who_do_not_wait_for_a_load()
    {
        var yard = new PlanYard(models: Model("a", 2, slots: 1));
        yard.Warm("a", 2);
        long inside = yard.Ask("a").Ask;
        (long waits, List<FleetEffect> effects) = yard.Ask("a", patience: 0);
        Assert.Empty(effects);
        Assert.Equal([new FleetEffect.Grant(waits, 1)], yard.End(inside));
    }

    [Theory]
    [InlineData(5, 300, 5)]
    [InlineData(300, 60, 60)]
    public void Nobody_waits_longer_than_his_patience_or_the_longest_wait(double patience, double queueWait, double waits)
    {
        var yard = new PlanYard(models: Model("a", 2) with { QueueWait = Seconds(queueWait), LoadLimit = Seconds(1000) });
        long ask = yard.Ask("a", patience: patience).Ask;
        Assert.Empty(yard.Pass(waits - 0.1));
        FleetEffect.Refuse refuse = yard.Pass(0.2).OfType<FleetEffect.Refuse>().Single();
        Assert.Equal((ask, FleetRefusalKind.WaitedTooLong), (refuse.Ask, refuse.Refusal.Kind));
        Assert.StartsWith($"Waited {waits} s for 'a': it is still loading.", refuse.Refusal.Reason, StringComparison.Ordinal);
        Assert.True(refuse.Refusal.RetryAfter > TimeSpan.Zero);
    }

    [Fact]
    public void Who_has_waited_too_long_finds_his_place_in_the_line_for_memory_kept_when_he_comes_back()
    {
        var yard = new PlanYard(new FleetLimits { Memory = 10 * GiB }, Model("a", 6), Model("b", 6));
        yard.Warm("a", 6);
        long inA = yard.Ask("a").Ask;
        yard.Ask("b", patience: 5);
        Assert.Equal(FleetRefusalKind.WaitedTooLong, yard.Pass(5).OfType<FleetEffect.Refuse>().Single().Refusal.Kind);
        yard.Pass(26);
        Assert.Equal(ModelState.Draining, yard.Status("a").State); // its turn is over 30 s after the first ask, though nobody waits now
        yard.End(inA);
        Assert.Equal([new FleetEffect.StartWorker("b", 2)], yard.Die(1));
    }

    [Fact]
    public void A_load_goes_on_though_the_one_who_caused_it_has_gone()
    {
        var yard = new PlanYard(models: Model("a", 2));
        long ask = yard.Ask("a").Ask;
        yard.Tell(new FleetEvent.Measured(1, Need(2)));
        Assert.Empty(yard.Tell(new FleetEvent.GaveUp(ask)));
        Assert.Empty(yard.Tell(new FleetEvent.Loaded(1)));
        Assert.Equal(ModelState.Ready, yard.Status("a").State);
    }

    [Fact]
    public void A_worker_that_waits_for_room_goes_with_the_last_who_wants_it()
    {
        var yard = new PlanYard(new FleetLimits { Memory = 10 * GiB }, Model("a", 6), new ModelTerms("b"));
        yard.Warm("a", 6);
        yard.Ask("a");
        long ask = yard.Ask("b").Ask;
        Assert.Empty(yard.Tell(new FleetEvent.Measured(2, Need(6))));
        Assert.Equal([new FleetEffect.EndWorker(2)], yard.Tell(new FleetEvent.GaveUp(ask)));
    }

    [Fact]
    public void Who_gave_up_inside_has_left_his_place()
    {
        var yard = new PlanYard(models: Model("a", 2, slots: 1));
        yard.Warm("a", 2);
        long inside = yard.Ask("a").Ask, next = yard.Ask("a").Ask;
        Assert.Equal([new FleetEffect.Grant(next, 1)], yard.Tell(new FleetEvent.GaveUp(inside)));
        Assert.Empty(yard.End(inside));
    }

    [Fact]
    public void An_unknown_model_is_refused()
    {
        var yard = new PlanYard();
        Assert.Equal(FleetRefusalKind.Unknown, yard.Ask("local/none").Effects.OfType<FleetEffect.Refuse>().Single().Refusal.Kind);
    }
}
