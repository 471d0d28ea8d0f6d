using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Protocols.Dialects;

namespace Fairlead.Protocols.Anthropic;

/// <summary>Reads the body of a message request or of a request to count its tokens once, forwards: checks it, and reads off it what routing, limits and
/// metering need, and what of it no other dialect can say.</summary>
/// <remarks>Fields, blocks and tools of a newer API than is known here are the provider's business and go through to one that speaks this dialect.</remarks>
public static class MessagesScanner
{
    /// <summary>Exactly one of the result and <paramref name="problem"/> is not null.</summary>
    /// <param name="route"><see cref="Route.Messages"/> or <see cref="Route.CountTokens"/>.</param>
    /// <param name="body">The whole body.</param>
    /// <param name="limits">Bounds beside its size.</param>
    /// <param name="problem">What is wrong, with the field that is at fault.</param>
    public static ScannedRequest? Scan(Route route, ReadOnlySpan<byte> body, RequestLimits limits, out Problem? problem) =>
        BodyScan.Run(new MessagesDraft(route, limits), body, limits, out problem);
}
