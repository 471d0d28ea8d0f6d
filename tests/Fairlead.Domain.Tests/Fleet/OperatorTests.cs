using Fairlead.Domain.Fleet;
using static Fairlead.Domain.Tests.Fleet.PlanYard;

namespace Fairlead.Domain.Tests.Fleet;

/// <summary>What operators want, by word and by configuration.</summary>
public sealed class OperatorTests
{
    [Fact]
    public void A_polite_stop_lets_finish_what_was_begun_and_sends_away_who_waits()
    {
        var yard = new PlanYard(models: Model("a", 2, slots: 1));
        yard.Warm("a", 2);
        long inside = yard.Ask("a").Ask, waits = yard.Ask("a").Ask;
        FleetEffect.Refuse refuse = Assert.IsType<FleetEffect.Refuse>(Assert.Single(yard.Tell(new FleetEvent.StopWanted("a", Now: false))));
        Assert.Equal((waits, "'a' was just unloaded by an operator. The next request loads it again."), (refuse.Ask, refuse.Refusal.Reason));
        Assert.Equal(ModelState.Draining, yard.Status("a").State);
        (long next, _) = yard.Ask("a");
        Assert.Equal([new FleetEffect.EndWorker(1)], yard.End(inside));
        Assert.Equal([new FleetEffect.StartWorker("a", 2)], yard.Die(1));
        Assert.Contains(new FleetEffect.Grant(next, 2), yard.Load(2, 2));
        Assert.Equal(0, yard.Status("a").Crashes);
    }

    [Fact]
    public void A_stop_at_once_breaks_off_what_is_being_answered_and_is_no_crash()
    {
        var yard = new PlanYard(models: Model("a", 2));
        yard.Warm("a", 2);
        yard.Ask("a");
        Assert.Equal([new FleetEffect.KillWorker(1)], yard.Tell(new FleetEvent.StopWanted("a", Now: true)));
        Assert.Empty(yard.Die(1));
        Assert.Equal((ModelState.Cold, 0), (yard.Status("a").State, yard.Status("a").Crashes));
    }

    [Fact]
    public void A_stop_ends_a_load()
    {
        var yard = new PlanYard(models: Model("a", 2));
        yard.Ask("a");
        yard.Tell(new FleetEvent.Measured(1, Need(2)));
        List<FleetEffect> effects = yard.Tell(new FleetEvent.StopWanted("a", Now: false));
        Assert.Single(effects.OfType<FleetEffect.Refuse>());
        Assert.Contains(new FleetEffect.EndWorker(1), effects);
        Assert.Empty(yard.Die(1));
        Assert.Equal((ModelState.Cold, 0), (yard.Status("a").State, yard.Status("a").FailedLoads));
    }

    [Fact]
    public void A_worker_that_does_not_end_when_it_is_told_is_killed()
    {
        var yard = new PlanYard(models: Model("a", 2) with { Keep = Seconds(10) });
        yard.Warm("a", 2);
        Assert.Equal([new FleetEffect.EndWorker(1)], yard.Pass(10));
        Assert.Empty(yard.Pass(9.9));
        Assert.Equal([new FleetEffect.KillWorker(1)], yard.Pass(0.2));
        Assert.Empty(yard.Pass(3600));
        Assert.Empty(yard.Ask("a").Effects); // it is not dead yet: nobody starts a second one
        Assert.Equal([new FleetEffect.StartWorker("a", 2)], yard.Die(1));
    }

    [Fact]
    public void A_wish_loads_a_model_that_nobody_asks_for_and_its_idleness_begins_then()
    {
        var yard = new PlanYard(models: Model("a", 2) with { Keep = Seconds(10) });
        Assert.Equal([new FleetEffect.StartWorker("a", 1)], yard.Tell(new FleetEvent.LoadWanted("a")));
        yard.Load(1, 2);
        Assert.Equal((ModelState.Ready, Seconds(10)), (yard.Status("a").State, yard.Status("a").UnloadsIn));
        Assert.Equal([new FleetEffect.EndWorker(1)], yard.Pass(10));
    }

