using Fairlead.Domain.Inference;

namespace Fairlead.Domain.Problems;

/// <summary>One kind of refusal: its code, status and everything else that never differs between two of a kind.</summary>
/// <param name="Code">Stable snake-case code; also the page <c>docs/errors.md#code</c>.</param>
/// <param name="Status">HTTP status, where headers have not left yet.</param>
/// <param name="Type">OpenAI's <c>type</c>: <c>invalid_request_error</c>, <c>insufficient_quota</c>, <c>requests</c>, <c>tokens</c>, <c>server_error</c>.</param>
/// <param name="EndReason">The word of the closed list that log, metric and ledger use.</param>
/// <param name="Retryable">Whether the very same request may succeed later without anybody changing anything.</param>
public sealed record ProblemKind(string Code, int Status, string Type, EndReason EndReason, bool Retryable)
{
    private const string Invalid = "invalid_request_error";
    private const string Quota = "insufficient_quota";
    private const string Server = "server_error";

    // The caller's key.
    public static readonly ProblemKind KeyMissing = new("key_missing", 401, Invalid, EndReason.RejectedAuth, false);
    public static readonly ProblemKind KeyMalformed = new("key_malformed", 401, Invalid, EndReason.RejectedAuth, false);
    public static readonly ProblemKind KeyUnknown = new("key_unknown", 401, Invalid, EndReason.RejectedAuth, false);
    public static readonly ProblemKind KeyExpired = new("key_expired", 401, Invalid, EndReason.RejectedAuth, false);
    public static readonly ProblemKind KeysConflict = new("keys_conflict", 401, Invalid, EndReason.RejectedAuth, false);
    public static readonly ProblemKind TooManyWrongKeys = new("too_many_wrong_keys", 429, "requests", EndReason.RejectedAuth, true);
    public static readonly ProblemKind HostNotAllowed = new("host_not_allowed", 421, Invalid, EndReason.RejectedInput, false);
    public static readonly ProblemKind ModelNotAllowed = new("model_not_allowed", 403, Invalid, EndReason.RejectedAuth, false);
    public static readonly ProblemKind BillToNotAllowed = new("bill_to_not_allowed", 403, Invalid, EndReason.RejectedAuth, false);

    // The caller's limits.
    public static readonly ProblemKind BudgetReached = new("budget_reached", 402, Quota, EndReason.RejectedBudget, false);
    public static readonly ProblemKind RateLimited = new("rate_limited", 429, "requests", EndReason.RejectedRate, true);
    public static readonly ProblemKind TokensLimited = new("tokens_limited", 429, "tokens", EndReason.RejectedRate, true);
    public static readonly ProblemKind ParallelLimited = new("parallel_limited", 429, "requests", EndReason.RejectedRate, true);

    // The caller's request.
    public static readonly ProblemKind HeadMalformed = new("head_malformed", 400, Invalid, EndReason.RejectedInput, false);
    public static readonly ProblemKind HeadTooSlow = new("head_too_slow", 408, Invalid, EndReason.RejectedInput, true);
    public static readonly ProblemKind LineTooLong = new("line_too_long", 414, Invalid, EndReason.RejectedInput, false);
    public static readonly ProblemKind HeadTooLarge = new("head_too_large", 431, Invalid, EndReason.RejectedInput, false);
    public static readonly ProblemKind BodyMalformed = new("body_malformed", 400, Invalid, EndReason.RejectedInput, false);
    public static readonly ProblemKind FieldInvalid = new("field_invalid", 400, Invalid, EndReason.RejectedInput, false);
    public static readonly ProblemKind ModelNotFound = new("model_not_found", 400, Invalid, EndReason.RejectedInput, false);
    public static readonly ProblemKind ModelUnlisted = new("model_not_found", 404, Invalid, EndReason.RejectedInput, false);
    public static readonly ProblemKind ModelNotSupported = new("model_not_supported", 400, Invalid, EndReason.RejectedInput, false);
    public static readonly ProblemKind NoOfferFits = new("no_offer_fits", 400, Invalid, EndReason.RejectedInput, false);
    public static readonly ProblemKind PriceUnknown = new("price_unknown", 400, Invalid, EndReason.RejectedInput, false);
    public static readonly ProblemKind ContextTooLong = new("context_length_exceeded", 400, Invalid, EndReason.RejectedInput, false);
    public static readonly ProblemKind ContentFiltered = new("content_filter", 400, Invalid, EndReason.RejectedInput, false);
    public static readonly ProblemKind UpstreamRefusedRequest = new("upstream_refused_request", 400, Invalid, EndReason.RejectedInput, false);
    public static readonly ProblemKind ProviderFieldRefused = new("destination_not_yours", 400, Invalid, EndReason.RejectedInput, false);
    public static readonly ProblemKind RouteUnknown = new("route_unknown", 404, Invalid, EndReason.RejectedInput, false);
    public static readonly ProblemKind MethodNotAllowed = new("method_not_allowed", 405, Invalid, EndReason.RejectedInput, false);
    public static readonly ProblemKind BodyTooSlow = new("body_too_slow", 408, Invalid, EndReason.RejectedInput, true);
    public static readonly ProblemKind BodyTooLarge = new("too_large", 413, Invalid, EndReason.RejectedInput, false);
    public static readonly ProblemKind MediaTypeUnsupported = new("media_type_unsupported", 415, Invalid, EndReason.RejectedInput, false);
    public static readonly ProblemKind RequestNotFound = new("request_not_found", 404, Invalid, EndReason.RejectedInput, false);
    public static readonly ProblemKind IdempotencyInFlight = new("idempotency_in_flight", 409, Invalid, EndReason.RejectedInput, true);
    public static readonly ProblemKind IdempotencyCompleted = new("idempotency_completed", 409, Invalid, EndReason.RejectedInput, false);
    public static readonly ProblemKind IdempotencyMismatch = new("idempotency_mismatch", 422, Invalid, EndReason.RejectedInput, false);

