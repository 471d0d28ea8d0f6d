using System.Globalization;
using System.Text.RegularExpressions;

namespace Fairlead.Protocols.Faults;

/// <summary>When an upstream says we may come back, in all the spellings that providers use. A hint that cannot be right is no hint.</summary>
public static partial class WaitingHint
{
    /// <summary>Longest hint that is believed: what lies further off is a mistake or a quota, not a wait.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromHours(24);

    /// <summary>Priority: <c>retry-after-ms</c>, <c>retry-after</c> (seconds or RFC 9110 date), the exhausted <c>x-ratelimit-*</c> or
    /// <c>anthropic-ratelimit-*</c> bucket, the body's own hint, the prose.</summary>
    public static TimeSpan? Read(HeaderLookup header, ErrorBody body, DateTimeOffset now) =>
        Milliseconds(header("retry-after-ms"))
        ?? RetryAfter(header("retry-after"), now)
        ?? Bucket(header)
        ?? AnthropicBucket(header, now)
        ?? body.RetryAfter
        ?? Prose(body.Message);

    /// <summary>Value of <c>Retry-After</c>: seconds, tolerated with a fraction, or an HTTP date. Null when it lies in the past or is neither.</summary>
    public static TimeSpan? RetryAfter(string? value, DateTimeOffset now)
    {
        if (string.IsNullOrWhiteSpace(value))
            return null;
        if (double.TryParse(value, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out double seconds))
            return Seconds(seconds);
        return DateTimeOffset.TryParseExact(value.Trim(), ["r", "dddd, dd-MMM-yy HH:mm:ss 'GMT'", "ddd MMM d HH:mm:ss yyyy"], CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AllowWhiteSpaces, out DateTimeOffset date)
            ? Believable(date - now)
            : null;
    }

    /// <summary>So many seconds, if that can be a wait.</summary>
    public static TimeSpan? Seconds(double seconds) =>
        double.IsFinite(seconds) && seconds >= 0 && seconds <= Longest.TotalSeconds ? TimeSpan.FromSeconds(seconds) : null;

    /// <summary>Go's duration text: <c>7.66s</c>, <c>1m12.5s</c>, <c>120ms</c>, <c>1h2m3s</c>; a plain number is seconds.</summary>
    public static TimeSpan? Duration(string? text)
    {
        if (string.IsNullOrEmpty(text) || text.Length > 32)
            return null;
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double plain))
            return Seconds(plain);
        double total = 0;
        int matched = 0;
        foreach (Match part in DurationParts().Matches(text))
        {
            matched += part.Length;
            double number = double.Parse(part.Groups["number"].ValueSpan, CultureInfo.InvariantCulture);
            total += part.Groups["unit"].ValueSpan switch
            {
                "ms" => number / 1000,
                "s" => number,
                "m" => number * 60,
                _ => number * 3600,
            };
        }
        return matched == text.Length && matched > 0 ? Seconds(total) : null;
    }

    [GeneratedRegex(@"(?<number>\d+(?:\.\d+)?)(?<unit>ms|s|m|h)", RegexOptions.NonBacktracking)]
    private static partial Regex DurationParts();

    [GeneratedRegex(@"(?:try again in|retry after|resets in)\s+~?(?<wait>(?:\d+(?:\.\d+)?(?:ms|s|m|h))+|\d+(?:\.\d+)?\s*seconds?)", RegexOptions.NonBacktracking | RegexOptions.IgnoreCase)]
    private static partial Regex ProseHint();

    private static TimeSpan? Milliseconds(string? value) =>
        double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double ms) ? Seconds(ms / 1000) : null;

    private static TimeSpan? Bucket(HeaderLookup header)
    {
        TimeSpan? longest = null;
        foreach (string bucket in (ReadOnlySpan<string>)["requests", "tokens", "requests-day", "tokens-minute"])
        {
            if (header("x-ratelimit-remaining-" + bucket) is "0" && Duration(header("x-ratelimit-reset-" + bucket)) is { } reset && (longest is null || reset > longest))
                longest = reset;
        }
        // Together documents this one as the suggested wait itself; OpenRouter's is an epoch in milliseconds, which no wait is.
        return longest ?? Duration(header("x-ratelimit-reset"));
    }

    /// <summary>Anthropic's limits end at a time (RFC 3339), each its own; the last of those that are used up counts.</summary>
    private static TimeSpan? AnthropicBucket(HeaderLookup header, DateTimeOffset now)
    {
        TimeSpan? longest = null;
        foreach (string bucket in (ReadOnlySpan<string>)["requests", "tokens", "input-tokens", "output-tokens"])
        {
            if (header($"anthropic-ratelimit-{bucket}-remaining") is "0"
                && DateTimeOffset.TryParseExact(
                    header($"anthropic-ratelimit-{bucket}-reset"), ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset reset)
                && Believable(reset - now) is { } wait && (longest is null || wait > longest))
            {
                longest = wait;
            }
        }
        return longest;
    }

    private static TimeSpan? Prose(string message)
    {
        if (message.Length is 0 or > 4096 || ProseHint().Match(message) is not { Success: true } match)
            return null;
        string text = match.Groups["wait"].Value.TrimEnd('.');
        int words = text.IndexOf("second", StringComparison.OrdinalIgnoreCase);
        return Duration(words < 0 ? text : text[..words].Trim());
    }

    private static TimeSpan? Believable(TimeSpan wait) => wait > TimeSpan.Zero && wait <= Longest ? wait : null;
}
