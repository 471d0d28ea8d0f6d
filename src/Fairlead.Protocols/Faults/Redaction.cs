using System.Net;
using System.Text.RegularExpressions;

namespace Fairlead.Protocols.Faults;

/// <summary>Makes an upstream's words fit to be shown and kept: no secrets, no addresses of inner networks, no markup, no control characters, bounded.</summary>
public static partial class Redaction
{
    /// <summary>Longest text that comes out.</summary>
    public const int MaxLength = 300;

    /// <summary>Scrubs <paramref name="text"/>: what looks like a credential becomes <c>***</c>, an address that is nobody's outside becomes <c>[address]</c>.</summary>
    public static string Clean(string text, int maxLength = MaxLength)
    {
        if (text.Length > 8192)
            text = text[..8192];
        text = Secrets().Replace(text, "***");
        text = Urls().Replace(text, static match => IsPublic(match.Groups["host"].Value, match.Groups["scheme"].Value) ? match.Value : "[address]");
        text = InnerAddresses().Replace(text, "[address]");
        text = Unprintable().Replace(text, " ").Trim();
        return text.Length <= maxLength ? text : string.Concat(text.AsSpan(0, maxLength - 1), "…");
    }

    /// <summary>The words of a page for people: its title or heading if it has one, else its text without tags, at most 200 characters.</summary>
    public static string PlainText(string text)
    {
        if (text.Length > 65_536)
            text = text[..65_536];
        Match title = Title().Match(text);
        string words = title.Success ? title.Groups["words"].Value : Tags().Replace(text, " ");
        words = Spaces().Replace(WebUtility.HtmlDecode(words), " ").Trim();
        return words.Length <= 200 ? words : words[..200];
    }

    [GeneratedRegex(@"hf_[A-Za-z0-9_]{8,}|\b(?:sk|pk|rk|gsk|key|fw|r8|xai|csk|nvapi|tgp_v1)[-_][A-Za-z0-9_\-*.]{6,}|AIza[0-9A-Za-z_\-]{10,}|Bearer\s+[^\s""',;]+|Basic\s+[A-Za-z0-9+/=]{8,}|\b(?:api[-_ ]?key|access[-_]?token|auth[-_]?token|client[-_]?secret|secret|token|key)=[^\s&""',;]+|\b(?:api[-_]?key|access[-_]?token|client[-_]?secret)[""']?\s*:\s*[""']?[^\s""',;}]{4,}|\b[A-Za-z0-9]{32,}\b|eyJ[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+)?|-----BEGIN [A-Z ]+-----[^-]*(?:-----END [A-Z ]+-----)?|\borg[-_][A-Za-z0-9]{6,}|(?:Password|Pwd|AccountKey|SharedAccessKey)\s*=\s*[^;\s]+|://[^/\s:@]+:[^/\s@]+@|\b[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]+\.[A-Za-z]{2,}\b",
        RegexOptions.NonBacktracking | RegexOptions.IgnoreCase)]
    private static partial Regex Secrets();

    /// <summary>A page on the web may help; a machine's address is nobody's business.</summary>
    private static bool IsPublic(string host, string scheme)
    {
        if (!scheme.Equals("https", StringComparison.OrdinalIgnoreCase) && !scheme.Equals("http", StringComparison.OrdinalIgnoreCase))
            return false;
        int dot = host.LastIndexOf('.');
        if (dot <= 0 || dot == host.Length - 1 || !char.IsAsciiLetter(host[^1]))
            return false; // one word, or an address in numbers
        return !InnerNames.Contains(host[(dot + 1)..].ToLowerInvariant());
    }

    private static readonly HashSet<string> InnerNames = ["internal", "local", "localhost", "localdomain", "lan", "corp", "home", "intranet", "private", "svc", "test", "invalid", "arpa"];

    [GeneratedRegex(@"\b(?<scheme>[A-Za-z][A-Za-z0-9+.\-]*)://(?:[^\s/@""'<>]*@)?(?<host>\[[0-9A-Fa-f:.]+\]|[^\s/:?#""'<>)\]},;]+)(?::[0-9]+)?(?:[/?#][^\s""'<>]*)?", RegexOptions.NonBacktracking)]
    private static partial Regex Urls();

    [GeneratedRegex(@"\b(?:10|127|169\.254|172\.(?:1[6-9]|2[0-9]|3[01])|192\.168|100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7]))(?:\.[0-9]{1,3}){2,3}(?::[0-9]+)?\b|\blocalhost(?::[0-9]+)?\b|\b[A-Za-z0-9\-.]+\.(?:internal|local|svc|lan|corp|intranet)\b(?::[0-9]+)?|\[?\bf[cde][0-9a-f]{2}:[0-9a-f:]+\]?(?::[0-9]+)?|\[?::1\]?(?::[0-9]+)?",
        RegexOptions.NonBacktracking | RegexOptions.IgnoreCase)]
    private static partial Regex InnerAddresses();

    [GeneratedRegex(@"\x1B\[[0-9;?]*[A-Za-z]|[\p{Cc}\p{Cf}\u2028\u2029]+", RegexOptions.NonBacktracking)]
    private static partial Regex Unprintable();

    [GeneratedRegex(@"<(?:title|h1)[^>]*>(?<words>[^<]+)<", RegexOptions.NonBacktracking | RegexOptions.IgnoreCase)]
    private static partial Regex Title();

    [GeneratedRegex(@"<[^>]*>", RegexOptions.NonBacktracking)]
    private static partial Regex Tags();

    [GeneratedRegex(@"\s+", RegexOptions.NonBacktracking)]
    private static partial Regex Spaces();
}
