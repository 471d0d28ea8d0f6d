using System.Collections.Immutable;

namespace Fairlead.Domain.Fleet;

/// <summary>One load that succeeded: what <see cref="LoadForecast"/> learns from, and the form in which it is kept over a restart.</summary>
/// <param name="Model">The model.</param>
/// <param name="Bytes">What it had to read; 0 where that is not known.</param>
/// <param name="Seconds">From the start of its process until it answered, without the time for which it waited for memory.</param>
public sealed record PastLoad(string Model, long Bytes, double Seconds);

/// <summary>How long a load takes: learned from earlier ones, and guessed from the size of the files where there are none.</summary>
/// <remarks>Pure and deterministic; used by one owner at a time. A model that was loaded before takes the median of its last ten loads of the same
/// size: one load beside a full disk does not spoil the next ten forecasts. Another takes the machine's rate, see <see cref="LoadRate"/>.</remarks>
public sealed class LoadForecast
{
    /// <summary>Loads that are remembered of one model.</summary>
    public const int PerModel = 10;

    /// <summary>Models that are remembered; the one whose last load is longest ago is forgotten first.</summary>
    public const int MostModels = 256;

    /// <summary>Bytes per second that the slowest disk is given credit for: a load is not called hung as long as it could be reading at this rate.</summary>
    public const long SlowestBytesPerSecond = 100_000_000;

    /// <summary>What is not reading, within the limit of a load: the process itself, a slow disk's first byte, the first token.</summary>
    private static readonly TimeSpan LimitFloor = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    // Least recently loaded first, so that the order of an export is the order in which it is learned again.
    private readonly OrderedDictionary<string, List<PastLoad>> _loads = new(StringComparer.OrdinalIgnoreCase);

    private LoadRate _rate = LoadRate.Prior;

    /// <summary>From a process's start until it answers.</summary>
    /// <param name="model">The model.</param>
    /// <param name="bytes">What it has to read; 0: not known.</param>
    public TimeSpan For(string model, long bytes)
    {
        if (!_loads.TryGetValue(model, out List<PastLoad>? loads))
            return _rate.For(bytes);
        Span<double> seconds = stackalloc double[PerModel];
        int count = 0;
        foreach (PastLoad load in loads)
        {
            if (load.Bytes == bytes) // other files are another load
                seconds[count++] = load.Seconds;
        }
        if (count == 0)
            return _rate.For(bytes);
        seconds = seconds[..count];
        seconds.Sort();
        return TimeSpan.FromSeconds(count % 2 == 1 ? seconds[count / 2] : (seconds[count / 2 - 1] + seconds[count / 2]) / 2);
    }

    /// <summary>From now until a load that is under way has ended.</summary>
    /// <param name="model">The model.</param>
    /// <param name="bytes">What it has to read; 0: not known.</param>
    /// <param name="share">How far it has come, 0 to 1; 0 also where its engine does not tell.</param>
    /// <param name="elapsed">How long it has been loading, without waiting for memory.</param>
    public TimeSpan Remaining(string model, long bytes, double share, TimeSpan elapsed)
    {
        TimeSpan expected = For(model, bytes);
        if (share > 0)
        {
            // What has been read so far says the more about the rest, the more has been read.
            TimeSpan atThisPace = elapsed / share;
            return (1 - share) * (share * atThisPace + (1 - share) * expected);
        }
        // An overdue load has no better forecast than that it is slower than thought: a tenth of what it has taken is its next look.
        TimeSpan overdue = elapsed / 10;
        TimeSpan left = expected - elapsed;
        return left > overdue ? left : overdue;
    }

    /// <summary>How long a load may take before it is called hung: what is configured, or what the slowest disk would need, whichever is longer.</summary>
    public static TimeSpan LimitFor(long bytes, TimeSpan configured)
    {
        TimeSpan reading = LimitFloor + TimeSpan.FromSeconds(Math.Max(0, bytes) / (double)SlowestBytesPerSecond);
        return reading > configured ? reading : configured;
    }

    /// <summary>Takes a load in that has succeeded.</summary>
    public void Learn(string model, long bytes, TimeSpan took)
    {
        if (Remember(new PastLoad(model, bytes, took.TotalSeconds)))
            _rate = LoadRate.From(Export());
    }

    /// <summary>All that is known, oldest model first.</summary>
    public ImmutableArray<PastLoad> Export() => [.. _loads.Values.SelectMany(static loads => loads)];

    /// <summary>Takes what an earlier process exported. It comes from a file, so each load is checked: what cannot be true is left out.</summary>
    /// <returns>How many were left out.</returns>
    public int Import(IEnumerable<PastLoad?> loads)
    {
        int refused = 0;
        foreach (PastLoad? load in loads)
        {
            if (load is null || !Remember(load))
                refused++;
        }
        _rate = LoadRate.From(Export());
        return refused;
    }

    private bool Remember(PastLoad load)
    {
        if (load.Model is not { Length: > 0 and <= 256 } || load.Bytes < 0 || !(load.Seconds > 0) || load.Seconds > Longest.TotalSeconds)
            return false;
        if (_loads.Remove(load.Model, out List<PastLoad>? loads))
            loads.RemoveRange(0, Math.Max(0, loads.Count - PerModel + 1));
        loads ??= new List<PastLoad>(1);
        loads.Add(load);
        _loads.Add(load.Model, loads);
        if (_loads.Count > MostModels)
            _loads.RemoveAt(0);
        return true;
    }
}
