using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;

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

/// <summary>Watchdogs at rest. A request borrows one: its timer and its token source then cost nothing to make.</summary>
internal sealed class WatchdogKennel(TimeProvider time, ShutdownState shutdown)
{
    private const int Most = 1024;
    private readonly ConcurrentQueue<Watchdog> _resting = new();

    /// <param name="total">All attempts together; runs from now.</param>
    /// <param name="caller">Whose going ends every attempt at once; given up where it does not take what is written.</param>
    public Watchdog Borrow(TimeSpan total, HttpContext caller)
    {
        if (!_resting.TryDequeue(out Watchdog? watchdog))
            watchdog = new Watchdog(time, this, shutdown.CutOff);
        watchdog.Begin(total, caller);
        return watchdog;
    }

    internal bool TryTakeBack(Watchdog watchdog)
    {
        if (_resting.Count >= Most)
            return false;
        _resting.Enqueue(watchdog);
        return true;
    }
}

/// <summary>The clocks of one request over its upstream's body and its caller's socket: one timer, however often they are set.</summary>
/// <remarks>
/// A stream sets its idle clock at each read. Setting a later deadline only writes a field: the timer, when it fires early, sees the new
/// deadline and sleeps for the rest. So neither a streamed event nor, in steady state, a request costs a timer operation.
/// </remarks>
internal sealed class Watchdog : IDisposable
{
    private readonly TimeProvider _time;
    private readonly WatchdogKennel _kennel;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private readonly CancellationToken _cutOff;
    private readonly CancellationTokenRegistration _onCutOff;
    private CancellationTokenSource _attempt = new();
    private HttpContext? _caller;
    private CancellationToken _callerGone;
    private CancellationTokenRegistration _onCallerGone;
    private long _totalDeadline;
    private long _deadline = long.MaxValue;
    private long _timerDue = long.MaxValue;
    private Clock _armed;
    private Clock _expired;
    private bool _awake;
    private bool _barking;

    /// <param name="time">The clock.</param>
    /// <param name="kennel">Takes it back.</param>
    /// <param name="cutOff">Ends every attempt when the server can wait no longer.</param>
    public Watchdog(TimeProvider time, WatchdogKennel kennel, CancellationToken cutOff)
    {
        _time = time;
        _kennel = kennel;
        _cutOff = cutOff;
        // Once for its life: a token that all requests share would have them queue to register with it.
        _onCutOff = cutOff.UnsafeRegister(static self => ((Watchdog)self!)._attempt.Cancel(), this);
        _timer = time.CreateTimer(static self => ((Watchdog)self!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Cancelled when a clock runs out, the caller is gone or the server stops.</summary>
    public CancellationToken Token => _attempt.Token;

    /// <summary>The clock that ran out; <see cref="Clock.None"/> while none did.</summary>
    public Clock Expired => _expired != Clock.None ? _expired
        : _cutOff.IsCancellationRequested && !_callerGone.IsCancellationRequested ? Clock.CutOff : Clock.None;

    /// <summary>What is left of the time for all attempts; zero when it is used up.</summary>
    public TimeSpan TotalLeft
    {
        get
        {
            long left = _totalDeadline - _time.GetTimestamp();
            return left <= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds((double)left / _time.TimestampFrequency);
        }
    }

    /// <summary>Begins a request's watch.</summary>
    internal void Begin(TimeSpan total, HttpContext caller)
    {
        lock (_gate)
        {
            _awake = true;
            _caller = caller;
            _expired = Clock.None;
            _totalDeadline = _time.GetTimestamp() + Ticks(total);
        }
        Disarm();
        _callerGone = caller.RequestAborted; // asked for itself, too: a registration with a token that is cancelled already knows no token
        _onCallerGone = _callerGone.UnsafeRegister(static self => ((Watchdog)self!)._attempt.Cancel(), this);
    }

    /// <summary>Begins the next attempt with a token that is not cancelled yet, unless the caller is gone.</summary>
    public void Renew()
    {
        lock (_gate)
        {
            // What the last attempt's body was given does not hold for the next one's headers.
            _armed = Clock.Total;
            _deadline = _totalDeadline;
            if (_expired == Clock.None)
                return;
            _expired = Clock.None;
            _attempt = new CancellationTokenSource(); // the old one is spent; whoever still holds its token may go on looking at it
        }
        if (_callerGone.IsCancellationRequested || _cutOff.IsCancellationRequested)
            _attempt.Cancel(); // ended in between: the registration met the old one
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

    /// <summary>Ends the watch. Nothing of this request can cancel anything afterwards.</summary>
    public void Dispose()
    {
        _onCallerGone.Dispose(); // waits for a cancellation under way
        bool fit;
        lock (_gate)
        {
            _awake = false;
            _caller = null;
            _deadline = long.MaxValue;
            // One that was cancelled, or is about to be, is not lent again: the next request's token must be its own.
            fit = !_barking && _expired == Clock.None && !_cutOff.IsCancellationRequested && _attempt.TryReset();
        }
        if (fit && _kennel.TryTakeBack(this))
            return;
        _onCutOff.Dispose();
        _timer.Dispose();
    }

    private void Tick()
    {
        CancellationTokenSource expired;
        HttpContext caller;
        Clock clock;
        lock (_gate)
        {
            _timerDue = long.MaxValue;
            if (!_awake)
                return;
            if (_time.GetTimestamp() < _deadline)
            {
                Schedule();
                return;
            }
            _expired = clock = _armed;
            _barking = true;
            expired = _attempt;
            caller = _caller!;
        }
        // A caller who takes nothing is not the upstream's fault, and no matter for another one: the request ends as if it had hung up.
        if (clock == Clock.CallerWrite)
            caller.Abort();
        else
            expired.Cancel();
        lock (_gate)
            _barking = false;
    }

    private void Schedule()
    {
        _timerDue = _deadline;
        double ms = Math.Max(1, Math.Ceiling((_deadline - _time.GetTimestamp()) * 1000.0 / _time.TimestampFrequency));
        _timer.Change(TimeSpan.FromMilliseconds(ms), Timeout.InfiniteTimeSpan);
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);
}
