using System.Text;
using System.Text.Json;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Callers;
using Fairlead.Gateway.Tests.Yard;

namespace Fairlead.Gateway.Tests.Messages;

/// <summary>A caller of Anthropic's door and a provider that speaks OpenAI's dialect, through the whole gateway.</summary>
public sealed class TranslatedAnswerTests : IAsyncLifetime
{
    private readonly FaultWall _wall = new();
    private readonly FaultWall _other = new();
    private GatewayYard _yard = null!;

    [Fact]
    public async Task A_stream_comes_as_the_events_of_a_message()
    {
        _wall.On("chat", Scripts.Good());
        Answer answer = await AskAsync("acme/chat", stream: true);
        Assert.Equal(200, answer.Status);
        var told = new MessageStream(answer.Body);
        Assert.Equal(["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop"], told.Names);
        Assert.Equal([("text", "Hi there")], told.Blocks);
        Assert.Equal("end_turn", told.StopReason);
        Assert.Equal((11, 7, "0.000006400"), (told.Usage.GetProperty("input_tokens").GetInt32(), told.Usage.GetProperty("output_tokens").GetInt32(), Nine(told.Usage.GetProperty("cost"))));
        Assert.Equal(answer.Header("request-id")!["req_".Length..], told.Start!["id"]!.GetValue<string>()["msg_".Length..]);
        Assert.Equal(6_400, (await _yard.RecordAsync(answer)).GetProperty("cost_nano_usd").GetInt64());
    }

    [Fact]
    public async Task A_whole_answer_comes_as_a_message()
    {
        _wall.On("chat", Scripts.Good());
        Answer answer = await AskAsync("acme/chat");
        Assert.Equal((200, "application/json"), (answer.Status, answer.Header("content-type")));
        Assert.Equal("message", answer.Json.GetProperty("type").GetString());
        Assert.Equal("Hi there", answer.Json.GetProperty("content")[0].GetProperty("text").GetString());
        Assert.Equal("0.000006400", Nine(answer.Json.GetProperty("usage").GetProperty("cost")));
        Assert.Equal("0.000006400", answer.Header("x-fairlead-cost"));
    }

    [Fact]
    public async Task A_whole_answer_to_a_request_for_a_stream_is_told_as_one()
    {
        string full = Scripts.Full("Hi there");
        _wall.On("chat", Scripts.Status(200, full));
        var told = new MessageStream((await AskAsync("acme/chat", stream: true)).Body);
        Assert.True(told.IsWhole);
        Assert.Equal([("text", "Hi there")], told.Blocks);
        Assert.Equal(11, told.Usage.GetProperty("input_tokens").GetInt32());
    }

    [Fact]
    public async Task What_the_other_dialect_cannot_say_is_refused_by_name_and_what_it_loses_is_told()
    {
        _wall.On("chat", Scripts.Good());
        Answer bound = await AskAsync("acme/chat", more: ",\"container\":\"c\"");
        AnthropicError.Check(bound, 400, "invalid_request_error", "no_offer_fits");
        Assert.Contains("OpenAI's dialect alone, which cannot say: container.", bound.Body, StringComparison.Ordinal);
        Answer lossy = await AskAsync("acme/chat", more: ",\"cache_control\":{\"type\":\"ephemeral\"},\"provider\":{\"require_parameters\":true}");
        AnthropicError.Check(lossy, 400, "invalid_request_error", "no_offer_fits");
        Assert.Contains("in which this is lost: cache_control.", lossy.Body, StringComparison.Ordinal);
        Answer told = await AskAsync("acme/chat", more: ",\"cache_control\":{\"type\":\"ephemeral\"}");
        Assert.Equal((200, "cache_control"), (told.Status, told.Header("x-fairlead-adapted")));
    }

    /// <summary>F176.</summary>
    [Fact]
    public async Task F176_an_upstream_without_a_count_is_counted_and_that_is_told()
    {
        _wall.On("chat", Scripts.Stream(Scripts.Chunk("{\"role\":\"assistant\",\"content\":\"one\"}"), Scripts.Chunk("{\"content\":\" two\"}"), Scripts.Finish(), Scripts.Done));
        Answer answer = await AskAsync("acme/chat", stream: true);
        var told = new MessageStream(answer.Body);
        Assert.Equal(2, told.Usage.GetProperty("output_tokens").GetInt32());
        Assert.Equal("estimated", (await _yard.RecordAsync(answer)).GetProperty("usage").GetProperty("source").GetString());
    }

    /// <summary>F179.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task F179_a_limit_of_the_upstream_before_the_start_is_an_error_of_Anthropics(bool stream)
    {
        _wall.On("chat", Scripts.Status(429, "{\"error\":{\"message\":\"Rate limit reached\",\"type\":\"requests\",\"code\":\"rate_limit_exceeded\"}}", "retry-after: 30\r\n"));
        Answer answer = await AskAsync("acme/chat", stream);
        AnthropicError.Check(answer, 429, "rate_limit_error", "upstream_rate_limited");
        Assert.InRange(int.Parse(answer.Header("retry-after")!), 1, 60);
    }

