using System.Collections.Immutable;
using System.Globalization;
using Fairlead.Domain.Fleet;

namespace Fairlead.Domain.Tests.Fleet;

/// <summary>What the outside does to a fleet in a random sequence. What the numbers mean is each kind's own affair.</summary>
internal enum Deed : byte
{
    Ask,
    GiveUp,
    Advance,
    StepClock,
    Crash,
    Silence,
    Weigh,
    LeaveMemory,
    Reconfigure,
    WantLoad,
    WantStop,
    RepeatOldNews,
}

/// <summary>One of them.</summary>
internal readonly record struct Step(Deed Deed, int A, int B);

/// <summary>A machine that a plan believes in: processes that measure, load, answer, hang and die in their own time, callers with and without patience,
/// an operator. It does what the plan says, tells it what became of it, sometimes late or twice, and checks after each word that nothing was promised that
/// must not be.</summary>
internal sealed class FleetWorld
{
    private const long Unit = 1L << 28;

    private static readonly string[] Names = ["local/a", "local/b", "local/c", "local/d"];

    private readonly FleetPlan _plan = new(new LoadForecast());
    private readonly List<FleetEffect> _effects = [];
    private readonly PriorityQueue<Action, (TimeSpan, int)> _coming = new();
    private readonly Dictionary<int, Process> _processes = [];
    private readonly Dictionary<long, Caller> _waiting = [];
    private readonly HashSet<long> _answered = [];
    private readonly Dictionary<string, ModelTerms> _terms = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<FleetEvent> _oldNews = [];
    private readonly Dictionary<string, TimeSpan> _notBefore = [];
    private readonly Random _chance;
    private readonly int[] _needs = new int[Names.Length];
    private readonly double _mishap;

    private FleetLimits _limits = new() { Memory = 8 * Unit };
    private TimeSpan _now;
    private long _available = 1000 * Unit;
    private int _order;
    private long _asks;

    public FleetWorld(int seed)
    {
        _chance = new Random(seed);
        _mishap = _chance.Next(3) == 0 ? 0 : 0.1;
        for (int i = 0; i < _needs.Length; i++)
            _needs[i] = 1 + _chance.Next(7);
        Reconfigure(_chance.Next(), all: true);
    }

    /// <summary>Requests that got a place, over the whole life of this world: what shows that a sequence has done something.</summary>
    public int Grants { get; private set; }

    public void Do(Step step)
    {
        switch (step.Deed)
        {
            case Deed.Ask:
                for (int i = 0; i <= step.A % 5; i++)
                    Ask(step.A + i * 7 * (step.B % 2), step.B + i * 5);
                break;
            case Deed.GiveUp when _waiting.Count > 0:
                Tell(new FleetEvent.GaveUp(_waiting.Keys.ElementAt(step.A % _waiting.Count)));
                break;
            case Deed.Advance:
                Until(_now + TimeSpan.FromMilliseconds((step.A % 6) switch { 0 => step.B % 50, 1 => step.B % 1000, 2 or 3 => step.B % 5000, 4 => step.B % 40_000, _ => step.B % 200_000 }));
                break;
            case Deed.StepClock: // the machine slept: all that should have happened meanwhile is heard of afterwards, in order
                _now += TimeSpan.FromMilliseconds(step.B % 900_000);
                Until(_now);
                break;
            case Deed.Crash when Alive() is { Count: > 0 } alive:
                Die(alive[step.A % alive.Count], "It crashed at /srv/secret/model.gguf.");
                break;
            case Deed.Silence when Alive() is { Count: > 0 } alive:
                Process silent = alive[step.A % alive.Count];
                silent.MayBeKilled = true;
                Tell(new FleetEvent.Silent(silent.Start, "It has not answered for 15 s."));
                break;
            case Deed.Weigh when Alive() is { Count: > 0 } alive:
                Process heavy = alive[step.A % alive.Count];
                Tell(new FleetEvent.Weighed(heavy.Start, (long)(heavy.Memory * (step.B % 180) / 100.0)));
                break;
            case Deed.LeaveMemory:
                _available = (step.A % 3 == 0 ? step.B % 6 : 1000) * Unit;
                Tell(FleetEvent.Ticked.Instance);
                break;
            case Deed.Reconfigure:
                Reconfigure(step.A, all: false);
                break;
            case Deed.WantLoad:
                Tell(new FleetEvent.LoadWanted(Names[step.A % Names.Length]));
                break;
            case Deed.WantStop:
                bool now = step.B % 2 == 0;
                foreach (Process process in Alive().Where(p => now && p.Model == Names[step.A % Names.Length]))
                    process.MayBeKilled = true;
                Tell(new FleetEvent.StopWanted(Names[step.A % Names.Length], now));
                break;
            case Deed.RepeatOldNews when _oldNews.Count > 0:
                Tell(_oldNews[step.A % _oldNews.Count]);
                break;
        }
    }

