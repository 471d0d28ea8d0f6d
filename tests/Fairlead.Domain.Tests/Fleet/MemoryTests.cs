using Fairlead.Domain.Fleet;
using static Fairlead.Domain.Tests.Fleet.PlanYard;

namespace Fairlead.Domain.Tests.Fleet;

/// <summary>Several models, and not memory for all of them.</summary>
public sealed class MemoryTests
{
    private static readonly FleetLimits Ten = new() { Memory = 10 * GiB };

    [Fact]
    public void An_idle_model_makes_room_and_its_memory_is_not_given_away_before_its_death_was_seen()
    {
        var yard = new PlanYard(Ten, Model("a", 6), Model("b", 6));
        int a = yard.Warm("a", 6);
        Assert.Equal([new FleetEffect.EndWorker(a)], yard.Ask("b").Effects);
        Assert.Empty(yard.Pass(5));
        Assert.Equal([new FleetEffect.StartWorker("b", 2)], yard.Die(a));
        Assert.Equal((1, 0, 0), (yard.Status("a").Evictions, yard.Status("a").IdleUnloads, yard.Status("a").Crashes));
    }

    [Fact]
    public void The_least_valuable_idle_models_go_and_no_more_of_them_than_it_takes()
    {
        var yard = new PlanYard(Ten, Model("small", 1), Model("seldom", 3), Model("often", 3), Model("new", 5));
        yard.Warm("small", 1);
        int seldom = yard.Warm("seldom", 3);
        yard.Warm("often", 3);
        for (int i = 0; i < 20; i++)
            yard.End(yard.Ask("often").Ask);
        // 3 GiB are free and 5 are needed. The small one is worth least, and is left out again: without it there is room as well.
        Assert.Equal([new FleetEffect.EndWorker(seldom)], yard.Ask("new").Effects);
        Assert.Equal((ModelState.Ready, ModelState.Ready), (yard.Status("small").State, yard.Status("often").State));
    }

    [Fact]
    public void Of_two_models_that_load_alike_the_one_goes_that_is_asked_for_less()
    {
        var yard = new PlanYard(Ten, Model("often", 5), Model("seldom", 5), Model("new", 5));
        yard.Warm("often", 5);
        int seldom = yard.Warm("seldom", 5);
        for (int i = 0; i < 3; i++)
            yard.End(yard.Ask("often").Ask);
        yard.End(yard.Ask("seldom").Ask); // though it was asked for last
        Assert.Equal([new FleetEffect.EndWorker(seldom)], yard.Ask("new").Effects);
    }

    [Fact]
    public void What_is_dear_to_load_stays_longer_than_what_is_cheap()
    {
        var yard = new PlanYard(Ten, Model("slow", 5), Model("fast", 5), Model("new", 5));
        yard.Warm("slow", 5, seconds: 60);
        int fast = yard.Warm("fast", 5, seconds: 1);
        Assert.Equal([new FleetEffect.EndWorker(fast)], yard.Ask("new").Effects);
    }

    [Fact]
    public void A_model_in_use_finishes_what_it_has_begun_before_another_takes_its_memory()
    {
        var yard = new PlanYard(Ten, Model("a", 6), Model("b", 6));
        int a = yard.Warm("a", 6);
        long running = yard.Ask("a").Ask;
        (long wanted, List<FleetEffect> nothing) = yard.Ask("b");
        Assert.Empty(nothing);
        Assert.Empty(yard.Pass(100)); // its turn of 30 s is over, its drain of 120 s is not
        Assert.Equal(ModelState.Draining, yard.Status("a").State);
        Assert.Equal([new FleetEffect.EndWorker(a)], yard.End(running)); // nothing was broken off
        Assert.Equal([new FleetEffect.StartWorker("b", 2)], yard.Die(a));
        Assert.Equal([new FleetEffect.Grant(wanted, 2)], yard.Load(2, 6).OfType<FleetEffect.Grant>());
    }

    [Fact]
    public void A_model_that_makes_room_takes_nothing_new_after_its_turn_and_everything_before()
    {
        var yard = new PlanYard(Ten, Model("a", 6, slots: 4), Model("b", 6));
        int a = yard.Warm("a", 6);
        yard.Ask("a");
        yard.Ask("b");
        yard.Pass(29.9);
        Assert.Single(yard.Ask("a").Effects.OfType<FleetEffect.Grant>());
        yard.Pass(0.2);
        Assert.Empty(yard.Ask("a").Effects);
        Assert.Equal((2, 1), (yard.Status("a").Busy, yard.Status("a").Waiting));
        Assert.Equal([new FleetEffect.KillWorker(a)], yard.Pass(120)); // and what is not finished after the drain is broken off
    }

