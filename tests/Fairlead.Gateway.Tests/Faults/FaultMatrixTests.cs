using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Routing;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;
using Fairlead.Yard;

namespace Fairlead.Gateway.Tests.Faults;

/// <summary>The fault table, row by row: each fault × the dialect that the upstream speaks × the dialect of the door × streaming or not × one, two or three
/// candidates, over real sockets. What each cell promises is written here as reliability demands it and not read from the product's own table.</summary>
/// <remarks>Where the two dialects differ, the candidate that serves in the end speaks the other one than those that failed: the request is then translated anew.</remarks>
public sealed class FaultMatrixTests(FaultMatrixTests.Yards yards) : IClassFixture<FaultMatrixTests.Yards>
{
    /// <summary>A fault before the commit point and what it promises.</summary>
    /// <param name="Row">Row of docs/faults.md and a word.</param>
    /// <param name="Script">What the upstream does; null where no request ever reaches it.</param>
    /// <param name="Kind">What the record calls it.</param>
    /// <param name="Scope">Whom it counts against.</param>
    /// <param name="Status">What the caller gets with one candidate.</param>
    /// <param name="Code">The error's code.</param>
    /// <param name="End">The end-reason.</param>
    /// <param name="TryNext">Whether a further candidate is asked.</param>
    /// <param name="Attempts">How often the upstream is asked with one candidate.</param>
    /// <param name="RetryAfter">Seconds that the caller is told to wait; null: the header is not there.</param>
    internal sealed record Fault(
        string Row, FaultWall.Script? Script, FaultKind Kind, BreakerScope Scope, int Status, string Code, EndReason End, bool TryNext = true, int Attempts = 1, int? RetryAfter = null)
    {
        /// <summary>What an upstream of Anthropic's dialect does; null: the same, since it is not about what is said, or since servers of both say it alike.</summary>
        public FaultWall.Script? InMessages { get; init; }

        public FaultWall.Script? ScriptOf(Dialect spoken) => spoken == Dialect.Anthropic ? InMessages ?? Script : Script;

        /// <summary>The status at a door: Anthropic's clients know others for a model that is not there and for too much to do.</summary>
        public int StatusAt(Dialect door) => door != Dialect.Anthropic ? Status : Code switch
        {
            "upstream_model_not_found" or "upstream_gone" => 404,
            "overloaded_upstream" or "cold_starting" => 529,
            _ => Status,
        };

        /// <summary>Where it happens; null: at the wall.</summary>
        public Func<Yards, string>? Url { get; init; }

        /// <summary>Whether it is one of our own clocks that finds it.</summary>
        public bool IsStall => Kind is FaultKind.ConnectTimeout or FaultKind.HeaderStall or FaultKind.FirstEventStall;
    }

    private const BreakerScope Provider = BreakerScope.Provider, Credential = BreakerScope.Credential, Model = BreakerScope.Offer, Nobody = BreakerScope.None;

    private static readonly byte[] HugeHeaders = Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\n" + string.Concat(Enumerable.Range(0, 190).Select(static i => $"x-h{i}: {new string('a', 400)}\r\n")) + "\r\n");
    private static readonly byte[] ManyHeaders = Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\n" + string.Concat(Enumerable.Range(0, 201).Select(static i => $"x-h{i}: a\r\n")) + "\r\n");
    private static readonly byte[] Bomb = Zipped(new byte[64 << 20]);
    private static readonly byte[] HalfZipped = Zipped(Encoding.UTF8.GetBytes(Scripts.Full("Hi")))[..40];

