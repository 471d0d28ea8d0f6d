using System.Text.RegularExpressions;
using Fairlead.Domain.Fleet;
using Fairlead.Domain.Problems;
using Fairlead.Domain.Routing;

namespace Fairlead.Protocols.Faults;

/// <summary>Maps whatever an upstream refused with to one row of the fault table. A code in the body beats its type, both beat the status, and prose is
/// the last resort.</summary>
public static partial class FaultClassifier
{
    /// <summary>Classifies an answer that is no 2xx.</summary>
    /// <param name="status">HTTP status.</param>
    /// <param name="contentType">As sent; null when absent.</param>
    /// <param name="body">At most the first 64 KiB.</param>
    /// <param name="header">The answer's headers.</param>
    /// <param name="now">For waiting hints that are dates.</param>
    public static UpstreamFault Classify(int status, string? contentType, ReadOnlySpan<byte> body, HeaderLookup header, DateTimeOffset now)
    {
        ErrorBody error = ErrorBody.Parse(body);
        bool page = contentType?.Contains("html", StringComparison.OrdinalIgnoreCase) == true || body.TrimStart(" \r\n\t"u8).StartsWith("<"u8);
        FaultKind kind = Kind(status, error, page, out bool atOnce);
        return new UpstreamFault(kind, Detail(status, error), status, Hint(kind, header, error, now), AtOnce: atOnce, Param: Param(error), Quirk: Quirk(kind, status, error))
        {
            Cold = Forecast(kind, error),
        };
    }

    /// <summary>Classifies an error that came inside a 200, whole or as an event of a stream (faults U-19 and U-21).</summary>
    public static UpstreamFault FromErrorEvent(ReadOnlySpan<byte> json)
    {
        ErrorBody error = ErrorBody.Parse(json);
        FaultKind kind = Kind(error.Status ?? 500, error, page: false, out bool atOnce);
        return new UpstreamFault(kind, Detail(error.Status ?? 200, error), error.Status ?? 200, Hint(kind, static _ => null, error, default), AtOnce: atOnce, Param: Param(error))
        {
            Cold = Forecast(kind, error),
        };
    }

    private static FaultKind Kind(int status, ErrorBody error, bool page, out bool atOnce)
    {
        string prose = error.Message;
        // A withdrawal hides behind any status and behind the code of a model that never was; its words give it away.
        atOnce = status is 400 or 403 or 404 or 410 or 422 && Withdrawal().IsMatch(prose);
        if (atOnce)
            return FaultKind.ModelGone;
        // Anthropic says that our money is spent, or our account closed, under the type of a wrong request or of a limit that a wait would lift.
        if (status is 400 or 402 or 403 or 429 && IsUnpaidProse(prose))
            return FaultKind.QuotaExhausted;
        if (status is 400 or 401 or 403 && Says(prose, "organization has been disabled"))
            return FaultKind.CredentialRefused;
        if (ByCode(error, status, out atOnce) is { } known)
            return known;
        switch (status)
        {
            case >= 300 and < 400:
                return FaultKind.Redirected;
            case 400 or 413 or 415 or 422:
                if (IsContextProse(prose))
                    return FaultKind.ContextTooLong;
                if (Says(prose, "API key not valid"))
                    return FaultKind.CredentialRefused;
                if (IsMissingModelProse(prose))
                    return FaultKind.ModelNotFound;
                if (Says(prose, "content filtering policy"))
                    return FaultKind.ContentFiltered; // Anthropic, of an answer that it would have given
                if (Says(prose, "not ready for inference") || Says(prose, "model is cold"))
                    return FaultKind.Cold;
                return FaultKind.InvalidRequest;
            case 401:
                return FaultKind.CredentialRefused;
            case 402:
                return error.InFlightBudget ? FaultKind.RateLimited : FaultKind.QuotaExhausted;
            case 403:
                if (IsContextProse(prose))
                    return FaultKind.ContextTooLong; // Together's window check
                if (error.Flagged)
                    return FaultKind.ContentFiltered; // OpenRouter's moderation
                if (Says(prose, "balance") || Says(prose, "credit"))
                    return FaultKind.QuotaExhausted;
                // What concerns one model or one place says nothing about our key; every other 403 does.
                return Says(prose, "model") || Says(prose, "gated") || Says(prose, "region") || Says(prose, "country") || Says(prose, "territory")
                    ? FaultKind.PermissionDenied
                    : FaultKind.CredentialRefused;
            case 404:
                if (page || IsBareNotFound(prose))
                    return FaultKind.RouteNotFound;
                return Says(prose, "allowed providers") ? FaultKind.PermissionDenied : FaultKind.ModelNotFound;
            case 408 or 409 or 425:
                return FaultKind.Conflict;
            case 410:
                atOnce = true;
                return FaultKind.ModelGone;
            case 412:
                return FaultKind.QuotaExhausted; // Fireworks: account suspended
            case 429:
                if (Says(prose, "check your plan and billing") || Says(prose, "insufficient balance") || Says(prose, "out of credit"))
                    return FaultKind.QuotaExhausted;
                return Says(prose, "busy") || Says(prose, "overloaded") || Says(prose, "high traffic") ? FaultKind.Overloaded : FaultKind.RateLimited;
            case 498 or 502 or 503 or 504 or (>= 520 and <= 524) or 529:
                return Says(prose, "loading") || error.RetryAfter is not null && status == 503 ? FaultKind.Cold : FaultKind.Overloaded;
            case 499:
                return FaultKind.Conflict;
            case >= 500:
                return FaultKind.ServerError;
            default:
                return FaultKind.InvalidRequest;
        }
    }