    /// <summary>Takes every model out of the configuration, and waits until all has come to rest.</summary>
    public void Finish()
    {
        _terms.Clear();
        Tell(new FleetEvent.Configured([], _limits));
        Until(_now + TimeSpan.FromHours(2));
        Hold(_waiting.Count == 0, $"{_waiting.Count} still wait after all models have gone.");
        Hold(Alive().Count == 0, "A worker outlives its model.");
        Hold(_processes.Values.All(static p => p.Inside.Count == 0), "A request has never left its place.");
        Hold(_plan.Statuses(new FleetMoment(_now, _available)).Count == 0, "A model is there that nobody configured.");
        Hold(_plan.WakeAt is null, "It wants to be woken for nothing.");
    }

    // ------------------------------------------------------------------------------------------------------------------------------- the outside

    private void Ask(int a, int b)
    {
        string model = a % 29 == 0 ? "local/nobody" : Names[a % Names.Length];
        TimeSpan patience = TimeSpan.FromSeconds((b % 7) switch { 0 => 0, 1 => 1, 2 => 5, 3 => 40, _ => 300 });
        TimeSpan wait = _terms.TryGetValue(model, out ModelTerms? terms) ? terms.QueueWait : TimeSpan.Zero;
        long ask = ++_asks;
        _waiting[ask] = new Caller(model, _now + (patience > TimeSpan.Zero && patience < wait ? patience : wait));
        Tell(new FleetEvent.Asked(ask, model, $"tenant {b % 3}", patience, MayLoad: b % 11 != 0));
    }

    private void Reconfigure(int a, bool all)
    {
        var chance = new Random(a);
        for (int i = 0; i < Names.Length; i++)
        {
            if (!all && chance.Next(3) > 0)
                continue;
            if (!all && chance.Next(4) == 0)
                _terms.Remove(Names[i]);
            else
                _terms[Names[i]] = new ModelTerms(Names[i])
                {
                    Slots = 1 + chance.Next(3),
                    Queue = 1 + chance.Next(8),
                    QueueWait = TimeSpan.FromSeconds(30 + chance.Next(200)),
                    Keep = chance.Next(5) == 0 ? null : TimeSpan.FromSeconds(chance.Next(60)),
                    LoadLimit = TimeSpan.FromSeconds(40),
                    Memory = chance.Next(2) == 0 ? _needs[i] * Unit : null,
                    FileBytes = chance.Next(3) == 0 ? _needs[i] * Unit : 1,
                    Edition = chance.Next(4) == 0 ? "another" : "first",
                };
        }
        if (all || chance.Next(3) == 0)
            _limits = _limits with { Memory = (2 + chance.Next(9)) * Unit, Turn = TimeSpan.FromSeconds(1 + chance.Next(20)), Drain = TimeSpan.FromSeconds(5 + chance.Next(30)) };
        Tell(new FleetEvent.Configured([.. _terms.Values], _limits));
    }

    // ------------------------------------------------------------------------------------------------------------------------------ the processes

    private void Started(FleetEffect.StartWorker start)
    {
        var process = new Process(start.Start, start.Model, _terms[start.Model].Slots, _now);
        _processes.Add(start.Start, process);
        double fate = _chance.NextDouble();
        if (fate < _mishap / 3)
            return; // it hangs
        In(0, 900, () =>
        {
            if (fate < _mishap)
            {
                Die(process, "It could not read /srv/secret/config.json.");
                return;
            }
            long need = (long)(_needs[Array.IndexOf(Names, start.Model)] * Unit * (_chance.Next(10) == 0 ? 1.3 : 1));
            process.Need = need;
            process.Measured = _now;
            Tell(new FleetEvent.Measured(start.Start, new MemoryNeed(need / 2, need / 4, need - need / 2 - need / 4)));
        });
    }

