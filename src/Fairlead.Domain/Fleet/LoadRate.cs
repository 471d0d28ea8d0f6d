namespace Fairlead.Domain.Fleet;

/// <summary>What a load takes on this machine: some seconds for whatever it is, and some per byte.</summary>
/// <param name="Fixed">Seconds that a load of nothing takes.</param>
/// <param name="PerByte">Seconds per byte.</param>
internal readonly record struct LoadRate(double Fixed, double PerByte)
{
    /// <summary>For files that nobody can see: an engine with a runtime of its own is rarely there sooner.</summary>
    private const double UnknownSeconds = 10;

    /// <summary>Before anything was loaded: 0.3 s for the process, and a disk of 500 MB/s.</summary>
    public static readonly LoadRate Prior = new(0.3, 1 / 500e6);

    /// <summary>How long a load of so many bytes takes.</summary>
    public TimeSpan For(long bytes) => TimeSpan.FromSeconds(bytes <= 0 ? UnknownSeconds : Math.Min(Fixed + PerByte * bytes, 86_400));

    /// <summary>The line through all loads whose size is known, and through two points of the prior, so that one load alone does not tilt it.</summary>
    /// <remarks>Least squares of the relative error (weight 1/t²): a second more is much for a small model and nothing for a large one. The prior counts the
    /// less, the more has been seen.</remarks>
    public static LoadRate From(IReadOnlyCollection<PastLoad> loads)
    {
        double weights = 0, x = 0, y = 0, xx = 0, xy = 0;
        double trust = 1.0 / (1 + loads.Count);
        Add(1e8, Prior.Fixed + Prior.PerByte * 1e8, trust);
        Add(1e10, Prior.Fixed + Prior.PerByte * 1e10, trust);
        foreach (PastLoad load in loads)
        {
            if (load.Bytes > 0)
                Add(load.Bytes, load.Seconds, 1);
        }
        double spread = weights * xx - x * x;
        double perByte = Math.Clamp((weights * xy - x * y) / spread, 1 / 20e9, 1 / 1e6);
        return new LoadRate(Math.Clamp((y - perByte * x) / weights, 0.02, 60), perByte);

        void Add(double bytes, double seconds, double trusted)
        {
            double weight = trusted / (seconds * seconds);
            weights += weight;
            x += weight * bytes;
            y += weight * seconds;
            xx += weight * bytes * bytes;
            xy += weight * bytes * seconds;
        }
    }
}
