using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Protocols.Dialects;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Reads the body of a chat, a completion or embeddings once, forwards: checks it, and reads off it what routing, limits and metering need.</summary>
public static class RequestScanner
{
    /// <summary>Exactly one of the result and <paramref name="problem"/> is not null.</summary>
    public static ScannedRequest? Scan(Route route, ReadOnlySpan<byte> body, RequestLimits limits, out Problem? problem) =>
        BodyScan.Run(new RequestDraft(route, limits), body, limits, out problem);
}
