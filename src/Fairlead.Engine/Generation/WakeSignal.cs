namespace Fairlead.Engine.Generation;

/// <summary>Wakes the one thread that waits for work.</summary>
/// <remarks>A monitor, which needs no disposing: a caller may still ring when everything else is disposed.</remarks>
internal sealed class WakeSignal
{
    private readonly object _gate = new();
    private bool _rung;

    /// <summary>Wakes the waiting thread, or lets its next <see cref="Wait"/> return at once. From any thread.</summary>
    public void Ring()
    {
        lock (_gate)
        {
            _rung = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Until somebody has called <see cref="Ring"/> since the last time, which may have been just before.</summary>
    public void Wait()
    {
        lock (_gate)
        {
            while (!_rung)
                Monitor.Wait(_gate);
            _rung = false;
        }
    }
}