    internal static readonly Fault[] All =
    [
        new("U-01 refused", null, FaultKind.ConnectionRefused, Provider, 502, "upstream_connect", EndReason.UpstreamConnect, Attempts: 2) { Url = static _ => BrokenAddresses.Refused() },
        new("U-02 black hole", null, FaultKind.ConnectTimeout, Provider, 504, "upstream_connect_stall", EndReason.UpstreamConnect) { Url = static y => y.BlackHole.Url },
        new("U-03 no such name", null, FaultKind.Dns, Provider, 502, "upstream_dns", EndReason.UpstreamDns) { Url = static _ => "http://nobody.invalid/v1" },
        new("U-04 handshake aborted", null, FaultKind.Tls, Provider, 502, "upstream_tls", EndReason.UpstreamTls) { Url = static y => y.SlammingDoor.Url },
        new("U-04 nobody's certificate", null, FaultKind.Tls, Provider, 502, "upstream_tls", EndReason.UpstreamTls) { Url = static y => y.Stranger.Url },
        new("U-05 reset", Scripts.Reset, FaultKind.ResetBeforeAnswer, Provider, 502, "upstream_reset", EndReason.UpstreamReset),
        new("U-06 closed", Scripts.Close, FaultKind.ClosedBeforeAnswer, Provider, 502, "upstream_reset", EndReason.UpstreamReset),
        new("U-07 no headers", Scripts.Silence, FaultKind.HeaderStall, Provider, 504, "upstream_header_stall", EndReason.UpstreamHeaderStall),
        new("U-08 no event", async (c, stop) => { await c.SendAsync(c.Streams ? Scripts.Sse : "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n"); await c.UntilClosedAsync(stop); }, FaultKind.FirstEventStall, Model, 504, "upstream_first_event_stall", EndReason.UpstreamFirstEventStall),
        new("U-09 429 long wait", Scripts.Status(429, "{\"error\":{\"message\":\"slow down\",\"code\":\"rate_limit_exceeded\"}}", "retry-after: 40\r\n"), FaultKind.RateLimited, Credential, 429, "upstream_rate_limited", EndReason.UpstreamStatus, RetryAfter: 40) { InMessages = Said(429, "rate_limit_error", "slow down", headers: "retry-after: 40\r\n") },
        new("U-09 429 in ms", Scripts.Status(429, "{\"error\":{\"message\":\"slow down\"}}", "retry-after: 40\r\nretry-after-ms: 20\r\n"), FaultKind.RateLimited, Credential, 429, "upstream_rate_limited", EndReason.UpstreamStatus, Attempts: 2, RetryAfter: 1) { InMessages = Said(429, "rate_limit_error", "slow down", headers: "retry-after: 40\r\nretry-after-ms: 20\r\n") },
        new("U-10 429", Scripts.Status(429, "{\"error\":{\"message\":\"slow down\"}}"), FaultKind.RateLimited, Credential, 429, "upstream_rate_limited", EndReason.UpstreamStatus, Attempts: 2, RetryAfter: 5) { InMessages = Said(429, "rate_limit_error", "slow down") },
        new("U-11 401", Scripts.Status(401, "{\"error\":\"Unauthorized\"}"), FaultKind.CredentialRefused, Credential, 502, "upstream_credential", EndReason.UpstreamStatus) { InMessages = Said(401, "authentication_error", "invalid x-api-key") },
        new("U-11 401 empty", Scripts.Status(401, "", type: "text/plain"), FaultKind.CredentialRefused, Credential, 502, "upstream_credential", EndReason.UpstreamStatus),
        new("U-11 403", Scripts.Status(403, "{\"error\":{\"message\":\"Forbidden\"}}"), FaultKind.CredentialRefused, Credential, 502, "upstream_credential", EndReason.UpstreamStatus) { InMessages = Scripts.Status(403, AnthropicScripts.Envelope("forbidden", "Request not allowed")) },
        new("U-11 permission", Scripts.Status(403, "{\"error\":{\"message\":\"This model is gated\",\"code\":\"model_gated\"}}"), FaultKind.PermissionDenied, Model, 403, "upstream_permission", EndReason.UpstreamStatus) { InMessages = Said(403, "permission_error", "Your API key does not have permission to use the specified resource") },
        new("U-12 402", Scripts.Status(402, "{\"error\":\"You have exceeded your monthly included credits\"}"), FaultKind.QuotaExhausted, Credential, 502, "upstream_quota", EndReason.UpstreamQuota) { InMessages = Said(402, "billing_error", "payment failed") },
        new("U-12 insufficient_quota", Scripts.Status(429, "{\"error\":{\"message\":\"You exceeded your current quota\",\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}"), FaultKind.QuotaExhausted, Credential, 502, "upstream_quota", EndReason.UpstreamQuota) { InMessages = Said(429, "rate_limit_error", "limit reached", "enforced_spend_limit_reached", "x-should-retry: false\r\n") },
        new("U-12 balance", Scripts.Status(429, "{\"error\":{\"code\":\"1113\",\"message\":\"Insufficient balance\"}}"), FaultKind.QuotaExhausted, Credential, 502, "upstream_quota", EndReason.UpstreamQuota) { InMessages = Said(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API.") },
        new("U-13 400", Scripts.Status(400, "{\"error\":{\"message\":\"temperature is too hot\",\"type\":\"invalid_request_error\"}}"), FaultKind.InvalidRequest, Nobody, 400, "upstream_refused_request", EndReason.RejectedInput, TryNext: false) { InMessages = Said(400, "invalid_request_error", "temperature: too hot") },
        new("U-13 422", Scripts.Status(422, "{\"detail\":[{\"loc\":[\"body\",\"foo\"],\"msg\":\"bad\",\"type\":\"x\"}]}"), FaultKind.InvalidRequest, Nobody, 422, "upstream_refused_request", EndReason.RejectedInput, TryNext: false),
        new("U-13 413", Scripts.Status(413, "{\"error\":{\"message\":\"too big\"}}"), FaultKind.InvalidRequest, Nobody, 413, "upstream_refused_request", EndReason.RejectedInput, TryNext: false) { InMessages = Scripts.Status(413, "<html><head><title>413 Request Entity Too Large</title></head></html>", type: "text/html") },
        new("U-13 context", Scripts.Status(400, "{\"error\":{\"message\":\"This model's maximum context length is 8192 tokens\",\"code\":\"context_length_exceeded\"}}"), FaultKind.ContextTooLong, Nobody, 400, "context_length_exceeded", EndReason.RejectedInput, TryNext: false) { InMessages = Said(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum") }, // the other window is no larger
        new("U-13 content", Scripts.Status(400, "{\"error\":{\"message\":\"flagged\",\"code\":\"content_filter\"}}"), FaultKind.ContentFiltered, Nobody, 400, "content_filter", EndReason.RejectedInput, TryNext: false) { InMessages = Said(400, "invalid_request_error", "Output blocked by content filtering policy") },
        new("U-14 404", Scripts.Status(404, "{\"error\":{\"message\":\"The model `x` does not exist\",\"code\":\"model_not_found\"}}"), FaultKind.ModelNotFound, Model, 502, "upstream_model_not_found", EndReason.UpstreamGone) { InMessages = Said(404, "not_found_error", "model: claude-x") },
        new("U-14 410", Scripts.Status(410, "{\"error\":\"The requested model is deprecated\"}"), FaultKind.ModelGone, Model, 410, "upstream_gone", EndReason.UpstreamGone),
        new("U-14 decommissioned", Scripts.Status(400, "{\"error\":{\"message\":\"The model has been decommissioned\",\"code\":\"model_decommissioned\"}}"), FaultKind.ModelGone, Model, 410, "upstream_gone", EndReason.UpstreamGone) { InMessages = Said(404, "not_found_error", "The model claude-x was retired.") },
        new("U-14 wrong path", Scripts.Status(404, "<html>404</html>", type: "text/html"), FaultKind.RouteNotFound, Model, 502, "upstream_status", EndReason.UpstreamStatus),
        new("U-15 408", Scripts.Status(408, ""), FaultKind.Conflict, Nobody, 503, "upstream_conflict", EndReason.UpstreamStatus, Attempts: 2, RetryAfter: 2) { InMessages = Said(408, "timeout_error", "Request timed out") },
        new("U-15 409", Scripts.Status(409, "{\"error\":{\"message\":\"conflict\"}}"), FaultKind.Conflict, Nobody, 503, "upstream_conflict", EndReason.UpstreamStatus, Attempts: 2, RetryAfter: 2) { InMessages = Said(409, "conflict_error", "conflict") },
        new("U-15 425", Scripts.Status(425, ""), FaultKind.Conflict, Nobody, 503, "upstream_conflict", EndReason.UpstreamStatus, Attempts: 2, RetryAfter: 2),
        new("U-16 500", Scripts.Status(500, "{\"error\":{\"message\":\"boom\",\"type\":\"server_error\"}}"), FaultKind.ServerError, Provider, 502, "upstream_status", EndReason.UpstreamStatus) { InMessages = Said(500, "api_error", "Internal server error") },
        new("U-17 503", Scripts.Status(503, "{\"error\":{\"message\":\"server busy\"}}"), FaultKind.Overloaded, Provider, 503, "overloaded_upstream", EndReason.UpstreamStatus, Attempts: 2, RetryAfter: 2) { InMessages = Said(503, "api_error", "unreachable", "cmek_key_unreachable") },
        new("U-17 503 with a hint", Scripts.Status(503, "{\"error\":{\"message\":\"server busy\"}}", "retry-after: 30\r\n"), FaultKind.Overloaded, Provider, 503, "overloaded_upstream", EndReason.UpstreamStatus, RetryAfter: 30) { InMessages = Said(503, "overloaded_error", "Overloaded", headers: "retry-after: 30\r\n") },
        new("U-17 502 html", Scripts.Status(502, "<html><head><title>502 Bad Gateway</title></head></html>", type: "text/html"), FaultKind.Overloaded, Provider, 503, "overloaded_upstream", EndReason.UpstreamStatus, Attempts: 2, RetryAfter: 2),
        new("U-17 504 empty", Scripts.Status(504, ""), FaultKind.Overloaded, Provider, 503, "overloaded_upstream", EndReason.UpstreamStatus, Attempts: 2, RetryAfter: 2) { InMessages = Said(504, "timeout_error", "Request timed out") },
        new("U-17 520", Scripts.Status(520, "error code: 520", type: "text/plain"), FaultKind.Overloaded, Provider, 503, "overloaded_upstream", EndReason.UpstreamStatus, Attempts: 2, RetryAfter: 2),
        new("U-17 524", Scripts.Status(524, ""), FaultKind.Overloaded, Provider, 503, "overloaded_upstream", EndReason.UpstreamStatus, Attempts: 2, RetryAfter: 2),
        new("U-17 529", Scripts.Status(529, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}"), FaultKind.Overloaded, Provider, 503, "overloaded_upstream", EndReason.UpstreamStatus, Attempts: 2, RetryAfter: 2) { InMessages = Said(529, "overloaded_error", "Overloaded", headers: "x-should-retry: true\r\n") },
        new("U-17 loading", Scripts.Status(503, "{\"error\":\"Model a/b is currently loading\",\"estimated_time\":20.0}"), FaultKind.Cold, Nobody, 503, "cold_starting", EndReason.UpstreamStatus, RetryAfter: 20),
        new("U-18 html", Scripts.Status(200, "<html><body>login</body></html>", type: "text/html"), FaultKind.Malformed, Model, 502, "upstream_malformed", EndReason.UpstreamMalformed),
        new("U-18 empty", Scripts.Status(200, ""), FaultKind.Malformed, Model, 502, "upstream_malformed", EndReason.UpstreamMalformed),
        new("U-18 null", Scripts.Status(200, "null"), FaultKind.Malformed, Model, 502, "upstream_malformed", EndReason.UpstreamMalformed),
        new("U-18 no JSON", Scripts.Status(200, "{\"id\":\"c1\",\"choices\":[{"), FaultKind.Malformed, Model, 502, "upstream_malformed", EndReason.UpstreamMalformed) { InMessages = Scripts.Status(200, "{\"id\":\"msg_1\",\"type\":\"message\",\"content\":[{") },
        new("U-18 length too short", Scripts.Raw("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n" + Scripts.Full("Hi")), FaultKind.Malformed, Model, 502, "upstream_malformed", EndReason.UpstreamMalformed) { InMessages = Scripts.Raw("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n" + AnthropicScripts.Whole("Hi")) },
        new("U-18 half", Scripts.Raw("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"id\":\"c1\","), FaultKind.Truncated, Model, 502, "upstream_truncated", EndReason.UpstreamTruncated) { InMessages = Scripts.Raw("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"id\":\"msg_1\",") },
        new("U-18 half gzip", Packed(HalfZipped), FaultKind.Malformed, Model, 502, "upstream_malformed", EndReason.UpstreamMalformed),
        new("U-19 error in 200", Scripts.Status(200, "{\"error\":{\"message\":\"upstream exploded\",\"type\":\"server_error\",\"code\":500}}"), FaultKind.ServerError, Provider, 502, "upstream_status", EndReason.UpstreamStatus) { InMessages = Said(200, "api_error", "upstream exploded") },
        new("U-19 limit in 200", Scripts.Status(200, "{\"error\":{\"message\":\"slow down\",\"type\":\"requests\",\"code\":429}}"), FaultKind.RateLimited, Credential, 429, "upstream_rate_limited", EndReason.UpstreamStatus, Attempts: 2, RetryAfter: 5) { InMessages = Said(200, "rate_limit_error", "slow down") },
        new("U-19 key in 200", Scripts.Status(200, "{\"error\":{\"message\":\"Invalid API Key\",\"code\":\"invalid_api_key\"}}"), FaultKind.CredentialRefused, Credential, 502, "upstream_credential", EndReason.UpstreamStatus) { InMessages = Said(200, "authentication_error", "invalid x-api-key") },
        new("U-19 error event", FirstEvent("data: {\"error\":{\"message\":\"Overloaded\",\"type\":\"overloaded_error\",\"code\":503}}\n\n", "{\"error\":{\"message\":\"Overloaded\",\"type\":\"overloaded_error\",\"code\":503}}"), FaultKind.Overloaded, Provider, 503, "overloaded_upstream", EndReason.UpstreamStatus, Attempts: 2, RetryAfter: 2)
        {
            InMessages = FirstEvent(AnthropicScripts.Start + AnthropicScripts.Event("error", AnthropicScripts.Envelope("overloaded_error", "Overloaded")), AnthropicScripts.Envelope("overloaded_error", "Overloaded")), // F157
        },
        new("U-27 302", Scripts.Status(302, "", "location: http://169.254.169.254/\r\n"), FaultKind.Redirected, Provider, 502, "upstream_redirected", EndReason.UpstreamStatus),
        new("U-27 307", async (c, _) => await c.SendAsync("HTTP/1.1 307 Elsewhere\r\nlocation: /v1/chat/completions\r\ncontent-length: 0\r\n\r\n"), FaultKind.Redirected, Provider, 502, "upstream_redirected", EndReason.UpstreamStatus) { InMessages = Scripts.Raw("HTTP/1.1 307 Elsewhere\r\nlocation: /v1/messages\r\ncontent-length: 0\r\n\r\n") },
        new("U-28 1xx flood", Scripts.Raw(string.Concat(Enumerable.Repeat("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n", 11)), close: false), FaultKind.InterimFlood, Provider, 502, "upstream_malformed", EndReason.UpstreamMalformed),
        new("U-29 64 KiB of headers", async (c, stop) => { await c.SendAsync(HugeHeaders); await c.UntilClosedAsync(stop); }, FaultKind.HeadersTooLarge, Provider, 502, "upstream_malformed", EndReason.UpstreamMalformed),
        new("U-29 201 headers", async (c, stop) => { await c.SendAsync(ManyHeaders); await c.UntilClosedAsync(stop); }, FaultKind.HeadersTooLarge, Provider, 502, "upstream_malformed", EndReason.UpstreamMalformed),
        new("U-30 bomb", Packed(Bomb), FaultKind.BodyTooLarge, Provider, 502, "upstream_malformed", EndReason.UpstreamMalformed),
    ];

    /// <summary>A cell of the matrix.</summary>
    /// <param name="Spoken">By those that fail.</param>
    /// <param name="Door">Where the caller asks.</param>
    /// <param name="Stream">It asks for a stream.</param>
    /// <param name="Candidates">All but the last fail; the only one does, too.</param>
    internal sealed record Cell(Fault Fault, Dialect Spoken, Dialect Door, bool Stream, int Candidates)
    {
        public string Model => $"m-{Array.IndexOf(All, Fault)}-{Spoken.Word()[0]}{Door.Word()[0]}{(Stream ? "s" : "w")}{Candidates}";

        /// <summary>Those that fail.</summary>
        public IEnumerable<string> Providers => Enumerable.Range(1, Math.Max(1, Candidates - 1)).Select(n => $"p-{Model}-{n}");

        /// <summary>What the one speaks that serves in the end.</summary>
        public Dialect Spare => Spoken == Dialect.OpenAi && Door == Dialect.OpenAi ? Dialect.OpenAi : Spoken == Dialect.OpenAi ? Dialect.Anthropic : Dialect.OpenAi;
    }

    /// <summary>With OpenAI's dialect on both sides one, two and three candidates; the other pairs are about what is read and said, so one and two do, and where our
    /// own clock is what is waited for, two.</summary>
    internal static IEnumerable<Cell> AllCells() =>
        from fault in All
        from spoken in Enum.GetValues<Dialect>()
        from door in Enum.GetValues<Dialect>()
        from stream in (bool[])[false, true]
        from candidates in spoken == Dialect.OpenAi && door == Dialect.OpenAi ? (int[])[1, 2, 3] : fault.IsStall ? [2] : [1, 2]
        select new Cell(fault, spoken, door, stream, candidates);

    public static TheoryData<string, Dialect, Dialect, bool, int> Cells()
    {
        var cells = new TheoryData<string, Dialect, Dialect, bool, int>();
        foreach (Cell cell in AllCells())
            cells.Add(cell.Fault.Row, cell.Spoken, cell.Door, cell.Stream, cell.Candidates);
        return cells;
    }

    [Theory, MemberData(nameof(Cells))]
    public async Task A_fault_before_the_commit_point_has_its_promised_outcome(string row, Dialect spoken, Dialect door, bool stream, int candidates)
    {
        Fault fault = All.Single(f => f.Row == row);
        var cell = new Cell(fault, spoken, door, stream, candidates);
        string model = cell.Model;
        GatewayYard gateway = yards.Of(fault);
        Answer answer = await gateway.AskAsync(door, "acme/" + model, stream, $",\"provider\":{{\"order\":[{string.Join(",", cell.Providers.Select(static p => $"\"{p}\""))}]}}");
        JsonElement record = await gateway.RecordAsync(answer);
        bool served = candidates > 1 && fault.TryNext;
        int failed = served ? candidates - 1 : fault.Attempts;

        // Each failed attempt is at the upstream once, and in the record with its fault.
        if (fault.Script is not null)
            Assert.Equal(failed, yards.Wall.Arrivals(model));
        JsonElement[] attempts = [.. record.GetProperty("attempts").EnumerateArray()];
        Assert.Equal(failed + (served ? 1 : 0), attempts.Length);
        Assert.Equal(attempts.Length.ToString(), answer.Header("x-fairlead-attempts"));
        Assert.All(attempts[..failed], a => Assert.Equal(Snake(fault.Kind), a.GetProperty("fault").GetString()));
        Assert.True(record.GetProperty("reserved_nano_usd").GetInt64() > 0);

        if (served)
        {
            Assert.Equal((200, "Hi there", "spare-" + cell.Spare.Word()), (answer.Status, answer.Content, answer.Header("x-fairlead-provider")));
            Assert.True(!stream || answer.IsWhole(door), answer.Body);
            Assert.Equal(("ok", 6_400L), (record.GetProperty("end_reason").GetString(), record.GetProperty("cost_nano_usd").GetInt64()));
            Assert.Equal(JsonValueKind.Null, attempts[^1].GetProperty("fault").ValueKind);
            return;
        }
        Assert.Equal((fault.StatusAt(door), fault.Code), (answer.Status, answer.ErrorCode));
        Assert.Equal("application/json", answer.Header("content-type"));
        Assert.Equal(fault.RetryAfter?.ToString(), answer.Header("retry-after"));
        Assert.StartsWith("p-", answer.Header("x-inference-provider"), StringComparison.Ordinal);
        Assert.Equal(answer.Header("x-inference-provider"), answer.Header("x-fairlead-provider")); // who failed last
        Assert.Equal("0.000000000", answer.Header("x-fairlead-cost"));
        JsonElement error = answer.Json.GetProperty("error");
        Assert.InRange(error.GetProperty("message").GetString()!.Length, 20, 600);
        Assert.True(error.TryGetProperty("type", out _) && error.TryGetProperty("param", out _));
        if (door == Dialect.Anthropic)
            Assert.Equal(("error", answer.Header("request-id")), (answer.Json.GetProperty("type").GetString(), answer.Json.GetProperty("request_id").GetString()));
        Assert.Equal((fault.End.Word(), fault.Code, 0L), (record.GetProperty("end_reason").GetString(), record.GetProperty("problem_code").GetString(), record.GetProperty("cost_nano_usd").GetInt64()));
    }

