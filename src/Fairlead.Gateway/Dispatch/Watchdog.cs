namespace Fairlead.Gateway.Dispatch;

/// <summary>Which clock of an attempt ran out.</summary>
internal enum Clock : byte
{
    None = 0,
    FirstEvent,
    Idle,
    CallerWrite,
    Total,

    /// <summary>The server stops; see <see cref="ShutdownState.CutOff"/>.</summary>
    CutOff,
}

/// <summary>The clocks of one request over its upstream's body and its caller's socket: one timer, however often they are set.</summary>
/// <remarks>
/// A stream sets its idle clock at each read. Setting a later deadline only writes a field: the timer, when it fires early, sees the new
/// deadline and sleeps for the rest. So a streamed event costs no timer operation.
/// </remarks>
internal sealed class Watchdog : IDisposable
{
    private readonly TimeProvider _time;
    private readonly CancellationToken _callerGone;
    private readonly Action _giveUpCaller;
    private readonly CancellationToken _cutOff;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private readonly long _totalDeadline;
    private CancellationTokenSource _attempt;
    private long _deadline = long.MaxValue;
    private long _timerDue = long.MaxValue;
    private Clock _armed;
    private Clock _expired;
    private bool _disposed;

    /// <param name="time">The clock.</param>
    /// <param name="total">All attempts together; runs from now.</param>
    /// <param name="giveUpCaller">Called where the caller does not take what is written; it must make <paramref name="callerGone"/> come true.</param>
    /// <param name="callerGone">Ends every attempt at once.</param>
    /// <param name="cutOff">Does the same when the server can wait no longer.</param>
    public Watchdog(TimeProvider time, TimeSpan total, Action giveUpCaller, CancellationToken callerGone, CancellationToken cutOff)
    {
        _time = time;
        _callerGone = callerGone;
        _giveUpCaller = giveUpCaller;
        _cutOff = cutOff;
        _totalDeadline = time.GetTimestamp() + Ticks(total);
        _attempt = CancellationTokenSource.CreateLinkedTokenSource(callerGone, cutOff);
        _timer = time.CreateTimer(static self => ((Watchdog)self!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Disarm();
    }

    /// <summary>Cancelled when a clock runs out or the caller is gone.</summary>
    public CancellationToken Token => _attempt.Token;

    /// <summary>The clock that ran out; <see cref="Clock.None"/> while none did.</summary>
    public Clock Expired => _expired != Clock.None ? _expired : _cutOff.IsCancellationRequested && !_callerGone.IsCancellationRequested ? Clock.CutOff : Clock.None;

    /// <summary>What is left of the time for all attempts; zero when it is used up.</summary>
    public TimeSpan TotalLeft
    {
        get
        {
            long left = _totalDeadline - _time.GetTimestamp();
            return left <= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds((double)left / _time.TimestampFrequency);
        }
    }

    /// <summary>Begins the next attempt with a token that is not cancelled yet.</summary>
    public void Renew()
    {
        lock (_gate)
        {
            _expired = Clock.None;
            if (!_attempt.IsCancellationRequested)
                return;
            _attempt.Dispose();
            _attempt = CancellationTokenSource.CreateLinkedTokenSource(_callerGone, _cutOff);
        }
    }

    /// <summary>From now on the attempt ends if nothing sets a clock again within <paramref name="after"/>.</summary>
    public void Arm(Clock clock, TimeSpan after) => ArmUntil(clock, _time.GetTimestamp() + Ticks(after));

    /// <summary>As <see cref="Arm"/>, at a time stamp of the provider.</summary>
    public void ArmUntil(Clock clock, long deadline)
    {
        lock (_gate)
        {
            _armed = deadline <= _totalDeadline ? clock : Clock.Total;
            _deadline = Math.Min(deadline, _totalDeadline);
            if (_deadline < _timerDue)
                Schedule();
        }
    }

    /// <summary>Only the clock over all attempts runs.</summary>
    public void Disarm() => ArmUntil(Clock.Total, _totalDeadline);

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
        }
        _timer.Dispose();
        _attempt.Dispose();
    }

    private void Tick()
    {
        CancellationTokenSource expired;
        lock (_gate)
        {
            if (_disposed)
                return;
            if (_time.GetTimestamp() < _deadline)
            {
                Schedule();
                return;
            }
            _timerDue = long.MaxValue;
            _expired = _armed;
            expired = _attempt;
        }
        if (Expired == Clock.CallerWrite)
        {
            // Not the upstream's fault, and no matter for another one: the request ends as if the caller had hung up.
            _giveUpCaller();
            return;
        }
        try
        {
            expired.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The request ended between the decision and here: there is nobody left to tell.
        }
    }

    private void Schedule()
    {
        _timerDue = _deadline;
        double ms = Math.Max(1, Math.Ceiling((_deadline - _time.GetTimestamp()) * 1000.0 / _time.TimestampFrequency));
        _timer.Change(TimeSpan.FromMilliseconds(ms), Timeout.InfiniteTimeSpan);
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);
}
