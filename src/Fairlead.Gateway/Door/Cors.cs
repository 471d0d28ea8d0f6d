using System.Collections.Immutable;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Gateway.Door;

/// <summary>Lets pages of other origins call us from a browser. No cookie is ever used, so <c>*</c> gives nothing away that a key does not guard.</summary>
internal static class Cors
{
    private const string Exposed =
        "X-Request-Id, X-Error-Code, X-Error-Message, x-inference-provider, x-fairlead-request-id, x-fairlead-provider, x-fairlead-model, " +
        "x-fairlead-attempts, x-fairlead-policy, x-fairlead-cost, x-fairlead-adapted, RateLimit, RateLimit-Policy, Retry-After, " +
        "x-fairlead-budget-remaining, x-fairlead-budget-limit, x-fairlead-budget-reset, x-fairlead-replayed, request-id, " +
        "anthropic-ratelimit-requests-limit, anthropic-ratelimit-requests-remaining, anthropic-ratelimit-requests-reset, " +
        "anthropic-ratelimit-tokens-limit, anthropic-ratelimit-tokens-remaining, anthropic-ratelimit-tokens-reset, " +
        Dispatch.AnswerHeaders.Estimated + ", " + Dispatch.AnswerHeaders.ComputeTime;

    private const string AllowedByDefault = "authorization, content-type, x-api-key, api-key, x-hf-bill-to, x-hf-session-id, idempotency-key, anthropic-version, anthropic-beta";

    /// <summary>Marks an answer as readable for the caller's origin, where the configuration allows it.</summary>
    public static void Mark(HttpContext http, ImmutableArray<string> origins)
    {
        bool any = origins.Contains("*");
        string? origin = http.Request.Headers.Origin;
        if (!any && (origin is null || !origins.Contains(origin, StringComparer.OrdinalIgnoreCase)))
            return;
        IHeaderDictionary headers = http.Response.Headers;
        headers.AccessControlAllowOrigin = any ? "*" : origin;
        headers.AccessControlExposeHeaders = Exposed;
        if (!any)
            headers.Vary = "Origin";
    }

    /// <summary>Answers a preflight: no key is asked for, as a browser sends none with it.</summary>
    public static void AnswerPreflight(HttpContext http)
    {
        IHeaderDictionary headers = http.Response.Headers;
        string asked = http.Request.Headers.AccessControlRequestHeaders.ToString();
        headers.AccessControlAllowMethods = "GET, POST, OPTIONS";
        headers.AccessControlAllowHeaders = asked.Length is > 0 and <= 2048 && asked.All(static c => c is >= ' ' and <= '~') ? asked : AllowedByDefault;
        headers.AccessControlMaxAge = "86400";
        http.Response.StatusCode = StatusCodes.Status204NoContent;
    }
}
