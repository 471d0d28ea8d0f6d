namespace Fairlead.Domain.Limits;

/// <summary>A counter that begins anew every minute, from the first use after the last minute's end.</summary>
/// <remarks>A fixed window, because it can be told to the caller in two numbers: how much is left, and when it is whole again.
/// Time is any clock that never goes back; the caller of <see cref="Allowance"/> passes it in.</remarks>
internal struct RateWindow(long limit)
{
    /// <summary>Length of every window.</summary>
    public static readonly TimeSpan Length = TimeSpan.FromMinutes(1);

    private TimeSpan _startedAt = TimeSpan.MinValue;

    public long Used { get; private set; }

    public readonly long Limit => limit;

    /// <summary>Number of the window that <paramref name="now"/> lies in; begins a new one where the last is over.</summary>
    public TimeSpan Roll(TimeSpan now)
    {
        if (_startedAt == TimeSpan.MinValue || now - _startedAt >= Length)
        {
            _startedAt = now;
            Used = 0;
        }
        return _startedAt;
    }

    /// <summary>True when <paramref name="amount"/> more still fits; an amount larger than the whole limit fits into an untouched window,
    /// or a request larger than the limit could never be served at all.</summary>
    public readonly bool Fits(long amount) => Used + amount <= limit || (Used == 0 && amount > limit);

    public void Take(long amount) => Used += amount;

    /// <summary>Corrects an estimate, if the window it was taken in is still the one running.</summary>
    public void Correct(TimeSpan window, long by)
    {
        if (window == _startedAt)
            Used = Math.Max(0, Used + by);
    }

    public readonly long Left => Math.Max(0, limit - Used);

    public readonly TimeSpan ResetsIn(TimeSpan now) => _startedAt == TimeSpan.MinValue ? Length : Length - (now - _startedAt);
}