    public static TheoryData<string> Rows() => [.. All.Select(static f => f.Row)];

    [Theory, MemberData(nameof(Rows))]
    public void A_fault_counts_against_whom_its_row_names(string row)
    {
        Fault fault = All.Single(f => f.Row == row);
        Assert.Equal(fault.Scope, FaultTable.For(fault.Kind).Breaker);
    }

    /// <summary>One wall and two gateways for all cells; each cell has providers and a model of its own, so no breaker of one is seen by another.</summary>
    /// <remarks>For each kind of stall there is a gateway more, whose clock for it is short and no other is: a busy machine must not be taken for another stall.</remarks>
    public sealed class Yards : IAsyncLifetime
    {
        private readonly Dictionary<Dialect, FaultWall> _spares = Enum.GetValues<Dialect>().ToDictionary(static d => d, static _ => new FaultWall());

        internal FaultWall Wall { get; } = new();
        internal BlackHole BlackHole { get; } = new();
        internal SlammingDoor SlammingDoor { get; } = new();
        internal StrangersDoor Stranger { get; } = new();
        private readonly Dictionary<FaultKind, GatewayYard> _hasty = [];
        private GatewayYard _patient = null!;

        internal GatewayYard Of(Fault fault) => fault.IsStall ? _hasty[fault.Kind] : _patient;

