using Fairlead.Domain.Fleet.Asks;
using Fairlead.Domain.Fleet.Memory;

namespace Fairlead.Domain.Fleet.Workers;

/// <summary>What workers say, and what is seen of them: what they need, how their load goes, what they occupy, and that they have failed or died.</summary>
internal sealed class WorkerNews(Decision decision, MemoryLine line, WorkerSupervisor workers, Places places, ModelReview review, LoadForecast forecast)
{
    /// <summary>What a worker may occupy beyond that which was set aside for it where no more is left: a sixteenth of it, and at least this much. Counting
    /// pages is no exact art.</summary>
    private const long Slack = 64 << 20;

    public void Measured(WorkerLife worker, MemoryNeed need)
    {
        ModelLife model = worker.Model;
        model.Need = need;
        worker.Measuring = decision.Now - worker.Since;
        worker.Enter(WorkerPhase.Measured, decision.Now);
        long total = model.Known!.Value;
        if (worker.Aside >= total && workers.SetAside <= decision.Limits.Memory)
            workers.LetLoad(worker, total); // room was found for it before it started, and the budget is what it was
        else
            worker.Aside = 0;
        review.Of(model);
        line.Moved();
    }

    public void Loaded(WorkerLife worker)
    {
        ModelLife model = worker.Model;
        forecast.Learn(model.Terms.Model, model.LoadBytes, worker.LoadTime(decision.Now));
        model.Loads++;
        model.OperatorWants = false;
        model.Failures.Reason = null;
        worker.Enter(WorkerPhase.Ready, decision.Now);
        worker.IdleSince = decision.Now;
        if (decision.Now < model.WantedUntil)
            worker.PromisedUntil = decision.Now + decision.Limits.Turn;
        review.Of(model);
        line.Moved();
    }

    public void Weighed(WorkerLife worker, long resident)
    {
        worker.Resident = Math.Clamp(resident, 0, Room.Most);
        line.MovedForModels();
        if (worker.Own <= worker.Aside)
            return;
        // More is set aside for it as long as there is more: what is used is used, and nobody else may be promised it.
        worker.Aside += Math.Min(worker.Own - worker.Aside, Math.Max(0, decision.Limits.Memory - workers.SetAside));
        if (worker.Own - worker.Aside > Math.Max(worker.Aside / 16, Slack) && worker.Going <= Going.ForRoom)
            Outgrown(worker);
    }

    /// <summary>It hangs, as far as can be told: it is killed, and has failed.</summary>
    public void Hangs(WorkerLife worker, string why)
    {
        Failed(worker, why);
        workers.Kill(worker);
        review.Of(worker.Model);
    }

    public void Died(WorkerLife worker, string why)
    {
        if (worker is { Phase: < WorkerPhase.Ending, Going: not (Going.Removed or Going.Replaced) })
            Failed(worker, why);
        workers.Bury(worker);
        review.Of(worker.Model);
    }

    /// <summary>It takes what was promised to others. It is loaded anew rather than left to grow until the machine kills somebody.</summary>
    private void Outgrown(WorkerLife worker)
    {
        if (worker.FirstAnswer is null) // it has not grown in use: what it said was too little, and the next one gets what this one used
            worker.Model.Outgrew = Math.Min(worker.Own, decision.Limits.Memory);
        worker.Model.Failures.Reason = $"Its worker uses {CallerText.Size(worker.Own)}, and {CallerText.Size(worker.Aside)} were set aside for it.";
        workers.LetGo(worker, Going.Outgrown);
    }

    /// <summary>It has died, or is about to be killed, without anybody having wanted it to go.</summary>
    private void Failed(WorkerLife worker, string why)
    {
        ModelLife model = worker.Model;
        string reason = CallerText.Sentence(why, CallerText.Most);
        bool proven = worker.HasProven(decision.Now);
        if (proven)
            model.Failures.Proven();
        model.WantedUntil = TimeSpan.Zero;
        if (worker.Phase == WorkerPhase.Ready)
        {
            model.Crashes++;
            model.Failures.OfWorker(reason, proven, decision.Limits, decision.Now);
            if (model.Failures.Parked)
                places.DismissAll(model, Refusals.Parked(model));
        }
        else
        {
            model.FailedLoads++;
            model.OperatorWants = false;
            model.Failures.OfLoad(reason, decision.Limits, decision.Now);
            places.DismissAll(model, Refusals.LoadFailed(model, decision.Now));
        }
    }
}
