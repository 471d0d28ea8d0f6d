namespace Fairlead.Domain.Routing;

/// <summary>How one offer has done lately: smoothed, so that one slow answer changes little and an old one is forgotten. Pure; the owner locks.</summary>
public sealed class OfferHealth
{
    /// <summary>Weight of a new measurement.</summary>
    private const double Weight = 0.2;

    /// <summary>Time in which half of a share of errors is forgotten when nothing happens.</summary>
    private static readonly TimeSpan HalfLife = TimeSpan.FromSeconds(60);

    private double _firstTokenMs = double.NaN;
    private double _tokensPerSecond = double.NaN;
    private double _errorShare;
    private TimeSpan _at;

    /// <summary>A copy for ranking; whether it may be asked at all is the circuits' to say.</summary>
    public OfferCondition Condition(TimeSpan now) =>
        new(_firstTokenMs, _tokensPerSecond, Faded(now), TimeSpan.Zero, CircuitCause.None);

    /// <param name="firstTokenMs">Null where it was not a stream.</param>
    /// <param name="tokensPerSecond">Null where there were too few tokens to tell.</param>
    /// <param name="now">Monotonic.</param>
    public void RecordSuccess(double? firstTokenMs, double? tokensPerSecond, TimeSpan now)
    {
        if (firstTokenMs is { } ms)
            _firstTokenMs = Smoothed(_firstTokenMs, ms);
        if (tokensPerSecond is { } speed)
            _tokensPerSecond = Smoothed(_tokensPerSecond, speed);
        Share(0, now);
    }

    public void RecordFailure(TimeSpan now) => Share(1, now);

    private void Share(double failed, TimeSpan now)
    {
        _errorShare = Faded(now) * (1 - Weight) + failed * Weight;
        _at = now;
    }

    private double Faded(TimeSpan now) => _errorShare * Math.Pow(0.5, Math.Max(0, (now - _at) / HalfLife));

    private static double Smoothed(double old, double value) => double.IsNaN(old) ? value : old + Weight * (value - old);
}