    private void Load(FleetEffect.LetLoad let)
    {
        Process process = _processes[let.Start];
        process.Let = true;
        process.LetAt = _now;
        process.Memory = let.Memory;
        double fate = _chance.NextDouble();
        double seconds = _chance.NextDouble() * 8;
        In(0, (int)(seconds * 500), () => Tell(new FleetEvent.Progressed(let.Start, 0.4)));
        if (fate < _mishap / 3)
            return; // it hangs
        In((int)(seconds * 500), (int)(seconds * 1000), () =>
        {
            if (fate < _mishap)
            {
                Die(process, "It could not load.");
                return;
            }
            process.Ready |= !process.Dying && !process.Told;
            process.IdleSince = _now;
            Tell(new FleetEvent.Loaded(let.Start));
        });
    }

    private void Die(Process process, string why)
    {
        if (process.Dying)
            return;
        process.Dying = true;
        foreach (long ask in process.Inside.Where(ask => ask % 3 == 0).ToList()) // some connections break before the death is seen
            Leave(process, ask);
        process.Dead = true;
        Tell(new FleetEvent.Died(process.Start, why));
        foreach (long ask in process.Inside.ToList())
            In(0, 200, () => Leave(process, ask));
    }

    private void Leave(Process process, long ask)
    {
        if (!process.Inside.Remove(ask))
            return;
        process.IdleSince = _now;
        Tell(ask % 2 == 0 ? new FleetEvent.Ended(ask) : new FleetEvent.GaveUp(ask));
    }

    private List<Process> Alive() => [.. _processes.Values.Where(static p => !p.Dead)];

    private void In(int fromMs, int toMs, Action what) =>
        _coming.Enqueue(what, (_now + TimeSpan.FromMilliseconds(_chance.Next(fromMs, Math.Max(fromMs + 1, toMs))), _order++));

    private void Until(TimeSpan end)
    {
        for (int turns = 0; ; turns++)
        {
            Hold(turns < 200_000, "Time stands still.");
            TimeSpan? wake = _plan.WakeAt;
            bool something = _coming.TryPeek(out _, out (TimeSpan At, int) first);
            if (something && first.At <= end && !(wake < first.At))
            {
                _now = first.At > _now ? first.At : _now;
                _coming.Dequeue()();
            }
            else if (wake is { } at && at <= end)
            {
                _now = at > _now ? at : _now;
                Tell(FleetEvent.Ticked.Instance);
                Hold(!(_plan.WakeAt <= _now), "It wants to be woken for what is done.");
            }
            else
            {
                _now = end > _now ? end : _now;
                return;
            }
        }
    }

    // ------------------------------------------------------------------------------------------------------------------------- words and promises

    private void Tell(FleetEvent what)
    {
        if (what is FleetEvent.Measured or FleetEvent.Loaded or FleetEvent.Died or FleetEvent.Ended or FleetEvent.GaveUp or FleetEvent.Weighed)
            _oldNews.Add(what);
        var moment = new FleetMoment(_now, _available);
        _effects.Clear();
        _plan.Decide(what, moment, _effects);
        if (what is FleetEvent.GaveUp gone)
            _waiting.Remove(gone.Ask);
        foreach (FleetEffect effect in _effects.ToList())
            Check(effect, what);
        CheckState(moment);
    }

