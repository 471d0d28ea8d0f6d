using System.Globalization;
using System.Text;
using System.Text.Json;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;

namespace Fairlead.Gateway.Tests.Callers;

/// <summary>Anthropic's door behind its frame: what goes along upstream, what a failing upstream becomes in its words, what a caller hears while nothing comes, and
/// what is said of its limits. The wall speaks Anthropic where a test does not say otherwise.</summary>
public sealed class AnthropicAnswerTests : IAsyncLifetime
{
    private readonly FaultWall _wall = new();
    private GatewayYard _yard = null!;

    [Fact]
    public async Task Version_and_betas_go_along_to_who_speaks_anthropic_and_nothing_else_does()
    {
        string? head = null;
        foreach (string model in new[] { "good", "chat" })
        {
            _wall.On(model, (c, stop) =>
            {
                head = c.Head;
                return (model == "good" ? AnthropicScripts.Good() : Scripts.Good())(c, stop);
            });
        }
        (string, string)[] headers =
        [
            ("anthropic-version", "2031-01-01"), ("anthropic-beta", "files-api-2025-04-14 ,, unheard-of_1"), ("anthropic-beta", "context-1m-2025-08-07"),
            ("anthropic-workspace-id", "wrkspc_CANARY"), ("anthropic-user-profile-id", "prof_CANARY"), ("anthropic-dangerous-direct-browser-access", "CANARY"), ("x-api-key", _yard.KeyOf("rich")),
        ];
        Answer answer = await _yard.PostAsync("/v1/messages?beta=true", Body("acme/good"), headers);
        Assert.True(answer.Status == 200, answer.Body);
        Assert.Equal("2031-01-01", Sent(head!, "anthropic-version"));
        Assert.Equal("files-api-2025-04-14,unheard-of_1,context-1m-2025-08-07", Sent(head!, "anthropic-beta"));
        Assert.DoesNotContain("CANARY", head, StringComparison.Ordinal);
        Assert.DoesNotContain(_yard.KeyOf("rich"), head, StringComparison.Ordinal);
        Assert.StartsWith("POST /v1/messages HTTP/1.1", head, StringComparison.Ordinal); // the query is taken for nothing
        Assert.StartsWith("req_", answer.Header("request-id"), StringComparison.Ordinal);
        Assert.Null(answer.Header("openai-processing-ms"));

        Assert.Equal(200, (await _yard.PostAsync("/v1/messages", Body("acme/good"))).Status);
        Assert.Equal(("2023-06-01", null), (Sent(head!, "anthropic-version"), Sent(head!, "anthropic-beta")));

        Assert.Equal(200, (await _yard.PostAsync("/v1/messages", Body("acme/chat"), headers)).Status);
        Assert.Equal((null, null), (Sent(head!, "anthropic-version"), Sent(head!, "anthropic-beta")));
    }

