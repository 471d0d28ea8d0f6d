using System.Security.Cryptography.X509Certificates;
using Fairlead.Upstreams.Providers;

namespace Fairlead.Upstreams.OpenAi;

/// <summary>An API that speaks OpenAI's dialect: where it is and what it wants besides the body.</summary>
/// <param name="BaseUrl">May have a path, <c>https://host/v1</c>; the route's path is appended to it.</param>
public sealed record OpenAiEndpoint(Uri BaseUrl)
{
    /// <summary>Stands for the model in a path that names it.</summary>
    public const string ModelMark = "{model}";

    /// <summary>Begins with a slash; null when the upstream has no such route. <see cref="ModelMark"/> in it is replaced by the call's model.</summary>
    public string? ChatPath { get; init; } = "/chat/completions";

    public string? CompletionsPath { get; init; } = "/completions";

    public string? EmbeddingsPath { get; init; } = "/embeddings";

    /// <summary>Bytes of a body that are taken; null where no limit is known.</summary>
    public long? MostBodyBytes { get; init; }

    /// <summary>Null when the upstream takes no key.</summary>
    public EndpointKey? Key { get; init; }

    /// <summary>Sent with every request. Framing, connection and credential headers are refused.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> ExtraHeaders { get; init; } = [];

    /// <summary>A Unix domain socket that is connected to instead of the base URL's host; null for TCP.</summary>
    public string? SocketPath { get; init; }

    /// <summary>Header that tells it whose call it is (<see cref="UpstreamCall.Caller"/>); null where it is not to be told, as no company is.</summary>
    public string? CallerHeader { get; init; }

    /// <summary>Certificate authorities trusted instead of the system's; null for the system's.</summary>
    public X509Certificate2Collection? Roots { get; init; }
}