    private void Check(FleetEffect effect, FleetEvent cause)
    {
        switch (effect)
        {
            case FleetEffect.StartWorker start:
                Hold(Alive().All(p => p.Model != start.Model), $"{start.Model} is started while it has a worker.");
                Hold(_terms.ContainsKey(start.Model), $"{start.Model} is started, and nobody configured it.");
                bool putRight = cause is FleetEvent.LoadWanted or FleetEvent.Configured;
                Hold(putRight || _now >= _notBefore.GetValueOrDefault(start.Model), $"{start.Model} is started while it rests or is parked.");
                Started(start);
                break;
            case FleetEffect.LetLoad let:
                Process loader = _processes[let.Start];
                Hold(loader is { Dead: false, Let: false, Told: false, Need: > 0 }, $"{let.Start} cannot load now.");
                Hold(let.Memory >= loader.Need, "Less is set aside than it needs.");
                Load(let);
                Hold(Alive().Sum(static p => p.Memory) <= _limits.Memory, "More is set aside than the budget.");
                break;
            case FleetEffect.EndWorker end:
                Process ended = _processes[end.Start];
                Hold(ended is { Dead: false, Told: false }, $"{end.Start} is told to end for nothing.");
                Hold(ended.Inside.Count == 0, $"{end.Start} is told to end with requests in it.");
                ended.Told = true;
                ended.ToldAt = _now;
                if (_chance.NextDouble() >= _mishap)
                    In(0, 3000, () => Die(ended, "It has ended."));
                break;
            case FleetEffect.KillWorker kill:
                Process killed = _processes[kill.Start];
                Hold(killed is { Dead: false, Killed: false }, $"{kill.Start} is killed for nothing.");
                Hold(killed.MayBeKilled || MayBeKilled(killed), $"{kill.Start} is killed, and there was no reason.");
                killed.Told = killed.Killed = true;
                In(0, 500, () => Die(killed, "It was killed."));
                break;
            case FleetEffect.Grant grant:
                Process server = _processes[grant.Start];
                Hold(_waiting.Remove(grant.Ask, out Caller? caller) && _answered.Add(grant.Ask), $"{grant.Ask} is granted a place, and does not wait.");
                Hold(server is { Ready: true, Dead: false, Told: false } && server.Model == caller!.Model, $"{grant.Ask} is sent to a worker that does not answer.");
                server.Inside.Add(grant.Ask);
                Hold(server.Inside.Count <= server.Slots, $"{server.Start} has more requests than slots.");
                Grants++;
                In(0, (int)(grant.Ask % 4) switch { 0 => 100, 1 => 3000, 2 => 20_000, _ => 70_000 }, () => Leave(server, grant.Ask));
                break;
            case FleetEffect.Refuse refuse:
                Hold(_waiting.Remove(refuse.Ask) && _answered.Add(refuse.Ask), $"{refuse.Ask} is refused, and does not wait.");
                Hold(refuse.Refusal.Reason.Length is > 0 and <= 240, $"'{refuse.Refusal.Reason}' is {refuse.Refusal.Reason.Length} characters.");
                Hold(!refuse.Refusal.Reason.Contains("/srv", StringComparison.Ordinal), $"'{refuse.Refusal.Reason}' tells a path.");
                bool hopeless = refuse.Refusal.Kind is FleetRefusalKind.TooLarge or FleetRefusalKind.Parked or FleetRefusalKind.Unknown;
                Hold(hopeless == refuse.Refusal.RetryAfter is null, $"{refuse.Refusal.Kind} says to retry after {refuse.Refusal.RetryAfter}.");
                Hold(!(refuse.Refusal.RetryAfter < TimeSpan.Zero), $"{refuse.Refusal.Kind} says to retry in the past.");
                break;
        }
    }

    private bool MayBeKilled(Process process) =>
        (process.Told && _now - process.ToldAt >= _limits.Farewell)
        || (!process.Ready && (process.Let ? process.Measured - process.Began + (_now - process.LetAt) : _now - process.Began) >= TimeSpan.FromSeconds(40))
        || (process.DrainsSince is { } since && _now - since >= process.Drain);

    private void CheckState(FleetMoment moment)
    {
        _notBefore.Clear();
        foreach ((long ask, Caller caller) in _waiting)
            Hold(caller.Deadline > _now, $"{ask} waits longer than it wanted.");
        int waiting = 0;
        foreach (string name in Names)
        {
            if (_plan.Status(name, moment) is not { } status)
                continue;
            waiting += status.Waiting;
            Hold(status.State != ModelState.Ready || status.Waiting == 0 || status.Busy == status.Slots, $"Somebody waits for {status.Model}, which has a free place.");
            _notBefore[status.Model] = status.State == ModelState.Parked ? TimeSpan.MaxValue : _now + (status.RetryIn ?? TimeSpan.Zero);
            Hold(status.ReadyIn >= TimeSpan.Zero, $"{status.Model} is ready in the past.");
            if (status.Start is not { } start)
                continue;
            Process process = _processes[start];
            Hold(!process.Dead, $"{status.Model} has a dead worker.");
            Hold(status.Busy == process.Inside.Count, $"{status.Model} counts {status.Busy} requests, and has {process.Inside.Count}.");
            if (status.State == ModelState.Draining && process is { Ready: true, Told: false })
            {
                process.Drain = process.DrainsSince is null ? _limits.Drain : process.Drain;
                process.DrainsSince ??= _now;
            }
            else
            {
                process.DrainsSince = null;
            }
            TimeSpan longest = _terms.TryGetValue(status.Model, out ModelTerms? terms) && terms.Keep is { } keep ? (keep > _limits.Turn ? keep : _limits.Turn) : TimeSpan.MaxValue;
            Hold(status.State != ModelState.Ready || process.Inside.Count > 0 || _now - process.IdleSince <= longest || _now - process.IdleSince <= TimeSpan.FromSeconds(21), $"{status.Model} is kept beyond its time.");
        }
        Hold(waiting == _waiting.Count, $"{_waiting.Count} wait, and the plan knows of {waiting}.");
    }

