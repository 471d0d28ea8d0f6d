using Fairlead.Domain.Fleet;
using Fairlead.Fleet.Workers;

namespace Fairlead.Fleet.Asks;

/// <summary>An operator wants a model loaded, and to know when it is. It waits like a request, and gives its place back at once.</summary>
internal sealed class LoadWish(FleetEvent.Asked asked) : IAwaited
{
    /// <summary>No key's name is empty: an operator waits in a turn of his own.</summary>
    public const string Tenant = "";

    private readonly TaskCompletionSource _decided = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Exception? _fault;

    public FleetEvent.Asked Asked { get; } = asked;

    /// <summary>Ends when it is loaded.</summary>
    public Task Decided => _decided.Task;

    /// <summary>It is not loaded.</summary>
    public void Fail(Exception fault) => _fault ??= fault;

    public void Tell()
    {
        if (_fault is null)
            _decided.TrySetResult();
        else
            _decided.TrySetException(_fault);
    }
}

/// <summary>An operator wants a model unloaded, and to know what came of it.</summary>
internal sealed class StopWish : IAwaited
{
    private readonly TaskCompletionSource<StopOutcome> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _freed;
    private int _brokenOff;
    private Exception? _fault;

    /// <summary>The model's workers at the time of the wish that are not gone yet; one that is started afterwards is nobody's wish.</summary>
    public HashSet<int> Starts { get; } = [];

    public Task<StopOutcome> Done => _done.Task;

    /// <summary>Takes a death in; true when it was the last.</summary>
    public bool Buried(RunningWorker dead)
    {
        if (!Starts.Remove(dead.Start))
            return false;
        _freed += dead.Resident ?? 0;
        _brokenOff += dead.BrokenOff;
        return Starts.Count == 0;
    }

    /// <summary>Nothing comes of it.</summary>
    public void Fail(Exception fault) => _fault ??= fault;

    public void Tell()
    {
        if (_fault is null)
            _done.TrySetResult(new StopOutcome(_freed, _brokenOff));
        else
            _done.TrySetException(_fault);
    }
}
