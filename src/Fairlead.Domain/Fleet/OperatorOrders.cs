using System.Collections.Immutable;
using Fairlead.Domain.Fleet.Asks;
using Fairlead.Domain.Fleet.Memory;
using Fairlead.Domain.Fleet.Workers;

namespace Fairlead.Domain.Fleet;

/// <summary>What operators want: a model loaded or unloaded now, and which models there are.</summary>
internal sealed class OperatorOrders(Decision decision, ModelRegister models, MemoryLine line, WorkerSupervisor workers, Places places, ModelReview review, LoadForecast forecast)
{
    public void Load(ModelLife model)
    {
        if (model.Removed || model.Worker is { Takes: true })
            return;
        model.Failures.Forget();
        if (model.Known > decision.Limits.Memory)
            model.Failures.Reason = Refusals.TooLargeText(model, decision.Limits.Memory);
        else
            model.OperatorWants = true;
        review.Of(model);
    }

    /// <param name="model">Which.</param>
    /// <param name="now">True: what it is answering is broken off.</param>
    public void Stop(ModelLife model, bool now)
    {
        model.OperatorWants = false;
        model.WantedUntil = TimeSpan.Zero;
        places.DismissAll(model, Refusals.Stopped(model));
        if (model.Worker is { Phase: not WorkerPhase.Killed } worker)
        {
            if (now)
                workers.Kill(worker);
            else
                workers.LetGo(worker, Going.Stopped);
        }
        review.Of(model);
    }

    /// <summary>These are the models and limits from now on; of two terms with one name the first count.</summary>
    public void Configure(ImmutableArray<ModelTerms> configured, FleetLimits limits)
    {
        decision.Limit(limits);
        var kept = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (ModelTerms terms in configured)
        {
            if (!kept.Add(terms.Model))
                continue;
            if (models.Find(terms.Model) is { } model)
                Change(model, terms);
            else
                models.Add(new ModelLife(terms, forecast));
        }
        foreach (ModelLife model in models.All.Where(model => !kept.Contains(model.Terms.Model)).ToList())
            Remove(model);
        line.Moved();
    }

    private void Change(ModelLife model, ModelTerms terms)
    {
        bool other = terms.Edition != model.Terms.Edition || terms.Slots != model.Terms.Slots;
        model.Terms = terms;
        model.Removed = false;
        if (other)
        {
            model.Need = null;
            model.Outgrew = 0;
            model.Failures.Forget();
            if (model.Worker is { } worker)
                workers.LetGo(worker, Going.Replaced);
        }
        else if (model.Worker is { Phase: < WorkerPhase.Ending, Going: Going.Removed } worker)
        {
            worker.Going = Going.No; // it came back before it was gone
        }
        review.Of(model);
    }

    private void Remove(ModelLife model)
    {
        model.Removed = true;
        model.OperatorWants = false;
        model.WantedUntil = TimeSpan.Zero;
        places.DismissAll(model, Refusals.Unknown(model.Terms.Model));
        if (model.Worker is { } worker)
            workers.LetGo(worker, Going.Removed);
        review.Of(model);
    }
}
