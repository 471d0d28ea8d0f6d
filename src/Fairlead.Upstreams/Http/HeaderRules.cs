using System.Buffers;

namespace Fairlead.Upstreams.Http;

/// <summary>What may stand in a header of ours. Whatever reaches the wire passed here, so a value cannot begin a header of its own.</summary>
internal static class HeaderRules
{
    private static readonly SearchValues<char> TokenChars =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    // Framing and connection belong to this client; a configured header that set them could smuggle a request.
    private static readonly HashSet<string> Ours = new(StringComparer.OrdinalIgnoreCase)
    {
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect",
        "proxy-connection", "proxy-authorization", "accept-encoding", "content-type", "accept", "x-request-id",
    };

    /// <summary>Characters of a header's value that came from a caller.</summary>
    public const int LongestFromCaller = 1024;

    /// <exception cref="ArgumentException">Not a header an operator may add.</exception>
    public static void Check(string name, string value)
    {
        if (name.Length == 0 || name.AsSpan().ContainsAnyExcept(TokenChars))
            throw new ArgumentException($"'{Visible(name)}' is not a header name.", nameof(name));
        if (Ours.Contains(name))
            throw new ArgumentException($"The header '{name}' is set by the gateway itself.", nameof(name));
        if (!IsValue(value))
            throw new ArgumentException($"The value of the header '{name}' has characters other than printable ASCII.", nameof(value));
    }

    /// <summary>Printable ASCII and inner spaces: narrower than RFC 9110 §5.5, which also knows tabs and bytes above 127.</summary>
    public static bool IsValue(ReadOnlySpan<char> value) => !value.ContainsAnyExceptInRange(' ', '~') && value.Trim(' ').Length == value.Length;

    /// <summary>A request target in origin form: what cannot end the request line early.</summary>
    public static bool IsPath(ReadOnlySpan<char> path) =>
        path.Length > 0 && path[0] == '/' && !path.ContainsAnyExceptInRange('!', '~') && !path.Contains('#');

    private static string Visible(string text) => string.Concat(text.Select(static c => c is < ' ' or > '~' ? '?' : c));
}
