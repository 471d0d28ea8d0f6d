using Fairlead.Domain.Fleet.Memory;
using Fairlead.Domain.Fleet.Workers;

namespace Fairlead.Domain.Fleet.Asks;

/// <summary>Requests as they come and go: a place at once, a place in the line, or a refusal; and what it means for a worker that one leaves.</summary>
internal sealed class AskIntake(Decision decision, ModelRegister models, Places places, WorkerSupervisor workers, ModelReview review, RoomSearch rooms)
{
    public void Asked(FleetEvent.Asked asked)
    {
        if (places.Has(asked.Ask))
            return;
        if (models.Find(asked.Model) is not { Removed: false } model)
        {
            places.Refuse(asked.Ask, Refusals.Unknown(asked.Model));
            return;
        }
        model.Demand.Asked(decision.Now);
        if (model.Worker is { Takes: true } worker && worker.Busy < worker.Slots && model.Line.Count == 0)
            places.Grant(asked.Ask, worker);
        else if (WhyNotWait(model, asked) is { } refusal)
            places.Refuse(asked.Ask, refusal);
        else if (places.Queue(model, asked))
            review.Of(model);
    }

    /// <summary>The request is gone, from its place or from the line.</summary>
    public void Left(long ask)
    {
        switch (places.Leave(ask))
        {
            case { Waiter: { } waiter }:
                review.Of(waiter.Model);
                break;
            case { Worker: { } worker, Since: TimeSpan since }:
                Answered(worker, decision.Now - since);
                break;
        }
    }

    /// <summary>One who waits has waited as long as he would.</summary>
    public void Impatient(Waiter waiter)
    {
        ModelLife model = waiter.Model;
        places.Dismiss(waiter, Refusals.WaitedTooLong(model, decision.Now - waiter.Since, decision.Now));
        if (waiter.MayLoad && model.Worker is not { Takes: true })
            model.WantedUntil = decision.Now + model.Terms.QueueWait; // it was told when to come back
        review.Of(model);
    }

    private FleetRefusal? WhyNotWait(ModelLife model, FleetEvent.Asked asked)
    {
        TimeSpan now = decision.Now;
        long budget = decision.Limits.Memory;
        if (model.Worker is { Takes: true })
            return null;
        if (model.Failures.Parked)
            return Refusals.Parked(model);
        if (model.Known > budget)
            return Refusals.TooLarge(model, budget);
        if (model.Failures.Resting(now) && (model.Failures.LoadFailed || asked.Patience < model.Failures.RestUntil - now))
            return Refusals.Resting(model, now);
        if (asked.Patience > TimeSpan.Zero)
            return asked.MayLoad || model.Worker is not null || model.Wanted(now) ? null : Refusals.Cold(model, now);
        if (asked.MayLoad)
        {
            model.WantedUntil = now + model.Terms.QueueWait; // it comes back, and finds the load where it would be had it waited
            review.Of(model);
            rooms.Find();
        }
        return model.Worker is null && model.Known > budget ? Refusals.TooLarge(model, budget) : Refusals.Cold(model, now);
    }

    private void Answered(WorkerLife worker, TimeSpan after)
    {
        worker.FirstAnswer ??= decision.Now;
        worker.Model.Demand.Answered(after);
        if (worker.Phase != WorkerPhase.Ready)
            return;
        places.Serve(worker.Model);
        if (worker.Busy == 0)
            workers.Emptied(worker);
    }
}
