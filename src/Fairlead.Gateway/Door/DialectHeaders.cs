using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Fairlead.Gateway.Door;

/// <summary>Reads the headers that change what an Anthropic body means, and so go along to upstreams that speak Anthropic.</summary>
/// <remarks>Which versions and betas there are is the upstream's to know: what is well-formed goes through. <c>anthropic-workspace-id</c> and
/// <c>anthropic-user-profile-id</c> do not: the credential is the operator's, so they are no caller's to choose.</remarks>
internal static class DialectHeaders
{
    /// <summary>Most characters of <c>anthropic-beta</c>, all its lines together.</summary>
    public const int LongestBetas = 1024;

    /// <summary>Most characters of <c>anthropic-version</c>; it is a date.</summary>
    public const int LongestVersion = 64;

    private const string BetaHeader = "anthropic-beta";

    /// <param name="headers">The request's.</param>
    /// <param name="route">Only the Messages door has any.</param>
    /// <param name="forwarded">What goes along, one value a name.</param>
    /// <returns>Null, or what is wrong with one of them.</returns>
    public static Problem? Read(IHeaderDictionary headers, Route route, out IReadOnlyList<KeyValuePair<string, string>> forwarded)
    {
        forwarded = [];
        if (route.Dialect() != Dialect.Anthropic)
            return null;
        StringValues version = headers[DoorDialect.VersionHeader];
        StringValues betas = headers[BetaHeader];
        if (version.Count == 0 && betas.Count == 0)
            return null;
        var found = new List<KeyValuePair<string, string>>(2);
        if (version.Count > 0)
        {
            if (version.Count > 1 || version[0] is not { Length: > 0 and <= LongestVersion } date || !IsToken(date))
            {
                return Invalid(DoorDialect.VersionHeader,
                    $"The header '{DoorDialect.VersionHeader}' must be one word of at most {LongestVersion} visible ASCII characters, such as 2023-06-01. Send it once, or leave it out.");
            }
            found.Add(new(DoorDialect.VersionHeader, date));
        }
        if (betas.Count > 0)
        {
            string[] names = betas.ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            string list = string.Join(',', names);
            if (list.Length > LongestBetas || !Array.TrueForAll(names, static name => IsToken(name)))
            {
                return Invalid(BetaHeader,
                    $"The header '{BetaHeader}' must be a comma-separated list of names in visible ASCII, at most {LongestBetas} characters in all. Leave out what you do not need.");
            }
            if (names.Length > 0)
                found.Add(new(BetaHeader, list));
        }
        forwarded = found;
        return null;
    }

    private static Problem Invalid(string header, string message) => new(ProblemKind.FieldInvalid, message, header);

    private static bool IsToken(ReadOnlySpan<char> text) => !text.ContainsAnyExceptInRange('!', '~') && !text.Contains(',');
}