    /// <summary>F180.</summary>
    [Fact]
    public async Task F180_a_model_that_the_upstream_does_not_have_is_not_found()
    {
        _wall.On("chat", Scripts.Status(404, "{\"error\":{\"message\":\"The model `chat` does not exist\",\"code\":\"model_not_found\"}}"));
        Answer answer = await AskAsync("acme/chat");
        JsonElement error = AnthropicError.Check(answer, 404, "not_found_error", "upstream_model_not_found");
        Assert.StartsWith("model: acme/chat", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"error\":{\"message\":\"boom\"}}", 500)]
    [InlineData("", 200)] // a stream that ends before it says anything
    public async Task What_fails_before_the_first_event_goes_to_another_provider(string body, int status)
    {
        _wall.On("both", status == 200 ? Scripts.Stream(Scripts.Chunk("{\"role\":\"assistant\",\"content\":\"\"}")) : Scripts.Status(status, body));
        _other.On("both", Scripts.Good("from another"));
        Answer answer = await AskAsync("acme/both", stream: true, ",\"provider\":{\"order\":[\"wall\",\"other\"]}");
        Assert.Equal((200, "other", "2"), (answer.Status, answer.Header("x-fairlead-provider"), answer.Header("x-fairlead-attempts")));
        var told = new MessageStream(answer.Body);
        Assert.Equal([("text", "from another")], told.Blocks); // and one message_start, which MessageStream insists on
    }

    [Fact]
    public async Task What_fails_after_it_is_told_as_an_event_of_Anthropics_and_is_the_end()
    {
        _wall.On("both", static async (c, _) =>
        {
            await c.SendAsync(Scripts.Sse);
            await c.ChunkAsync(Scripts.Chunk("{\"role\":\"assistant\",\"content\":\"half an\"}"));
            c.Close();
        });
        _other.On("both", Scripts.Good("from another"));
        Answer answer = await AskAsync("acme/both", stream: true, ",\"provider\":{\"order\":[\"wall\",\"other\"]}");
        var told = new MessageStream(answer.Body);
        Assert.Equal([("text", "half an")], told.Blocks);
        Assert.False(told.IsWhole);
        Assert.Equal("error", told.Names.Last());
        JsonElement error = AnthropicError.Check(told.Error!.Value, "api_error", "upstream_truncated");
        Assert.NotEmpty(error.GetProperty("message").GetString()!);
        Assert.Equal(0, _other.Arrivals("both"));
    }

    [Fact]
    public async Task A_tool_that_broke_off_in_its_arguments_is_no_whole_answer()
    {
        _wall.On("chat", Scripts.Stream(Scripts.Chunk("{\"role\":\"assistant\",\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":\"}}]}"), Scripts.Done));
        var told = new MessageStream((await AskAsync("acme/chat", stream: true)).Body);
        Assert.False(told.IsWhole);
        Assert.NotNull(told.Error);
    }

