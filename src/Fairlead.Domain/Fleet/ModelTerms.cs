namespace Fairlead.Domain.Fleet;

/// <summary>On what terms a model of one's own is kept: the configuration's word, and its size.</summary>
/// <param name="Model">The one name of the model, e.g. <c>local/qwen</c>; regarded without case.</param>
public sealed record ModelTerms(string Model)
{
    /// <summary>Answers that its worker is given at once. At least 1.</summary>
    public int Slots { get; init; } = 8;

    /// <summary>How long it stays loaded after its last answer; null: until memory is needed or somebody stops it.</summary>
    public TimeSpan? Keep { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Requests that may wait for it at once.</summary>
    public int Queue { get; init; } = 512;

    /// <summary>Longest that one request waits for it.</summary>
    public TimeSpan QueueWait { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>From its start to its being loaded; more where the files are large.</summary>
    public TimeSpan LoadLimit { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>Bytes of memory that it needs when loaded, where the configuration says so or an earlier load has shown it; null where only its worker can tell.</summary>
    public long? Memory { get; init; }

    /// <summary>Bytes of its files: what a load has to read. 0 where there are none of ours to see.</summary>
    public long FileBytes { get; init; }

    /// <summary>A word for everything else that makes it this model and no other: source, size and time of its files, context, threads, engine. It is
    /// only ever compared: with another word these are other terms, though every figure be the same. What was learned is forgotten, a parking ends,
    /// and a worker of the former word takes nothing new, finishes, and goes.</summary>
    public string Edition { get; init; } = "";
}

/// <summary>What all models of one's own together may use.</summary>
public sealed record FleetLimits
{
    /// <summary>Bytes of memory for all workers together. The needs of those that are loaded or being loaded never add up to more.</summary>
    public required long Memory { get; init; }

    /// <summary>Bytes of disk for the packed weights of all models; 0: none are kept.</summary>
    public long Packs { get; init; }

    /// <summary>How long a model that others use may keep one waiting that needs its memory: then it takes nothing new, finishes, and makes room.</summary>
    public TimeSpan Turn { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a worker that makes room may finish what it has begun.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>How long a worker without requests may take to end before it is killed.</summary>
    public TimeSpan Farewell { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Rest after a first failure; doubles with each further one.</summary>
    public TimeSpan FirstRest { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest rest between two attempts to load.</summary>
    public TimeSpan LongestRest { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>So many deaths within <see cref="CrashWindow"/> take a model out of the catalogue.</summary>
    public int CrashesToPark { get; init; } = 3;

    /// <summary>See <see cref="CrashesToPark"/>.</summary>
    public TimeSpan CrashWindow { get; init; } = TimeSpan.FromSeconds(60);
}
