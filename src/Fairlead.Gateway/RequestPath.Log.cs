using Microsoft.Extensions.Logging;

namespace Fairlead.Gateway;

internal sealed partial class RequestPath
{
    [LoggerMessage(EventId = 3001, Level = LogLevel.Error, Message = "{RequestId}: a bug; the caller was told 500")]
    private partial void LogBug(Exception bug, string requestId);

    [LoggerMessage(EventId = 3002, Level = LogLevel.Error, Message = "{RequestId}: the journal cannot be written: {Reason}")]
    private partial void LogJournalUnavailable(string requestId, string reason);

    [LoggerMessage(EventId = 3003, Level = LogLevel.Debug, Message = "{RequestId}: the caller had gone before it could be told {Code}")]
    private partial void LogNobodyListened(string requestId, string code);
}
