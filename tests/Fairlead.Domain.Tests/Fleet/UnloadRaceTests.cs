using Fairlead.Domain.Fleet;

namespace Fairlead.Domain.Tests.Fleet;

/// <summary>A request that comes at the moment in which its model is unloaded: it wins, or it waits; it never fails.</summary>
public sealed class UnloadRaceTests
{
    private const int Schedules = 100_000;

    private static readonly ModelTerms[] Terms = [new("a") { Slots = 2, Keep = TimeSpan.FromSeconds(10), Memory = 1 }];

    [Fact]
    public void In_a_hundred_thousand_schedules_a_request_wins_against_the_unloading_or_waits_for_it()
    {
        int won = 0, waited = 0;
        Lock told = new();
        Parallel.For(0, Schedules, seed =>
        {
            var chance = new Random(seed);
            var race = new Race();
            race.Tell(new FleetEvent.LoadWanted("a"));
            // Answers that overlap or leave gaps of about the time for which it is kept, down to the same tick.
            for (int i = 0; i < 4; i++)
            {
                race.Sleep(chance.Next(3) switch { 0 => chance.Next(60_000), 1 => 10_000 + chance.Next(-2, 3), _ => chance.Next(300) }, late: chance.Next(2) * chance.Next(40));
                race.Ask(answerMs: chance.Next(2) == 0 ? 60_000 : chance.Next(1, 100));
                if (chance.Next(3) == 0)
                    race.Ask(answerMs: chance.Next(1, 30_000));
            }
            race.Sleep(200_000, late: 0);
            Assert.Equal(race.Asks, race.Granted);
            Assert.Equal(0, race.Inside);
            lock (told)
            {
                won += race.Won;
                waited += race.Asks - race.Won;
            }
        });
        Assert.True(won > Schedules && waited > Schedules / 2, $"{won} won, {waited} waited: the schedules do not meet the unloading.");
    }

    /// <summary>One model, whose worker takes 50 ms to end and 50 ms to load.</summary>
    private sealed class Race
    {
        private readonly FleetPlan _plan = new(new LoadForecast());
        private readonly List<FleetEffect> _effects = [];
        private readonly PriorityQueue<FleetEvent, (TimeSpan, int)> _coming = new();
        private readonly Dictionary<long, int> _answers = [];
        private TimeSpan _now;
        private int _order;

        public Race() => Tell(new FleetEvent.Configured([.. Terms], new FleetLimits { Memory = 1 }));

        public int Asks { get; private set; }

        public int Granted { get; private set; }

        public int Won { get; private set; }

        public int Inside { get; private set; }

        public void Ask(int answerMs)
        {
            int before = Granted;
            _answers[++Asks] = answerMs;
            Tell(new FleetEvent.Asked(Asks, "a", "t", TimeSpan.FromSeconds(300)));
            Won += Granted - before;
        }

        public void Sleep(int ms, int late)
        {
            TimeSpan end = _now + TimeSpan.FromMilliseconds(ms);
            while (true)
            {
                TimeSpan? wake = _plan.WakeAt + TimeSpan.FromMilliseconds(late);
                bool something = _coming.TryPeek(out _, out (TimeSpan At, int) first);
                if (something && first.At <= end && !(wake < first.At))
                {
                    _now = first.At > _now ? first.At : _now;
                    Tell(_coming.Dequeue());
                }
                else if (wake is { } at && at <= end)
                {
                    _now = at > _now ? at : _now;
                    Tell(FleetEvent.Ticked.Instance);
                }
                else
                {
                    _now = end;
                    return;
                }
            }
        }

        public void Tell(FleetEvent what)
        {
            if (what is FleetEvent.Ended)
                Inside--;
            _effects.Clear();
            _plan.Decide(what, new FleetMoment(_now, long.MaxValue), _effects);
            foreach (FleetEffect effect in _effects)
            {
                switch (effect)
                {
                    case FleetEffect.StartWorker start:
                        In(0, new FleetEvent.Measured(start.Start, new MemoryNeed(1, 0, 0)));
                        break;
                    case FleetEffect.LetLoad let:
                        In(50, new FleetEvent.Loaded(let.Start));
                        break;
                    case FleetEffect.EndWorker end:
                        Assert.Equal(0, Inside);
                        In(50, new FleetEvent.Died(end.Start, "It has ended."));
                        break;
                    case FleetEffect.Grant grant:
                        Granted++;
                        Inside++;
                        In(_answers[grant.Ask], new FleetEvent.Ended(grant.Ask));
                        break;
                    default:
                        Assert.Fail($"{effect}");
                        break;
                }
            }
        }

        private void In(int ms, FleetEvent what) => _coming.Enqueue(what, (_now + TimeSpan.FromMilliseconds(ms), _order++));
    }
}
