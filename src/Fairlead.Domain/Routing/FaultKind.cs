namespace Fairlead.Domain.Routing;

/// <summary>What an upstream did wrong, one word per row of the fault table (docs/faults.md).</summary>
public enum FaultKind : byte
{
    ConnectionRefused = 1,
    ConnectTimeout,
    Dns,
    Tls,
    ResetBeforeAnswer,
    ClosedBeforeAnswer,
    HeaderStall,
    FirstEventStall,
    RateLimited,
    CredentialRefused,
    QuotaExhausted,
    PermissionDenied,
    InvalidRequest,
    ContextTooLong,
    ContentFiltered,
    ModelNotFound,
    ModelGone,
    RouteNotFound,
    Conflict,
    ServerError,
    Overloaded,
    Cold,
    Malformed,
    Redirected,
    InterimFlood,
    HeadersTooLarge,
    BodyTooLarge,
    StreamRefused,
    Truncated,
    ErrorInStream,
    IdleStall,
    EventTooLarge,
    Deadline,
    CallerGone,

    /// <summary>Not the upstream's doing: this server stops, and the time to let answers finish is over.</summary>
    ServerStopping,

    /// <summary>A model of our own could not be loaded.</summary>
    WorkerLoadFailed,

    /// <summary>The process that held a model of our own has died.</summary>
    WorkerCrash,

    /// <summary>A model of our own is not loaded, and its caller does not wait, or not for so long.</summary>
    WorkerCold,

    /// <summary>As many wait already for a model of our own as may, or the longest wait for its slots is over.</summary>
    WorkerQueueFull,

    /// <summary>A model of our own died too often and is out of the catalogue.</summary>
    WorkerParked,
}
