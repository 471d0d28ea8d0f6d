using Microsoft.Extensions.Logging;

namespace Fairlead.Storage.Journal;

public sealed partial class RequestJournal
{
    [LoggerMessage(EventId = 5101, Level = LogLevel.Warning, Message = "{Bytes} bytes of an unfinished write were cut off the end of {Path}")]
    private partial void LogTornTail(long bytes, string path);

    [LoggerMessage(EventId = 5102, Level = LogLevel.Error, Message = "{Bytes} bytes at offset {Offset} of journal segment {Segment} are damaged; a copy lies at {Quarantine}. Run: fairlead ledger verify")]
    private partial void LogDamage(long bytes, long offset, string segment, string quarantine);

    [LoggerMessage(EventId = 5103, Level = LogLevel.Error, Message = "The journal in {Folder} cannot be written; paid requests are refused until it can")]
    private partial void LogUnavailable(Exception e, string folder);

    [LoggerMessage(EventId = 5104, Level = LogLevel.Error, Message = "An unfinished write could not be cut off {Path}; tried again before the next write")]
    private partial void LogTornTailStays(Exception e, string path);

    [LoggerMessage(EventId = 5105, Level = LogLevel.Information, Message = "The journal can be written again, in {Path}")]
    private partial void LogRecovered(string path);

    [LoggerMessage(EventId = 5106, Level = LogLevel.Warning, Message = "The shipped segment {Path} could not be deleted; tried again later")]
    private partial void LogNotDeleted(Exception e, string path);
}
