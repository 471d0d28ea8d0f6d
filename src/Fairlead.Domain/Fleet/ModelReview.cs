using Fairlead.Domain.Fleet.Asks;
using Fairlead.Domain.Fleet.Memory;
using Fairlead.Domain.Fleet.Workers;

namespace Fairlead.Domain.Fleet;

/// <summary>Draws the conclusions from whatever has just changed about a model.</summary>
/// <remarks>It starts from what is and not from what has happened, so that no order of events is a case of its own.</remarks>
internal sealed class ModelReview(Decision decision, ModelRegister models, Places places, MemoryLine line, WorkerSupervisor workers, Alarms alarms)
{
    public void Of(ModelLife model)
    {
        places.Serve(model);
        TimeSpan now = decision.Now;
        bool wanted = model.Wanted(now);
        switch (model.Worker)
        {
            case null when model.Removed:
                models.Forget(model);
                line.Leave(model);
                return;
            case null or { Phase: WorkerPhase.Starting or WorkerPhase.Measured } when wanted && !model.Failures.Parked && !model.Failures.Resting(now):
                line.Join(model);
                break;
            case { Phase: WorkerPhase.Measured } nobodys: // those who wanted it have gone while it waited for room
                line.Leave(model);
                workers.End(nobodys);
                break;
            default:
                line.Leave(model);
                break;
        }
        if (model.Worker is null && !wanted && model.Line.Count > 0)
            places.DismissAll(model, Refusals.Cold(model, now)); // they cause no load, and those who did have gone
        alarms.Set(model, now);
    }
}
