using Fairlead.Domain.Fleet.Asks;
using Fairlead.Domain.Fleet.Memory;
using Fairlead.Domain.Fleet.Workers;

namespace Fairlead.Domain.Fleet;

/// <summary>Decides everything about the models of one's own: who is loaded, kept, unloaded, restarted or given up, and which request gets which place.</summary>
/// <remarks>
/// Events in, effects out. It has no clock, no threads and no way to the world, so every decision can be tested and replayed; what becomes of an effect is
/// an event of its own. Used by one owner at a time.
/// <para>The story of a model: somebody asks → <see cref="FleetEffect.StartWorker"/> → <see cref="FleetEvent.Measured"/> → memory is set aside (<see cref="Allotment"/>) →
/// <see cref="FleetEffect.LetLoad"/> → <see cref="FleetEvent.Loaded"/> → <see cref="FleetEffect.Grant"/> to those who wait, tenant by tenant
/// (<see cref="WaitingLine"/>) → idle for long enough, or in another's way → <see cref="FleetEffect.EndWorker"/> → <see cref="FleetEvent.Died"/>. Only that last
/// event frees the memory and lets a successor start, so there are never two workers of one model, and never two that share memory.</para>
/// <para>Events come from four sides: requests (<see cref="AskIntake"/>), workers (<see cref="WorkerNews"/>), operators (<see cref="OperatorOrders"/>) and time (<see cref="Deadlines"/>). What each means
/// for its model one place says (<see cref="ModelReview"/>), and what for the memory of all another (<see cref="RoomSearch"/>). Effects are wanted in two: towards requests in
/// <see cref="Places"/>, towards workers in <see cref="WorkerSupervisor"/>.</para>
/// <para>An ask of a loaded model and the end of an answer cost the same however many models and waiters there are.</para>
/// </remarks>
public sealed class FleetPlan
{
    private readonly Decision _decision = new();
    private readonly ModelRegister _models = new();
    private readonly Places _places;
    private readonly WorkerSupervisor _workers;
    private readonly AskIntake _asks;
    private readonly WorkerNews _news;
    private readonly OperatorOrders _orders;
    private readonly Deadlines _deadlines;

    /// <param name="forecast">How long loads take; learns from those that it sees.</param>
    public FleetPlan(LoadForecast forecast)
    {
        Alarms alarms = new();
        MemoryLine line = new(_decision);
        _places = new Places(_decision);
        _workers = new WorkerSupervisor(_decision, line, alarms);
        ModelReview review = new(_decision, _models, _places, line, _workers, alarms);
        RoomSearch rooms = new(_decision, line, _workers, _places, review);
        _asks = new AskIntake(_decision, _models, _places, _workers, review, rooms);
        _news = new WorkerNews(_decision, line, _workers, _places, review, forecast);
        _orders = new OperatorOrders(_decision, _models, line, _workers, _places, review, forecast);
        _deadlines = new Deadlines(_decision, alarms, line, _workers, _places, _asks, _news, review, rooms);
    }

    /// <summary>When <see cref="FleetEvent.Ticked"/> is due at the latest; null: never.</summary>
    public TimeSpan? WakeAt => _deadlines.Next;

    /// <summary>Takes an event in, and adds what is to be done to <paramref name="effects"/>, in order.</summary>
    /// <remarks>What cannot be (a start or an ask that it does not know, or that is over) is taken for late news and changes nothing.</remarks>
    public void Decide(FleetEvent what, in FleetMoment at, ICollection<FleetEffect> effects)
    {
        _decision.Begin(at, effects);
        switch (what)
        {
            case FleetEvent.Asked asked:
                _asks.Asked(asked);
                break;
            case FleetEvent.Ended ended:
                _asks.Left(ended.Ask);
                break;
            case FleetEvent.GaveUp gone:
                _asks.Left(gone.Ask);
                break;
            case FleetEvent.Measured measured when _workers.Find(measured.Start) is { Phase: WorkerPhase.Starting } worker:
                _news.Measured(worker, measured.Need);
                break;
            case FleetEvent.Progressed progressed when _workers.Find(progressed.Start) is { Phase: WorkerPhase.Loading } worker && progressed.Share > worker.Share:
                worker.Share = Math.Min(progressed.Share, 1);
                break;
            case FleetEvent.Loaded loaded when _workers.Find(loaded.Start) is { Phase: WorkerPhase.Loading } worker:
                _news.Loaded(worker);
                break;
            case FleetEvent.Weighed weighed when _workers.Find(weighed.Start) is { } worker:
                _news.Weighed(worker, weighed.Resident);
                break;
            case FleetEvent.Silent silent when _workers.Find(silent.Start) is { Phase: < WorkerPhase.Ending } worker:
                _news.Hangs(worker, silent.Why);
                break;
            case FleetEvent.Died died when _workers.Find(died.Start) is { } worker:
                _news.Died(worker, died.Why);
                break;
            case FleetEvent.LoadWanted wanted when _models.Find(wanted.Model) is { } model:
                _orders.Load(model);
                break;
            case FleetEvent.StopWanted unwanted when _models.Find(unwanted.Model) is { } model:
                _orders.Stop(model, unwanted.Now);
                break;
            case FleetEvent.Configured configured:
                _orders.Configure(configured.Models, configured.Limits);
                break;
        }
        _deadlines.Pass();
        _decision.End();
    }

    /// <summary>All models that are configured, or still have a worker, by name.</summary>
    public IReadOnlyList<ModelStatus> Statuses(in FleetMoment at)
    {
        TimeSpan now = _decision.AsOf(at);
        return [.. _models.All.OrderBy(static model => model.Terms.Model, StringComparer.OrdinalIgnoreCase).Select(model => model.Status(now))];
    }

    /// <summary>One of them; null where there is none of this name.</summary>
    public ModelStatus? Status(string model, in FleetMoment at) => _models.Find(model)?.Status(_decision.AsOf(at));

    /// <summary>How many of those who wait for the same model will be served before this one; null when it does not wait.</summary>
    public int? Ahead(long ask) => _places.Ahead(ask);
}