    private static void Hold(bool promise, string broken)
    {
        if (!promise)
            throw new BrokenPromiseException(broken);
    }

    private sealed record Caller(string Model, TimeSpan Deadline);

    private sealed class Process(int start, string model, int slots, TimeSpan now)
    {
        public readonly int Start = start;
        public readonly string Model = model;
        public readonly int Slots = slots;
        public readonly TimeSpan Began = now;
        public readonly HashSet<long> Inside = [];
        public long Need;
        public long Memory;
        public TimeSpan Measured, LetAt, ToldAt, IdleSince, Drain;
        public TimeSpan? DrainsSince;
        public bool Let, Ready, Told, Killed, Dying, Dead, MayBeKilled;
    }
}

/// <summary>The plan has done what it must never do.</summary>
internal sealed class BrokenPromiseException(string what) : Exception(what);

/// <summary>Random sequences, and the shortest one that still fails.</summary>
internal static class RandomFleet
{
    private static readonly Deed[] Likely =
    [
        Deed.Ask, Deed.Ask, Deed.Ask, Deed.Ask, Deed.Ask, Deed.Ask, Deed.Ask, Deed.Ask, Deed.Advance, Deed.Advance, Deed.Advance, Deed.Advance, Deed.Advance, Deed.Advance,
        Deed.GiveUp, Deed.GiveUp, Deed.StepClock, Deed.Crash, Deed.Silence, Deed.Weigh, Deed.Weigh, Deed.LeaveMemory, Deed.Reconfigure, Deed.WantLoad, Deed.WantStop, Deed.RepeatOldNews,
    ];

    public static List<Step> Sequence(int seed)
    {
        var chance = new Random(seed ^ 0x5EED);
        return [.. Enumerable.Range(0, 8 + chance.Next(32)).Select(_ => new Step(Likely[chance.Next(Likely.Length)], chance.Next(1 << 20), chance.Next(1 << 20)))];
    }

    /// <summary>Null when all promises were kept; else which was not.</summary>
    public static string? Run(int seed, IEnumerable<Step> steps, out int grants)
    {
        FleetWorld? world = null;
        try
        {
            world = new FleetWorld(seed);
            foreach (Step step in steps)
                world.Do(step);
            world.Finish();
            return null;
        }
        catch (BrokenPromiseException broken)
        {
            return broken.Message;
        }
        catch (Exception bug) when (bug is InvalidOperationException or ArgumentException or KeyNotFoundException or NullReferenceException or OverflowException)
        {
            return bug.ToString();
        }
        finally
        {
            grants = world?.Grants ?? 0;
        }
    }

    /// <summary>Leaves out all without which it fails as well.</summary>
    public static List<Step> Shrink(int seed, List<Step> steps)
    {
        for (int chunk = steps.Count / 2; chunk > 0; chunk /= 2)
        {
            for (int at = 0; at + chunk <= steps.Count;)
            {
                List<Step> without = [.. steps.Take(at), .. steps.Skip(at + chunk)];
                if (Run(seed, without, out _) is null)
                    at += chunk;
                else
                    steps = without;
            }
        }
        return steps;
    }

    public static string Describe(int seed, List<Step> steps)
    {
        List<Step> shortest = Shrink(seed, steps);
        string told = string.Join("\n  ", shortest.Select(static s => string.Create(CultureInfo.InvariantCulture, $"new(Deed.{s.Deed}, {s.A}, {s.B}),")));
        return $"Seed {seed}, {steps.Count} steps, of which {shortest.Count} are enough:\n  {told}\n{Run(seed, shortest, out _)}";
    }
}
