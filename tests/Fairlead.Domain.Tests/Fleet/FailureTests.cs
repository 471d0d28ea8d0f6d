using Fairlead.Domain.Fleet;
using static Fairlead.Domain.Tests.Fleet.PlanYard;

namespace Fairlead.Domain.Tests.Fleet;

/// <summary>Loads that fail, workers that die or hang, and models that do so again and again.</summary>
public sealed class FailureTests
{
    [Fact]
    public void A_load_that_fails_answers_everybody_who_waits_once_with_the_reason_and_without_a_path()
    {
        var yard = new PlanYard(models: Model("a", 2));
        long[] asks = [yard.Ask("a", "x").Ask, yard.Ask("a", "y").Ask, yard.Ask("a", "x").Ask];
        yard.Tell(new FleetEvent.Measured(1, Need(2)));
        FleetEffect.Refuse[] refusals = [.. yard.Die(1, "The file '/srv/models/a.gguf' ends too soon").Cast<FleetEffect.Refuse>()];
        Assert.Equal(asks.Order(), refusals.Select(static r => r.Ask).Order());
        Assert.All(refusals, static r => Assert.Equal(
            new FleetRefusal(FleetRefusalKind.LoadFailed, "'a' could not be loaded: The file 'a.gguf' ends too soon. It is tried again in 5 s.", Seconds(5)), r.Refusal));
        Assert.Equal((ModelState.Resting, 1, 0), (yard.Status("a").State, yard.Status("a").FailedLoads, yard.Status("a").Crashes));
    }

    [Fact]
    public void After_a_failed_load_newcomers_are_sent_away_at_once_until_the_rest_is_over()
    {
        var yard = new PlanYard(models: Model("a", 2));
        Fail(yard, 1);
        yard.Pass(2);
        FleetRefusal refusal = yard.Ask("a").Effects.OfType<FleetEffect.Refuse>().Single().Refusal;
        Assert.Equal((FleetRefusalKind.Resting, Seconds(3)), (refusal.Kind, refusal.RetryAfter));
        yard.Pass(3);
        Assert.Equal([new FleetEffect.StartWorker("a", 2)], yard.Ask("a").Effects);
    }

    [Fact]
    public void Each_further_failure_rests_twice_as_long_up_to_the_longest()
    {
        var yard = new PlanYard(models: Model("a", 2));
        double[] rests = [5, 10, 20, 40, 80, 160, 300, 300];
        for (int i = 0; i < rests.Length; i++)
        {
            Fail(yard, i + 1);
            Assert.Equal(Seconds(rests[i]), yard.Status("a").RetryIn);
            yard.Pass(rests[i]);
        }
        Assert.NotEqual(ModelState.Parked, yard.Status("a").State); // whoever cannot be loaded rests; only what dies after it was loaded is parked
    }

    [Fact]
    public void An_answer_makes_the_next_rest_a_first_one_again()
    {
        var yard = new PlanYard(models: Model("a", 2) with { Keep = Seconds(10) });
        Fail(yard, 1);
        yard.Pass(5);
        Fail(yard, 2);
        yard.Pass(10);
        yard.Warm("a", 2);
        Assert.Equal([new FleetEffect.EndWorker(3)], yard.Pass(10));
        yard.Die(3);
        Fail(yard, 4);
        Assert.Equal(Seconds(5), yard.Status("a").RetryIn);
    }

    [Fact]
    public void A_worker_that_has_answered_and_dies_is_started_again_at_once_for_those_who_wait()
    {
        var yard = new PlanYard(models: Model("a", 2, slots: 1));
        yard.Warm("a", 2);
        yard.Pass(60);
        long inside = yard.Ask("a").Ask, waits = yard.Ask("a").Ask;
        Assert.Equal([new FleetEffect.StartWorker("a", 2)], yard.Die(1, "It was killed by signal 9."));
        Assert.Empty(yard.End(inside)); // it finds out later
        Assert.Contains(new FleetEffect.Grant(waits, 2), yard.Load(2, 2));
        Assert.Equal((1, 0), (yard.Status("a").Crashes, yard.Status("a").FailedLoads));
    }