    [Fact]
    public void A_model_that_makes_room_takes_again_when_nobody_wants_the_room_any_more()
    {
        var yard = new PlanYard(Ten, Model("a", 6, slots: 2), Model("b", 6));
        int a = yard.Warm("a", 6);
        yard.Ask("a");
        long b = yard.Ask("b").Ask;
        yard.Pass(31);
        long newcomer = yard.Ask("a").Ask;
        Assert.Equal(ModelState.Draining, yard.Status("a").State);
        Assert.Equal([new FleetEffect.Grant(newcomer, a)], yard.Tell(new FleetEvent.GaveUp(b)));
        Assert.Equal(ModelState.Ready, yard.Status("a").State);
    }

    [Fact]
    public void A_model_that_makes_room_takes_again_when_another_has_become_idle()
    {
        var yard = new PlanYard(Ten, Model("a", 5), Model("c", 5), Model("b", 5));
        yard.Warm("a", 5);
        int c = yard.Warm("c", 5);
        yard.Ask("a");
        long inC = yard.Ask("c").Ask;
        yard.Ask("b");
        yard.Pass(31);
        ModelStatus[] draining = [.. yard.Plan.Statuses(yard.Moment).Where(static s => s.State == ModelState.Draining)];
        Assert.Equal("a", Assert.Single(draining).Model);
        Assert.Equal([new FleetEffect.EndWorker(c)], yard.End(inC));
        Assert.Equal(ModelState.Ready, yard.Status("a").State);
    }

    [Fact]
    public void Ten_queued_jobs_and_one_chat_cost_two_swaps_and_the_chat_waits_for_its_turn_only()
    {
        var yard = new PlanYard(Ten, Model("jobs", 6, slots: 1), Model("chat", 6, slots: 1));
        int first = yard.Warm("jobs", 6);
        Queue<long> jobs = new();
        for (int i = 0; i < 10; i++)
            jobs.Enqueue(yard.Ask("jobs", patience: 300).Ask);
        List<FleetEffect> all = [];
        yard.Pass(1);
        (long chat, _) = yard.Ask("chat");
        TimeSpan asked = yard.Now, served = default;
        int serving = first, starts = 0;
        long inside = jobs.Dequeue();
        while (jobs.Count > 0 || served == default)
        {
            all.Clear();
            all.AddRange(yard.Pass(8)); // a job takes 8 s
            all.AddRange(yard.End(inside));
            if (all.OfType<FleetEffect.EndWorker>().SingleOrDefault() is { } end)
            {
                yard.Pass(1);
                int next = yard.Die(end.Start).OfType<FleetEffect.StartWorker>().Single().Start;
                all.AddRange(yard.Load(next, 6));
                serving = next;
                starts++;
            }
            foreach (FleetEffect.Grant grant in all.OfType<FleetEffect.Grant>())
            {
                inside = grant.Ask;
                if (grant.Ask == chat)
                    served = yard.Now;
                else
                    Assert.Equal(jobs.Dequeue(), grant.Ask);
            }
        }
        Assert.Equal(2, starts);
        Assert.NotEqual(default, served);
        Assert.True(served - asked <= Seconds(30 + 8 + 3), $"The chat waited {served - asked}."); // the turn, the job that was begun, one load
        _ = serving;
    }

    [Fact]
    public void Of_two_models_in_steady_demand_each_has_its_turn_before_it_makes_room()
    {
        var yard = new PlanYard(Ten, Model("a", 6, slots: 1), Model("b", 6, slots: 1));
        yard.Warm("a", 6);
        yard.Ask("a");
        yard.Ask("b");
        yard.Ask("a");
        yard.Pass(31);
        Assert.Equal([new FleetEffect.EndWorker(1)], yard.End(2));
        yard.Die(1);
        yard.Load(2, 6, seconds: 45); // "a" waits for more than a turn when "b" is there at last
        Assert.Equal(ModelState.Ready, yard.Status("b").State);
        Assert.Empty(yard.Pass(29.9));
        Assert.Equal(ModelState.Ready, yard.Status("b").State);
        yard.Pass(0.2);
        Assert.Equal(ModelState.Draining, yard.Status("b").State);
    }

