using Fairlead.Domain.Fleet.Asks;
using Fairlead.Domain.Fleet.Memory;
using Fairlead.Domain.Fleet.Workers;

namespace Fairlead.Domain.Fleet;

/// <summary>What time alone brings about: patience that is over, loads that hang, workers that are idle or late to go, room that may be there by now.</summary>
internal sealed class Deadlines(Decision decision, Alarms alarms, MemoryLine line, WorkerSupervisor workers, Places places, AskIntake asks, WorkerNews news, ModelReview review, RoomSearch rooms)
{
    /// <summary>When something is due next; null: never.</summary>
    public TimeSpan? Next => Earliest(Earliest(alarms.Next, places.NextDeadline), rooms.Due);

    /// <summary>Until nothing is due any more.</summary>
    public void Pass()
    {
        do
        {
            while (places.NextImpatient() is { } waiter)
                asks.Impatient(waiter);
            while (alarms.TryRing(decision.Now, out ModelLife model))
                Ring(model);
            rooms.Find();
        }
        while (Next <= decision.Now);
    }

    private void Ring(ModelLife model)
    {
        TimeSpan now = decision.Now;
        line.MovedForModels();
        switch (model.Worker)
        {
            case { Phase: WorkerPhase.Starting or WorkerPhase.Loading } worker when worker.LoadTime(now) >= worker.LoadLimit:
                news.Hangs(worker, $"It was not loaded after {CallerText.Span(worker.LoadLimit)}, and was ended.");
                return;
            case { } worker when worker.IdleEnds <= now:
                model.IdleUnloads++;
                workers.End(worker);
                break;
            case { Phase: WorkerPhase.Ready, Going: not Going.No } worker when worker.PatienceEnds <= now:
                if (worker.Going == Going.ForRoom)
                    model.Evictions++;
                workers.Kill(worker);
                break;
            case { Phase: WorkerPhase.Ending } worker when worker.PatienceEnds <= now:
                workers.Kill(worker);
                break;
        }
        review.Of(model);
    }

    private static TimeSpan? Earliest(TimeSpan? a, TimeSpan? b) => a is null || b < a ? b : a;
}