    [Fact]
    public void A_worker_that_dies_without_an_answer_rests_and_those_who_wait_go_on_waiting()
    {
        var yard = new PlanYard(models: Model("a", 2, slots: 1));
        long inside = yard.Ask("a").Ask, waits = yard.Ask("a").Ask;
        yard.Load(1, 2);
        Assert.Empty(yard.Die(1));
        Assert.Empty(yard.End(inside));
        Assert.Equal((ModelState.Resting, Seconds(5)), (yard.Status("a").State, yard.Status("a").RetryIn));
        Assert.Empty(yard.Ask("a").Effects); // whoever has the patience may wait as well
        Assert.Equal(FleetRefusalKind.Resting, yard.Ask("a", patience: 3).Effects.OfType<FleetEffect.Refuse>().Single().Refusal.Kind);
        Assert.Equal([new FleetEffect.StartWorker("a", 2)], yard.Pass(5));
        Assert.Contains(new FleetEffect.Grant(waits, 2), yard.Load(2, 2));
        Assert.Equal(1, yard.Status("a").Waiting);
    }

    [Fact]
    public void A_request_that_ends_because_its_worker_dies_is_no_answer_though_its_end_is_seen_first()
    {
        var yard = new PlanYard(models: Model("a", 2, slots: 1));
        long inside = yard.Ask("a").Ask;
        yard.Load(1, 2);
        yard.End(inside);
        yard.Pass(1);
        yard.Die(1);
        Assert.Equal(ModelState.Resting, yard.Status("a").State);
    }

    [Fact]
    public void A_model_that_dies_three_times_in_a_minute_is_parked_and_everybody_is_told_why()
    {
        var yard = new PlanYard(models: Model("a", 2, slots: 1));
        int start = yard.Warm("a", 2);
        yard.Pass(60);
        for (int crash = 1; crash <= 2; crash++)
        {
            yard.Ask("a");
            yard.Ask("a");
            List<FleetEffect> effects = [.. yard.Die(start, "Out of memory."), .. yard.Pass(20)];
            start = effects.OfType<FleetEffect.StartWorker>().Single().Start;
            yard.Load(start, 2);
        }
        FleetRefusal refusal = yard.Die(start, "Out of memory.").OfType<FleetEffect.Refuse>().First().Refusal;
        Assert.Equal(new FleetRefusal(FleetRefusalKind.Parked, "'a' was taken out of the catalogue because its worker keeps dying: Out of memory. An operator must load it again."), refusal);
        Assert.Equal((ModelState.Parked, "Out of memory.", 3), (yard.Status("a").State, yard.Status("a").Reason, yard.Status("a").Crashes));
        Assert.Equal(FleetRefusalKind.Parked, yard.Ask("a").Effects.OfType<FleetEffect.Refuse>().Single().Refusal.Kind);
        Assert.Empty(yard.Pass(3600));
        Assert.Equal(ModelState.Parked, yard.Status("a").State);
    }

    [Fact]
    public void Deaths_that_lie_far_apart_park_nobody()
    {
        var yard = new PlanYard(models: Model("a", 2, slots: 1));
        for (int crash = 1; crash <= 10; crash++)
        {
            yard.Warm("a", 2);
            yard.Pass(31);
            yard.Die(crash);
            Assert.Equal(ModelState.Cold, yard.Status("a").State);
        }
    }

    [Fact]
    public void An_operator_s_wish_or_another_edition_ends_a_parking()
    {
        foreach (bool wish in new[] { true, false })
        {
            var yard = new PlanYard(new FleetLimits { Memory = 12 * GiB, CrashesToPark = 1 }, Model("a", 2));
            yard.Warm("a", 2);
            yard.Die(1);
            Assert.Equal(ModelState.Parked, yard.Status("a").State);
            if (wish)
            {
                Assert.Equal([new FleetEffect.StartWorker("a", 2)], yard.Tell(new FleetEvent.LoadWanted("A")));
            }
            else
            {
                yard.Configure([Model("a", 2) with { Edition = "other files" }]);
                Assert.Equal(ModelState.Cold, yard.Status("a").State);
                Assert.Equal([new FleetEffect.StartWorker("a", 2)], yard.Ask("a").Effects);
            }
        }
    }

