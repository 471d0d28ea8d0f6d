using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Keys;
using Fairlead.Domain.Problems;
using Fairlead.Gateway.Door;
using Fairlead.Gateway.Tests.Yard;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Gateway.Tests.Callers;

/// <summary>Whatever refuses a request at Anthropic's door, before its body means anything, refuses it in Anthropic's words: frame, keys, limits, routes and verbs.</summary>
public sealed class AnthropicRefusalTests : IAsyncLifetime
{
    private const string Hello = "{\"model\":\"acme/chat\",\"max_tokens\":16,\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}";
    private readonly FaultWall _wall = new();
    private GatewayYard _yard = null!;

    public static TheoryData<string> Kinds() => [.. ProblemKind.All.Select(static k => $"{k.Code}/{k.Status}")];

    /// <summary>None of the closed list can be said in a way that Anthropic's clients do not read.</summary>
    [Theory, MemberData(nameof(Kinds))]
    public async Task Every_kind_of_problem_has_its_status_type_and_headers(string kindName)
    {
        ProblemKind kind = ProblemKind.All.Single(k => $"{k.Code}/{k.Status}" == kindName);
        var problem = new Problem(kind, "What happened, why; and what to do next.", "field", RetryAfter: kind.Retryable ? TimeSpan.FromHours(1) : null) { Model = kind.Code.Contains("model_not", StringComparison.Ordinal) ? "acme/x" : null };
        var http = new DefaultHttpContext();
        http.Request.Path = "/v1/messages";
        using var body = new MemoryStream();
        http.Response.Body = body;
        await ProblemMap.WriteAsync(http, problem, "req_x");

        int status = http.Response.StatusCode;
        string expected = kind.Code switch
        {
            "overloaded" or "overloaded_upstream" or "cold_starting" or "all_cooling_down" => "529 overloaded_error",
            "model_not_found" or "model_not_supported" or "upstream_model_not_found" or "upstream_gone" or "route_unknown" or "request_not_found" => "404 not_found_error",
            _ => kind.Status switch
            {
                401 => "401 authentication_error",
                402 => "402 billing_error",
                403 => "403 permission_error",
                408 => "408 timeout_error",
                409 => "409 conflict_error",
                413 => "413 request_too_large",
                429 => "429 rate_limit_error",
                504 => "504 timeout_error",
                >= 500 => $"{kind.Status} api_error",
                _ => $"{kind.Status} invalid_request_error",
            },
        };
        JsonElement envelope = JsonDocument.Parse(body.ToArray()).RootElement;
        JsonElement error = AnthropicError.Check(envelope, expected.Split(' ')[1], kind.Code);
        Assert.Equal(expected, $"{status} {error.GetProperty("type").GetString()}");
        Assert.Equal("field", error.GetProperty("param").GetString());
        Assert.Equal(kind.Retryable ? "60" : "", http.Response.Headers.RetryAfter.ToString()); // a client without a limit of its own would sleep the hour
        Assert.Equal(kind.Retryable ? "60000" : "", http.Response.Headers["retry-after-ms"].ToString());
        Assert.Equal(kind.Retryable ? 3600 : -1, error.TryGetProperty("retry_after", out JsonElement wait) ? wait.GetInt32() : -1);
        Assert.Equal(kind.Retryable ? "true" : "false", http.Response.Headers["x-should-retry"].ToString());
        string message = error.GetProperty("message").GetString()!;
        string begins = problem.Model is not null ? "model: acme/x. What" : kind == ProblemKind.ContextTooLong ? "prompt is too long: What" : "What";
        Assert.StartsWith(begins, message, StringComparison.Ordinal);
        Assert.Equal(message, http.Response.Headers["x-error-message"].ToString());
        Assert.Equal(status == 401, http.Response.Headers.ContainsKey("www-authenticate"));
    }

    /// <summary>The other door is told the same problems as before.</summary>
    [Theory]
    [InlineData("/v1/messages", false, true)]
    [InlineData("/v1/messages/", false, true)]
    [InlineData("/V1/Messages", false, true)]
    [InlineData("/v1/messages/batches/x/results", false, true)]
    [InlineData("/v1/messagesx", false, false)]
    [InlineData("/v1/models", true, true)]
    [InlineData("/v1/models", false, false)]
    [InlineData("/v1/files", true, true)]
    [InlineData("/v1/files", false, false)]
    [InlineData("/v1/chat/completions", true, false)]
    [InlineData("/v1/completions", true, false)]
    [InlineData("/v1/embeddings", true, false)]
    [InlineData("/v1/requests/req_x", true, false)]
    [InlineData("/health", true, false)]
    [InlineData("/", true, false)]
    public void The_path_and_one_header_tell_whose_clients_a_request_comes_from(string path, bool version, bool anthropic)
    {
        var http = new DefaultHttpContext();
        http.Request.Path = path;
        if (version)
            http.Request.Headers["anthropic-version"] = "2023-06-01";
        Assert.Equal(anthropic ? Dialect.Anthropic : Dialect.OpenAi, DoorDialect.Of(http.Request));
    }

