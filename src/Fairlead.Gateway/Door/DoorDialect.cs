using Fairlead.Domain.Inference;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Gateway.Door;

/// <summary>Whose clients a request comes from, told before any route is found: refusals of every kind must have the shape that its sender reads.</summary>
internal static class DoorDialect
{
    /// <summary>The header that every client of Anthropic's sends, and nobody else's.</summary>
    public const string VersionHeader = "anthropic-version";

    private static readonly PathString V1 = "/v1";
    private static readonly PathString Messages = "/v1/messages";

    /// <summary>Paths under <c>/v1</c> that are OpenAI's, or our own, whatever else a request carries.</summary>
    private static readonly PathString[] NotAnthropics = ["/v1/chat", "/v1/completions", "/v1/embeddings", "/v1/requests"];

    /// <remarks>Paths without regard to case, as routing finds them.</remarks>
    public static Dialect Of(HttpRequest request)
    {
        PathString path = request.Path;
        if (path.StartsWithSegments(Messages, StringComparison.OrdinalIgnoreCase))
            return Dialect.Anthropic;
        if (!request.Headers.ContainsKey(VersionHeader) || !path.StartsWithSegments(V1, StringComparison.OrdinalIgnoreCase))
            return Dialect.OpenAi;
        foreach (PathString other in NotAnthropics)
        {
            if (path.StartsWithSegments(other, StringComparison.OrdinalIgnoreCase))
                return Dialect.OpenAi;
        }
        return Dialect.Anthropic;
    }
}
