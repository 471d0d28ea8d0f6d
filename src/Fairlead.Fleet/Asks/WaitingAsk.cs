using System.Diagnostics;
using System.Threading.Tasks.Sources;
using Fairlead.Domain.Fleet;
using Fairlead.Fleet.Models;
using Fairlead.Fleet.Turns;

namespace Fairlead.Fleet.Asks;

/// <summary>A request between its ask and the decision. Only the loop decides; a caller who leaves is a message to it like any other, so that no
/// grant can cross a cancellation: whichever the loop reads first is what the caller gets.</summary>
internal sealed class WaitingAsk : IValueTaskSource<WorkerLease>, IAwaited
{
    // Continuations run elsewhere: the loop must not run a request.
    private ManualResetValueTaskSourceCore<WorkerLease> _core = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _leaving;
    private CancellationToken _caller;
    private Mail? _mail;
    private object? _outcome; // a lease, or why there is none

    public WaitingAsk(FleetEvent.Asked asked, ServedModel? model, long began, Action<ModelStatus, int>? waiting)
    {
        Asked = asked;
        Model = model;
        Began = began;
        Waiting = waiting;
    }

    public FleetEvent.Asked Asked { get; }

    /// <summary>Null where no such model is configured.</summary>
    public ServedModel? Model { get; }

    /// <summary>Timestamp of the ask, of the loop's clock.</summary>
    public long Began { get; }

    public Action<ModelStatus, int>? Waiting { get; }

    /// <summary>The loop's: whether the model was not ready when this came.</summary>
    public bool WasCold { get; set; }

    public bool IsTold => _core.GetStatus(_core.Version) != ValueTaskSourceStatus.Pending;

    /// <summary>To be awaited once.</summary>
    public ValueTask<WorkerLease> Decided => new(this, _core.Version);

    /// <summary>From now on the caller's token sends the loop word that it has left.</summary>
    public void Heed(Mail mail, CancellationToken caller)
    {
        _mail = mail;
        _caller = caller;
        _leaving = caller.UnsafeRegister(static ask => ((WaitingAsk)ask!).Leave(), this);
    }

    public void Grant(WorkerLease lease) => _outcome = lease;

    public void Refuse(FleetRefusal refusal) => Fail(new FleetRefusedException(refusal));

    public void Fail(Exception fault) => _outcome = fault;

    /// <summary>Its caller has left, and the loop has read so.</summary>
    public void GiveUp() => Fail(new OperationCanceledException(_caller));

    public void Tell()
    {
        if (_outcome is WorkerLease lease)
            _core.SetResult(lease);
        else
            _core.SetException(_outcome as Exception ?? new UnreachableException("Told before it was decided."));
    }

    WorkerLease IValueTaskSource<WorkerLease>.GetResult(short token)
    {
        _leaving.Dispose();
        return _core.GetResult(token);
    }

    ValueTaskSourceStatus IValueTaskSource<WorkerLease>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<WorkerLease>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private void Leave() => _mail!.Post(new FleetEvent.GaveUp(Asked.Ask));
}
