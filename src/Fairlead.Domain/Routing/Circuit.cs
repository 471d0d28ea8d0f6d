namespace Fairlead.Domain.Routing;

/// <summary>One circuit breaker. Pure transitions: time comes in as a monotonic span, chance as a number; whoever owns it takes its lock.</summary>
/// <remarks>Closed while all is well; opens after five failures in a row, or when at least half of twenty calls within 30 s failed. It stays
/// open 10 s, doubling to 300 s each time it opens again without a success between, with 10 % of jitter, so that many gateways do not return at
/// one moment. Half open it lets one probe through.</remarks>
public sealed class Circuit
{
    private const int FailuresInARow = 5;
    private const int CallsForShare = 20;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ShortestRest = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(300);
    private static readonly TimeSpan TruncationRest = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan GoneRest = TimeSpan.FromHours(1);
    private static readonly TimeSpan MoneyRest = TimeSpan.FromMinutes(5);

    private TimeSpan _openUntil = TimeSpan.MinValue;
    private TimeSpan _windowBegan;
    private TimeSpan _probeBegan;
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

    /// <summary>Zero when it may be asked now; otherwise how long it stays open.</summary>
    public TimeSpan AskableIn(TimeSpan now) => _open && now < _openUntil ? _openUntil - now : TimeSpan.Zero;

    /// <summary>Takes the right to ask: always while closed, never while open, one caller at a time while half open.</summary>
    public bool TryEnter(TimeSpan now)
    {
        if (!_open)
            return true;
        if (now < _openUntil)
            return false;
        // A probe whose caller hung up reports nothing: after a rest's length the next may try.
        if (_probing && now - _probeBegan < ShortestRest)
            return false;
        _probing = true;
        _probeBegan = now;
        return true;
    }

    public void OnSuccess(TimeSpan now)
    {
        Count(now, failed: false);
        _inARow = 0;
        _truncatedInARow = 0;
        _notFoundInARow = 0;
        _probing = false;
        if (!_open)
            return;
        _open = false;
        _rest = ShortestRest;
        Cause = CircuitCause.None;
        _calls = _failures = 0;
    }

    /// <summary>Counts a fault whose row names this circuit's scope.</summary>
    /// <param name="fault">The fault.</param>
    /// <param name="now">Monotonic.</param>
    /// <param name="jitter">Uniform in [0, 1).</param>
    public void OnFault(UpstreamFault fault, TimeSpan now, double jitter)
    {
        Count(now, failed: true);
        bool failedProbe = _probing;
        _probing = false;
        switch (fault.Kind)
        {
            case FaultKind.RateLimited:
                Open(fault.RetryAfter ?? TimeSpan.FromSeconds(5), CircuitCause.RateLimited, now);
                return;
            case FaultKind.CredentialRefused:
                Open(Longer(jitter), CircuitCause.Credential, now);
                return;
            case FaultKind.QuotaExhausted:
                Open(fault.RetryAfter ?? MoneyRest, CircuitCause.Quota, now);
                return;
            case FaultKind.ModelGone:
                Open(GoneRest, CircuitCause.Gone, now);
                return;
            case FaultKind.ModelNotFound:
                // Once may be a mistake of ours or theirs; twice in a row, from two requests, is a fact.
                if (fault.AtOnce || ++_notFoundInARow >= 2)
                    Open(GoneRest, CircuitCause.Gone, now);
                return;
            case FaultKind.PermissionDenied:
                Open(MoneyRest, CircuitCause.Credential, now);
                return;
            case FaultKind.Truncated or FaultKind.ErrorInStream:
                if (++_truncatedInARow >= 3)
                    Open(TruncationRest, CircuitCause.Failing, now);
                return;
            default:
                _inARow++;
                break;
        }
        if (failedProbe || _inARow >= FailuresInARow || (_calls >= CallsForShare && _failures * 2 >= _calls))
            Open(Longer(jitter), CircuitCause.Failing, now);
    }

    private TimeSpan Longer(double jitter)
    {
        TimeSpan rest = _rest * (1 + 0.1 * jitter);
        _rest = _rest * 2 < LongestRest ? _rest * 2 : LongestRest;
        return rest;
    }

    private void Open(TimeSpan rest, CircuitCause cause, TimeSpan now)
    {
        TimeSpan until = now + rest;
        // A second fault of the requests that were under way does not lengthen what the first has set, unless it knows better.
        if (_open && now < _openUntil && until < _openUntil)
            return;
        _open = true;
        _openUntil = until;
        Cause = cause;
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
