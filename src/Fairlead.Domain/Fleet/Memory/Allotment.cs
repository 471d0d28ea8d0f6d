using Fairlead.Domain.Fleet.Workers;

namespace Fairlead.Domain.Fleet.Memory;

/// <summary>Who gets memory, and who makes room for it: the state of the whole fleet in, decisions out, nothing done.</summary>
/// <remarks>
/// Models that lack memory are regarded in the order in which they began to. Whoever fits is served. For one who does not fit, idle workers give way, least
/// value first and no more of them than it takes; where only workers in use could make the room, they keep it for <see cref="FleetLimits.Turn"/> and
/// then take nothing new. What the first in line will need once it is free is held for it, so that a large model is not starved by small ones that come
/// later; what is over, these may have at once.
/// <para>It starts from nothing each time. So nobody makes room for a model that nobody wants any more, or for which another worker has become idle.</para>
/// </remarks>
internal sealed class Allotment
{
    /// <summary>How soon memory is looked for again that the machine lacks: nobody tells us when another program gives some back.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(1);

    private readonly List<WorkerLife> _idle = [];
    private readonly List<WorkerLife> _inUse = [];
    private readonly List<WorkerLife> _chosen = [];
    private FleetLimits _limits = null!;
    private TimeSpan _now;

    // There now; and there once all are gone that go, less what is held for those before.
    private Room _free;
    private Room _spare;

    /// <summary>Models whose need fits: it is to be set aside for them.</summary>
    public List<ModelLife> Served { get; } = [];

    /// <summary>Idle workers that end.</summary>
    public List<WorkerLife> Evicted { get; } = [];

    /// <summary>Workers in use that take nothing new.</summary>
    public List<WorkerLife> MakingRoom { get; } = [];

    /// <summary>When to decide again at the latest; null: when something has changed.</summary>
    public TimeSpan? Due { get; private set; }

    /// <summary>Decides.</summary>
    /// <param name="lacking">Models that lack memory and whose need is known and within the budget, in the order in which they are served.</param>
    /// <param name="workers">All that live.</param>
    /// <param name="limits">The budget, and the turn.</param>
    /// <param name="overdrawnSince">Since when more is set aside than the budget, because that was lowered; null: it is not.</param>
    /// <param name="available">What the machine could give.</param>
    /// <param name="now">When.</param>
    public void Decide(IReadOnlyList<ModelLife> lacking, IReadOnlyCollection<WorkerLife> workers, FleetLimits limits, TimeSpan? overdrawnSince, long available, TimeSpan now)
    {
        (_limits, _now, Due) = (limits, now, null);
        Served.Clear();
        Evicted.Clear();
        MakingRoom.Clear();
        Survey(workers, available);
        if (overdrawnSince is { } since && _spare.Budget < 0)
            Find(0, since, machineMatters: false);
        foreach (ModelLife model in lacking)
        {
            long need = model.Known!.Value;
            if (_free.Holds(need) && _spare.Holds(need))
            {
                Served.Add(model);
                _free -= need;
                _spare -= need;
            }
            else
            {
                model.RoomAt = Find(need, model.LacksSince!.Value, machineMatters: true);
            }
        }
    }

    private void Survey(IReadOnlyCollection<WorkerLife> workers, long available)
    {
        _idle.Clear();
        _inUse.Clear();
        Room free = new(_limits.Memory, available), coming = default;
        foreach (WorkerLife worker in workers)
        {
            free -= new Room(worker.Counted, worker.Untaken);
            if (worker.Leaves)
                coming += worker.Frees;
            else if (worker.Aside > 0)
                (worker.InUse(_now) ? _inUse : _idle).Add(worker);
        }
        (_free, _spare) = (free, free + coming);
        _idle.Sort(LeastFirst);
        _inUse.Sort(LeastFirst);
    }

    /// <summary>Looks for those whose end makes room, and holds it.</summary>
    /// <returns>When it will be there, as far as can be told.</returns>
    private TimeSpan Find(long need, TimeSpan since, bool machineMatters)
    {
        _chosen.Clear();
        Room room = machineMatters ? _spare : _spare with { Machine = Room.Most };
        if (Choose(_idle, need, ref room))
        {
            Evicted.AddRange(_chosen);
            Claim(need);
            return _now + Again;
        }
        if (!Choose(_inUse, need, ref room))
        {
            // Not all of them together: another program has the memory, or those before in the line need it. Nothing is held: what is there may serve others.
            Due = Earliest(Due, _now + Again);
            return _now + _limits.Turn;
        }
        TimeSpan due = since + _limits.Turn;
        TimeSpan answer = TimeSpan.Zero;
        foreach (WorkerLife worker in _chosen)
        {
            // A worker that has just come has its turn first, else two models in demand would do nothing but load.
            TimeSpan turn = worker.Phase == WorkerPhase.Ready ? worker.Since : _now + worker.Model.ReadyIn(_now);
            due = Latest(due, turn + _limits.Turn);
            answer = Latest(answer, worker.Model.Demand.Answer);
        }
        if (due <= _now) // an idle one among them stays until all can go: its end alone would help nobody
            MakingRoom.AddRange(_chosen.Where(worker => worker.Going == Going.ForRoom || worker.InUse(_now)));
        else
            Due = Earliest(Due, due);
        Claim(need);
        return Latest(due, _now) + answer;
    }

    /// <summary>Adds workers until the room holds the need, then leaves out those without whom it does, dearest first.</summary>
    private bool Choose(List<WorkerLife> from, long need, ref Room room)
    {
        for (int i = 0; i < from.Count && !room.Holds(need); i++)
        {
            _chosen.Add(from[i]);
            room += from[i].Frees;
        }
        if (!room.Holds(need))
            return false;
        for (int i = _chosen.Count - 1; i >= 0; i--)
        {
            Room without = room - _chosen[i].Frees;
            if (!without.Holds(need))
                continue;
            room = without;
            _chosen.RemoveAt(i);
        }
        return true;
    }

    private void Claim(long need)
    {
        _spare -= need;
        foreach (WorkerLife worker in _chosen)
        {
            _spare += worker.Frees;
            _idle.Remove(worker);
            _inUse.Remove(worker);
        }
    }

    // Whoever makes room already goes on doing so; else the one whose loss costs least.
    private int LeastFirst(WorkerLife a, WorkerLife b)
    {
        int order = (b.Going == Going.ForRoom).CompareTo(a.Going == Going.ForRoom);
        if (order == 0)
            order = a.Value(_now).CompareTo(b.Value(_now));
        return order != 0 ? order : a.Start.CompareTo(b.Start);
    }

    private static TimeSpan Latest(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private static TimeSpan Earliest(TimeSpan? a, TimeSpan b) => a < b ? a.Value : b;
}
