using Microsoft.Extensions.Logging;

namespace Fairlead.Fleet.Turns;

/// <summary>What a fleet says of itself in the log, whichever of its parts says it.</summary>
internal static partial class FleetLog
{
    [LoggerMessage(EventId = 4231, Level = LogLevel.Critical, Message = "The loop of local models has a fault in itself, at {What}; it goes on")]
    public static partial void LogBroken(this ILogger log, Exception e, string? what);

    [LoggerMessage(EventId = 4232, Level = LogLevel.Error, Message = "{Model}: a request's place was never given back, and was found by the runtime: a fault of this program")]
    public static partial void LogLost(this ILogger log, string model);

    [LoggerMessage(EventId = 4233, Level = LogLevel.Warning, Message = "{Model}: its files have changed since it was configured; what was learned of them is forgotten")]
    public static partial void LogSourceChanged(this ILogger log, string model);

    [LoggerMessage(EventId = 4234, Level = LogLevel.Error, Message = "{Model}: a change of it could not be announced")]
    public static partial void LogNotAnnounced(this ILogger log, Exception e, string model);

    [LoggerMessage(EventId = 4235, Level = LogLevel.Warning, Message = "Sockets that are nobody's any more could not be removed from {Folder}")]
    public static partial void LogSocketsStay(this ILogger log, Exception e, string folder);

    [LoggerMessage(EventId = 4236, Level = LogLevel.Error, Message = "A worker has been killed and is not gone after {Waited}; it is left to the system")]
    public static partial void LogLeftBehind(this ILogger log, TimeSpan waited);
}
