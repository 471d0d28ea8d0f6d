using System.Globalization;
using Fairlead.Domain.Catalogue;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Gateway.Dispatch;

/// <summary>What an answer says of models that come to their end: for whom its model stands in, and when its own end is.</summary>
internal static class RetirementHeaders
{
    public const string Substitute = "x-fairlead-substitute-for";

    /// <param name="headers">Of an answer that has not begun.</param>
    /// <param name="served">Who answers.</param>
    /// <param name="retired">The model that was asked for, where it is gone; null where it is not.</param>
    public static void Write(IHeaderDictionary headers, Offer served, Retirement? retired)
    {
        if (retired is not null)
        {
            string name = AnswerHeaders.HeaderSafe(retired.Model);
            headers[Substitute] = retired.Since is { } day ? string.Create(CultureInfo.InvariantCulture, $"{name}; retired={day:yyyy-MM-dd}") : name;
        }
        // RFC 9745 §2.1: when it was, or will be, deprecated, as a date of structured fields; RFC 8594 §3: when it is expected to be there no more.
        if (served.DeprecatedOn is { } deprecated)
            headers["Deprecation"] = string.Create(CultureInfo.InvariantCulture, $"@{Midnight(deprecated).ToUnixTimeSeconds()}");
        if (served.RetiresOn is { } end)
            headers["Sunset"] = Midnight(end).ToString("R", CultureInfo.InvariantCulture);
    }

    private static DateTimeOffset Midnight(DateOnly day) => new(day, TimeOnly.MinValue, TimeSpan.Zero);
}