    [Fact]
    public async Task Silence_before_the_first_event_is_told_by_comments_and_after_it_by_pings()
    {
        var commented = new TaskCompletionSource();
        var pinged = new TaskCompletionSource();
        _wall.On("chat", async (c, stop) =>
        {
            await c.SendAsync(Scripts.Sse);
            await commented.Task.WaitAsync(stop);
            await c.ChunkAsync(Scripts.Chunk("{\"role\":\"assistant\",\"content\":\"one\"}"));
            await pinged.Task.WaitAsync(stop);
            await c.ChunkAsync(Scripts.Chunk("{\"content\":\" two\"}"));
            await c.ChunkAsync(Scripts.Finish());
            await c.ChunkAsync(Scripts.Done);
            await c.SendAsync("0\r\n\r\n");
        });
        await using GatewayYard yard = await GatewayYard.StartAsync(
            [GatewayYard.Provider("wall", _wall.Url, "chat")],
            static s => s with { Dispatch = s.Dispatch with { Heartbeat = TimeSpan.FromMilliseconds(50) } });
        using HttpResponseMessage response = await yard.Http.SendAsync(Request("acme/chat", stream: true, ""), HttpCompletionOption.ResponseHeadersRead);
        await using Stream body = await response.Content.ReadAsStreamAsync();
        var text = new StringBuilder();
        await UntilAsync(body, text, ": keep-alive\n\n");
        commented.SetResult();
        await UntilAsync(body, text, "event: ping\ndata: {\"type\": \"ping\"}\n\n");
        pinged.SetResult();
        await UntilAsync(body, text, "event: message_stop");
        var told = new MessageStream(text.ToString());
        Assert.Equal([("text", "one two")], told.Blocks);
        Assert.StartsWith(": keep-alive\n\n", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("ping", told.Names.SkipWhile(static n => n != "message_start"));
        Assert.DoesNotContain(": keep-alive", text.ToString()[text.ToString().IndexOf("message_start", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_hangs_up_ends_the_upstream_and_pays_for_what_was_sent()
    {
        var gone = new TaskCompletionSource();
        _wall.On("chat", async (c, stop) =>
        {
            await c.SendAsync(Scripts.Sse);
            await c.ChunkAsync(Scripts.Chunk("{\"role\":\"assistant\",\"content\":\"\"}"));
            await c.ChunkAsync(Scripts.Chunk("{\"content\":\"one\"}"));
            await c.UntilClosedAsync(stop);
            gone.SetResult();
        });
        using (HttpResponseMessage response = await _yard.Http.SendAsync(Request("acme/chat", stream: true, ""), HttpCompletionOption.ResponseHeadersRead))
        {
            await using Stream body = await response.Content.ReadAsStreamAsync();
            await UntilAsync(body, new StringBuilder(), "text_delta");
        }
        await gone.Task.WaitAsync(GatewayYard.Patience);
    }

    [Fact]
    public async Task Tools_and_their_results_go_there_and_back_in_a_stream()
    {
        string? second = null;
        _wall.On("chat", async (c, stop) =>
        {
            if (c.Body.Contains("\"role\":\"tool\"", StringComparison.Ordinal))
            {
                second = c.Body;
                await Scripts.Good("It is warm in both.")(c, stop);
                return;
            }
            await Scripts.Stream(
                Scripts.Chunk("{\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"two cities\"}"),
                Scripts.Chunk("{\"tool_calls\":[{\"index\":0,\"id\":\"call_p\",\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":\"\"}}]}"),
                Scripts.Chunk("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"city\\\":\\\"Par\"}}]}"),
                Scripts.Chunk("{\"tool_calls\":[{\"index\":1,\"id\":\"call_r\",\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":\"{\\\"city\\\":\"}}]}"),
                Scripts.Chunk("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"is\\\"}\"}}]}"),
                Scripts.Chunk("{\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"\\\"Rome\\\"}\"}}]}"),
                Scripts.Finish("tool_calls"), Scripts.Usage(20, 9), Scripts.Done)(c, stop);
        });
        const string Tools = ",\"tools\":[{\"name\":\"weather\",\"input_schema\":{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}}]";
        var first = new MessageStream((await AskAsync("acme/chat", stream: true, Tools)).Body);
        Assert.Equal([("thinking", "two cities"), ("tool_use", "{\"city\":\"Paris\"}"), ("tool_use", "{\"city\":\"Rome\"}")], first.Blocks);
        Assert.Equal("tool_use", first.StopReason);
        string body = "{\"model\":\"acme/chat\",\"max_tokens\":64,\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hello\"},"
            + "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"two cities\",\"signature\":\"\"},{\"type\":\"tool_use\",\"id\":\"call_p\",\"name\":\"weather\",\"input\":{\"city\":\"Paris\"}},{\"type\":\"tool_use\",\"id\":\"call_r\",\"name\":\"weather\",\"input\":{\"city\":\"Rome\"}}]},"
            + "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"call_p\",\"content\":\"21\"},{\"type\":\"tool_result\",\"tool_use_id\":\"call_r\",\"content\":\"27\"}]}]" + Tools + "}";
        var last = new MessageStream((await _yard.PostAsync("/v1/messages", body)).Body);
        Assert.Equal([("text", "It is warm in both.")], last.Blocks);
        Assert.Contains("\"tool_call_id\":\"call_p\"", second, StringComparison.Ordinal);
        Assert.Contains("\"tool_call_id\":\"call_r\"", second, StringComparison.Ordinal);
    }

    private static string Nine(JsonElement cost) => cost.GetDecimal().ToString("0.000000000", System.Globalization.CultureInfo.InvariantCulture);

    private Task<Answer> AskAsync(string model, bool stream = false, string more = "") => _yard.PostAsync("/v1/messages", Body(model, stream, more));

    private static string Body(string model, bool stream, string more) =>
        $"{{\"model\":\"{model}\",\"max_tokens\":64,\"stream\":{(stream ? "true" : "false")},\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]{more}}}";

    private static HttpRequestMessage Request(string model, bool stream, string more) =>
        new(HttpMethod.Post, "/v1/messages") { Content = new StringContent(Body(model, stream, more), Encoding.UTF8, "application/json") };

    private static async Task UntilAsync(Stream body, StringBuilder text, string until)
    {
        byte[] buffer = new byte[4096];
        using var patience = new CancellationTokenSource(GatewayYard.Patience);
        while (!text.ToString().Contains(until, StringComparison.Ordinal))
        {
            int read = await body.ReadAsync(buffer, patience.Token);
            Assert.True(read > 0, $"It ended before it said {until}: {text}");
            text.Append(Encoding.UTF8.GetString(buffer, 0, read));
        }
    }

    public async ValueTask InitializeAsync() => _yard = await GatewayYard.StartAsync([
        GatewayYard.Provider("wall", _wall.Url, "chat", "both"),
        GatewayYard.Provider("other", _other.Url, "both"),
    ]);

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _wall.DisposeAsync();
        await _other.DisposeAsync();
    }
}
