using Fairlead.Domain.Fleet.Memory;

namespace Fairlead.Domain.Fleet.Workers;

/// <summary>All workers that live, and what is done to one: launched, let load, let go of, ended, killed, buried.</summary>
/// <remarks>It takes a step and draws no conclusions for the model: whoever wants the step does (<see cref="ModelReview"/>).</remarks>
internal sealed class WorkerSupervisor(Decision decision, MemoryLine line, Alarms alarms)
{
    private readonly Dictionary<int, WorkerLife> _workers = [];
    private int _starts;

    /// <summary>Those whose death was not seen yet.</summary>
    public IReadOnlyCollection<WorkerLife> All => _workers.Values;

    /// <summary>Bytes that are set aside for all of them.</summary>
    public long SetAside
    {
        get
        {
            long sum = 0;
            foreach (WorkerLife worker in _workers.Values)
                sum += worker.Aside;
            return sum;
        }
    }

    /// <summary>The worker of a start; null: it is not known, or is dead.</summary>
    public WorkerLife? Find(int start) => _workers.GetValueOrDefault(start);

    /// <summary>The model gets a worker, for which so many bytes are set aside before it has said what it needs.</summary>
    public void Launch(ModelLife model, long aside)
    {
        var worker = new WorkerLife(++_starts, model, decision.Now) { Aside = aside };
        model.Worker = worker;
        _workers.Add(worker.Start, worker);
        decision.Want(new FleetEffect.StartWorker(model.Terms.Model, worker.Start));
        alarms.Set(model, decision.Now);
    }

    /// <summary>It reads its weights, within so many bytes.</summary>
    public void LetLoad(WorkerLife worker, long memory)
    {
        worker.Aside = memory;
        worker.Enter(WorkerPhase.Loading, decision.Now);
        decision.Want(new FleetEffect.LetLoad(worker.Start, memory));
    }

    /// <summary>Nobody is in it any more.</summary>
    public void Emptied(WorkerLife worker)
    {
        worker.IdleSince = decision.Now;
        if (worker.Going > Going.ForRoom)
            End(worker);
        line.MovedForAnybody();
        alarms.Set(worker.Model, decision.Now);
    }

    /// <summary>It finishes what it has begun, if anything, and goes.</summary>
    public void LetGo(WorkerLife worker, Going why)
    {
        if (worker.Phase >= WorkerPhase.Ending)
            return;
        if (worker.Going == Going.No)
            worker.PatienceEnds = decision.Now + decision.Limits.Drain;
        worker.Going = why;
        if (worker.Busy == 0)
            End(worker);
        line.Moved();
        alarms.Set(worker.Model, decision.Now);
    }

    /// <summary>It is told to end: nobody is in it.</summary>
    public void End(WorkerLife worker)
    {
        if (worker.Phase == WorkerPhase.Ready && worker.HasProven(decision.Now))
            worker.Model.Failures.Proven();
        if (worker.Going == Going.ForRoom)
            worker.Model.Evictions++;
        worker.Enter(WorkerPhase.Ending, decision.Now);
        worker.PatienceEnds = decision.Now + decision.Limits.Farewell;
        decision.Want(new FleetEffect.EndWorker(worker.Start));
        line.Moved();
        alarms.Set(worker.Model, decision.Now);
    }

    /// <summary>It is ended at once, whoever is in it.</summary>
    public void Kill(WorkerLife worker)
    {
        worker.Enter(WorkerPhase.Killed, decision.Now);
        decision.Want(new FleetEffect.KillWorker(worker.Start));
        line.Moved();
    }

    /// <summary>Its death was seen: its memory is free, and its model may have another.</summary>
    public void Bury(WorkerLife worker)
    {
        worker.Enter(WorkerPhase.Killed, decision.Now); // those who were in it leave it one by one, and find it dead
        _workers.Remove(worker.Start);
        worker.Model.Worker = null;
        line.Moved();
    }
}
