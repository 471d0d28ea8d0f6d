using Fairlead.Domain.Fleet;
using static Fairlead.Domain.Tests.Fleet.PlanYard;

namespace Fairlead.Domain.Tests.Fleet;

/// <summary>The life of one model, from its first request to its unloading.</summary>
public sealed class ModelLifeTests
{
    [Fact]
    public void A_model_is_loaded_when_it_is_asked_for_and_unloaded_when_it_was_idle_for_long_enough()
    {
        var yard = new PlanYard(models: new ModelTerms("local/a") { Keep = Seconds(10) });
        (long ask, List<FleetEffect> effects) = yard.Ask("local/a");
        Assert.Equal([new FleetEffect.StartWorker("local/a", 1)], effects);
        Assert.Equal([new FleetEffect.LetLoad(1, 4 * GiB)], yard.Tell(new FleetEvent.Measured(1, Need(4))));
        Assert.Equal(ModelState.Loading, yard.Status("local/a").State);
        Assert.Equal([new FleetEffect.Grant(ask, 1)], yard.Tell(new FleetEvent.Loaded(1)));
        Assert.Empty(yard.Pass(60)); // the clock of its idleness starts at the end of the last answer
        Assert.Empty(yard.End(ask));
        Assert.Empty(yard.Pass(9.9));
        Assert.Equal([new FleetEffect.EndWorker(1)], yard.Pass(0.1));
        Assert.Empty(yard.Die(1));
        Assert.Equal((ModelState.Cold, 1, 0), (yard.Status("local/a").State, yard.Status("local/a").IdleUnloads, yard.Status("local/a").Crashes));
        Assert.Empty(yard.Pass(300));
        Assert.Null(yard.Plan.WakeAt); // with nothing loaded nothing wakes it
    }

    [Fact]
    public void A_thousand_who_ask_at_once_cause_one_load()
    {
        var yard = new PlanYard(models: new ModelTerms("local/a") { Slots = 8, Queue = 512 });
        List<FleetEffect> effects = [];
        for (int i = 0; i < 1000; i++)
            effects.AddRange(yard.Ask("local/a").Effects);
        Assert.Single(effects.OfType<FleetEffect.StartWorker>());
        Assert.Equal(488, effects.OfType<FleetEffect.Refuse>().Count());
        effects.AddRange(yard.Load(1, 4));
        Queue<long> inside = new(effects.OfType<FleetEffect.Grant>().Select(static g => g.Ask));
        int served = 0;
        while (inside.TryDequeue(out long ask))
        {
            served++;
            List<FleetEffect> next = yard.End(ask);
            effects.AddRange(next);
            foreach (FleetEffect.Grant grant in next.OfType<FleetEffect.Grant>())
                inside.Enqueue(grant.Ask);
            Assert.True(inside.Count <= 8);
        }
        Assert.Equal(512, served);
        Assert.Single(effects.OfType<FleetEffect.StartWorker>());
        Assert.Equal(1000, effects.Select(static e => e switch { FleetEffect.Grant g => g.Ask, FleetEffect.Refuse r => r.Ask, _ => 0 }).Where(static ask => ask > 0).Distinct().Count());
    }
}