        public async ValueTask InitializeAsync()
        {
            foreach (FaultKind stall in All.Where(static fault => fault.IsStall).Select(static fault => fault.Kind).Distinct())
                _hasty[stall] = await GatewayYard.StartAsync(ProvidersFor(fault => fault.Kind == stall), settings => settings with { Dispatch = Hasten(settings.Dispatch, stall) });
            _patient = await GatewayYard.StartAsync(ProvidersFor(static fault => !fault.IsStall));
        }

        private static DispatchSettings Hasten(DispatchSettings clocks, FaultKind stall) => stall switch
        {
            FaultKind.ConnectTimeout => clocks with { Connect = GatewayYard.Stall },
            FaultKind.HeaderStall => clocks with { Headers = GatewayYard.Stall },
            _ => clocks with { FirstToken = GatewayYard.Stall },
        };

        private List<ProviderSettings> ProvidersFor(Func<Fault, bool> include)
        {
            var providers = new List<ProviderSettings>();
            var spareModels = Enum.GetValues<Dialect>().ToDictionary(static d => d, static _ => new List<string>());
            foreach (Cell cell in AllCells().Where(cell => include(cell.Fault)))
            {
                if (cell.Fault.ScriptOf(cell.Spoken) is { } script)
                    Wall.On(cell.Model, script);
                foreach (string provider in cell.Providers)
                    providers.Add(GatewayYard.Provider(provider, cell.Fault.Url?.Invoke(this) ?? Wall.Url, cell.Model) with { Dialect = cell.Spoken });
                if (cell.Candidates == 1)
                    continue;
                spareModels[cell.Spare].Add(cell.Model);
                _spares[cell.Spare].On(cell.Model, Tongue.Of(cell.Spare).Good);
            }
            foreach ((Dialect dialect, List<string> models) in spareModels)
                providers.Add(GatewayYard.Provider("spare-" + dialect.Word(), _spares[dialect].Url, [.. models]) with { Dialect = dialect });
            return providers;
        }

