using Fairlead.Upstreams.Providers;

namespace Fairlead.Upstreams.Anthropic;

/// <summary>An API that speaks Anthropic's dialect: where it is and what it wants besides the body.</summary>
/// <param name="BaseUrl">What stands before <see cref="MessagesPath"/>. May have a path, <c>https://host/anthropic</c>; a <c>/v1</c> at its end, as servers that
/// speak both dialects are written, is taken for the one of the path.</param>
public sealed record AnthropicEndpoint(Uri BaseUrl)
{
    /// <summary>The version of the API that is asked for where the caller names none: the one that every server of the dialect knows.</summary>
    public const string UsualVersion = "2023-06-01";

    /// <summary>Begins with a slash. Tokens are counted at <c>/count_tokens</c> behind it.</summary>
    public string MessagesPath { get; init; } = "/v1/messages";

    /// <summary>Null when the upstream takes no key.</summary>
    public EndpointKey? Key { get; init; }

    /// <summary>Sent with every request. Framing, connection and credential headers are refused, and so are those of a call's own.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> ExtraHeaders { get; init; } = [];

    /// <summary>Bytes of a body that are taken; null where no limit is known.</summary>
    public long? MostBodyBytes { get; init; }

    /// <summary><see cref="BaseUrl"/> without a <c>/v1</c> at its end.</summary>
    public Uri Root => WithoutVersion(BaseUrl);

    /// <summary>An address without a <c>/v1</c> at its end.</summary>
    public static Uri WithoutVersion(Uri url)
    {
        string path = url.AbsolutePath.TrimEnd('/');
        return path.EndsWith("/v1", StringComparison.Ordinal) ? new UriBuilder(url) { Path = path[..^3] }.Uri : url;
    }
}