    [Fact]
    public void A_load_that_takes_longer_than_its_limit_is_killed_and_has_failed()
    {
        var yard = new PlanYard(models: Model("a", 2) with { LoadLimit = Seconds(60) });
        yard.Ask("a");
        yard.Pass(5);
        yard.Tell(new FleetEvent.Measured(1, Need(2)));
        Assert.Empty(yard.Pass(54.9));
        List<FleetEffect> effects = yard.Pass(0.2);
        Assert.Equal(FleetRefusalKind.LoadFailed, effects.OfType<FleetEffect.Refuse>().Single().Refusal.Kind);
        Assert.Equal("'a' could not be loaded: It was not loaded after 60 s, and was ended. It is tried again in 5 s.", effects.OfType<FleetEffect.Refuse>().Single().Refusal.Reason);
        Assert.Equal([new FleetEffect.KillWorker(1)], effects.OfType<FleetEffect.KillWorker>());
        yard.Die(1);
        Assert.Equal((1, 0), (yard.Status("a").FailedLoads, yard.Status("a").Crashes)); // its death is the same failure
    }

    [Fact]
    public void The_limit_of_a_load_grows_with_its_files()
    {
        var yard = new PlanYard(models: Model("a", 2) with { FileBytes = 100_000_000_000, LoadLimit = Seconds(60) });
        yard.Ask("a", patience: 1);
        yard.Tell(new FleetEvent.Measured(1, Need(2)));
        Assert.Empty(yard.Pass(1000).OfType<FleetEffect.KillWorker>()); // 100 GB may come at 100 MB/s
        Assert.Single(yard.Pass(40).OfType<FleetEffect.KillWorker>());
    }

    [Fact]
    public void Waiting_for_memory_is_no_part_of_a_load()
    {
        var yard = new PlanYard(new FleetLimits { Memory = 10 * GiB, Turn = TimeSpan.FromHours(1) }, Model("a", 6), new ModelTerms("b") { LoadLimit = Seconds(60), QueueWait = Seconds(1000) });
        yard.Warm("a", 6);
        yard.Ask("a");
        yard.Ask("b", patience: 1000);
        yard.Tell(new FleetEvent.Measured(2, Need(6)));
        Assert.Empty(yard.Pass(900));
    }

    [Fact]
    public void A_worker_that_is_silent_is_killed_and_has_crashed_once()
    {
        var yard = new PlanYard(models: Model("a", 2, slots: 1));
        yard.Warm("a", 2);
        yard.Pass(60);
        yard.Ask("a");
        long waits = yard.Ask("a").Ask;
        Assert.Equal([new FleetEffect.KillWorker(1)], yard.Tell(new FleetEvent.Silent(1, "It has not answered for 15 s.")));
        Assert.Empty(yard.Tell(new FleetEvent.Silent(1, "It has not answered for 20 s.")));
        Assert.Equal([new FleetEffect.StartWorker("a", 2)], yard.Die(1));
        Assert.Equal((1, "It has not answered for 15 s."), (yard.Status("a").Crashes, yard.Status("a").Reason));
        Assert.Contains(new FleetEffect.Grant(waits, 2), yard.Load(2, 2));
    }

    [Fact]
    public void News_that_comes_late_twice_or_of_nobody_changes_nothing()
    {
        var yard = new PlanYard(models: Model("a", 2));
        int start = yard.Warm("a", 2);
        FleetEvent[] late =
        [
            new FleetEvent.Measured(start, Need(3)), new FleetEvent.Loaded(start), new FleetEvent.Progressed(start, 0.1), new FleetEvent.Ended(1), new FleetEvent.GaveUp(1),
            new FleetEvent.Died(99, "x"), new FleetEvent.Loaded(99), new FleetEvent.Weighed(99, 1), new FleetEvent.Silent(99, "x"), new FleetEvent.Ended(99),
        ];
        ModelStatus before = yard.Status("a");
        Assert.All(late, what => Assert.Empty(yard.Tell(what)));
        Assert.Equal(before, yard.Status("a"));
        yard.Die(start);
        Assert.Empty(yard.Die(start));
        Assert.Equal(1, yard.Status("a").Crashes);
    }

    private static void Fail(PlanYard yard, int start)
    {
        Assert.Equal([new FleetEffect.StartWorker("a", start)], yard.Ask("a").Effects);
        Assert.Single(yard.Die(start, "No.").OfType<FleetEffect.Refuse>());
    }
}