    [Fact]
    public void A_large_model_is_not_starved_by_small_ones_that_come_later()
    {
        var yard = new PlanYard(Ten, Model("a", 3), Model("large", 9), Model("small", 2), Model("tiny", 1));
        yard.Warm("a", 3);
        long inA = yard.Ask("a").Ask;
        Assert.Empty(yard.Ask("large").Effects);
        Assert.Empty(yard.Ask("small").Effects); // it would fit now, and in the way of the one before it
        Assert.Equal([new FleetEffect.StartWorker("tiny", 2)], yard.Ask("tiny").Effects); // it fits beside the large one
        yard.Pass(31);
        yard.End(inA);
        Assert.Equal([new FleetEffect.StartWorker("large", 3)], yard.Die(1));
    }

    [Fact]
    public void What_can_never_fit_is_refused_with_the_sizes_and_with_what_would_fit()
    {
        var yard = new PlanYard(Ten, new ModelTerms("local/big") { Slots = 8 });
        (long ask, _) = yard.Ask("local/big");
        List<FleetEffect> effects = yard.Tell(new FleetEvent.Measured(1, new MemoryNeed(6 * GiB, 8 * GiB, GiB / 2)));
        FleetRefusal refusal = effects.OfType<FleetEffect.Refuse>().Single(r => r.Ask == ask).Refusal;
        Assert.Equal((FleetRefusalKind.TooLarge, null), (refusal.Kind, refusal.RetryAfter));
        Assert.Equal("'local/big' needs 14.5 GiB, and all models together may use 10 GiB (fleet.memory). With 3 instead of 8 slots it would fit, or with 43 % of its context.", refusal.Reason);
        Assert.Contains(new FleetEffect.EndWorker(1), effects);
        yard.Die(1);
        // It is known now: nobody starts a worker to hear the same again.
        Assert.Equal(FleetRefusalKind.TooLarge, yard.Ask("local/big").Effects.OfType<FleetEffect.Refuse>().Single().Refusal.Kind);
        Assert.Equal((ModelState.Cold, 0, refusal.Reason), (yard.Status("local/big").State, yard.Status("local/big").FailedLoads, yard.Status("local/big").Reason));
    }

