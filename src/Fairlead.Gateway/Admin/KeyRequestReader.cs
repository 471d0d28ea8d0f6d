using System.Globalization;
using Fairlead.Api;
using Fairlead.Domain.Keys;
using Fairlead.Gateway.Settings;

namespace Fairlead.Gateway.Admin;

/// <summary>Turns what an administrator wrote of a key into limits, or says what is wrong with it.</summary>
internal static class KeyRequestReader
{
    public static (KeyLimits? Limits, string? Wrong) Read(KeyRequest request, DateTimeOffset now)
    {
        if (!IsName(request.Name))
            return (null, $"The name '{Shown(request.Name)}' must have 1 to 64 letters, digits, '.', '_' or '-'.");
        Budget? budget = null;
        if (request.Budget is { } text)
        {
            if (!Quantities.TryBudget(text, out Budget read))
                return (null, $"The budget '{Shown(text)}' is not understood; dollars a day or month are expected, such as 5/day or $20/month.");
            budget = read;
        }
        if (request.Rpm is <= 0 || request.Tpm is <= 0 || request.Parallel is <= 0)
            return (null, "Limits (rpm, tpm, parallel) must be at least 1; leave one out to have no such limit.");
        DateTimeOffset? expires = null;
        if (request.Expires is { } when)
        {
            expires = Expiry(when, now);
            if (expires is null || expires <= now)
                return (null, $"The expiry '{Shown(when)}' is not understood or past; a duration such as 90d or a date such as 2027-01-31 is expected.");
        }
        if (request.Models?.Any(static m => m.Length is 0 or > 256) == true)
            return (null, "A model in the list is empty or too long; name models, aliases or provider/model.");
        return (new KeyLimits
        {
            Models = request.Models is null ? [] : [.. request.Models],
            Budget = budget,
            RequestsPerMinute = request.Rpm,
            TokensPerMinute = request.Tpm,
            Parallel = request.Parallel,
            Successors = request.Successors ?? false,
            ExpiresAt = expires,
        }, null);
    }

    public static bool IsName(string? name) => name is { Length: > 0 and <= 64 } && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-') && name[0] != '.';

    private static DateTimeOffset? Expiry(string text, DateTimeOffset now)
    {
        if (Quantities.TryDuration(text, out TimeSpan span) && !char.IsAsciiDigit(text[^1]))
            return now + span;
        return DateTimeOffset.TryParseExact(text, ["yyyy-MM-dd", "yyyy-MM-ddTHH:mm:ssZ", "o"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset date)
            ? date.ToUniversalTime()
            : null;
    }

    private static string Shown(string? text) => Protocols.Faults.Redaction.Clean(text ?? "", 60);
}
