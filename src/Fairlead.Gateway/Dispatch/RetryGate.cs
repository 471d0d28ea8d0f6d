using Fairlead.Domain.Routing;

namespace Fairlead.Gateway.Dispatch;

/// <summary>The retry budget behind its lock, with what it is a share of: the requests under way.</summary>
internal sealed class RetryGate
{
    private readonly RetryBudget _budget = new();
    private readonly Lock _gate = new();
    private int _running;

    public void Entered() => Interlocked.Increment(ref _running);

    public void Left() => Interlocked.Decrement(ref _running);

    /// <summary>Takes the right to one attempt after the first; false while too large a share of the load consists of such.</summary>
    public bool TryTake()
    {
        lock (_gate)
            return _budget.TryTake(Volatile.Read(ref _running));
    }

    /// <summary>Gives the right back when that attempt has ended.</summary>
    public void Return()
    {
        lock (_gate)
            _budget.Return();
    }
}
