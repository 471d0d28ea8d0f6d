using Fairlead.Domain.Problems;
using Fairlead.Domain.Routing;

namespace Fairlead.Gateway.Dispatch;

/// <summary>What a caller hears when an answer breaks off after it has begun: everything sent so far stands, nothing is replayed.</summary>
internal static class BrokenAnswer
{
    public static Problem Describe(UpstreamFault fault, string provider, long tokens)
    {
        if (fault.Kind is FaultKind.ServerStopping)
        {
            return new Problem(
                ProblemKind.Draining, $"This server is shutting down and ended the answer after {tokens} tokens. You have received all of them. Retry; another replica or the next start will answer.",
                RetryAfter: TimeSpan.FromSeconds(2));
        }
        ProblemKind kind = fault.Kind is FaultKind.ErrorInStream ? ProblemKind.UpstreamTruncated : FaultTable.For(fault.Kind).Answer;
        if (fault.Kind is FaultKind.ResetBeforeAnswer or FaultKind.ClosedBeforeAnswer or FaultKind.ServerError or FaultKind.Overloaded)
            kind = ProblemKind.UpstreamTruncated;
        string why = fault.Kind switch
        {
            FaultKind.IdleStall => "stopped sending",
            FaultKind.Deadline => "took too long",
            FaultKind.EventTooLarge or FaultKind.Malformed or FaultKind.BodyTooLarge => "sent something that is no answer",
            FaultKind.WorkerCrash => "died",
            FaultKind.Truncated or FaultKind.ResetBeforeAnswer or FaultKind.ClosedBeforeAnswer => "cut the answer",
            _ => $"ended the answer with an error ({fault.Detail})",
        };
        string message = $"Provider '{provider}' {why} after {tokens} tokens. You have received everything it sent. Send the request again to get a whole answer.";
        return new Problem(kind, message.Length <= 300 ? message : message[..297] + "…");
    }
}
