using Fairlead.Domain.Fleet.Asks;
using Fairlead.Domain.Fleet.Workers;

namespace Fairlead.Domain.Fleet.Memory;

/// <summary>Looks for memory for those who lack it, and does what <see cref="Allotment"/> decides: who is let load, who is started, who makes room.</summary>
internal sealed class RoomSearch(Decision decision, MemoryLine line, WorkerSupervisor workers, Places places, ModelReview review)
{
    /// <summary>Each round follows from what the one before has changed, and few do: more of them are a fault of ours.</summary>
    private const int MostRounds = 1000;

    private readonly Allotment _allotment = new();

    /// <summary>When room is looked for again at the latest; null: when something has changed.</summary>
    public TimeSpan? Due => _allotment.Due;

    /// <summary>Until nothing changes any more; not at all where nothing has.</summary>
    public void Find()
    {
        for (int rounds = 0; line.TakeMoved() || _allotment.Due <= decision.Now; rounds++)
        {
            if (rounds > MostRounds)
                throw new InvalidOperationException("Room is looked for without end.");
            StartTheUnknown();
            line.Compare(workers.SetAside);
            ModelLife[] lacking = [.. line.Lacking.Where(static model => model.Worker is null or { Phase: WorkerPhase.Measured })];
            _allotment.Decide(lacking, workers.All, decision.Limits, line.OverdrawnSince, decision.Available, decision.Now);
            Apply();
        }
    }

    /// <summary>Only a worker can say what a model needs of which nobody knows it; and what can never fit is told so.</summary>
    private void StartTheUnknown()
    {
        foreach (ModelLife model in line.Lacking.ToArray())
        {
            if (model.Known is null && model.Worker is null)
                workers.Launch(model, 0);
            else if (model.Known > decision.Limits.Memory && model.Worker is null or { Phase: WorkerPhase.Measured })
                TooLarge(model);
        }
    }

    private void TooLarge(ModelLife model)
    {
        model.Failures.Reason = Refusals.TooLargeText(model, decision.Limits.Memory);
        model.OperatorWants = false;
        model.WantedUntil = TimeSpan.Zero;
        places.DismissAll(model, Refusals.TooLarge(model, decision.Limits.Memory));
        review.Of(model);
    }

    private void Apply()
    {
        foreach (ModelLife model in _allotment.Served)
        {
            if (model.Worker is { } measured)
            {
                workers.LetLoad(measured, model.Known!.Value);
                review.Of(model);
            }
            else
            {
                workers.Launch(model, model.Known!.Value);
            }
        }
        foreach (WorkerLife worker in _allotment.Evicted)
        {
            worker.Going = Going.ForRoom;
            workers.End(worker);
        }
        foreach (WorkerLife worker in workers.All)
        {
            bool makes = _allotment.MakingRoom.Contains(worker);
            if (makes && worker.Going == Going.No)
                workers.LetGo(worker, Going.ForRoom);
            else if (!makes && worker is { Going: Going.ForRoom, Phase: WorkerPhase.Ready })
                TakeAgain(worker);
        }
    }

    private void TakeAgain(WorkerLife worker)
    {
        worker.Going = Going.No;
        review.Of(worker.Model);
    }
}
