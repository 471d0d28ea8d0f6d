namespace Fairlead.Domain.Routing;

/// <summary>What <see cref="Circuit.TryEnter"/> says.</summary>
public enum CircuitEntry : byte
{
    /// <summary>Not now.</summary>
    Refused = 0,

    /// <summary>Like everybody.</summary>
    Passed,

    /// <summary>As the one probe of a half-open circuit: what becomes of it has to be told, or given back with <see cref="Circuit.GiveBack"/>.</summary>
    Probe,
}

/// <summary>One circuit breaker. Pure transitions: time comes in as a monotonic span, chance as a number; whoever owns it takes its lock.</summary>
/// <remarks>Closed while all is well; opens after five failures in a row, or when at least half of twenty calls within 30 s failed. It stays
/// open 10 s, doubling to 300 s each time its probe fails, with 10 % of jitter, so that many gateways do not return at one moment. Half open it
/// lets one probe through; when that succeeds, its load comes back over 30 s.</remarks>
public sealed class Circuit
{
    private const int FailuresInARow = 5;
    private const int TruncationsInARow = 3;
    private const int NotFoundInARow = 2;
    private const int CallsForShare = 20;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ShortestRest = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(300);
    private static readonly TimeSpan TruncationRest = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan GoneRest = TimeSpan.FromHours(1);
    private static readonly TimeSpan MoneyRest = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan RateRest = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ProbeWait = TimeSpan.FromSeconds(1); // what others are told while a probe is under way
    private static readonly TimeSpan Ramp = TimeSpan.FromSeconds(30);

    private TimeSpan _openUntil = TimeSpan.MinValue;
    private TimeSpan _closedAt = -Ramp;
    private TimeSpan _windowBegan;
    private TimeSpan _rest = ShortestRest;
    private int _inARow;
    private int _truncatedInARow;
    private int _notFoundInARow;
    private int _calls;
    private int _failures;
    private bool _open;
    private bool _probing;

    /// <summary>What opened it; meaningless while it is closed.</summary>
    public CircuitCause Cause { get; private set; }

    /// <summary>Zero when it may be asked now; otherwise how long until then, be it the rest or a probe under way that is waited for.</summary>
    public TimeSpan AskableIn(TimeSpan now)
    {
        if (!_open)
            return TimeSpan.Zero;
        return now < _openUntil ? _openUntil - now : _probing ? ProbeWait : TimeSpan.Zero;
    }

    /// <summary>Share of requests, 0 to 1, that are still kept away after it has closed again; falls to 0 within 30 s.</summary>
    public double HeldBack(TimeSpan now) => _open ? 0 : Math.Clamp(1 - (now - _closedAt) / Ramp, 0, 1);

    /// <summary>Asks for the right to ask: always while closed, never while open, one caller at a time while half open.</summary>
    public CircuitEntry TryEnter(TimeSpan now)
    {
        if (!_open)
            return CircuitEntry.Passed;
        if (AskableIn(now) > TimeSpan.Zero)
            return CircuitEntry.Refused;
        _probing = true;
        return CircuitEntry.Probe;
    }

    /// <summary>The probe's right was not used, or what came of it says nothing about the target.</summary>
    public void GiveBack() => _probing = false;

    /// <summary>An answer has begun: whoever answers is there again, however long the answer goes on.</summary>
    public void OnAnswering(TimeSpan now)
    {
        if (_open && Heals(now))
            Close(now);
    }

    public void OnSuccess(TimeSpan now)
    {
        Count(now, failed: false);
        _inARow = 0;
        _truncatedInARow = 0;
        _notFoundInARow = 0;
        if (_open && Heals(now))
            Close(now);
    }

    /// <summary>What it was opened for is over, by the operator's doing.</summary>
    public void Reset(TimeSpan now) => Close(now);

    /// <summary>Counts a fault whose row names this circuit's scope.</summary>
    /// <param name="fault">The fault.</param>
    /// <param name="now">Monotonic.</param>
    /// <param name="jitter">Uniform in [0, 1).</param>
    public void OnFault(UpstreamFault fault, TimeSpan now, double jitter)
    {
        Count(now, failed: true);
        bool failedProbe = _probing && now >= _openUntil;
        _probing = false;
        switch (fault.Kind)
        {
            case FaultKind.RateLimited:
                Open(fault.RetryAfter ?? RateRest, CircuitCause.RateLimited, now);
                return;
            case FaultKind.CredentialRefused:
                OpenLonger(CircuitCause.Credential, now, jitter);
                return;
            case FaultKind.QuotaExhausted:
                Open(fault.RetryAfter ?? MoneyRest, CircuitCause.Quota, now);
                return;
            case FaultKind.PermissionDenied:
                Open(MoneyRest, CircuitCause.Credential, now);
                return;
            case FaultKind.ModelGone:
                Open(GoneRest, CircuitCause.Gone, now);
                return;
            case FaultKind.ModelNotFound:
                // Once may be a mistake of ours or theirs; twice in a row, from two requests, is a fact.
                if (fault.AtOnce || failedProbe || ++_notFoundInARow >= NotFoundInARow)
                    Open(GoneRest, CircuitCause.Gone, now);
                return;
            case FaultKind.Truncated or FaultKind.ErrorInStream:
                if (failedProbe || ++_truncatedInARow >= TruncationsInARow)
                    Open(TruncationRest, CircuitCause.Failing, now);
                return;
            default:
                if (++_inARow >= FailuresInARow || failedProbe || (_calls >= CallsForShare && _failures * 2 >= _calls))
                    OpenLonger(CircuitCause.Failing, now, jitter);
                return;
        }
    }

    /// <summary>An answer of a target that failed shows that it works. An answer that began before a limit, a refused key or a withdrawal was
    /// told does not lift what was told.</summary>
    private bool Heals(TimeSpan now) => Cause is CircuitCause.Failing || now >= _openUntil;

    /// <summary>Opens for the next longer rest; requests that were under way when it opened, and fail now, lengthen nothing.</summary>
    private void OpenLonger(CircuitCause cause, TimeSpan now, double jitter)
    {
        if (_open && now < _openUntil)
            return;
        TimeSpan rest = _rest * (1 + 0.1 * jitter);
        _rest = _rest * 2 < LongestRest ? _rest * 2 : LongestRest;
        Open(rest, cause, now);
    }

    private void Open(TimeSpan rest, CircuitCause cause, TimeSpan now)
    {
        TimeSpan until = now + rest;
        if (_open && until < _openUntil)
            return; // what is known already keeps it open for longer
        _open = true;
        _openUntil = until;
        Cause = cause;
        _calls = _failures = 0;
        _inARow = 0;
    }

    private void Close(TimeSpan now)
    {
        // Only who failed is met with caution: a limit that has passed, or a key that was replaced, is as good as before.
        if (Cause is CircuitCause.Failing)
            _closedAt = now;
        _open = false;
        _probing = false;
        _rest = ShortestRest;
        Cause = CircuitCause.None;
        _calls = _failures = 0;
        _inARow = 0;
    }

    private void Count(TimeSpan now, bool failed)
    {
        if (now - _windowBegan > Window)
        {
            _windowBegan = now;
            _calls = _failures = 0;
        }
        _calls++;
        if (failed)
            _failures++;
    }
}