    private static FaultKind? ByCode(ErrorBody error, int status, out bool atOnce)
    {
        atOnce = false;
        foreach (string word in (ReadOnlySpan<string>)[error.Code, error.Type])
        {
            switch (word)
            {
                case "context_length_exceeded" or "exceed_context_size_error" or "1261" or "string_above_max_length":
                    return FaultKind.ContextTooLong;
                case "insufficient_quota" or "credit_balance_exhausted" or "billing_hard_limit_reached" or "NOT_ENOUGH_BALANCE" or "BILLING_BALANCE_NOT_ENOUGH"
                    or "1113" or "billing_not_active" or "insufficient_funds" or "billing_error" or "enforced_spend_limit_reached" or "contract_spend_limit_reached"
                    or "linked_organization_spend_limit_reached" or "linked_organization_billing_unavailable":
                    return FaultKind.QuotaExhausted;
                case "model_decommissioned" or "1221" or "ModelDeprecated" or "model_deprecated":
                    atOnce = true;
                    return FaultKind.ModelGone;
                case "model_not_found" or "model_not_available" or "model_not_supported" or "MODEL_NOT_FOUND" or "invalid_model" or "1211" or "DeploymentNotFound"
                    or "model_not_active" or "1500":
                    return FaultKind.ModelNotFound;
                case "NOT_FOUND" when error.Param == "model" || Says(error.Message, "model"):
                    return FaultKind.ModelNotFound;
                case "file_expired" or "thread_not_found" or "user_profile_not_found" or "request_too_large" or "request_body_too_large_after_decoding":
                    return FaultKind.InvalidRequest; // what the request names is missing, or it is too large: neither says anything about the model
                case "not_found_error" or "NotFoundError" when status is 404 or 200 or 400 && !IsBareNotFound(error.Message):
                    // The same type for a file or a container that the request names.
                    return Says(error.Message, "model") || !(Says(error.Message, "file") || Says(error.Message, "container")) ? FaultKind.ModelNotFound : FaultKind.InvalidRequest;
                case "dedicated_endpoint_not_running" or "model_cold" or "DEPLOYMENT_SCALING_UP" or "unavailable_error" when word != "unavailable_error" || Says(error.Message, "loading"):
                    return FaultKind.Cold;
                case "content_filter" or "content_policy_violation" or "1301" or "ResponsibleAIPolicyViolation":
                    return FaultKind.ContentFiltered;
                case "queue_exceeded" or "engine_overloaded" or "overloaded" or "overloaded_error" or "service_tier_capacity_exceeded" or "3505" or "1312"
                    or "capacity_exceeded" or "NoCapacity" or "UNAVAILABLE" or "SERVICE_NOT_AVAILABLE":
                    return FaultKind.Overloaded;
                case "rate_limit_exceeded" or "rate_limited" or "rate_limit_error" or "1300" or "1302" or "1303" or "1304" or "1305" or "1308" or "1310"
                    or "dynamic_request_limited" or "dynamic_token_limited" or "request_quota_exceeded" or "token_quota_exceeded" or "RATE_LIMIT_EXCEEDED"
                    or "RESOURCE_EXHAUSTED" or "RateLimitReached":
                    return FaultKind.RateLimited;
                case "invalid_api_key" or "authentication_error" or "INVALID_API_KEY" or "1000" or "1001" or "1002" or "1003" or "1004" or "UNAUTHENTICATED"
                    or "organization_on_hold":
                    return FaultKind.CredentialRefused;
                case "model_gated" or "permission_error" or "PERMISSION_DENIED" or "model_access_denied" or "unsupported_country_region_territory" or "434":
                    return FaultKind.PermissionDenied;
                case "FAILED_PRECONDITION" when status == 412:
                    return FaultKind.QuotaExhausted;
            }
        }
        return null;
    }

