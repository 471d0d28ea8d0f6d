namespace Fairlead.Domain.Fleet;

/// <summary>Where a model of one's own stands in its life.</summary>
public enum ModelState : byte
{
    /// <summary>No process, and nobody waits for it.</summary>
    Cold = 1,

    /// <summary>It is wanted, and waits for memory or for its worker to say what it needs.</summary>
    Queued,

    /// <summary>Its worker reads the weights.</summary>
    Loading,

    /// <summary>It answers.</summary>
    Ready,

    /// <summary>It takes nothing new, and finishes what it has begun.</summary>
    Draining,

    /// <summary>It has failed, and is tried again after a rest.</summary>
    Resting,

    /// <summary>It has failed too often and is out of the catalogue.</summary>
    Parked,
}

/// <summary>A model of one's own at one moment; a copy, for listings, forecasts and metrics.</summary>
/// <param name="Model">Its name.</param>
/// <param name="State">Where it stands.</param>
public sealed record ModelStatus(string Model, ModelState State)
{
    /// <summary>Bytes of its files; 0 where there are none of ours to see.</summary>
    public long FileBytes { get; init; }

    /// <summary>Bytes that are, or would be, set aside for it; null where nobody knows yet.</summary>
    public long? Memory { get; init; }

    /// <summary>What its process occupies; null where it has none.</summary>
    public long? Resident { get; init; }

    public int Slots { get; init; }

    /// <summary>Requests in its worker.</summary>
    public int Busy { get; init; }

    /// <summary>Requests that wait for it.</summary>
    public int Waiting { get; init; }

    /// <summary>How far the load has come, 0 to 1; null unless it is loading.</summary>
    public double? Share { get; init; }

    /// <summary>From now until it answers, as far as can be told; zero when it is ready.</summary>
    public TimeSpan ReadyIn { get; init; }

    /// <summary>Until it is unloaded for want of use; null unless it is idle and has a <see cref="ModelTerms.Keep"/>.</summary>
    public TimeSpan? UnloadsIn { get; init; }

    /// <summary>Until it may be tried again; null unless it rests.</summary>
    public TimeSpan? RetryIn { get; init; }

    /// <summary>Why it rests or is parked, or last failed; null where it has not.</summary>
    public string? Reason { get; init; }

    /// <summary>Number of its present start; null where it has no process.</summary>
    public int? Start { get; init; }

    /// <summary>How long a cold start takes, learned from earlier ones or guessed from the size of the files.</summary>
    public TimeSpan ColdStart { get; init; }

    /// <summary>Loads that succeeded, since this server was started.</summary>
    public long Loads { get; init; }

    /// <summary>Loads that failed.</summary>
    public long FailedLoads { get; init; }

    /// <summary>How often it was unloaded to make room for another.</summary>
    public long Evictions { get; init; }

    /// <summary>How often it was unloaded because nobody used it.</summary>
    public long IdleUnloads { get; init; }

    /// <summary>How often its worker died unasked.</summary>
    public long Crashes { get; init; }
}