    [Fact]
    public async Task Keys_that_are_missing_broken_unknown_or_two()
    {
        string key = _yard.KeyOf("rich");
        string unknown = ApiKey.Create(RandomNumberGenerator.Fill).Reveal();
        foreach (string path in new[] { "/v1/messages", "/v1/messages/count_tokens" })
        {
            AnthropicError.Check(await AskAsync(path, Hello), 401, "authentication_error", "key_missing");
            AnthropicError.Check(await AskAsync(path, Hello, ("authorization", "Bearer ")), 401, "authentication_error", "key_missing");
            AnthropicError.Check(await AskAsync(path, Hello, ("x-api-key", "sk-ant-api03-abc")), 401, "authentication_error", "key_malformed");
            AnthropicError.Check(await AskAsync(path, Hello, ("x-api-key", key[..^1] + (key[^1] == 'a' ? 'b' : 'a'))), 401, "authentication_error", "key_malformed");
            AnthropicError.Check(await AskAsync(path, Hello, ("x-api-key", unknown)), 401, "authentication_error", "key_unknown");
            Answer two = await AskAsync(path, Hello, ("x-api-key", unknown), ("authorization", "Bearer " + key));
            AnthropicError.Check(two, 401, "authentication_error", "keys_conflict");
            Assert.DoesNotContain(unknown[6..], two.Body, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_key_may_come_by_either_header_or_by_both()
    {
        string key = _yard.KeyOf("rich");
        foreach ((string, string)[] headers in new[] { [("x-api-key", key)], [("authorization", "Bearer " + key)], [("X-Api-Key", key), ("Authorization", "bearer " + key)], new[] { ("api-key", key) } })
            AnthropicError.Check(await AskAsync("/v1/messages", Hello, [.. headers, ("x-hf-bill-to", "acme")]), 403, "permission_error", "bill_to_not_allowed"); // past the key
    }

    [Fact]
    public async Task A_key_that_has_expired_says_when()
    {
        var time = new ShiftedTime();
        await using GatewayYard yard = await GatewayYard.StartAsync([], time: time);
        string key = await yard.MakeKeyAsync("short", ",\"expires\":\"1d\"");
        time.Advance(TimeSpan.FromDays(2));
        using HttpClient http = yard.Client();
        AnthropicError.Check(await SendAsync(http, HttpMethod.Post, "/v1/messages", Hello, ("x-api-key", key)), 401, "authentication_error", "key_expired");
    }

    [Fact]
    public async Task A_host_that_is_not_ours() =>
        AnthropicError.Check(await _yard.PostAsync("/v1/messages", Hello, ("Host", "evil.test")), 421, "invalid_request_error", "host_not_allowed");

    [Fact]
    public async Task A_payer_that_is_somebody_else() =>
        AnthropicError.Check(await _yard.PostAsync("/v1/messages", Hello, ("X-HF-Bill-To", "acme")), 403, "permission_error", "bill_to_not_allowed");

    [Fact]
    public async Task A_body_that_is_a_form_is_packed_or_is_too_large()
    {
        using var form = new MultipartFormDataContent { { new StringContent("x"), "file" } };
        AnthropicError.Check(await SendAsync(_yard.Http, "/v1/messages", form), 415, "invalid_request_error", "media_type_unsupported");

        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(Encoding.UTF8.GetBytes(Hello));
        using var zipped = new ByteArrayContent(packed.ToArray()) { Headers = { ContentType = new MediaTypeHeaderValue("application/json"), ContentEncoding = { "gzip" } } };
        AnthropicError.Check(await SendAsync(_yard.Http, "/v1/messages", zipped), 415, "invalid_request_error", "media_type_unsupported");

        await using GatewayYard small = await GatewayYard.StartAsync([], static s => s with { Limits = s.Limits with { BodyBytes = 4096 } });
        foreach (string path in new[] { "/v1/messages", "/v1/messages/count_tokens" })
        {
            Answer large = await small.PostAsync(path, "{\"model\":\"" + new string('a', 5000) + "\"}");
            AnthropicError.Check(large, 413, "request_too_large", "too_large");
        }
    }

    [Theory]
    [InlineData("anthropic-version", "2023-06-01, 2026-10-21")]
    [InlineData("anthropic-version", "two words")]
    [InlineData("anthropic-version", "LONG65")]
    [InlineData("anthropic-beta", "files-api-2025-04-14,two words")]
    [InlineData("anthropic-beta", "LONG1025")]
    public async Task A_header_that_would_not_be_forwarded_as_it_stands_is_named(string header, string value)
    {
        if (value.StartsWith("LONG", StringComparison.Ordinal))
            value = new string('a', int.Parse(value[4..]));
        foreach (string path in new[] { "/v1/messages", "/v1/messages/count_tokens" })
        {
            JsonElement error = AnthropicError.Check(await _yard.PostAsync(path, Hello, (header, value)), 400, "invalid_request_error", "field_invalid");
            Assert.Equal(header, error.GetProperty("param").GetString());
        }
    }

    [Fact]
    public async Task A_version_that_comes_twice_or_beyond_ascii_is_refused()
    {
        AnthropicError.Check(await _yard.PostAsync("/v1/messages", Hello, ("anthropic-version", "2023-06-01"), ("anthropic-version", "2026-10-21")), 400, "invalid_request_error", "field_invalid");
        string wire = await RawAsync($"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-api-key: {_yard.KeyOf("rich")}\r\nanthropic-beta: caf\u00e9\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}");
        Assert.StartsWith("HTTP/1.1 400 ", wire, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_full_is_overloaded_and_asks_to_come_back()
    {
        await using GatewayYard yard = await GatewayYard.StartAsync([], static s => s with { Limits = s.Limits with { Running = 0 } });
        Answer answer = await yard.PostAsync("/v1/messages", Hello);
        AnthropicError.Check(answer, 529, "overloaded_error", "overloaded");
        Assert.Equal(("1", "true"), (answer.Header("retry-after"), answer.Header("x-should-retry")));
    }

    [Fact]
    public async Task A_server_that_shuts_down_says_so()
    {
        var asked = new TaskCompletionSource();
        var answer = new TaskCompletionSource();
        FaultWall.Script good = Scripts.Good();
        _wall.On("chat", async (c, stop) =>
        {
            asked.SetResult();
            await answer.Task;
            await good(c, stop);
        });
        Task<Answer> running = _yard.ChatAsync("acme/chat");
        await asked.Task.WaitAsync(GatewayYard.Patience);
        Task stopping = _yard.Server.StopAsync(GatewayYard.Patience);
        Answer refused = await _yard.PostAsync("/v1/messages", Hello);
        AnthropicError.Check(refused, 503, "api_error", "draining");
        Assert.Equal("close", refused.Header("connection"));
        answer.SetResult();
        Assert.Equal(200, (await running).Status);
        await stopping;
    }

    [Theory]
    [InlineData("GET", "/v1/messages", "POST, OPTIONS")]
    [InlineData("DELETE", "/v1/messages/", "POST, OPTIONS")]
    [InlineData("PUT", "/V1/Messages", "POST, OPTIONS")]
    [InlineData("GET", "/v1/messages/count_tokens", "POST, OPTIONS")]
    [InlineData("POST", "/v1/models", "GET, HEAD, OPTIONS")]
    [InlineData("DELETE", "/v1/models/acme/chat", "GET, HEAD, OPTIONS")]
    public async Task A_verb_that_a_route_does_not_have_is_405_and_the_others_are_named(string method, string path, string allow)
    {
        Answer answer = await AskAsync(new HttpMethod(method), path, ("anthropic-version", "2026-10-21"));
        AnthropicError.Check(answer, 405, "invalid_request_error", "method_not_allowed");
        Assert.Equal(allow, answer.Header("allow"));
    }

    [Theory]
    [InlineData("POST", "/v1/messages/batches", "/v1/messages")]
    [InlineData("GET", "/v1/messages/batches/msgbatch_1/results", "/v1/messages")]
    [InlineData("GET", "/v1/files", "stay with Anthropic")]
    [InlineData("POST", "/v1/skills?beta=true", "stay with Anthropic")]
    [InlineData("POST", "/v1/complete", "messages")]
    [InlineData("GET", "/v1/organization/users", "stay with Anthropic")]
    [InlineData("POST", "/v1/v1/messages", "base URL")]
    [InlineData("POST", "/v1/nonsense", "models under /v1")]
    public async Task A_route_of_anthropics_that_is_not_served_says_so(string method, string path, string hint)
    {
        JsonElement error = AnthropicError.Check(await AskAsync(new HttpMethod(method), path, ("anthropic-version", "2023-06-01")), 404, "not_found_error", "route_unknown");
        Assert.Contains(hint, error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Under_messages_no_version_is_needed_to_be_understood()
    {
        AnthropicError.Check(await AskAsync(HttpMethod.Post, "/v1/messages/batches"), 404, "not_found_error", "route_unknown");
        Answer other = await AskAsync(HttpMethod.Get, "/v1/files");
        Assert.Equal((404, "route_unknown"), (other.Status, other.ErrorCode)); // OpenAI has files, too
        Assert.Null(other.Header("request-id"));
    }

    [Fact]
    public async Task Head_has_no_body_and_options_asks_for_no_key()
    {
        Answer head = await AskAsync(HttpMethod.Head, "/v1/messages");
        Assert.Equal((405, "", "method_not_allowed"), (head.Status, head.Body, head.Header("x-error-code")));
        Assert.StartsWith("req_", head.Header("request-id"), StringComparison.Ordinal);
        await _yard.ApplyAsync(static s => s with { CorsOrigins = ["https://app.example"] });
        Answer options = await AskAsync(HttpMethod.Options, "/v1/messages", ("origin", "https://app.example"), ("access-control-request-method", "POST"),
            ("access-control-request-headers", "anthropic-version,x-api-key,anthropic-dangerous-direct-browser-access"));
        Assert.Equal((204, ""), (options.Status, options.Body));
        Assert.Equal("anthropic-version,x-api-key,anthropic-dangerous-direct-browser-access", options.Header("access-control-allow-headers"));
        Assert.StartsWith("req_", options.Header("request-id"), StringComparison.Ordinal);
        Answer refused = await AskAsync("/v1/messages", Hello, ("origin", "https://app.example"));
        foreach (string name in new[] { "request-id", "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-tokens-reset", "x-fairlead-estimated" })
            Assert.Contains(name, refused.Header("access-control-expose-headers"), StringComparison.Ordinal);
    }

    /// <summary>What the server itself refuses before it knows the door has one form for all, with the id under both names; what it has read has the door's.</summary>
    [Fact]
    public async Task A_head_that_is_no_request_has_the_common_form_and_one_that_is_framed_twice_the_doors()
    {
        string broken = await RawAsync("POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nbad header\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 400 ", broken, StringComparison.Ordinal);
        JsonElement error = JsonDocument.Parse(broken[broken.IndexOf("\r\n\r\n", StringComparison.Ordinal)..]).RootElement.GetProperty("error");
        Assert.Equal(("invalid_request_error", "head_malformed"), (error.GetProperty("type").GetString(), error.GetProperty("code").GetString()));
        Assert.Contains($"\r\nrequest-id: {error.GetProperty("request_id").GetString()}\r\n", broken, StringComparison.Ordinal);

        string twice = await RawAsync("POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 400 ", twice, StringComparison.Ordinal);
        AnthropicError.Check(JsonDocument.Parse(twice[(twice.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..]).RootElement, "invalid_request_error", "head_malformed");
    }

    public async ValueTask InitializeAsync() => _yard = await GatewayYard.StartAsync([GatewayYard.Provider("alpha", _wall.Url, "chat")]);

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _wall.DisposeAsync();
    }

    private Task<Answer> AskAsync(string path, string body, params (string Name, string Value)[] headers) => AskAsync(HttpMethod.Post, path, body, headers);

    private Task<Answer> AskAsync(HttpMethod method, string path, params (string Name, string Value)[] headers) => AskAsync(method, path, null, headers);

    private async Task<Answer> AskAsync(HttpMethod method, string path, string? body, params (string Name, string Value)[] headers)
    {
        using HttpClient http = _yard.Client();
        return await SendAsync(http, method, path, body, headers);
    }

    private static async Task<Answer> SendAsync(HttpClient http, HttpMethod method, string path, string? body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        foreach ((string name, string value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        using HttpResponseMessage response = await http.SendAsync(request);
        return new Answer(response, await response.Content.ReadAsStringAsync());
    }

    private static async Task<Answer> SendAsync(HttpClient http, string path, HttpContent content)
    {
        using HttpResponseMessage response = await http.PostAsync(path, content);
        return new Answer(response, await response.Content.ReadAsStringAsync());
    }

    private async Task<string> RawAsync(string bytes)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, _yard.Port);
        await socket.SendAsync(Encoding.Latin1.GetBytes(bytes));
        var answer = new StringBuilder();
        var buffer = new byte[16 * 1024];
        while (true)
        {
            int read = await socket.ReceiveAsync(buffer);
            if (read == 0)
                return answer.ToString();
            answer.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
    }
}
