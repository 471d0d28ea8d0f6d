namespace Fairlead.Domain.Routing;

/// <summary>How one offer has done lately: smoothed, so that one slow answer changes little and an old one is forgotten. Pure; the owner locks.</summary>
public sealed class OfferHealth
{
    /// <summary>Weight of a new measurement beside fresh ones.</summary>
    private const double Weight = 0.2;

    /// <summary>Time in which half of what was measured stops counting against a new measurement: after a pause the news outweighs the memory,
    /// so an offer that was slow and has healed is believed within a few tries.</summary>
    private static readonly TimeSpan Memory = TimeSpan.FromSeconds(10);

    /// <summary>A speed that nobody has measured for so long may have changed; <see cref="Ranking"/> has it measured again.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(5);

    /// <summary>Time in which half of a share of errors is forgotten when nothing happens.</summary>
    private static readonly TimeSpan HalfLife = TimeSpan.FromSeconds(60);

    private double _firstTokenMs = double.NaN;
    private double _tokensPerSecond = double.NaN;
    private double _errorShare;
    private TimeSpan _firstTokenAt;
    private TimeSpan _speedAt;
    private TimeSpan _errorsAt;

    /// <summary>A copy for ranking; whether it may be asked at all is the circuits' to say.</summary>
    public OfferCondition Condition(TimeSpan now)
    {
        bool measured = !double.IsNaN(_firstTokenMs) || !double.IsNaN(_tokensPerSecond);
        TimeSpan last = _firstTokenAt > _speedAt ? _firstTokenAt : _speedAt;
        return new OfferCondition(_firstTokenMs, _tokensPerSecond, Faded(now), TimeSpan.Zero, CircuitCause.None) { IsStale = !measured || now - last > Fresh };
    }

    /// <summary>A stream's first token has come; told at once, not at its end: a provider that has become slow is noticed before its slow answers are over.</summary>
    /// <param name="ms">Since the attempt began.</param>
    /// <param name="now">Monotonic.</param>
    public void RecordFirstToken(double ms, TimeSpan now)
    {
        _firstTokenMs = Smoothed(_firstTokenMs, ms, now - _firstTokenAt);
        _firstTokenAt = now;
    }

    /// <param name="tokensPerSecond">Null where there were too few tokens to tell.</param>
    /// <param name="now">Monotonic.</param>
    public void RecordSuccess(double? tokensPerSecond, TimeSpan now)
    {
        if (tokensPerSecond is { } speed)
        {
            _tokensPerSecond = Smoothed(_tokensPerSecond, speed, now - _speedAt);
            _speedAt = now;
        }
        Share(0, now);
    }

    public void RecordFailure(TimeSpan now) => Share(1, now);

    private void Share(double failed, TimeSpan now)
    {
        _errorShare = Faded(now) * (1 - Weight) + failed * Weight;
        _errorsAt = now;
    }

    private double Faded(TimeSpan now) => _errorShare * Math.Pow(0.5, Math.Max(0, (now - _errorsAt) / HalfLife));

    private static double Smoothed(double old, double value, TimeSpan since)
    {
        if (double.IsNaN(old))
            return value;
        double weight = Math.Max(Weight, 1 - Math.Pow(0.5, Math.Max(0, since / Memory)));
        return old + weight * (value - old);
    }
}
