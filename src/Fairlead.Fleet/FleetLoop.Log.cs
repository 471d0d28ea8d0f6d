using Microsoft.Extensions.Logging;

namespace Fairlead.Fleet;

public sealed partial class FleetLoop
{
    [LoggerMessage(EventId = 4231, Level = LogLevel.Critical, Message = "The loop of local models has a fault in itself, at {What}; it goes on")]
    private partial void LogBroken(Exception e, string? what);

    [LoggerMessage(EventId = 4232, Level = LogLevel.Error, Message = "{Model}: a request's place was never given back, and was found by the runtime: a fault of this program")]
    private partial void LogLost(string model);

    [LoggerMessage(EventId = 4233, Level = LogLevel.Warning, Message = "{Model}: its files have changed since it was configured; what was learned of them is forgotten")]
    private partial void LogSourceChanged(string model);

    [LoggerMessage(EventId = 4234, Level = LogLevel.Error, Message = "{Model}: a change of it could not be announced")]
    private partial void LogNotAnnounced(Exception e, string model);

    [LoggerMessage(EventId = 4235, Level = LogLevel.Warning, Message = "Sockets that are nobody's any more could not be removed from {Folder}")]
    private partial void LogSocketsStay(Exception e, string folder);

    [LoggerMessage(EventId = 4236, Level = LogLevel.Error, Message = "A worker has been killed and is not gone after {Waited}; it is left to the system")]
    private partial void LogLeftBehind(TimeSpan waited);
}