        public async ValueTask DisposeAsync()
        {
            foreach (GatewayYard hasty in _hasty.Values)
                await hasty.DisposeAsync();
            await _patient.DisposeAsync();
            await Wall.DisposeAsync();
            foreach (FaultWall spare in _spares.Values)
                await spare.DisposeAsync();
            BlackHole.Dispose();
            SlammingDoor.Dispose();
            await Stranger.DisposeAsync();
        }
    }

    /// <summary>Anthropic's API, refusing.</summary>
    private static FaultWall.Script Said(int status, string type, string message, string? code = null, string headers = "") => Scripts.Status(status, AnthropicScripts.Envelope(type, message, code), headers);

    /// <summary>An error where the answer was due: as the first that a stream says, or as the whole body.</summary>
    private static FaultWall.Script FirstEvent(string events, string whole) => async (c, stop) => await (c.Streams ? Scripts.Stream(events) : Scripts.Status(200, whole))(c, stop);

    private static FaultWall.Script Packed(byte[] body) => async (c, _) =>
    {
        await c.SendAsync($"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {body.Length}\r\n\r\n");
        await c.SendAsync(body);
    };

    private static byte[] Zipped(byte[] plain)
    {
        using var memory = new MemoryStream();
        using (var gzip = new GZipStream(memory, CompressionLevel.SmallestSize, leaveOpen: true))
            gzip.Write(plain);
        return memory.ToArray();
    }

    private static string Snake(FaultKind kind) => string.Concat(kind.ToString().Select(static (c, i) => char.IsUpper(c) ? (i > 0 ? "_" : "") + char.ToLowerInvariant(c) : c.ToString()));
}
