using System.Text;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Faults;

namespace Fairlead.Protocols.Tests.Faults;

/// <summary>What providers say when they refuse, and what it means: the fixtures F063 to F124, F167, F217 to F228 that are about one answer's status, headers and body.</summary>
public sealed class FaultFixtureTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 26, 12, 0, 0, TimeSpan.Zero);

    /// <param name="Id">The fixture.</param>
    /// <param name="Status">HTTP status.</param>
    /// <param name="Body">As sent.</param>
    /// <param name="Kind">What it is.</param>
    /// <param name="Headers">Lines of <c>name: value</c>.</param>
    /// <param name="WaitMs">The waiting hint in milliseconds; null when there is none.</param>
    /// <param name="AtOnce">The words leave no doubt.</param>
    /// <param name="Quirk">What it teaches.</param>
    private sealed record Fixture(string Id, int Status, string Body, FaultKind Kind, string Headers = "", double? WaitMs = null, bool AtOnce = false, QuirkHint? Quirk = null);

    private const string Plain429 = "{\"error\":{\"message\":\"slow down\",\"type\":\"requests\",\"code\":\"rate_limit_exceeded\"}}";

    private static readonly Fixture[] All =
    [
        new("F063", 502, "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center><hr><center>cloudflare</center></body></html>", FaultKind.Overloaded, "content-type: text/html"),
        new("F065", 404, "<html><body>Not here</body></html>", FaultKind.RouteNotFound, "content-type: text/html"),
        new("F065 plain", 404, "Not Found", FaultKind.RouteNotFound, "content-type: text/plain"),
        new("F065 empty", 404, "", FaultKind.RouteNotFound),
        new("F067 301", 301, "", FaultKind.Redirected, "location: http://elsewhere/"),
        new("F067 302", 302, "", FaultKind.Redirected),
        new("F067 307", 307, "", FaultKind.Redirected),
        new("F067 308", 308, "", FaultKind.Redirected),
        new("F075", 429, Plain429, FaultKind.RateLimited, "retry-after: Wed, 25 Nov 2026 12:00:00 GMT"),
        new("F075 to come", 429, Plain429, FaultKind.RateLimited, "retry-after: Thu, 26 Nov 2026 12:00:07 GMT", 7_000),
        new("F076 half", 429, Plain429, FaultKind.RateLimited, "retry-after: 0.5", 500),
        new("F076 negative", 429, Plain429, FaultKind.RateLimited, "retry-after: -3"),
        new("F076 soon", 429, Plain429, FaultKind.RateLimited, "retry-after: soon"),
        new("F076 empty", 429, Plain429, FaultKind.RateLimited, "retry-after: "),
        new("F077", 429, Plain429, FaultKind.RateLimited, "retry-after-ms: 120\nretry-after: 2", 120),
        new("F079", 429, Plain429, FaultKind.RateLimited, "x-ratelimit-reset-requests: 1m12.5s\nx-ratelimit-reset-tokens: 120ms\nx-ratelimit-remaining-requests: 14\nx-ratelimit-remaining-tokens: 0", 120),
        new("F079 requests", 429, Plain429, FaultKind.RateLimited, "x-ratelimit-reset-requests: 1m12.5s\nx-ratelimit-reset-tokens: 120ms\nx-ratelimit-remaining-requests: 0\nx-ratelimit-remaining-tokens: 9", 72_500),
        new("F080", 429, "{\"error\":{\"message\":\"Rate limit reached for model `m` in organization `org_x` on tokens per minute (TPM): Limit 6000, Used 5900, Requested 700. Please try again in 6s.\",\"type\":\"tokens\",\"param\":null,\"code\":\"rate_limit_exceeded\"}}",
            FaultKind.RateLimited, "retry-after: 7\nx-ratelimit-limit-requests: 14400\nx-ratelimit-remaining-requests: 14370\nx-ratelimit-remaining-tokens: 0\nx-ratelimit-reset-requests: 2m59.56s\nx-ratelimit-reset-tokens: 7.66s", 7_000),
        new("F080 words alone", 429, "{\"error\":{\"message\":\"Rate limit reached. Please try again in 1m6.5s.\",\"code\":\"rate_limit_exceeded\"}}", FaultKind.RateLimited, WaitMs: 66_500),
        new("F081", 498, "{\"error\":{\"message\":\"capacity exceeded\",\"type\":\"invalid_request_error\",\"code\":\"capacity_exceeded\"}}", FaultKind.Overloaded),
        new("F083", 429, "{\"id\":\"o1\",\"error\":{\"message\":\"…\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":null},\"error_type\":\"dynamic_token_limited\"}", FaultKind.RateLimited, "x-ratelimit-reset: 3", 3_000),
        new("F084", 429, "{\"message\":\"We're experiencing high traffic right now! Please try again soon.\",\"type\":\"too_many_requests_error\",\"param\":\"queue\",\"code\":\"queue_exceeded\"}", FaultKind.Overloaded),
        new("F085", 529, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"},\"request_id\":\"req_1\"}", FaultKind.Overloaded, "x-should-retry: true"),
        new("F087", 429, "{\"error\":{\"message\":\"You exceeded your current quota, please check your plan and billing details.\",\"type\":\"insufficient_quota\",\"param\":null,\"code\":\"insufficient_quota\"}}", FaultKind.QuotaExhausted),
        new("F088", 429, "{\"error\":{\"code\":\"1113\",\"message\":\"Insufficient balance\"}}", FaultKind.QuotaExhausted),
        new("F089", 402, "{\"error\":\"You have exceeded your monthly included credits for Inference Providers. Subscribe to PRO to get 20x more monthly included credits.\"}", FaultKind.QuotaExhausted),
        new("F091", 402, "{\"error\":{\"code\":402,\"message\":\"…\",\"metadata\":{\"limit_source\":\"openrouter_in_flight_budget\"}}}", FaultKind.RateLimited, "retry-after: 4", 4_000),
        new("F091 for good", 402, "{\"error\":{\"code\":402,\"message\":\"…\"}}", FaultKind.QuotaExhausted),
        new("F092", 429, "[{\"error\":{\"code\":429,\"message\":\"You exceeded your current quota\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"36s\"}]}}]", FaultKind.RateLimited, WaitMs: 36_000),
        new("F093", 429, "{\"error\":{\"code\":\"429\",\"message\":\"… Please retry after 3 seconds.\"}}", FaultKind.RateLimited, "retry-after-ms: 2600\nretry-after: 3", 2_600),
        new("F093 words alone", 429, "{\"error\":{\"code\":\"429\",\"message\":\"… Please retry after 3 seconds.\"}}", FaultKind.RateLimited, WaitMs: 3_000),
        new("F095", 429, "{\"object\":\"error\",\"message\":\"Service tier capacity exceeded for this model.\",\"type\":\"service_tier_capacity_exceeded\",\"param\":null,\"code\":\"3505\"}", FaultKind.Overloaded),
        new("F096", 401, "{\"error\":\"Unauthorized\"}", FaultKind.CredentialRefused),
        new("F097", 401, "", FaultKind.CredentialRefused),
        new("F099", 429, "<html><body>Too Many Requests</body></html>", FaultKind.RateLimited, "content-type: text/html"),
        new("F100", 404, "{\"error\":{\"message\":\"The model `gpt-x` does not exist or you do not have access to it.\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"model_not_found\"}}", FaultKind.ModelNotFound),
        new("F101", 400, "{\"error\":{\"message\":\"The model `mixtral-8x7b-32768` has been decommissioned and is no longer supported.\",\"type\":\"invalid_request_error\",\"code\":\"model_decommissioned\"}}", FaultKind.ModelGone, AtOnce: true),
        new("F103", 400, "{\"error\":{\"message\":\"The dedicated endpoint is stopped\",\"code\":\"dedicated_endpoint_not_running\"}}", FaultKind.Cold),
        new("F104", 404, "{\"error\":{\"message\":\"Model not found, inaccessible, and/or not deployed\",\"param\":\"model\",\"code\":\"NOT_FOUND\",\"type\":\"error\"}}", FaultKind.ModelNotFound),
        new("F105", 412, "{\"error\":{\"message\":\"Account x is suspended\",\"code\":\"FAILED_PRECONDITION\"}}", FaultKind.QuotaExhausted),
        new("F107", 400, "{\"error\":{\"code\":\"1211\",\"message\":\"Unknown Model, please check the model code.\"}}", FaultKind.ModelNotFound),
        new("F107 gone", 400, "{\"error\":{\"code\":\"1221\",\"message\":\"API retired\"}}", FaultKind.ModelGone, AtOnce: true),
        new("F108", 400, "{\"error\":{\"message\":\"The requested model 'a/b' is not supported by any provider you have enabled.\",\"type\":\"invalid_request_error\",\"param\":\"model\",\"code\":\"model_not_supported\"}}", FaultKind.ModelNotFound),
        new("F109", 400, "{\"error\":\"Model not supported by provider together\"}", FaultKind.ModelNotFound),
        new("F111", 503, "{\"error\":\"Model a/b is currently loading\",\"estimated_time\":20.0}", FaultKind.Cold, WaitMs: 20_000),
        new("F112", 400, "{\"error\":{\"message\":\"The model is not ready for inference\",\"type\":\"invalid_request_error\",\"code\":\"model_cold\"}}", FaultKind.Cold),
        new("F112 words alone", 400, "{\"error\":{\"message\":\"The model is not ready for inference\",\"type\":\"invalid_request_error\"}}", FaultKind.Cold),
        new("F113", 403, "{\"error\":{\"message\":\"This model is gated\",\"code\":\"model_gated\"}}", FaultKind.PermissionDenied),
        new("F115", 503, "{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}", FaultKind.Cold),
        new("F116", 404, "{\"error\":{\"message\":\"The model `x` does not exist.\",\"type\":\"NotFoundError\",\"param\":null,\"code\":404}}", FaultKind.ModelNotFound),
        new("F117", 404, "{\"object\":\"error\",\"message\":\"The model `x` does not exist.\",\"type\":\"NotFoundError\",\"param\":null,\"code\":404}", FaultKind.ModelNotFound),
        new("F119", 503, "{\"error\":{\"message\":\"server busy, please try again.  maximum pending requests exceeded\",\"type\":\"api_error\",\"param\":null,\"code\":null}}", FaultKind.Overloaded),
        new("F120", 404, "{\"error\":{\"code\":\"DeploymentNotFound\",\"message\":\"The API deployment for this resource does not exist.\"}}", FaultKind.ModelNotFound),
        new("F120 path", 404, "{\"error\":{\"code\":\"404\",\"message\":\"Resource not found\"}}", FaultKind.RouteNotFound),
        new("F121", 404, "{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\",\"message\":\"model: claude-sonnet-4-20250514\"},\"request_id\":\"req_2\"}", FaultKind.ModelNotFound),
        new("F124", 404, "{\"error\":{\"message\":\"No allowed providers are available for the selected model.\",\"code\":404}}", FaultKind.PermissionDenied),
        new("F217", 429, "{\"error\":\"Model is overloaded\",\"error_type\":\"overloaded\"}", FaultKind.Overloaded),
        new("F221", 400, "{\"error\":{\"code\":400,\"message\":\"the request exceeds the available context size, try increasing it\",\"type\":\"exceed_context_size_error\",\"n_prompt_tokens\":9000,\"n_ctx\":8192}}", FaultKind.ContextTooLong),
        new("F225", 400, "{\"error\":{\"message\":\"\\\"auto\\\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set\",\"type\":\"BadRequestError\",\"param\":null,\"code\":400}}", FaultKind.InvalidRequest, Quirk: QuirkHint.NoTools),
        new("F227", 422, "{\"detail\":[{\"loc\":[\"body\",\"stream_options\"],\"msg\":\"Extra inputs are not permitted\",\"type\":\"extra_forbidden\"}]}", FaultKind.InvalidRequest, Quirk: QuirkHint.NoStreamOptions),
        new("F228", 400, "{\"error\":{\"message\":\"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.\",\"type\":\"invalid_request_error\",\"param\":\"max_tokens\",\"code\":\"unsupported_parameter\"}}", FaultKind.InvalidRequest, Quirk: QuirkHint.MaxCompletionTokens),

        // What else the providers' own tables of errors name (providers.md §2.3).
        new("together gone", 400, "{\"id\":\"ok1\",\"error\":{\"message\":\"Unable to access non-serverless model X. Please visit …\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"model_not_available\"}}", FaultKind.ModelNotFound),
        new("together window", 403, "{\"error\":{\"message\":\"Input and max_tokens exceed the maximum context length\"}}", FaultKind.ContextTooLong),
        new("novita money", 403, "{\"code\":403,\"reason\":\"NOT_ENOUGH_BALANCE\",\"message\":\"not enough balance\",\"metadata\":{}}", FaultKind.QuotaExhausted),
        new("novita model", 404, "{\"code\":404,\"reason\":\"MODEL_NOT_FOUND\",\"message\":\"model not found\",\"metadata\":{}}", FaultKind.ModelNotFound),
        new("novita key", 403, "{\"code\":403,\"reason\":\"INVALID_API_KEY\",\"message\":\"failed\",\"metadata\":{}}", FaultKind.CredentialRefused),
        new("deepseek model", 400, "{\"error\":{\"message\":\"Model Not Exist\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"invalid_request_error\"}}", FaultKind.ModelNotFound),
        new("openrouter slug", 400, "{\"error\":{\"message\":\"x is not a valid model ID\",\"code\":400}}", FaultKind.ModelNotFound),
        new("openrouter moderation", 403, "{\"error\":{\"code\":403,\"message\":\"flagged\",\"metadata\":{\"reasons\":[\"violence\"],\"flagged_input\":\"…\",\"provider_name\":\"X\",\"model_slug\":\"y\"}}}", FaultKind.ContentFiltered),
        new("openai region", 403, "{\"error\":{\"message\":\"Country, region, or territory not supported\",\"type\":\"request_forbidden\",\"code\":\"unsupported_country_region_territory\"}}", FaultKind.PermissionDenied),
        new("openai retired", 404, "{\"error\":{\"message\":\"The model `gpt-4-vision` has been deprecated, learn more here: https://platform.openai.com/docs/deprecations\",\"code\":\"model_not_found\"}}", FaultKind.ModelGone, AtOnce: true),
        new("hf deprecated", 410, "{\"error\":\"The requested model is deprecated and no longer supported by provider together\"}", FaultKind.ModelGone, AtOnce: true),
        new("hf deprecated as 400", 400, "{\"error\":\"The requested model is deprecated and no longer supported by provider together\"}", FaultKind.ModelGone, AtOnce: true),
        new("azure retired", 410, "{\"error\":{\"code\":\"ModelDeprecated\",\"message\":\"The model is retired\"}}", FaultKind.ModelGone, AtOnce: true),
        new("a field, not the model", 400, "{\"error\":{\"message\":\"'functions' is deprecated; for this model use 'tools'\",\"type\":\"invalid_request_error\"}}", FaultKind.InvalidRequest),
        new("a field of the model", 400, "{\"error\":{\"message\":\"Support for max_tokens has been removed; this model wants max_completion_tokens\"}}", FaultKind.InvalidRequest),
        new("forbidden", 403, "{\"error\":{\"message\":\"Forbidden\"}}", FaultKind.CredentialRefused),
        new("gemini key", 400, "[{\"error\":{\"code\":400,\"message\":\"API key not valid. Please pass a valid API key.\",\"status\":\"INVALID_ARGUMENT\"}}]", FaultKind.CredentialRefused),
        new("gemini overloaded", 503, "[{\"error\":{\"code\":503,\"message\":\"The model is overloaded.\",\"status\":\"UNAVAILABLE\"}}]", FaultKind.Overloaded),
        new("fireworks edge", 401, "{\"fault\":{\"faultstring\":\"Invalid ApiKey\",\"detail\":{\"errorcode\":\"oauth.v2.InvalidApiKey\"}}}", FaultKind.CredentialRefused),
        new("a fault that is text", 500, "{\"fault\":\"boom\"}", FaultKind.ServerError),
        // Anthropic's envelope: its types, its codes, and what only its words tell apart (providers.md §3.5, sdk-generations.md §1.7).
        new("F167", 413, "<html><head><title>413 Request Entity Too Large</title></head><body><center><h1>413 Request Entity Too Large</h1></center><hr><center>cloudflare</center></body></html>", FaultKind.InvalidRequest, "content-type: text/html"),
        new("anthropic 413", 413, "{\"type\":\"error\",\"error\":{\"type\":\"request_too_large\",\"message\":\"Request exceeds the maximum allowed number of bytes\"},\"request_id\":\"req_1\"}", FaultKind.InvalidRequest),
        new("anthropic 413 unpacked", 413, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"body too large\",\"details\":{\"error_code\":\"request_body_too_large_after_decoding\"}},\"request_id\":\"req_1\"}", FaultKind.InvalidRequest),
        new("anthropic request", 400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"messages: at least one message is required\"},\"request_id\":\"req_1\"}", FaultKind.InvalidRequest),
        new("anthropic window", 400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too long: 210000 tokens > 200000 maximum\"},\"request_id\":\"req_1\"}", FaultKind.ContextTooLong),
        new("anthropic window with output", 400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length or `max_tokens` and try again\"},\"request_id\":\"req_1\"}", FaultKind.ContextTooLong),
        new("anthropic output limit", 400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"max_tokens: 200000 > 64000, which is the maximum allowed number of output tokens for claude-haiku-4-5\"},\"request_id\":\"req_1\"}", FaultKind.InvalidRequest),
        new("anthropic tool names", 400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"tools: two of one name\",\"details\":{\"error_code\":\"tool_name_conflict\"}},\"request_id\":\"req_1\"}", FaultKind.InvalidRequest),
        new("anthropic filter", 400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Output blocked by content filtering policy\"},\"request_id\":\"req_1\"}", FaultKind.ContentFiltered),
        new("anthropic money", 400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.\"},\"request_id\":\"req_1\"}", FaultKind.QuotaExhausted),
        new("anthropic limit of its own", 400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.\"},\"request_id\":\"req_1\"}", FaultKind.QuotaExhausted),
        new("anthropic account", 400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"This organization has been disabled.\"},\"request_id\":\"req_1\"}", FaultKind.CredentialRefused),
        new("anthropic on hold", 400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"on hold\",\"details\":{\"error_code\":\"organization_on_hold\"}},\"request_id\":\"req_1\"}", FaultKind.CredentialRefused),
        new("anthropic key", 401, "{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"invalid x-api-key\"},\"request_id\":\"req_1\"}", FaultKind.CredentialRefused),
        new("anthropic billing", 402, "{\"type\":\"error\",\"error\":{\"type\":\"billing_error\",\"message\":\"payment failed\"},\"request_id\":\"req_1\"}", FaultKind.QuotaExhausted),
        new("anthropic linked billing", 402, "{\"type\":\"error\",\"error\":{\"type\":\"billing_error\",\"message\":\"not available\",\"details\":{\"error_code\":\"linked_organization_spend_limit_reached\"}},\"request_id\":\"req_1\"}", FaultKind.QuotaExhausted),
        new("anthropic permission", 403, "{\"type\":\"error\",\"error\":{\"type\":\"permission_error\",\"message\":\"Your API key does not have permission to use the specified resource\"},\"request_id\":\"req_1\"}", FaultKind.PermissionDenied),
        new("anthropic file", 404, "{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\",\"message\":\"File not found: file_011CPMxVD3fHLUhvTqtsQA5w\"},\"request_id\":\"req_1\"}", FaultKind.InvalidRequest),
        new("anthropic file of old", 404, "{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\",\"message\":\"it has expired\",\"details\":{\"error_code\":\"file_expired\"}},\"request_id\":\"req_1\"}", FaultKind.InvalidRequest),
        new("anthropic path", 404, "{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\",\"message\":\"Not Found\"},\"request_id\":\"req_1\"}", FaultKind.RouteNotFound),
        new("llama-server path", 404, "{\"error\":{\"code\":404,\"message\":\"File Not Found\",\"type\":\"not_found_error\"}}", FaultKind.RouteNotFound),
        new("anthropic timeout", 408, "{\"type\":\"error\",\"error\":{\"type\":\"timeout_error\",\"message\":\"Request timed out\"},\"request_id\":\"req_1\"}", FaultKind.Conflict),
        new("anthropic late", 504, "{\"type\":\"error\",\"error\":{\"type\":\"timeout_error\",\"message\":\"Request timed out\"},\"request_id\":\"req_1\"}", FaultKind.Overloaded),
        new("anthropic conflict", 409, "{\"type\":\"error\",\"error\":{\"type\":\"conflict_error\",\"message\":\"try again\"},\"request_id\":\"req_1\"}", FaultKind.Conflict),
        new("anthropic rate", 429, "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"This request would exceed your organization's rate limit of 50,000 input tokens per minute.\"},\"request_id\":\"req_1\"}", FaultKind.RateLimited, "retry-after: 12\nanthropic-ratelimit-input-tokens-remaining: 0\nanthropic-ratelimit-input-tokens-reset: 2026-11-26T12:00:30Z", 12_000),
        new("anthropic rate by date", 429, "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"slow down\"},\"request_id\":\"req_1\"}", FaultKind.RateLimited, "anthropic-ratelimit-requests-remaining: 49\nanthropic-ratelimit-requests-reset: 2026-11-26T12:00:59Z\nanthropic-ratelimit-output-tokens-remaining: 0\nanthropic-ratelimit-output-tokens-reset: 2026-11-26T12:00:30Z", 30_000),
        new("anthropic ramp", 429, "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"growing too fast\",\"details\":{\"error_code\":\"ramp_limit_exceeded\"}},\"request_id\":\"req_1\"}", FaultKind.RateLimited),
        new("anthropic spending", 429, "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"limit reached\",\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}},\"request_id\":\"req_1\"}", FaultKind.QuotaExhausted, "x-should-retry: false"),
        new("anthropic contract", 429, "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"limit reached\",\"details\":{\"error_code\":\"contract_spend_limit_reached\"}},\"request_id\":\"req_1\"}", FaultKind.QuotaExhausted),
        new("anthropic spending in words", 429, "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"This request would exceed your workspace's monthly spend limit\"},\"request_id\":\"req_1\"}", FaultKind.QuotaExhausted),
        new("anthropic fault", 500, "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"Internal server error\"},\"request_id\":\"req_1\"}", FaultKind.ServerError),
        new("anthropic key store", 503, "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"unreachable\",\"details\":{\"error_code\":\"cmek_key_unreachable\"}},\"request_id\":\"req_1\"}", FaultKind.Overloaded),
        new("anthropic details that are none", 500, "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"boom\",\"details\":[1,\"x\",null]}}", FaultKind.ServerError),
        new("deepinfra", 429, "{\"detail\":{\"error\":\"Model busy, retry later\"}}", FaultKind.Overloaded),
        new("tei", 429, "{\"message\":\"overloaded\",\"code\":429,\"type\":\"Overloaded\"}", FaultKind.Overloaded),
    ];

    public static TheoryData<string> Ids() => [.. All.Select(static f => f.Id)];

    [Theory, MemberData(nameof(Ids))]
    public void What_a_provider_says_is_understood(string id)
    {
        Fixture fixture = All.Single(f => f.Id == id);
        Dictionary<string, string> headers = fixture.Headers.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => line.Split(": ", 2)).ToDictionary(static p => p[0], static p => p[1], StringComparer.OrdinalIgnoreCase);
        UpstreamFault fault = FaultClassifier.Classify(fixture.Status, headers.GetValueOrDefault("content-type", "application/json"), Encoding.UTF8.GetBytes(fixture.Body), name => headers.GetValueOrDefault(name), Now);
        Assert.Equal((fixture.Kind, fixture.Status, fixture.WaitMs, fixture.AtOnce, fixture.Quirk), (fault.Kind, fault.Status, fault.RetryAfter?.TotalMilliseconds, fault.AtOnce, fault.Quirk));
        Assert.InRange(fault.Detail.Length, 1, 300);
        Assert.DoesNotContain('<', fault.Detail);
    }

    /// <summary>An error inside a 200 has lost its status line; in Anthropic's envelope the type says which it was.</summary>
    [Theory]
    [InlineData("overloaded_error", "Overloaded", FaultKind.Overloaded, 529)]
    [InlineData("api_error", "Internal server error", FaultKind.ServerError, 500)]
    [InlineData("timeout_error", "Request timed out", FaultKind.Overloaded, 504)]
    [InlineData("rate_limit_error", "slow down", FaultKind.RateLimited, 429)]
    [InlineData("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", FaultKind.ContextTooLong, 400)]
    [InlineData("invalid_request_error", "Output blocked by content filtering policy", FaultKind.ContentFiltered, 400)]
    [InlineData("invalid_request_error", "Your credit balance is too low", FaultKind.QuotaExhausted, 400)]
    [InlineData("authentication_error", "invalid x-api-key", FaultKind.CredentialRefused, 401)]
    [InlineData("billing_error", "payment failed", FaultKind.QuotaExhausted, 402)]
    [InlineData("permission_error", "no", FaultKind.PermissionDenied, 403)]
    [InlineData("not_found_error", "model: claude-3-opus-20240229", FaultKind.ModelNotFound, 404)]
    [InlineData("conflict_error", "try again", FaultKind.Conflict, 409)]
    [InlineData("vendor_error_of_tomorrow", "something else", FaultKind.ServerError, 200)]
    public void An_error_event_of_Anthropics_is_the_fault_that_its_answer_would_have_been(string type, string message, FaultKind kind, int status)
    {
        UpstreamFault fault = FaultClassifier.FromErrorEvent(Encoding.UTF8.GetBytes($"{{\"type\":\"error\",\"error\":{{\"type\":\"{type}\",\"message\":\"{message}\"}},\"request_id\":\"req_1\"}}"));
        Assert.Equal((kind, status, message), (fault.Kind, fault.Status, fault.Detail));
    }

    [Fact]
    public void Whatever_the_bytes_are_they_are_some_fault()
    {
        var random = new Random(20_261_126);
        byte[] body = new byte[300];
        string[] seeds = [.. All.Select(static f => f.Body)];
        for (int i = 0; i < 20_000; i++)
        {
            byte[] text = Encoding.UTF8.GetBytes(seeds[random.Next(seeds.Length)]);
            if (i % 3 == 0)
            {
                random.NextBytes(body);
                text = body;
            }
            else if (text.Length > 0)
            {
                text[random.Next(text.Length)] = (byte)random.Next(256);
                text = text[..random.Next(text.Length + 1)];
            }
            UpstreamFault fault = FaultClassifier.Classify(random.Next(300, 600), "application/json", text, static _ => null, Now);
            Assert.InRange(fault.Detail.Length, 1, 300);
        }
    }
}