    [Fact]
    public void What_does_not_fit_even_without_a_context_is_told_so()
    {
        var yard = new PlanYard(Ten, new ModelTerms("local/big") { Slots = 8 });
        yard.Ask("local/big");
        string reason = yard.Tell(new FleetEvent.Measured(1, new MemoryNeed(12 * GiB, GiB, 0))).OfType<FleetEffect.Refuse>().Single().Refusal.Reason;
        Assert.EndsWith("Its weights alone are 12 GiB: choose a smaller form of it.", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_worker_s_word_that_no_machine_could_hold_is_too_large_and_nothing_worse()
    {
        var yard = new PlanYard(Ten, new ModelTerms("a"));
        yard.Ask("a");
        Assert.Equal(FleetRefusalKind.TooLarge, yard.Tell(new FleetEvent.Measured(1, new MemoryNeed(long.MaxValue, long.MaxValue, -5))).OfType<FleetEffect.Refuse>().Single().Refusal.Kind);
    }

    [Fact]
    public void Memory_that_other_programs_have_is_waited_for_and_looked_for_every_second()
    {
        var yard = new PlanYard(Ten, Model("a", 6)) { Available = 4 * GiB };
        Assert.Empty(yard.Ask("a").Effects);
        Assert.Equal(ModelState.Queued, yard.Status("a").State);
        Assert.Empty(yard.Pass(20));
        yard.Available = 7 * GiB;
        Assert.Equal([new FleetEffect.StartWorker("a", 1)], yard.Pass(1));
    }

    [Fact]
    public void What_a_loading_worker_has_still_to_take_is_not_given_to_another()
    {
        var yard = new PlanYard(new FleetLimits { Memory = 100 * GiB }, Model("a", 6), Model("b", 5)) { Available = 10 * GiB };
        yard.Ask("a");
        yard.Tell(new FleetEvent.Measured(1, Need(6)));
        Assert.Empty(yard.Ask("b").Effects); // 10 are there, and 6 of them are as good as taken
        yard.Available = 6 * GiB;
        Assert.Equal([new FleetEffect.StartWorker("b", 2)], yard.Tell(new FleetEvent.Weighed(1, 5 * GiB))); // it has 5 of them now, and 1 to come
    }

    [Fact]
    public void A_worker_that_outgrows_its_measure_is_given_what_is_left()
    {
        var yard = new PlanYard(Ten, Unseen("a", 6), Unseen("b", 3));
        int a = yard.Warm("a", 6);
        Assert.Empty(yard.Tell(new FleetEvent.Weighed(a, 8 * GiB)));
        Assert.Equal((ModelState.Ready, 8 * GiB), (yard.Status("a").State, yard.Status("a").Memory));
        Assert.Equal([new FleetEffect.EndWorker(a)], yard.Ask("b").Effects); // and nobody else is promised it
    }

    [Fact]
    public void A_worker_that_outgrows_all_that_is_left_finishes_and_is_loaded_anew()
    {
        var yard = new PlanYard(Ten, Unseen("a", 6), Unseen("b", 4));
        int a = yard.Warm("a", 6);
        yard.Warm("b", 4);
        yard.Ask("b");
        long inA = yard.Ask("a").Ask;
        Assert.Empty(yard.Tell(new FleetEvent.Weighed(a, (long)(6.2 * GiB)))); // counting pages is no exact art
        Assert.Equal(ModelState.Ready, yard.Status("a").State);
        Assert.Empty(yard.Tell(new FleetEvent.Weighed(a, 7 * GiB)));
        Assert.Equal((ModelState.Draining, "Its worker uses 7 GiB, and 6 GiB were set aside for it."), (yard.Status("a").State, yard.Status("a").Reason));
        (long next, List<FleetEffect> waits) = yard.Ask("a");
        Assert.Empty(waits);
        Assert.Equal([new FleetEffect.EndWorker(a)], yard.End(inA));
        Assert.Equal([new FleetEffect.StartWorker("a", 3)], yard.Die(a)); // it grew in use: the next one begins with what is known
        Assert.Contains(new FleetEffect.Grant(next, 3), yard.Load(3, 6));
        Assert.Equal((0, ModelState.Ready), (yard.Status("a").Crashes, yard.Status("b").State));
    }

    [Fact]
    public void A_worker_that_outgrows_its_measure_before_its_first_answer_has_said_too_little_and_the_next_gets_more()
    {
        var yard = new PlanYard(Ten, Unseen("a", 6), Unseen("b", 4));
        yard.Warm("b", 4);
        yard.Ask("b");
        yard.Ask("a");
        yard.Load(2, 6);
        yard.Tell(new FleetEvent.Weighed(2, 7 * GiB));
        Assert.Equal((ModelState.Draining, 6 * GiB), (yard.Status("a").State, yard.Status("a").Memory));
        yard.Die(2);
        Assert.Equal(7 * GiB, yard.Status("a").Memory);
    }

    [Fact]
    public void The_pages_of_its_files_are_not_what_a_worker_outgrows_its_measure_by()
    {
        var yard = new PlanYard(Ten, Model("a", 6), Model("b", 4));
        int a = yard.Warm("a", 6);
        yard.Warm("b", 4);
        yard.Tell(new FleetEvent.Weighed(a, 12 * GiB)); // 6 GiB of files, mapped beside what it has made of them
        Assert.Equal((ModelState.Ready, 6 * GiB), (yard.Status("a").State, yard.Status("a").Memory));
        yard.Tell(new FleetEvent.Weighed(a, 13 * GiB));
        Assert.NotEqual(ModelState.Ready, yard.Status("a").State);
    }

    private static ModelTerms Unseen(string name, double gigabytes) => Model(name, gigabytes) with { FileBytes = 0 };

    [Fact]
    public void A_budget_that_is_lowered_is_kept_as_soon_as_nobody_has_to_suffer_for_it()
    {
        var yard = new PlanYard(Ten, Model("a", 4), Model("b", 4));
        int a = yard.Warm("a", 4), b = yard.Warm("b", 4);
        long inA = yard.Ask("a").Ask, inB = yard.Ask("b").Ask;
        yard.Limits = new FleetLimits { Memory = 4 * GiB };
        yard.Configure([Model("a", 4), Model("b", 4)]);
        Assert.Empty(yard.Pass(29));
        yard.Pass(2);
        Assert.Single(yard.Plan.Statuses(yard.Moment), static s => s.State == ModelState.Draining);
        List<FleetEffect> effects = [.. yard.End(inA), .. yard.End(inB)];
        Assert.Single(effects.OfType<FleetEffect.EndWorker>());
        _ = (a, b);
    }

    [Fact]
    public void Who_was_told_to_come_back_finds_the_model_loaded_even_where_others_want_its_memory()
    {
        var yard = new PlanYard(Ten, Model("a", 6), Model("b", 6));
        yard.Ask("a", patience: 0);
        yard.Load(1, 6);
        Assert.Empty(yard.Ask("b").Effects); // nobody is in "a", and somebody was promised it
        (long back, List<FleetEffect> effects) = yard.Ask("a", patience: 0);
        Assert.Equal([new FleetEffect.Grant(back, 1)], effects);
    }
}
