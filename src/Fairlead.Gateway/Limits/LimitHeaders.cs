using System.Globalization;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Limits;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Gateway.Limits;

/// <summary>Tells a caller what is left: <c>RateLimit</c> and <c>RateLimit-Policy</c> (draft-ietf-httpapi-ratelimit-headers, in the form that
/// huggingface_hub parses), OpenAI's <c>x-ratelimit-*</c>, Anthropic's <c>anthropic-ratelimit-*</c> at its door, and the money.</summary>
internal static class LimitHeaders
{
    public static void Write(IHeaderDictionary headers, Dialect door, in AllowanceView view, DateTimeOffset now)
    {
        long? requests = view.Limits.RequestsPerMinute;
        long? tokens = view.Limits.TokensPerMinute;
        if (requests is not null || tokens is not null)
        {
            string left = "";
            string policy = "";
            if (requests is { } requestLimit)
            {
                long reset = Seconds(view.RequestsResetIn);
                left = $"\"requests\";r={view.RequestsLeft};t={reset}";
                policy = $"\"fixed window\";\"requests\";q={requestLimit};w=60";
                headers["x-ratelimit-limit-requests"] = Text(requestLimit);
                headers["x-ratelimit-remaining-requests"] = Text(view.RequestsLeft);
                headers["x-ratelimit-reset-requests"] = $"{reset}s";
                if (door == Dialect.Anthropic)
                    WriteAnthropics(headers, "requests", requestLimit, view.RequestsLeft, now.AddSeconds(reset));
            }
            if (tokens is { } tokenLimit)
            {
                long reset = Seconds(view.TokensResetIn);
                string comma = left.Length == 0 ? "" : ", ";
                left += $"{comma}\"tokens\";r={view.TokensLeft};t={reset}";
                policy += $"{comma}\"fixed window\";\"tokens\";q={tokenLimit};w=60";
                headers["x-ratelimit-limit-tokens"] = Text(tokenLimit);
                headers["x-ratelimit-remaining-tokens"] = Text(view.TokensLeft);
                headers["x-ratelimit-reset-tokens"] = $"{reset}s";
                if (door == Dialect.Anthropic)
                    WriteAnthropics(headers, "tokens", tokenLimit, view.TokensLeft, now.AddSeconds(reset));
            }
            headers["RateLimit"] = left;
            headers["RateLimit-Policy"] = policy;
        }
        if (view.MoneyLeft is { } money && view.Limits.Budget is { } budget)
        {
            headers["x-fairlead-budget-remaining"] = money.ToString();
            headers["x-fairlead-budget-limit"] = budget.Amount.ToString();
            headers["x-fairlead-budget-reset"] = Text(Seconds(budget.PeriodEnd(now) - now));
        }
    }

    private static void WriteAnthropics(IHeaderDictionary headers, string what, long limit, long left, DateTimeOffset resets)
    {
        headers[$"anthropic-ratelimit-{what}-limit"] = Text(limit);
        headers[$"anthropic-ratelimit-{what}-remaining"] = Text(left);
        headers[$"anthropic-ratelimit-{what}-reset"] = resets.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
    }

    private static long Seconds(TimeSpan span) => Math.Max(0, (long)Math.Ceiling(span.TotalSeconds));

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
