using Microsoft.Extensions.Logging;

namespace Fairlead.Fleet.Workers;

internal sealed partial class WorkerLog
{
    [LoggerMessage(EventId = 4101, Level = LogLevel.Information, Message = "{Model}: worker {Process} was started")]
    private static partial void LogStarted(ILogger log, string model, int process);

    [LoggerMessage(EventId = 4102, Level = LogLevel.Information, Message = "{Model}: worker {Process} is ready")]
    private static partial void LogReady(ILogger log, string model, int process);

    [LoggerMessage(EventId = 4103, Level = LogLevel.Information, Message = "{Model}: worker {Process} has stopped")]
    private static partial void LogStopped(ILogger log, string model, int process);

    [LoggerMessage(EventId = 4104, Level = LogLevel.Warning, Message = "{Model}: worker {Process} is gone: {Epitaph}. The next request starts it again")]
    private static partial void LogGone(ILogger log, string model, int process, string epitaph);

    [LoggerMessage(EventId = 4105, Level = LogLevel.Information, Message = "{Model}: {Line}")]
    private static partial void LogLine(ILogger log, string model, string line);

    [LoggerMessage(EventId = 4106, Level = LogLevel.Information, Message = "{Model}: the worker does not listen any more: {Why}")]
    private static partial void LogDeaf(ILogger log, string model, string why);
}
