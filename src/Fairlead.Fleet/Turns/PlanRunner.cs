using System.Diagnostics;
using Fairlead.Domain.Fleet;
using Fairlead.Fleet.Asks;
using Fairlead.Fleet.Models;
using Fairlead.Fleet.Workers;

namespace Fairlead.Fleet.Turns;

/// <summary>Puts events to the plan and does what it says: the one owner of the workers that run. The loop's alone.</summary>
/// <param name="newWorker">A worker of a start, which has not begun.</param>
internal sealed class PlanRunner(FleetPlan plan, PlanClock clock, Askers askers, Leases leases, StatusPublisher statuses, Func<int, ServedModel, RunningWorker> newWorker, TimeProvider time)
{
    private readonly Dictionary<int, RunningWorker> _workers = [];
    private readonly List<FleetEffect> _effects = [];
    private StatusBoard _planned = StatusBoard.Empty; // what the plan has heard of, while what is configured may be ahead of it

    /// <summary>Those whose death was not heard of yet.</summary>
    public IReadOnlyCollection<RunningWorker> Workers => _workers.Values;

    /// <summary>Null: it is not known, or is dead.</summary>
    public RunningWorker? Find(int start) => _workers.GetValueOrDefault(start);

    /// <summary>Where the plan has a model now; null: it has none of this name.</summary>
    public ModelState? State(string model) => plan.Status(model, clock.Now(fresh: false))?.State;

    /// <param name="what">What has happened.</param>
    /// <param name="only">The one model whose figures change by it where nothing but grants comes of it; null: any.</param>
    public void Decide(FleetEvent what, ServedModel? only = null)
    {
        _effects.Clear();
        plan.Decide(what, clock.Now(fresh: only is null), _effects);
        bool alone = only is not null;
        foreach (FleetEffect effect in _effects)
        {
            alone &= effect is FleetEffect.Grant;
            CarryOut(effect);
        }
        if (alone)
            statuses.Changed(only!);
        else
            statuses.AllChanged();
    }

    /// <summary>From now on the plan has these models.</summary>
    public void Configure(FleetEvent configured, StatusBoard models)
    {
        _planned = models;
        Decide(configured);
    }

    /// <summary>Its death was heard of; null where it is not the first time.</summary>
    public RunningWorker? Bury(int start)
    {
        if (!_workers.Remove(start, out RunningWorker? dead))
            return null;
        if (!dead.WasKilled)
            dead.BrokenOff = dead.Inside;
        askers.Buried(dead);
        return dead;
    }

    private void CarryOut(FleetEffect effect)
    {
        switch (effect)
        {
            case FleetEffect.Grant(long ask, int start):
                Grant(ask, _workers[start]);
                break;
            case FleetEffect.Refuse(long ask, FleetRefusal refusal):
                askers.Refuse(ask, refusal);
                break;
            case FleetEffect.StartWorker(string name, int start):
                RunningWorker worker = newWorker(start, _planned[name] ?? throw new UnreachableException($"{name} is started and not configured."));
                _workers.Add(start, worker);
                worker.Begin();
                break;
            case FleetEffect.LetLoad(int start, long memory):
                _workers[start].LetLoadAt = time.GetTimestamp();
                _workers[start].LetLoad(memory);
                break;
            case FleetEffect.EndWorker(int start):
                _workers[start].End(Timeout.InfiniteTimeSpan); // the plan says when it has had its time
                break;
            case FleetEffect.KillWorker(int start):
                _workers[start].KillWithAllInside();
                break;
            default:
                throw new UnreachableException($"Nothing is done with {effect}.");
        }
    }

    private void Grant(long ask, RunningWorker worker)
    {
        worker.Inside++;
        if (askers.Take(ask) is { } waiting)
        {
            waiting.Grant(leases.New(worker, ask, time.GetElapsedTime(waiting.Began), waiting.WasCold));
            askers.Decided(waiting);
        }
        else
        {
            askers.Met(ask);
            leases.Return(worker, ask); // it is loaded, and that was all
        }
    }
}