    [Fact]
    public void A_model_without_an_end_to_its_keeping_stays()
    {
        var yard = new PlanYard(models: Model("a", 2) with { Keep = null });
        yard.Warm("a", 2);
        Assert.Empty(yard.Pass(1_000_000));
        Assert.Equal((ModelState.Ready, null), (yard.Status("a").State, yard.Status("a").UnloadsIn));
    }

    [Fact]
    public void A_model_that_leaves_the_configuration_finishes_and_goes()
    {
        var yard = new PlanYard(models: Model("a", 2, slots: 1));
        yard.Warm("a", 2);
        long inside = yard.Ask("a").Ask, waits = yard.Ask("a").Ask;
        FleetEffect.Refuse refuse = Assert.IsType<FleetEffect.Refuse>(Assert.Single(yard.Tell(new FleetEvent.Configured([], yard.Limits))));
        Assert.Equal((waits, FleetRefusalKind.Unknown), (refuse.Ask, refuse.Refusal.Kind));
        Assert.Equal(FleetRefusalKind.Unknown, yard.Ask("a").Effects.OfType<FleetEffect.Refuse>().Single().Refusal.Kind);
        Assert.Equal([new FleetEffect.EndWorker(1)], yard.End(inside));
        yard.Die(1);
        Assert.Empty(yard.Plan.Statuses(yard.Moment));
    }

    [Fact]
    public void A_model_that_comes_back_before_it_was_gone_goes_on()
    {
        var yard = new PlanYard(models: Model("a", 2));
        yard.Warm("a", 2);
        yard.Ask("a");
        yard.Configure([]);
        yard.Configure([Model("a", 2)]);
        Assert.Single(yard.Ask("a").Effects.OfType<FleetEffect.Grant>());
    }

    [Fact]
    public void A_model_that_was_away_and_came_back_is_not_touched_by_what_was_planned_for_the_former_one()
    {
        var yard = new PlanYard(models: Model("a", 2));
        yard.Ask("a");
        yard.Die(1);
        yard.Ask("a", patience: 400);
        yard.Configure([]);
        yard.Configure([Model("a", 2)]);
        yard.Pass(400);
        Assert.Equal(ModelState.Cold, yard.Status("a").State);
    }

    [Fact]
    public void Another_edition_is_another_worker_and_the_former_one_finishes_first()
    {
        var yard = new PlanYard(models: new ModelTerms("a") { Slots = 1 });
        long inside = yard.Ask("a").Ask;
        yard.Load(1, 3);
        Assert.Equal(3 * GiB, yard.Status("a").Memory);
        yard.Configure([new ModelTerms("a") { Slots = 4, Edition = "16k" }]);
        (long next, List<FleetEffect> waits) = yard.Ask("a");
        Assert.Empty(waits);
        Assert.Equal([new FleetEffect.EndWorker(1)], yard.End(inside));
        Assert.Equal([new FleetEffect.StartWorker("a", 2)], yard.Die(1)); // what it needs has to be learned again
        yard.Load(2, 5);
        Assert.Equal((5 * GiB, 4, 1), (yard.Status("a").Memory, yard.Status("a").Slots, yard.Status("a").Busy));
        _ = next;
    }

    [Fact]
    public void Another_time_to_keep_it_holds_at_once_and_costs_no_load()
    {
        var yard = new PlanYard(models: Model("a", 2));
        yard.Warm("a", 2);
        yard.Pass(30);
        Assert.Equal([new FleetEffect.EndWorker(1)], yard.Tell(new FleetEvent.Configured([Model("a", 2) with { Keep = Seconds(20) }], yard.Limits)));
    }

    [Fact]
    public void A_model_of_the_same_name_in_other_letters_is_the_same_model()
    {
        var yard = new PlanYard(models: [Model("local/A", 2), Model("LOCAL/a", 9)]);
        Assert.Single(yard.Plan.Statuses(yard.Moment));
        Assert.Equal([new FleetEffect.StartWorker("local/A", 1)], yard.Ask("Local/a").Effects);
    }
}