    // The upstreams, when no candidate is left.
    public static readonly ProblemKind NoProviders = new("no_providers", 503, Server, EndReason.RejectedInput, false);
    public static readonly ProblemKind UpstreamConnect = new("upstream_connect", 502, Server, EndReason.UpstreamConnect, true);
    public static readonly ProblemKind UpstreamConnectStall = new("upstream_connect_stall", 504, Server, EndReason.UpstreamConnect, true);
    public static readonly ProblemKind UpstreamDns = new("upstream_dns", 502, Server, EndReason.UpstreamDns, true);
    public static readonly ProblemKind UpstreamTls = new("upstream_tls", 502, Server, EndReason.UpstreamTls, false);
    public static readonly ProblemKind UpstreamReset = new("upstream_reset", 502, Server, EndReason.UpstreamReset, true);
    public static readonly ProblemKind UpstreamHeaderStall = new("upstream_header_stall", 504, Server, EndReason.UpstreamHeaderStall, true);
    public static readonly ProblemKind UpstreamFirstEventStall = new("upstream_first_event_stall", 504, Server, EndReason.UpstreamFirstEventStall, true);
    public static readonly ProblemKind UpstreamIdleStall = new("upstream_idle_stall", 504, Server, EndReason.UpstreamIdleStall, true);
    public static readonly ProblemKind UpstreamRateLimited = new("upstream_rate_limited", 429, "requests", EndReason.UpstreamStatus, true);
    public static readonly ProblemKind UpstreamCredential = new("upstream_credential", 502, Server, EndReason.UpstreamStatus, false);
    public static readonly ProblemKind UpstreamQuota = new("upstream_quota", 502, Server, EndReason.UpstreamQuota, false);
    public static readonly ProblemKind UpstreamPermission = new("upstream_permission", 403, Invalid, EndReason.UpstreamStatus, false);
    public static readonly ProblemKind UpstreamGone = new("upstream_gone", 410, Invalid, EndReason.UpstreamGone, false);
    public static readonly ProblemKind UpstreamModelNotFound = new("upstream_model_not_found", 502, Server, EndReason.UpstreamGone, false);
    public static readonly ProblemKind UpstreamConflict = new("upstream_conflict", 503, Server, EndReason.UpstreamStatus, true);
    public static readonly ProblemKind UpstreamStatus = new("upstream_status", 502, Server, EndReason.UpstreamStatus, true);
    public static readonly ProblemKind UpstreamOverloaded = new("overloaded_upstream", 503, Server, EndReason.UpstreamStatus, true);
    public static readonly ProblemKind ColdStarting = new("cold_starting", 503, Server, EndReason.UpstreamStatus, true);
    public static readonly ProblemKind UpstreamMalformed = new("upstream_malformed", 502, Server, EndReason.UpstreamMalformed, true);
    public static readonly ProblemKind UpstreamRedirected = new("upstream_redirected", 502, Server, EndReason.UpstreamStatus, false);
    public static readonly ProblemKind UpstreamTruncated = new("upstream_truncated", 502, Server, EndReason.UpstreamTruncated, true);
    public static readonly ProblemKind AllCoolingDown = new("all_cooling_down", 503, Server, EndReason.UpstreamStatus, true);
    public static readonly ProblemKind Deadline = new("deadline", 504, Server, EndReason.Deadline, true);

    // Models that this server runs itself.
    public static readonly ProblemKind WorkerLoadFailed = new("worker_load_failed", 503, Server, EndReason.WorkerLoadFailed, false);
    public static readonly ProblemKind WorkerCrash = new("worker_crash", 502, Server, EndReason.WorkerCrash, true);
    public static readonly ProblemKind WorkerParked = new("worker_parked", 503, Server, EndReason.WorkerCrash, false);

    // This server.
    public static readonly ProblemKind Overloaded = new("overloaded", 503, Server, EndReason.RejectedOverload, true);
    public static readonly ProblemKind StorageFull = new("storage_full", 503, Server, EndReason.RejectedOverload, true);
    public static readonly ProblemKind Draining = new("draining", 503, Server, EndReason.Draining, true);
    public static readonly ProblemKind Internal = new("internal", 500, Server, EndReason.Internal, false);

    /// <summary>Every kind, for the tests and documents that are made from this list.</summary>
    public static IReadOnlyList<ProblemKind> All { get; } =
        [.. typeof(ProblemKind).GetFields(System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.Static)
            .Where(static f => f.FieldType == typeof(ProblemKind)).Select(static f => (ProblemKind)f.GetValue(null)!)];
}
