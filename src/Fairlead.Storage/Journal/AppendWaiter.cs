using System.Threading.Tasks.Sources;

namespace Fairlead.Storage.Journal;

/// <summary>One caller that waits for somebody else's write. Pooled: it goes back when its result has been taken.</summary>
internal sealed class AppendWaiter(AppendWaiterPool pool) : IValueTaskSource
{
    // Continuations run elsewhere: the thread that writes must not run a request.
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };

    public ValueTask Task => new(this, _core.Version);

    public void Complete(JournalUnavailableException? failure)
    {
        if (failure is null)
            _core.SetResult(true);
        else
            _core.SetException(failure);
    }

    public void GetResult(short token)
    {
        try
        {
            _core.GetResult(token);
        }
        finally
        {
            _core.Reset();
            pool.Return(this);
        }
    }

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}

/// <summary>Waiters at rest, at most 1,024: more only wait at once when the disk stands still.</summary>
internal sealed class AppendWaiterPool
{
    private const int Most = 1024;
    private readonly Lock _gate = new();
    private readonly Stack<AppendWaiter> _resting = new();

    public AppendWaiter Rent()
    {
        lock (_gate)
        {
            if (_resting.TryPop(out AppendWaiter? waiter))
                return waiter;
        }
        return new AppendWaiter(this);
    }

    public void Return(AppendWaiter waiter)
    {
        lock (_gate)
        {
            if (_resting.Count < Most)
                _resting.Push(waiter);
        }
    }
}