    [Theory]
    [InlineData(429, "rate_limit_error", "slow down", "retry-after: 3600\r\n", 429, "rate_limit_error", "upstream_rate_limited", "")]
    [InlineData(529, "overloaded_error", "Overloaded", "", 529, "overloaded_error", "overloaded_upstream", "")]
    [InlineData(503, "api_error", "The model is loading", "retry-after: 40\r\n", 529, "overloaded_error", "cold_starting", "")]
    [InlineData(404, "not_found_error", "model: m1", "", 404, "not_found_error", "upstream_model_not_found", "model: acme/bad. ")]
    [InlineData(410, "not_found_error", "The model has been retired", "", 404, "not_found_error", "upstream_gone", "model: acme/bad. ")]
    [InlineData(400, "invalid_request_error", "messages.0.content: must not be empty", "", 400, "invalid_request_error", "upstream_refused_request", "")]
    [InlineData(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", "", 400, "invalid_request_error", "context_length_exceeded", "prompt is too long: ")]
    [InlineData(413, "request_too_large", "Request exceeds the maximum size", "", 413, "request_too_large", "upstream_refused_request", "")]
    [InlineData(401, "authentication_error", "invalid x-api-key", "", 502, "api_error", "upstream_credential", "")]
    [InlineData(402, "billing_error", "out of credit", "", 502, "api_error", "upstream_quota", "")]
    [InlineData(403, "permission_error", "not for you", "", 403, "permission_error", "upstream_permission", "")]
    [InlineData(500, "api_error", "Internal server error", "", 502, "api_error", "upstream_status", "")]
    public async Task What_ails_an_upstream_is_told_in_this_doors_words(
        int status, string type, string message, string headers, int toldStatus, string toldType, string code, string begins)
    {
        _wall.On("bad", AnthropicScripts.Error(status, type, message, headers));
        Answer answer = await _yard.PostAsync("/v1/messages", Body("acme/bad"));
        Assert.True(answer.Status == toldStatus, answer.Body);
        JsonElement error = AnthropicError.Check(answer, toldStatus, toldType, code);
        Assert.StartsWith(begins, error.GetProperty("message").GetString(), StringComparison.Ordinal);
        if (headers.Contains("3600", StringComparison.Ordinal))
            Assert.Equal(("60", 3600), (answer.Header("retry-after"), error.GetProperty("retry_after").GetInt32()));
        JsonElement record = await _yard.RecordAsync(answer);
        Assert.Equal((toldStatus, code, "/v1/messages"), (record.GetProperty("status").GetInt32(), record.GetProperty("problem_code").GetString(), record.GetProperty("route").GetString()));
    }

    [Fact]
    public async Task Nobody_there_is_502_and_too_slow_is_504()
    {
        await using GatewayYard yard = await GatewayYard.StartAsync([AnthropicScripts.Provider("nobody", "http://127.0.0.1:1/v1", "none"), AnthropicScripts.Provider("slow", _wall.Url, "slow")], static s => s with { Dispatch = s.Dispatch with { Headers = GatewayYard.Stall } });
        _wall.On("slow", Scripts.Silence);
        AnthropicError.Check(await yard.PostAsync("/v1/messages", Body("acme/none")), 502, "api_error", "upstream_connect");
        AnthropicError.Check(await yard.PostAsync("/v1/messages", Body("acme/slow")), 504, "timeout_error", "upstream_header_stall");
    }

    [Fact]
    public async Task A_model_that_is_not_there_is_404_with_its_name_first()
    {
        foreach (string path in new[] { "/v1/messages", "/v1/messages/count_tokens" })
        {
            JsonElement error = AnthropicError.Check(await _yard.PostAsync(path, Body("claude-nobody")), 404, "not_found_error", "model_not_found");
            Assert.StartsWith("model: claude-nobody. ", error.GetProperty("message").GetString(), StringComparison.Ordinal);
            error = AnthropicError.Check(await _yard.PostAsync(path, Body("acme/good:chatty")), 404, "not_found_error", "model_not_supported");
            Assert.StartsWith("model: acme/good. ", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        }
        AnthropicError.Check(await _yard.PostAsync("/v1/messages", Body("acme/good", "\"models\":[\"acme/none\"],")), 404, "not_found_error", "model_not_found");
    }

    [Fact]
    public async Task A_key_may_be_for_other_models()
    {
        using HttpClient http = _yard.Client(await _yard.MakeKeyAsync("narrow", ",\"models\":[\"acme/chat\"]"));
        AnthropicError.Check(await PostAsync(http, "/v1/messages", Body("acme/good")), 403, "permission_error", "model_not_allowed");
    }

    /// <summary>A spent budget is told once and for all: newer SDKs would wait out any time that they are given.</summary>
    [Fact]
    public async Task A_spent_budget_is_402_without_a_time_to_come_back_and_counting_stays_free()
    {
        using HttpClient http = _yard.Client(await _yard.MakeKeyAsync("poor", ",\"budget\":\"0.0000001/day\""));
        Answer answer = await PostAsync(http, "/v1/messages", Body("acme/good"));
        AnthropicError.Check(answer, 402, "billing_error", "budget_reached");
        Assert.Equal(("false", null, null), (answer.Header("x-should-retry"), answer.Header("retry-after"), answer.Header("retry-after-ms")));
        Assert.Equal(200, (await PostAsync(http, "/v1/messages/count_tokens", Body("acme/chat"))).Status);
    }

    [Fact]
    public async Task Limits_stand_in_anthropics_headers_beside_ours_and_a_count_takes_from_the_requests()
    {
        var time = new ShiftedTime(new DateTimeOffset(2027, 1, 31, 12, 0, 0, TimeSpan.Zero));
        await using GatewayYard yard = await GatewayYard.StartAsync([AnthropicScripts.Provider("wall", _wall.Url, "good")], time: time);
        using HttpClient http = yard.Client(await yard.MakeKeyAsync("limited", ",\"rpm\":3,\"tpm\":1000"));
        Answer answer = await PostAsync(http, "/v1/messages", Body("acme/good"));
        Assert.True(answer.Status == 200, answer.Body);
        Assert.Equal(("3", "2", "1000"), (answer.Header("anthropic-ratelimit-requests-limit"), answer.Header("anthropic-ratelimit-requests-remaining"), answer.Header("anthropic-ratelimit-tokens-limit")));
        Assert.Equal((answer.Header("x-ratelimit-remaining-requests"), answer.Header("x-ratelimit-remaining-tokens")),
            (answer.Header("anthropic-ratelimit-requests-remaining"), answer.Header("anthropic-ratelimit-tokens-remaining")));
        foreach (string what in new[] { "requests", "tokens" })
        {
            var reset = DateTimeOffset.ParseExact(answer.Header($"anthropic-ratelimit-{what}-reset")!, "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
            Assert.InRange((reset - time.GetUtcNow()).TotalSeconds, -2, 61);
        }
        Answer count = await PostAsync(http, "/v1/messages/count_tokens", Body("acme/good"));
        Assert.Equal((200, "1"), (count.Status, count.Header("anthropic-ratelimit-requests-remaining")));
        Assert.Equal(answer.Header("anthropic-ratelimit-tokens-remaining"), count.Header("anthropic-ratelimit-tokens-remaining"));
        Assert.Equal(200, (await PostAsync(http, "/v1/messages", Body("acme/good"))).Status);
        foreach (string path in new[] { "/v1/messages", "/v1/messages/count_tokens" })
        {
            Answer refused = await PostAsync(http, path, Body("acme/good"));
            AnthropicError.Check(refused, 429, "rate_limit_error", "rate_limited");
            Assert.Equal("0", refused.Header("anthropic-ratelimit-requests-remaining"));
            Assert.NotNull(refused.Header("retry-after"));
        }
    }

    [Fact]
    public async Task The_openai_door_has_none_of_these_headers()
    {
        using HttpClient http = _yard.Client(await _yard.MakeKeyAsync("limited", ",\"rpm\":3,\"tpm\":1000000"));
        _wall.On("chat", Scripts.Good());
        Answer answer = await PostAsync(http, "/v1/chat/completions", Body("acme/chat"), ("anthropic-version", "2023-06-01"));
        Assert.Equal((200, null, null), (answer.Status, answer.Header("anthropic-ratelimit-requests-limit"), answer.Header("request-id")));
        Assert.Equal("3", answer.Header("x-ratelimit-limit-requests"));
    }

    [Fact]
    public async Task What_breaks_in_mid_stream_is_an_error_event_and_the_end()
    {
        _wall.On("bad", async (c, _) =>
        {
            await c.SendAsync(Scripts.Sse);
            await c.ChunkAsync(AnthropicScripts.Start + AnthropicScripts.Text("half"));
            c.Close();
        });
        Answer answer = await _yard.PostAsync("/v1/messages", Body("acme/bad", "\"stream\":true,"));
        Assert.Equal((200, "text/event-stream; charset=utf-8"), (answer.Status, answer.Header("content-type")));
        string[] events = [.. answer.Body.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)];
        Assert.StartsWith("event: error\ndata: {\"type\":\"error\",", events[^1], StringComparison.Ordinal);
        JsonElement error = JsonDocument.Parse(events[^1][(events[^1].IndexOf('\n', StringComparison.Ordinal) + 7)..]).RootElement;
        AnthropicError.Check(error, "api_error", "upstream_truncated");
        Assert.Equal(answer.Header("request-id"), error.GetProperty("request_id").GetString());
        Assert.Contains("half", answer.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("message_stop", answer.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", answer.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("slow", true)]
    [InlineData("slowchat", false)]
    public async Task Silence_is_comments_before_the_message_begins_and_pings_within_it(string model, bool anthropic)
    {
        var begin = new TaskCompletionSource();
        var end = new TaskCompletionSource();
        _wall.On(model, async (c, _) =>
        {
            await c.SendAsync(Scripts.Sse);
            await begin.Task;
            await c.ChunkAsync(anthropic ? AnthropicScripts.Start + AnthropicScripts.Text("Hi") : Scripts.Chunk("{\"role\":\"assistant\",\"content\":\"Hi\"}"));
            await end.Task;
            await c.ChunkAsync(anthropic ? AnthropicScripts.End : Scripts.Finish() + Scripts.Usage(11, 7) + Scripts.Done);
            await c.SendAsync("0\r\n\r\n");
        });
        await using GatewayYard yard = await GatewayYard.StartAsync(
            [AnthropicScripts.Provider("wall", _wall.Url, "slow"), GatewayYard.Provider("chatty", _wall.Url, "slowchat")],
            static s => s with { Dispatch = s.Dispatch with { Heartbeat = TimeSpan.FromMilliseconds(40) } });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages") { Content = new StringContent(Body("acme/" + model, "\"stream\":true,")) };
        using HttpResponseMessage response = await yard.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using Stream body = await response.Content.ReadAsStreamAsync();
        string before = await ReadUntilAsync(body, ": keep-alive\n\n");
        begin.SetResult();
        string within = await ReadUntilAsync(body, "event: ping\ndata: {\"type\": \"ping\"}\n\n");
        end.SetResult();
        string after = await ReadUntilAsync(body, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
        Assert.Empty(before.Replace(": keep-alive\n\n", "", StringComparison.Ordinal));
        Assert.StartsWith("event: message_start\n", within.Replace(": keep-alive\n\n", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("keep-alive", within[within.IndexOf("message_start", StringComparison.Ordinal)..] + after, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_fails_after_a_heartbeat_and_before_the_message_is_an_error_event_alone()
    {
        var go = new TaskCompletionSource();
        _wall.On("bad", async (c, _) =>
        {
            await c.SendAsync(Scripts.Sse);
            await go.Task;
            c.Close();
        });
        await using GatewayYard yard = await GatewayYard.StartAsync(
            [AnthropicScripts.Provider("wall", _wall.Url, "bad")], static s => s with { Dispatch = s.Dispatch with { Heartbeat = TimeSpan.FromMilliseconds(40) } });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages") { Content = new StringContent(Body("acme/bad", "\"stream\":true,")) };
        using HttpResponseMessage response = await yard.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using Stream body = await response.Content.ReadAsStreamAsync();
        await ReadUntilAsync(body, ": keep-alive\n\n");
        go.SetResult();
        using var reader = new StreamReader(body);
        string rest = (await reader.ReadToEndAsync()).Replace(": keep-alive\n\n", "", StringComparison.Ordinal);
        Assert.StartsWith("event: error\ndata: ", rest, StringComparison.Ordinal);
        AnthropicError.Check(JsonDocument.Parse(rest["event: error\ndata: ".Length..]).RootElement, "api_error", "upstream_truncated");
    }

    [Fact]
    public async Task An_idempotency_key_has_the_same_fate_as_at_the_other_door()
    {
        _wall.On("good", AnthropicScripts.Good("once"));
        Answer first = await _yard.PostAsync("/v1/messages", Body("acme/good"), ("idempotency-key", "k1"));
        Assert.True(first.Status == 200, first.Body);
        Answer again = await _yard.PostAsync("/v1/messages", Body("acme/good"), ("idempotency-key", "k1"));
        Assert.Equal((200, first.Body, "true", 1), (again.Status, again.Body, again.Header("x-fairlead-replayed"), _wall.Arrivals("good")));
        AnthropicError.Check(await _yard.PostAsync("/v1/messages", Body("acme/good", "\"top_k\":1,"), ("idempotency-key", "k1")), 422, "invalid_request_error", "idempotency_mismatch");
        AnthropicError.Check(await _yard.PostAsync("/v1/messages", Body("acme/good"), ("idempotency-key", new string('k', 256))), 400, "invalid_request_error", "field_invalid");

        var asked = new TaskCompletionSource();
        var go = new TaskCompletionSource();
        _wall.On("good", async (c, stop) =>
        {
            asked.TrySetResult();
            await go.Task;
            await AnthropicScripts.Good(new string('x', 2 << 20))(c, stop); // too large to be kept
        });
        Task<Answer> running = _yard.PostAsync("/v1/messages", Body("acme/good"), ("idempotency-key", "k2"));
        await asked.Task.WaitAsync(GatewayYard.Patience);
        Answer inFlight = await _yard.PostAsync("/v1/messages", Body("acme/good"), ("idempotency-key", "k2"));
        AnthropicError.Check(inFlight, 409, "conflict_error", "idempotency_in_flight");
        Assert.Equal("true", inFlight.Header("x-should-retry"));
        go.SetResult();
        Assert.Equal(200, (await running).Status);
        Answer completed = await _yard.PostAsync("/v1/messages", Body("acme/good"), ("idempotency-key", "k2"));
        AnthropicError.Check(completed, 409, "conflict_error", "idempotency_completed");
        Assert.Equal("false", completed.Header("x-should-retry"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"hello\"")]
    [InlineData("{\"max_tokens\":16,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}")]
    [InlineData("{\"model\":7,\"max_tokens\":16,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}")]
    [InlineData("{\"model\":\"acme/good\",\"max_tokens\":16}")]
    [InlineData("{\"model\":\"acme/good\",\"max_tokens\":16,\"messages\":{}}")]
    [InlineData("{\"model\":\"acme/good\",\"max_tokens\":16,\"messages\":[\"x\"]}")]
    [InlineData("{\"model\":\"acme/good\",\"max_tokens\":-1,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}")]
    [InlineData("{\"model\":\"acme/good\",\"max_tokens\":\"many\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}")]
    [InlineData("{\"model\":\"acme/good\",\"max_tokens\":16,\"stream\":\"yes\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}")]
    [InlineData("{\"model\":\"acme/good\",\"model\":\"acme/chat\",\"max_tokens\":16,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}")]
    [InlineData("{\"model\":\"acme/good\",\"max_tokens\":16,\"messages\":[{\"role\":\"user\",\"content\":\"\\ud800\"}]}")]
    [InlineData("{\"model\":\"acme/good\",\"max_tokens\":16,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"api_base\":\"http://evil.test\"}")]
    public async Task Bad_input_is_400_and_reaches_nobody(string body)
    {
        foreach (string path in new[] { "/v1/messages", "/v1/messages/count_tokens" })
        {
            if (path.EndsWith("count_tokens", StringComparison.Ordinal) && (body.Contains("stream", StringComparison.Ordinal) || body.Contains("\"max_tokens\":-1", StringComparison.Ordinal) || body.Contains("many", StringComparison.Ordinal)))
                continue; // not fields of that route
            Answer answer = await _yard.PostAsync(path, body);
            Assert.True(answer.Status == 400, $"{path}: {answer.Status} {answer.Body}");
            AnthropicError.Check(answer, 400, "invalid_request_error", answer.Header("x-error-code")!);
        }
        Assert.Equal(0, _wall.Arrivals("good"));
    }

    public async ValueTask InitializeAsync()
    {
        _wall.On("good", AnthropicScripts.Good());
        _yard = await GatewayYard.StartAsync(
            [AnthropicScripts.Provider("wall", _wall.Url, "good", "bad"), GatewayYard.Provider("chatty", _wall.Url, "chat")],
            static s => s with { Dispatch = s.Dispatch with { Attempts = 1 } });
    }

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _wall.DisposeAsync();
    }

    private static string Body(string model, string more = "") => $"{{\"model\":\"{model}\",\"max_tokens\":16,{more}\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]}}";

    private static async Task<Answer> PostAsync(HttpClient http, string path, string body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        foreach ((string name, string value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        using HttpResponseMessage response = await http.SendAsync(request);
        return new Answer(response, await response.Content.ReadAsStringAsync());
    }

    /// <summary>A header of a request's head; null when it has none of that name.</summary>
    private static string? Sent(string head, string name) =>
        head.Split("\r\n").Where(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase)).Select(line => line[(name.Length + 1)..].Trim()).SingleOrDefault();

    /// <summary>Reads until the text has come, and no further than the read that brought it.</summary>
    private static async Task<string> ReadUntilAsync(Stream stream, string text)
    {
        var read = new StringBuilder();
        var buffer = new byte[4096];
        using var deadline = new CancellationTokenSource(GatewayYard.Patience);
        while (!read.ToString().Contains(text, StringComparison.Ordinal))
        {
            int count = await stream.ReadAsync(buffer, deadline.Token);
            Assert.True(count > 0, $"The stream ended after: {read}");
            read.Append(Encoding.UTF8.GetString(buffer, 0, count));
        }
        return read.ToString();
    }
}
