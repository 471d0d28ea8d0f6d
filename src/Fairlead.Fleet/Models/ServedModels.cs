using Fairlead.Domain.Fleet;
using Fairlead.Fleet.Turns;
using Microsoft.Extensions.Logging;

namespace Fairlead.Fleet.Models;

/// <summary>Which models there are, as configured and as their files are. From any thread; the plan hears of each change by mail.</summary>
internal sealed class ServedModels(TimeProvider time, Mail mail, ILogger log)
{
    private readonly Lock _changing = new();
    private volatile StatusBoard _board = StatusBoard.Empty;
    private FleetLimits? _limits;
    private int _looking;

    /// <summary>What is configured now.</summary>
    public StatusBoard Board => _board;

    /// <summary>These are the models from now on, and their limits.</summary>
    /// <exception cref="ArgumentException">Two models have one name.</exception>
    public void Configure(IReadOnlyList<ServedSpec> models, FleetLimits limits)
    {
        lock (_changing)
        {
            StatusBoard former = _board;
            Publish(StatusBoard.Of([.. models.Select(served => ServedModel.Of(served, SourceStamp.Of(served.Spec), former[served.Terms.Model], time))]), limits);
        }
    }

    /// <summary>Looks at the files of a model that is about to be started, or has failed: others than when it was configured are other terms. Blocks as long as a disk does.</summary>
    public void CheckSource(ServedModel model)
    {
        SourceStamp stamp = SourceStamp.Of(model.Spec);
        if (stamp == model.Stamp)
            return;
        lock (_changing)
        {
            StatusBoard former = _board;
            if (former[model.Name] != model || _limits is not { } limits)
                return; // it was configured anew meanwhile, and looked at then
            log.LogSourceChanged(model.Name);
            Publish(StatusBoard.Of([.. former.Models.Select(each => each == model ? ServedModel.Of(model.Served, stamp, model, time) : each)]), limits);
        }
    }

    /// <summary>Other files are other terms: whoever has mended a model that rests or is parked need not wait, nor tell us. Not on this thread: a disk may hang.</summary>
    public void LookAtFailed()
    {
        if (!_board.Models.Any(static model => HasFailed(model)) || Interlocked.Exchange(ref _looking, 1) != 0)
            return;
        ThreadPool.UnsafeQueueUserWorkItem(static models => models.CheckFailed(), this, preferLocal: false);
    }

    private void CheckFailed()
    {
        try
        {
            foreach (ServedModel model in _board.Models)
            {
                if (HasFailed(model))
                    CheckSource(model);
            }
        }
        catch (Exception e)
        {
            log.LogBroken(e, "a look at the files of models that have failed"); // a fault of ours; the next look may do better
        }
        Volatile.Write(ref _looking, 0);
    }

    private static bool HasFailed(ServedModel model) => model.Status.State is ModelState.Resting or ModelState.Parked;

    private void Publish(StatusBoard board, FleetLimits limits)
    {
        _limits = limits;
        _board = board;
        mail.Post(new FleetEvent.Configured([.. board.Models.Select(static model => model.Terms)], limits), board);
    }
}