    private static QuirkHint? Quirk(FaultKind kind, int status, ErrorBody error)
    {
        if (kind != FaultKind.InvalidRequest || status is not (400 or 422))
            return null;
        string prose = error.Message;
        if (Says(prose, "stream_options"))
            return QuirkHint.NoStreamOptions;
        bool unsupported = Says(prose, "unsupported") || Says(prose, "not supported") || Says(prose, "not permitted") || Says(prose, "unknown") || Says(prose, "unrecognized") || error.Code == "unsupported_parameter";
        if (unsupported && (error.Param == "max_tokens" || Says(prose, "'max_tokens'")) && Says(prose, "max_completion_tokens"))
            return QuirkHint.MaxCompletionTokens;
        if (unsupported && (error.Param == "max_completion_tokens" || Says(prose, "max_completion_tokens")))
            return QuirkHint.MaxTokens;
        return Says(prose, "tool choice requires") || Says(prose, "tool-call-parser") || Says(prose, "does not support tools") ? QuirkHint.NoTools : null;
    }

    private static TimeSpan? Hint(FaultKind kind, HeaderLookup header, ErrorBody error, DateTimeOffset now) =>
        kind is FaultKind.RateLimited or FaultKind.Overloaded or FaultKind.Cold or FaultKind.Conflict or FaultKind.QuotaExhausted
            ? WaitingHint.Read(header, error, now)
            : null;

    /// <summary>A forecast of the provider's own (<c>estimated_time</c>, F111), passed on as ours.</summary>
    private static ColdForecast? Forecast(FaultKind kind, ErrorBody error) =>
        kind is FaultKind.Cold && error.RetryAfter is { } estimate ? new ColdForecast(ModelState.Loading, estimate) : null;

    private static string? Param(ErrorBody error) => Redaction.Clean(error.Param, 100) is { Length: > 0 } param ? param : null;

    private static string Detail(int status, ErrorBody error) =>
        Redaction.Clean(error.Message) is { Length: > 0 } said ? said
        : Redaction.Clean(error.Code) is { Length: > 0 } code ? code
        : $"status {status} without words";

    private static bool IsContextProse(string prose) =>
        Says(prose, "maximum context length") || Says(prose, "prompt is too long") || Says(prose, "too many tokens") || Says(prose, "context window")
        || Says(prose, "context size") || Says(prose, "context length") || Says(prose, "exceed context limit");

    /// <summary>A 404 that names nothing, as web servers say it of a path; "File Not Found" is llama-server's.</summary>
    private static bool IsBareNotFound(string prose) => prose.Trim('.', ' ').ToUpperInvariant() is "" or "NOT FOUND" or "RESOURCE NOT FOUND" or "FILE NOT FOUND";

    private static bool IsUnpaidProse(string prose) =>
        Says(prose, "credit balance is too low") || Says(prose, "reached your specified API usage limits") || Says(prose, "spend limit") || Says(prose, "spending limit");

    private static bool IsMissingModelProse(string prose) =>
        Says(prose, "model") && (Says(prose, "does not exist") || Says(prose, "not exist") || Says(prose, "not a valid model") || Says(prose, "not supported by provider")
            || Says(prose, "is not supported by any provider") || Says(prose, "invalid model") || Says(prose, "model not found"));

    /// <summary>"The model `x` has been decommissioned", "The requested model is deprecated and no longer supported", "model x was retired": a model as the
    /// subject and its end as the verb. "functions is deprecated, this model wants tools" is about something else.</summary>
    [GeneratedRegex(
        @"\bmodel:?\s+(?:[`'""]?[^\s`'"",;]+[`'""]?,?\s+)?(?:has\s+been|have\s+been|was|is|is\s+now)\s+(?:permanently\s+)?(?:decommissioned|deprecated|retired|discontinued|removed|sunset|shut\s?down|withdrawn|no\s+longer\s+(?:supported|available|served|offered))\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Withdrawal();

    private static bool Says(string prose, string words) => prose.Contains(words, StringComparison.OrdinalIgnoreCase);
}
