using Fairlead.Domain.Routing;
using Microsoft.Extensions.Logging;

namespace Fairlead.Gateway.Dispatch;

internal sealed partial class Dispatcher
{
    [LoggerMessage(EventId = 3201, Level = LogLevel.Information,
        Message = "{RequestId}: {Offer} failed: {Fault} (status {Status}), {Left} candidates left")]
    private partial void LogFailed(string requestId, string offer, FaultKind fault, int? status, int left);
}
