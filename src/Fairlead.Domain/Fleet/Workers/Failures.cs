namespace Fairlead.Domain.Fleet.Workers;

/// <summary>What a model's failures mean for it: a rest before the next attempt, or parking.</summary>
internal sealed class Failures
{
    /// <summary>A request that ends so shortly before its worker dies has ended because of it, and proves nothing.</summary>
    public static readonly TimeSpan LastBreath = TimeSpan.FromSeconds(2);

    private readonly Queue<TimeSpan> _crashes = new();
    private int _rests;

    /// <summary>Until when it is not tried again.</summary>
    public TimeSpan RestUntil { get; private set; }

    /// <summary>It rests because a load failed: whoever comes now is sent away at once, since waiting would most likely end in the same refusal.</summary>
    public bool LoadFailed { get; private set; }

    /// <summary>It is out of the catalogue.</summary>
    public bool Parked { get; private set; }

    /// <summary>Why, one sentence; null where it has not failed since it was last put right.</summary>
    public string? Reason { get; set; }

    /// <summary>Whether it is not to be tried now.</summary>
    public bool Resting(TimeSpan now) => now < RestUntil;

    /// <summary>A load has failed. The first rest is <see cref="FleetLimits.FirstRest"/>, each further one twice as long.</summary>
    public void OfLoad(string why, FleetLimits limits, TimeSpan now)
    {
        Reason = why;
        LoadFailed = true;
        Rest(limits, now);
    }

    /// <summary>A worker that had loaded has died.</summary>
    /// <param name="why">One sentence.</param>
    /// <param name="proven">It had answered: then it is started again without a rest, for those who wait, and only a second death without an answer rests.
    /// A model that dies of certain requests is stopped by the parking, not by the rest.</param>
    /// <param name="limits">How many crashes, and in which time, park it.</param>
    /// <param name="now">When.</param>
    public void OfWorker(string why, bool proven, FleetLimits limits, TimeSpan now)
    {
        Reason = why;
        LoadFailed = false;
        _crashes.Enqueue(now);
        while (now - _crashes.Peek() > limits.CrashWindow)
            _crashes.Dequeue();
        if (_crashes.Count >= Math.Max(1, limits.CrashesToPark))
        {
            Parked = true;
            RestUntil = TimeSpan.Zero;
        }
        else if (!proven)
        {
            Rest(limits, now);
        }
    }

    /// <summary>A worker has answered and lived on: the next rest is a first one again.</summary>
    public void Proven() => _rests = 0;

    /// <summary>Nothing has happened: an operator wants it, or it is another model now.</summary>
    public void Forget()
    {
        _crashes.Clear();
        _rests = 0;
        RestUntil = TimeSpan.Zero;
        LoadFailed = false;
        Parked = false;
        Reason = null;
    }

    private void Rest(FleetLimits limits, TimeSpan now)
    {
        TimeSpan rest = limits.FirstRest;
        for (int i = 0; i < _rests && rest < limits.LongestRest; i++)
            rest *= 2;
        _rests++;
        RestUntil = now + (rest < limits.LongestRest ? rest : limits.LongestRest);
    }
}
