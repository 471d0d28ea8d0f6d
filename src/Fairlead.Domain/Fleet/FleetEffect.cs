namespace Fairlead.Domain.Fleet;

/// <summary>Something that the plan wants done. None of it can fail towards the plan: what becomes of it is an event of its own.</summary>
public abstract record FleetEffect
{
    private FleetEffect()
    {
    }

    /// <summary>Start a worker. It says what it needs (<see cref="FleetEvent.Measured"/>) and waits, or dies.</summary>
    public sealed record StartWorker(string Model, int Start) : FleetEffect;

    /// <summary>There is room: let it read its weights.</summary>
    /// <param name="Start">Which.</param>
    /// <param name="Memory">Bytes that were set aside for it: the limit that it gets.</param>
    public sealed record LetLoad(int Start, long Memory) : FleetEffect;

    /// <summary>Nobody is in it: let it end. It is killed where that takes too long.</summary>
    public sealed record EndWorker(int Start) : FleetEffect;

    /// <summary>End it at once, whatever it does.</summary>
    public sealed record KillWorker(int Start) : FleetEffect;

    /// <summary>A request has its place.</summary>
    public sealed record Grant(long Ask, int Start) : FleetEffect;

    /// <summary>A request gets none.</summary>
    public sealed record Refuse(long Ask, FleetRefusal Refusal) : FleetEffect;
}

/// <summary>Why a request gets no place.</summary>
/// <param name="Kind">Which of the closed list.</param>
/// <param name="Reason">One sentence for the caller, at most 240 characters, without paths.</param>
/// <param name="RetryAfter">When it may be tried again; null where waiting does not help.</param>
public sealed record FleetRefusal(FleetRefusalKind Kind, string Reason, TimeSpan? RetryAfter = null);

/// <summary>Why a request gets no place in a worker.</summary>
public enum FleetRefusalKind : byte
{
    /// <summary>It is not loaded, and the caller did not want to wait. <see cref="FleetRefusal.RetryAfter"/> is the forecast.</summary>
    Cold = 1,

    /// <summary>As many wait already as may.</summary>
    QueueFull,

    /// <summary>The caller's patience, or the longest wait, is over.</summary>
    WaitedTooLong,

    /// <summary>It can never fit: it needs more than the whole budget.</summary>
    TooLarge,

    /// <summary>Its load has just failed.</summary>
    LoadFailed,

    /// <summary>Its load has failed, or it died, a moment ago; it is tried again after a rest.</summary>
    Resting,

    /// <summary>It died too often in too short a time and is out of the catalogue until an operator wants it loaded, or its configuration or files change.</summary>
    Parked,

    /// <summary>No such model is configured, or it was just taken out of the configuration.</summary>
    Unknown,

    /// <summary>This server is going down. The plan never says so: who runs it does.</summary>
    Stopping,
}
