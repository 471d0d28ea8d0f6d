namespace Fairlead.Upstreams.Http;

/// <summary>One deadline at a time, over one timer that lives as long as its connection.</summary>
/// <remarks>Arming only writes the deadline when the timer already fires before it, which in steady state is always: no timer is touched per request.</remarks>
internal sealed class ConnectionClock : IDisposable
{
    private readonly TimeProvider _time;
    private readonly Action _expired;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private long _due;
    private long _fires = long.MaxValue;

    public ConnectionClock(TimeProvider time, Action expired)
    {
        _time = time;
        _expired = expired;
        _timer = time.CreateTimer(static state => ((ConnectionClock)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Arm(TimeSpan after)
    {
        lock (_gate)
        {
            _due = _time.GetTimestamp() + (long)(after.TotalSeconds * _time.TimestampFrequency);
            if (_due >= _fires)
                return;
            _fires = _due;
            _timer.Change(after, Timeout.InfiniteTimeSpan);
        }
    }

    public void Disarm()
    {
        lock (_gate)
            _due = 0;
    }

    public void Dispose() => _timer.Dispose();

    private void OnTimer()
    {
        lock (_gate)
        {
            _fires = long.MaxValue;
            if (_due == 0)
                return;
            long left = _due - _time.GetTimestamp();
            if (left > 0)
            {
                // The system's timers count whole milliseconds: round up, or it fires early again and again.
                _fires = _due;
                _timer.Change(TimeSpan.FromMilliseconds(Math.Ceiling(left * 1000.0 / _time.TimestampFrequency)), Timeout.InfiniteTimeSpan);
                return;
            }

            // Inside the lock: once Disarm has returned, nothing of the last exchange can close the connection under the next.
            _due = 0;
            _expired();
        }
    }
}
