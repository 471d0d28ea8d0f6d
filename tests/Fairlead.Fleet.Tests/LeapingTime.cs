namespace Fairlead.Fleet.Tests;

/// <summary>The machine's time, which can leap: minutes pass at once, and every clock that is due rings. It can also be slow to tell.</summary>
internal sealed class LeapingTime : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly HashSet<LeapingTimer> _timers = [];
    private TimeSpan _ahead;

    /// <summary>How long whoever looks at the clock is busy with it. What happens between two steps of one thread on a machine that has little time left,
    /// happens then whenever the clock is read between them.</summary>
    public TimeSpan Lag { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public void Leap(TimeSpan by)
    {
        lock (_gate)
        {
            _ahead += by;
            foreach (LeapingTimer timer in _timers)
                timer.Leaped();
        }
    }

    public override long GetTimestamp()
    {
        long asked = System.GetTimestamp();
        while (System.GetElapsedTime(asked) < Lag)
            Thread.SpinWait(100);
        return (System.GetElapsedTime(0) + _ahead).Ticks;
    }

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + _ahead;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        lock (_gate)
        {
            var timer = new LeapingTimer(this, callback, state);
            _timers.Add(timer);
            timer.Change(dueTime, period);
            return timer;
        }
    }

    private sealed class LeapingTimer : ITimer
    {
        private readonly LeapingTime _time;
        private readonly ITimer _inner;
        private TimeSpan? _due;
        private TimeSpan _period;

        public LeapingTimer(LeapingTime time, TimerCallback callback, object? state)
        {
            _time = time;
            _inner = System.CreateTimer(
                _ =>
                {
                    lock (time._gate)
                        _due = _period == Timeout.InfiniteTimeSpan ? null : Now + _period;
                    callback(state);
                },
                null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        private TimeSpan Now => new(_time.GetTimestamp());

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (_time._gate)
            {
                _due = dueTime == Timeout.InfiniteTimeSpan ? null : Now + dueTime;
                _period = period;
                return _inner.Change(dueTime, period);
            }
        }

        public void Leaped()
        {
            if (_due is not { } due)
                return;
            TimeSpan left = due - Now;
            _inner.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, _period);
        }

        public void Dispose()
        {
            lock (_time._gate)
                _time._timers.Remove(this);
            _inner.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
