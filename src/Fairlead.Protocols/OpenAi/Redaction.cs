using System.Net;
using System.Text.RegularExpressions;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Makes an upstream's words fit to be shown and kept: no secrets, no markup, no control characters, bounded.</summary>
public static partial class Redaction
{
    /// <summary>Longest text that comes out.</summary>
    public const int MaxLength = 300;

    /// <summary>Scrubs <paramref name="text"/>; what looks like a credential becomes <c>***</c>.</summary>
    public static string Clean(string text, int maxLength = MaxLength)
    {
        if (text.Length > 8192)
            text = text[..8192];
        text = Secrets().Replace(text, "***");
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

    [GeneratedRegex(@"hf_[A-Za-z0-9_]{8,}|\b(?:sk|pk|rk|gsk|key|fw|r8|xai|csk|nvapi|tgp_v1)[-_][A-Za-z0-9_\-*.]{6,}|AIza[0-9A-Za-z_\-]{10,}|Bearer\s+[^\s""',;]+|Basic\s+[A-Za-z0-9+/=]{8,}|eyJ[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+)?|-----BEGIN [A-Z ]+-----[^-]*(?:-----END [A-Z ]+-----)?|\borg[-_][A-Za-z0-9]{6,}|(?:Password|Pwd|AccountKey|SharedAccessKey)\s*=\s*[^;\s]+|://[^/\s:@]+:[^/\s@]+@|\b[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]+\.[A-Za-z]{2,}\b",
        RegexOptions.NonBacktracking | RegexOptions.IgnoreCase)]
    private static partial Regex Secrets();

    [GeneratedRegex(@"\x1B\[[0-9;?]*[A-Za-z]|[\p{Cc}\p{Cf}\u2028\u2029]+", RegexOptions.NonBacktracking)]
    private static partial Regex Unprintable();

    [GeneratedRegex(@"<(?:title|h1)[^>]*>(?<words>[^<]+)<", RegexOptions.NonBacktracking | RegexOptions.IgnoreCase)]
    private static partial Regex Title();

    [GeneratedRegex(@"<[^>]*>", RegexOptions.NonBacktracking)]
    private static partial Regex Tags();

    [GeneratedRegex(@"\s+", RegexOptions.NonBacktracking)]
    private static partial Regex Spaces();
}
