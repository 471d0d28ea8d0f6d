namespace Fairlead.Domain.Fleet.Asks;

/// <summary>How much a model is asked for, and how long its answers take: both forget, so that yesterday's favourite gives way to today's.</summary>
internal struct Demand
{
    /// <summary>After so long an ask counts 1/e of what it did.</summary>
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(5);

    /// <summary>Share that the latest answer has in the mean.</summary>
    private const double Newest = 0.1;

    private double _asks;
    private TimeSpan _at;
    private double _seconds;

    /// <summary>How long an answer takes, on the mean; a second until one has ended.</summary>
    public readonly TimeSpan Answer => _seconds > 0 ? TimeSpan.FromSeconds(_seconds) : TimeSpan.FromSeconds(1);

    /// <summary>Somebody has asked.</summary>
    public void Asked(TimeSpan now)
    {
        _asks = Faded(now) + 1;
        _at = now;
    }

    /// <summary>An answer has ended that took so long.</summary>
    public void Answered(TimeSpan took)
    {
        double seconds = Math.Max(took.TotalSeconds, 0.001);
        _seconds = _seconds > 0 ? _seconds + Newest * (seconds - _seconds) : seconds;
    }

    /// <summary>The chance that somebody asks within the next minute, if asks go on as of late and come independently of each other; above 0.</summary>
    public readonly double ChanceWithinAMinute(TimeSpan now) => Math.Max(1e-9, 1 - Math.Exp(-Faded(now) * (60 / Memory.TotalSeconds)));

    private readonly double Faded(TimeSpan now) => _asks * Math.Exp(-(now - _at) / Memory);
}
