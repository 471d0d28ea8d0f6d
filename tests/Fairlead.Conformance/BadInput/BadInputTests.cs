using System.Globalization;
using System.IO.Compression;
using System.Text;
using Fairlead.Yard;

namespace Fairlead.Conformance.BadInput;

/// <summary>Malformed requests on the wire: always a clear 4xx, never a 500, never a hang, and nothing of them reaches an upstream.</summary>
public sealed class BadInputTests(BadInputYard yard) : IClassFixture<BadInputYard>
{
    private readonly int _before = yard.Upstream.Requests.Count(static r => r.Model != "acme/fine");

    private const string Good = """{"model":"acme/chat","messages":[{"role":"user","content":"hi"}]}""";

    // What is right asks for a model of its own, so that whatever else arrives upstream has slipped through.
    private const string Fine = """{"model":"acme/fine","messages":[{"role":"user","content":"hi"}]}""";

    /// <summary>Heads and framing, where <c>KEY</c> stands for a good key. The answer is one of the statuses and the connection closes.</summary>
    public static TheoryData<string, string, string> Heads() => new()
    {
        { "length and chunks", Head("Content-Length: 65\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", "400" },
        { "two lengths", Head("Content-Length: 65\r\nContent-Length: 65\r\n") + Good, "400" },
        { "length list", Head("Content-Length: 65, 65\r\n") + Good, "400" },
        { "negative length", Head("Content-Length: -1\r\n") + Good, "400" },
        // Kestrel takes "Content-Length: +65" and control characters in a value; neither is ever forwarded, since every upstream head is ours.
        { "huge length", Head("Content-Length: 99999999999999999999\r\n") + Good, "400" },
        { "odd coding", Head("Transfer-Encoding: xchunked\r\n") + "0\r\n\r\n", "400" },
        { "chunked not last", Head("Transfer-Encoding: chunked, identity\r\n") + "0\r\n\r\n", "400" },
        { "bad chunk size", Head("Transfer-Encoding: chunked\r\n") + "zz\r\nhello\r\n0\r\n\r\n", "400" },
        { "chunk too long for its size", Head("Transfer-Encoding: chunked\r\n") + "3\r\nhello\r\n0\r\n\r\n", "400" },
        { "chunk size overflow", Head("Transfer-Encoding: chunked\r\n") + "fffffffffffffffff\r\nhello\r\n0\r\n\r\n", "400" },
        { "folded header", Head("X-A: one\r\n two\r\nContent-Length: 2\r\n") + "{}", "400" },
        { "space before colon", Head("X-A : one\r\nContent-Length: 2\r\n") + "{}", "400" },
        { "NUL in a value", Head("X-A: a\0b\r\nContent-Length: 2\r\n") + "{}", "400" },
        { "no host", "POST /v1/chat/completions HTTP/1.1\r\nAuthorization: Bearer KEY\r\nContent-Length: 2\r\n\r\n{}", "400" },
        { "two hosts", "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 2\r\n\r\n{}", "400" },
        { "nonsense", "GARBAGE\r\n\r\n", "400" },
        { "binary", "\u0016\u0003\u0001\u0002\0\u0001\0\u0001\r\n\r\n", "400" },
        { "version 9", "GET / HTTP/9.9\r\nHost: a\r\n\r\n", "400" },
        { "long line", "GET /" + new string('a', 20_000) + " HTTP/1.1\r\nHost: a\r\n\r\n", "414" },
        { "large head", Head(string.Concat(Enumerable.Repeat("X-A: " + new string('a', 4_000) + "\r\n", 12)) + "Content-Length: 2\r\n") + "{}", "431" },
        { "many headers", Head(string.Concat(Enumerable.Range(0, 150).Select(static i => $"X-{i}: 1\r\n")) + "Content-Length: 2\r\n") + "{}", "431" },
    };

    [Theory]
    [MemberData(nameof(Heads))]
    public async Task A_malformed_head_is_refused_and_the_connection_closed(string what, string wire, string statuses)
    {
        Assert.NotEmpty(what);
        using RawHttp connection = await RawHttp.ConnectAsync(yard.Fairlead.Port);
        await connection.WriteAsync(wire.Replace("KEY", yard.Key, StringComparison.Ordinal));

        RawAnswer answer = await connection.ReadAsync();

        Assert.Contains(answer.Status.ToString(CultureInfo.InvariantCulture), statuses.Split('|'));
        Refused(answer);
        Assert.True(await connection.ClosesAsync());
        NothingWentUpstream();
    }

    /// <summary>Bodies that are no usable request.</summary>
    public static TheoryData<string, string> Bodies() => new()
    {
        { "empty", "" },
        { "blank", "   " },
        { "null", "null" },
        { "list", "[]" },
        { "text", "\"hello\"" },
        { "cut", """{"model":"acme/chat","messages":[""" },
        { "trailing", Good + "x" },
        { "two documents", Good + Good },
        { "comment", "/* hi */" + Good },
        { "single quotes", "{'model':'acme/chat'}" },
        { "no model", """{"messages":[{"role":"user","content":"hi"}]}""" },
        { "model is a number", """{"model":1,"messages":[]}""" },
        { "empty model", """{"model":"","messages":[{"role":"user","content":"hi"}]}""" },
        { "long model", $$"""{"model":"{{new string('m', 5_000)}}","messages":[{"role":"user","content":"hi"}]}""" },
        { "control in model", """{"model":"a\u0000b\r\nX: y","messages":[{"role":"user","content":"hi"}]}""" },
        { "no messages", """{"model":"acme/chat"}""" },
        { "messages is text", """{"model":"acme/chat","messages":"hi"}""" },
        { "message is a number", """{"model":"acme/chat","messages":[1]}""" },
        { "two models", """{"model":"acme/chat","model":"acme/other","messages":[{"role":"user","content":"hi"}]}""" },
        { "two models, one escaped", """{"model":"acme/chat","\u006dodel":"acme/other","messages":[{"role":"user","content":"hi"}]}""" },
        { "two streams", """{"model":"acme/chat","stream":false,"stream":true,"messages":[{"role":"user","content":"hi"}]}""" },
        { "two limits", """{"model":"acme/chat","max_tokens":1,"max_tokens":100000,"messages":[{"role":"user","content":"hi"}]}""" },
        { "deep", """{"model":"acme/chat","messages":[{"role":"user","content":"hi"}],"x":""" + new string('[', 5_000) + new string(']', 5_000) + "}" },
        { "wide", """{"model":"acme/chat","messages":[{"role":"user","content":"hi"}]""" + string.Concat(Enumerable.Range(0, 30_000).Select(static i => $",\"f{i}\":1")) + "}" },
        { "huge number", """{"model":"acme/chat","max_tokens":1""" + new string('0', 400) + ""","messages":[{"role":"user","content":"hi"}]}""" },
        { "negative limit", """{"model":"acme/chat","max_tokens":-1,"messages":[{"role":"user","content":"hi"}]}""" },
        { "fractional limit", """{"model":"acme/chat","max_tokens":1.5,"messages":[{"role":"user","content":"hi"}]}""" },
        { "limit is text", """{"model":"acme/chat","max_tokens":"many","messages":[{"role":"user","content":"hi"}]}""" },
        { "overflowing limit", """{"model":"acme/chat","max_tokens":9223372036854775808,"messages":[{"role":"user","content":"hi"}]}""" },
        { "not a number", """{"model":"acme/chat","temperature":NaN,"messages":[{"role":"user","content":"hi"}]}""" },
        { "stream is text", """{"model":"acme/chat","stream":"yes","messages":[{"role":"user","content":"hi"}]}""" },
        { "a thousand choices", """{"model":"acme/chat","n":1000000,"messages":[{"role":"user","content":"hi"}]}""" },
        { "lone surrogate in model", """{"model":"\ud800","messages":[{"role":"user","content":"hi"}]}""" },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task A_body_that_is_no_request_is_refused_in_words(string what, string body)
    {
        Assert.NotEmpty(what);
        RawAnswer answer = await RawHttp.PostAsync(yard.Fairlead.Port, "/v1/chat/completions", yard.Key, body);

        Refused(answer);
        NothingWentUpstream();
    }

    [Theory]
    [InlineData("/v1/embeddings", """{"model":"acme/embed"}""")]
    [InlineData("/v1/embeddings", """{"model":"acme/embed","input":[]}""")]
    [InlineData("/v1/embeddings", """{"model":"acme/embed","input":{"a":1}}""")]
    [InlineData("/v1/embeddings", """{"model":"acme/embed","input":"a","encoding_format":"hex"}""")]
    [InlineData("/v1/completions", """{"model":"acme/chat"}""")]
    [InlineData("/v1/completions", """{"model":"acme/chat","prompt":{"a":1}}""")]
    public async Task Other_routes_refuse_as_well(string path, string body) =>
        Refused(await RawHttp.PostAsync(yard.Fairlead.Port, path, yard.Key, body));

    [Fact]
    public async Task Bytes_that_are_no_UTF8_are_refused()
    {
        byte[] body = [.. """{"model":"acme/"""u8, 0xFF, 0xC0, 0x80, .. "\",\"messages\":[]}"u8];

        Refused(await RawHttp.SendAsync(yard.Fairlead.Port, [.. Encoding.ASCII.GetBytes($"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {yard.Key}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n"), .. body]));
    }

    [Fact]
    public async Task Surrogates_and_odd_text_in_messages_do_no_harm()
    {
        RawAnswer answer = await RawHttp.PostAsync(yard.Fairlead.Port, "/v1/chat/completions", yard.Key, """{"model":"acme/fine","messages":[{"role":"user","content":"\ud83d \u0000 \uffff"}]}""");

        Assert.Contains(answer.Status, (int[])[200, 400]);
    }

    [Fact]
    public async Task A_body_that_announces_100_MB_is_refused_before_it_is_read()
    {
        using RawHttp connection = await RawHttp.ConnectAsync(yard.Fairlead.Port);
        await connection.WriteAsync(Head($"Content-Length: {100 * 1024 * 1024}\r\n").Replace("KEY", yard.Key, StringComparison.Ordinal));

        RawAnswer answer = await connection.ReadAsync();

        Assert.Equal((413, "too_large"), (answer.Status, answer.ErrorCode));
        Assert.Contains("MiB", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_of_100_MB_in_chunks_is_refused_at_the_limit()
    {
        using RawHttp connection = await RawHttp.ConnectAsync(yard.Fairlead.Port, TimeSpan.FromSeconds(30));
        await connection.WriteAsync(Head("Transfer-Encoding: chunked\r\n").Replace("KEY", yard.Key, StringComparison.Ordinal));
        byte[] chunk = [.. "100000\r\n"u8, .. Enumerable.Repeat((byte)' ', 1024 * 1024), .. "\r\n"u8];
        Task<RawAnswer> answered = connection.ReadAsync();
        try
        {
            for (int i = 0; i < 100 && !answered.IsCompleted; i++)
                await connection.WriteAsync(chunk);
        }
        catch (IOException)
        {
            // refused in mid-body, which is what this is about
        }

        RawAnswer answer = await answered;

        Assert.Equal((413, "too_large"), (answer.Status, answer.ErrorCode));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("zstd")]
    [InlineData("gzip, gzip")]
    public async Task A_compressed_body_is_415_in_words(string coding)
    {
        using var zipped = new MemoryStream();
        await using (var zip = new GZipStream(zipped, CompressionLevel.Fastest, leaveOpen: true))
            await zip.WriteAsync(Encoding.UTF8.GetBytes(Good));
        byte[] head = Encoding.ASCII.GetBytes(Head($"Content-Encoding: {coding}\r\nContent-Length: {zipped.Length}\r\n").Replace("KEY", yard.Key, StringComparison.Ordinal));

        RawAnswer answer = await RawHttp.SendAsync(yard.Fairlead.Port, [.. head, .. zipped.ToArray()]);

        Assert.Equal((415, "media_type_unsupported"), (answer.Status, answer.ErrorCode));
    }

    [Fact]
    public async Task A_form_is_415()
    {
        string wire = Head("Content-Length: 5\r\n").Replace("application/json", "multipart/form-data; boundary=x", StringComparison.Ordinal).Replace("KEY", yard.Key, StringComparison.Ordinal);

        Assert.Equal(415, (await RawHttp.SendAsync(yard.Fairlead.Port, wire + "hello")).Status);
    }

    [Theory]
    [InlineData("hf_FLnobody", 401)]
    [InlineData("KEY", 413)]
    public async Task A_body_that_waits_for_100_continue_is_refused_unread(string key, int status)
    {
        using RawHttp connection = await RawHttp.ConnectAsync(yard.Fairlead.Port);
        await connection.WriteAsync(Head($"Expect: 100-continue\r\nContent-Length: {50 * 1024 * 1024}\r\n").Replace("KEY", key, StringComparison.Ordinal).Replace("KEY", yard.Key, StringComparison.Ordinal));

        string head = await connection.ReadHeadAsync(); // no 100 before it

        Assert.StartsWith($"HTTP/1.1 {status} ", head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_good_body_is_asked_for_with_100_continue()
    {
        using RawHttp connection = await RawHttp.ConnectAsync(yard.Fairlead.Port);
        await connection.WriteAsync(Head($"Expect: 100-continue\r\nContent-Length: {Fine.Length}\r\n").Replace("KEY", yard.Key, StringComparison.Ordinal));

        Assert.StartsWith("HTTP/1.1 100 ", await connection.ReadHeadAsync(), StringComparison.Ordinal);
        await connection.WriteAsync(Fine);

        Assert.Equal(200, (await connection.ReadAsync()).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_caller_who_ends_its_sending_is_taken_for_gone(bool stream)
    {
        using RawHttp connection = await RawHttp.ConnectAsync(yard.Fairlead.Port);
        await connection.WriteAsync(RawHttp.Post("/v1/chat/completions", yard.Key, Good[..^1].Replace("acme/chat", "acme/held", StringComparison.Ordinal) + (stream ? ",\"stream\":true}" : "}")));
        ReceivedRequest asked = await yard.Upstream.NextAsync("acme/held");

        connection.EndSending();

        await asked.Aborted.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.True(await connection.ClosesAsync());
    }

    [Fact]
    public async Task HTTP_1_0_is_answered_and_closed()
    {
        using RawHttp connection = await RawHttp.ConnectAsync(yard.Fairlead.Port);
        await connection.WriteAsync("GET /v1/models HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");

        Assert.Equal(200, (await connection.ReadAsync()).Status);
        Assert.True(await connection.ClosesAsync());
    }

    [Fact]
    public async Task Pipelined_requests_are_answered_in_order()
    {
        using RawHttp connection = await RawHttp.ConnectAsync(yard.Fairlead.Port);
        await connection.WriteAsync("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + RawHttp.Post("/v1/chat/completions", yard.Key, Fine));

        Assert.Equal(200, (await connection.ReadAsync()).Status);
        Assert.Equal(404, (await connection.ReadAsync()).Status);
        Assert.Equal(200, (await connection.ReadAsync()).Status);
    }

    public static TheoryData<string, string> MethodsAndPaths()
    {
        var all = new TheoryData<string, string>();
        foreach (string method in (string[])["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "BREW"])
        {
            foreach (string path in (string[])["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/models", "/v1/models/acme/chat", "/v1/models/acme%2Fchat", "/v1/requests/req_none", "/health", "/metrics", "/v1/nothing", "/", "/v1/chat"])
            {
                foreach (string tail in (string[])["", "?a=b&a=c", "/", "?x=%00%ff"])
                    all.Add(method, path + tail);
            }
        }
        return all;
    }

    [Theory]
    [MemberData(nameof(MethodsAndPaths))]
    public async Task Every_method_has_a_defined_answer_on_every_route(string method, string path)
    {
        RawAnswer answer = await RawHttp.SendAsync(yard.Fairlead.Port, $"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {yard.Key}\r\nContent-Length: 0\r\n\r\n");

        string route = path.Split('?')[0].TrimEnd('/');
        bool paid = route is "/v1/chat/completions" or "/v1/completions" or "/v1/embeddings";
        bool read = route is "/v1/models" or "/health" or "/metrics" || route.StartsWith("/v1/models/", StringComparison.Ordinal) || route.StartsWith("/v1/requests/", StringComparison.Ordinal);
        int[] allowed = (paid, read, method) switch
        {
            (_, _, "OPTIONS") => [204],
            (true, _, "POST") => [400],
            (true, _, _) => [405],
            (_, true, "GET" or "HEAD") => route is "/v1/requests/req_none" ? [404] : [200],
            (_, true, _) => [405],
            _ => [404],
        };
        Assert.True(allowed.Contains(answer.Status), $"{method} {path}: {answer.Head}");
        Assert.False(string.IsNullOrEmpty(answer.Header("x-request-id")));
        if (answer.Status == 405)
            Assert.Contains(paid ? "POST" : "GET", answer.Header("allow"), StringComparison.Ordinal);
        if (answer.Status >= 400 && method != "HEAD")
            Refused(answer);
        if (method == "HEAD")
            Assert.Empty(answer.Body);
        NothingWentUpstream();
    }

    [Theory]
    [InlineData(100, 404)]
    [InlineData(101, 431)]
    public async Task A_head_has_at_most_100_fields(int fields, int status)
    {
        string more = string.Concat(Enumerable.Range(0, fields - 1).Select(static i => $"X-{i}: 1\r\n"));

        RawAnswer answer = await RawHttp.SendAsync(yard.Fairlead.Port, $"GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}\r\n");

        Refused(answer);
        Assert.Equal(status, answer.Status);
    }

    [Theory]
    [InlineData(32 * 1024, 404)]
    [InlineData((32 * 1024) + 1, 431)]
    public async Task A_head_has_at_most_32_KiB_of_fields(int bytes, int status)
    {
        const string Host = "Host: 127.0.0.1\r\n";
        string fields = Host + string.Concat(Enumerable.Repeat($"X-A: {new string('a', 3_993)}\r\n", 8));
        string last = $"X-Z: {new string('z', bytes - fields.Length - "X-Z: \r\n".Length)}\r\n";

        RawAnswer answer = await RawHttp.SendAsync(yard.Fairlead.Port, $"GET /nothing HTTP/1.1\r\n{fields}{last}\r\n");

        Refused(answer);
        Assert.Equal(status, answer.Status);
    }

    [Theory]
    [InlineData(8 * 1024, 404)]
    [InlineData((8 * 1024) + 1, 414)]
    public async Task A_request_line_has_at_most_8_KiB(int bytes, int status)
    {
        string line = $"GET /{new string('a', bytes - "GET / HTTP/1.1\r\n".Length)} HTTP/1.1\r\n";

        RawAnswer answer = await RawHttp.SendAsync(yard.Fairlead.Port, $"{line}Host: 127.0.0.1\r\n\r\n");

        Refused(answer);
        Assert.Equal(status, answer.Status);
    }

    [Theory]
    [InlineData(20 * 1024 * 1024, 200)]
    [InlineData((20 * 1024 * 1024) + 1, 413)]
    public async Task A_body_has_at_most_20_MiB(int bytes, int status)
    {
        const string Before = """{"model":"acme/fine","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,""";
        const string Behind = """ "}}]}]}""";
        string body = Before + new string('A', bytes - Before.Length - Behind.Length) + Behind;

        RawAnswer whole = await RawHttp.PostAsync(yard.Fairlead.Port, "/v1/chat/completions", yard.Key, body);
        RawAnswer chunks = await RawHttp.SendAsync(yard.Fairlead.Port, Head("Transfer-Encoding: chunked\r\n").Replace("KEY", yard.Key, StringComparison.Ordinal) + $"{bytes:x}\r\n{body}\r\n0\r\n\r\n");

        Assert.Equal((status, status), (whole.Status, chunks.Status));
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/octet-stream")]
    [InlineData("")]
    [InlineData("application/json; charset=utf-8")]
    [InlineData("Application/JSON")]
    public async Task A_body_that_is_json_is_taken_for_it_whatever_it_is_called(string type)
    {
        string wire = Head($"Content-Length: {Fine.Length}\r\n").Replace("application/json", type, StringComparison.Ordinal).Replace("KEY", yard.Key, StringComparison.Ordinal);

        Assert.Equal(200, (await RawHttp.SendAsync(yard.Fairlead.Port, wire + Fine)).Status);
    }

    [Fact]
    public async Task A_caller_of_HTTP_1_0_gets_a_stream_to_its_end()
    {
        string body = Fine[..^1] + ",\"stream\":true}";
        using RawHttp connection = await RawHttp.ConnectAsync(yard.Fairlead.Port);
        await connection.WriteAsync(RawHttp.Post("/v1/chat/completions", yard.Key, body).Replace("HTTP/1.1", "HTTP/1.0", StringComparison.Ordinal));

        RawAnswer answer = await connection.ReadAsync();

        Assert.Equal(200, answer.Status);
        Assert.Null(answer.Header("transfer-encoding"));
        Assert.EndsWith("data: [DONE]\n\n", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_caller_that_never_finishes_its_head_is_cut_off()
    {
        using RawHttp connection = await RawHttp.ConnectAsync(yard.Fairlead.Port, TimeSpan.FromSeconds(45));
        await connection.WriteAsync("POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ");

        RawAnswer answer = await connection.ReadAsync();

        Assert.Equal((408, "head_too_slow"), (answer.Status, answer.ErrorCode));
    }

    [Fact]
    public async Task A_caller_that_never_finishes_its_body_is_cut_off()
    {
        using RawHttp connection = await RawHttp.ConnectAsync(yard.Fairlead.Port, TimeSpan.FromSeconds(45));
        await connection.WriteAsync(Head("Content-Length: 1000\r\n").Replace("KEY", yard.Key, StringComparison.Ordinal) + "{\"model\":");

        RawAnswer answer = await connection.ReadAsync();

        Assert.Equal((408, "body_too_slow"), (answer.Status, answer.ErrorCode));
    }

    [Theory]
    [InlineData("/v1/models/..%2f..%2fetc%2fpasswd")]
    [InlineData("/v1/models/%00")]
    [InlineData("/v1/models/%zz")]
    [InlineData("/v1/requests/req_nothing")]
    [InlineData("/v1/requests/'%20or%201=1")]
    [InlineData("//v1//models")]
    public async Task Odd_paths_are_4xx(string path)
    {
        RawAnswer answer = await RawHttp.GetAsync(yard.Fairlead.Port, path, yard.Key);

        Assert.InRange(answer.Status, 400, 499);
    }

    private static string Head(string headers) =>
        $"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer KEY\r\nContent-Type: application/json\r\n{headers}\r\n";

    private static void Refused(RawAnswer answer)
    {
        Assert.InRange(answer.Status, 400, 499);
        Assert.Equal("application/json", answer.Header("content-type"));
        System.Text.Json.JsonElement error = answer.Json.GetProperty("error");
        foreach (string member in (string[])["message", "type", "param", "code"])
            Assert.True(error.TryGetProperty(member, out _), member);
        Assert.True(error.GetProperty("message").GetString()!.Length > 10);
    }

    private void NothingWentUpstream() => Assert.Equal(_before, yard.Upstream.Requests.Count(static r => r.Model != "acme/fine"));
}
