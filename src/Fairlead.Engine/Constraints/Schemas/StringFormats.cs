namespace Fairlead.Engine.Constraints.Schemas;

/// <summary>The formats of strings that are kept, each as a regular expression over all of the text. Where a format allows much, the usual part of it.</summary>
internal static class StringFormats
{
    private const string Date =
        // February 29 only where there is one: years divisible by 4 and not by 100, or by 400 (RFC 3339 appendix C).
        @"(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
        + @"|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)";

    // RFC 3339 §5.6 without leap seconds, which exist on a few days only.
    private const string Time = @"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])";

    private const string Label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";

    private const string Byte = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";

    private const string Base64 = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?";

    private const string UriCharacter = "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})";

    private const string UriTail = $@"(?:/{UriCharacter}*)*(?:\?(?:{UriCharacter}|[/?])*)?(?:#(?:{UriCharacter}|[/?])*)?";

    private static readonly Dictionary<string, string> Patterns = new()
    {
        ["date"] = Date,
        ["time"] = Time,
        ["date-time"] = Date + "T" + Time,
        // RFC 3339 appendix A.
        ["duration"] = @"P(?:[0-9]{1,9}W|(?:(?:[0-9]{1,9}Y(?:[0-9]{1,9}M(?:[0-9]{1,9}D)?)?|[0-9]{1,9}M(?:[0-9]{1,9}D)?|[0-9]{1,9}D)(?:T(?:[0-9]{1,9}H(?:[0-9]{1,9}M(?:[0-9]{1,9}S)?)?|[0-9]{1,9}M(?:[0-9]{1,9}S)?|[0-9]{1,9}S))?"
            + @"|T(?:[0-9]{1,9}H(?:[0-9]{1,9}M(?:[0-9]{1,9}S)?)?|[0-9]{1,9}M(?:[0-9]{1,9}S)?|[0-9]{1,9}S)))",
        ["email"] = $@"[A-Za-z0-9_+-]{{1,20}}(?:\.[A-Za-z0-9_+-]{{1,20}}){{0,2}}@(?:{Label}\.){{1,3}}[A-Za-z]{{2,24}}",
        ["hostname"] = $@"{Label}(?:\.{Label}){{0,2}}",
        ["ipv4"] = $@"{Byte}(?:\.{Byte}){{3}}",
        // All eight groups, or one run of zeros left out with up to six groups around it (RFC 4291 §2.2).
        ["ipv6"] = "(?:" + string.Join('|', Ipv6()) + ")",
        ["uuid"] = "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}",
        // Pydantic's and zod's names, which have no RFC.
        ["uuid4"] = "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-4[0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}",
        ["ulid"] = "[0-7][0-9A-HJKMNP-TV-Z]{25}",
        ["e164"] = @"\+[1-9][0-9]{6,14}",
        ["base64"] = Base64,
        ["base64url"] = "(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2,3})?",
        ["uri"] = $@"[A-Za-z][A-Za-z0-9+.-]{{0,15}}://{Label}(?:\.{Label}){{0,4}}(?::[0-9]{{1,5}})?{UriTail}",
        ["uri-reference"] = $@"(?:[A-Za-z][A-Za-z0-9+.-]{{0,15}}://{Label}(?:\.{Label}){{0,4}}(?::[0-9]{{1,5}})?)?{UriTail}",
        ["json-pointer"] = @"(?:/(?:[^~/]|~[01])*)*",
        ["byte"] = Base64,
    };

    /// <summary>Formats that say nothing of the text itself (OpenAPI 3, Pydantic's paths): kept by doing nothing.</summary>
    public static bool IsRemark(string format) => format is "password" or "binary" or "path" or "file-path" or "directory-path";

    /// <summary>The expression for <paramref name="format"/>; null where it is not known.</summary>
    public static string? PatternOf(string format) => Patterns.GetValueOrDefault(format);

    /// <summary>The names of all formats that are kept, for messages.</summary>
    public static string Known => string.Join(", ", Patterns.Keys);

    private static IEnumerable<string> Ipv6()
    {
        const string Group = "[0-9A-Fa-f]{1,4}";
        yield return $"(?:{Group}:){{7}}{Group}";
        for (int before = 0; before <= 6; before++)
        {
            string left = before == 0 ? "" : before == 1 ? Group : $"{Group}(?::{Group}){{{before - 1}}}";
            int after = 6 - before;
            string right = after == 0 ? "" : $"(?:{Group}(?::{Group}){{0,{after - 1}}})?";
            yield return $"{left}::{right}";
        }
    }
}
