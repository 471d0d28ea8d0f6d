using System.Text.Json;
using Fairlead.Gateway.Tests.Yard;

namespace Fairlead.Gateway.Tests.Faults;

/// <summary>After the commit point: everything sent stands, nothing is replayed, and the caller pays for what it got.</summary>
public sealed class CommittedFaultTests : IAsyncLifetime
{
    private static readonly string Role = Scripts.Chunk("{\"role\":\"assistant\",\"content\":\"\"}");
    private readonly FaultWall _wall = new();
    private readonly FaultWall _spare = new();
    private GatewayYard _yard = null!;

    private static readonly Dictionary<string, (FaultWall.Script Script, string Code, string EndReason)> Broken = new()
    {
        ["u20-reset"] = (async (c, _) => { await Begin(c); c.Reset(); }, "upstream_truncated", "upstream_truncated"),
        ["u20-eof"] = (Scripts.Stream(Role, Word("par"), Word("tial")), "upstream_truncated", "upstream_truncated"),
        ["u21-error"] = (Scripts.Stream(Role, Word("par"), "data: {\"error\":{\"message\":\"Provider disconnected\",\"type\":\"server_error\",\"code\":502}}\n\n"), "upstream_truncated", "upstream_status"),
        ["u21-string"] = (Scripts.Stream(Role, Word("par"), "data: {\"error\":\"CUDA out of memory\",\"error_type\":\"generation\"}\n\n", Scripts.Done), "upstream_truncated", "upstream_status"),
        ["u22-silence"] = (async (c, stop) => { await Begin(c); await c.UntilClosedAsync(stop); }, "upstream_idle_stall", "upstream_idle_stall"),
        ["u24-garbage"] = (Scripts.Stream(Role, Word("par"), "data: {\n\n", "data: nonsense\n\n", "data: ]\n\n", Word("more")), "upstream_malformed", "upstream_malformed"),
        ["u25-huge"] = (async (c, _) => { await Begin(c); await c.ChunkAsync("data: " + new string('x', 9 << 20)); }, "upstream_malformed", "upstream_malformed"),
    };

    private static readonly Dictionary<string, (FaultWall.Script Script, string Content)> Mended = new()
    {
        ["u24-one"] = (Scripts.Stream(Role, Word("a"), "data: {broken\n\n", Word("b"), Scripts.Finish(), Scripts.Usage(11, 7), Scripts.Done), "ab"),
        ["u26-split"] = (async (c, _) => { await c.SendAsync(Scripts.Sse); byte[] text = System.Text.Encoding.UTF8.GetBytes(Role + Word("é🌍") + Scripts.Finish() + Scripts.Usage(11, 7) + Scripts.Done); foreach (byte b in text) { await c.SendAsync("1\r\n"); await c.SendAsync([b]); await c.SendAsync("\r\n"); } await c.SendAsync("0\r\n\r\n"); }, "é🌍"),
        ["u32-twice"] = (Scripts.Stream(Role, Word("a"), Scripts.Finish(), Scripts.Usage(11, 7), Scripts.Done, Scripts.Done, Word("GHOST")), "a"),
        ["u32-none"] = (Scripts.Stream(Role, Word("a"), Scripts.Finish(), Scripts.Usage(11, 7)), "a"),
        ["f057-json"] = (Scripts.Status(200, Scripts.Full("Hi")), "Hi"),
    };

    public static TheoryData<string> BrokenOnes() => [.. Broken.Keys];

    public static TheoryData<string> MendedOnes() => [.. Mended.Keys];

    [Theory, MemberData(nameof(BrokenOnes))]
    public async Task A_stream_that_breaks_ends_with_one_error_event_and_without_done(string model)
    {
        Answer answer = await _yard.ChatAsync("acme/" + model, stream: true, ",\"provider\":{\"order\":[\"wall\"]}");
        Assert.Equal(200, answer.Status);
        Assert.StartsWith("par", answer.Content, StringComparison.Ordinal);
        Assert.Equal(Broken[model].Code, answer.ErrorCode);
        Assert.False(answer.EndsWithDone);
        Assert.Equal(1, _wall.Arrivals(model));
        Assert.Equal(0, _spare.Arrivals(model));
        JsonElement record = await _yard.RecordAsync(answer);
        Assert.Equal(Broken[model].EndReason, record.GetProperty("end_reason").GetString());
        Assert.Equal("estimated", record.GetProperty("usage").GetProperty("source").GetString());
        Assert.InRange(record.GetProperty("cost_nano_usd").GetInt64(), 1, record.GetProperty("reserved_nano_usd").GetInt64());
    }

    [Theory, MemberData(nameof(MendedOnes))]
    public async Task What_can_be_mended_in_a_stream_is_an_ordinary_answer(string model)
    {
        Answer answer = await _yard.ChatAsync("acme/" + model, stream: true);
        Assert.Equal(Mended[model].Content, answer.Content);
        Assert.True(answer.EndsWithDone);
        Assert.Equal(2, answer.Body.Split("[DONE]").Length);
        JsonElement record = await _yard.RecordAsync(answer);
        Assert.Equal(("ok", 6_400L), (record.GetProperty("end_reason").GetString(), record.GetProperty("cost_nano_usd").GetInt64()));
    }

    [Fact]
    public async Task Missing_usage_is_estimated_and_flagged()
    {
        Answer answer = await _yard.ChatAsync("acme/u33", stream: true, ",\"stream_options\":{\"include_usage\":true}");
        JsonElement record = await _yard.RecordAsync(answer);
        Assert.Equal("estimated", record.GetProperty("usage").GetProperty("source").GetString());
        Assert.Equal(2, record.GetProperty("usage").GetProperty("output_tokens").GetInt64());
        Assert.True(answer.Events.Last().GetProperty("usage").GetProperty("cost").GetDecimal() > 0);
    }

    [Fact]
    public async Task Absurd_usage_is_bounded_and_flagged()
    {
        Answer answer = await _yard.ChatAsync("acme/u34", stream: true);
        JsonElement record = await _yard.RecordAsync(answer);
        Assert.Equal("bounded", record.GetProperty("usage").GetProperty("source").GetString());
        Assert.InRange(record.GetProperty("usage").GetProperty("output_tokens").GetInt64(), 0, 131_072);
    }

    [Fact]
    public async Task An_answer_past_its_limit_is_cut_there_and_the_upstream_is_told()
    {
        Answer answer = await _yard.ChatAsync("acme/u35", stream: true, ",\"max_tokens\":5");
        Assert.Equal("w w w w w ", answer.Content);
        Assert.True(answer.EndsWithDone);
        Assert.Contains("\"finish_reason\":\"length\"", answer.Body, StringComparison.Ordinal);
        JsonElement record = await _yard.RecordAsync(answer);
        Assert.Equal("ok", record.GetProperty("end_reason").GetString());
        Assert.InRange(record.GetProperty("cost_nano_usd").GetInt64(), 1, record.GetProperty("reserved_nano_usd").GetInt64());
    }

    [Fact]
    public async Task A_reset_before_any_word_goes_to_the_next_candidate_even_after_the_headers()
    {
        Answer answer = await _yard.ChatAsync("acme/f048", stream: true, ",\"provider\":{\"order\":[\"wall\"]}");
        Assert.Equal("Hi there", answer.Content);
        Assert.Equal("2", answer.Header("x-fairlead-attempts"));
    }

    [Fact]
    public async Task A_caller_who_hangs_up_pays_for_what_was_sent_and_the_upstream_hears_of_it()
    {
        var gone = new TaskCompletionSource();
        _wall.On("hangup", async (c, stop) =>
        {
            await Begin(c);
            await c.UntilClosedAsync(stop);
            gone.SetResult();
        });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent("{\"model\":\"acme/hangup\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}") };
        HttpResponseMessage response = await _yard.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using (Stream body = await response.Content.ReadAsStreamAsync())
        {
            var buffer = new byte[4096];
            Assert.NotEqual(0, await body.ReadAsync(buffer));
        }
        string id = response.Headers.GetValues("x-fairlead-request-id").Single();
        response.Dispose();
        await gone.Task.WaitAsync(TimeSpan.FromSeconds(5));
        JsonElement record = await UntilClosedAsync(id);
        Assert.Equal("client_gone", record.GetProperty("end_reason").GetString());
        Assert.True(record.GetProperty("cost_nano_usd").GetInt64() > 0);
    }

    [Fact]
    public async Task A_caller_who_hangs_up_before_the_first_word_pays_nothing()
    {
        var arrived = new TaskCompletionSource();
        var gone = new TaskCompletionSource();
        _wall.On("early", async (c, stop) =>
        {
            arrived.SetResult();
            await c.UntilClosedAsync(stop);
            gone.SetResult();
        });
        using var abort = new CancellationTokenSource();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent("{\"model\":\"acme/early\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}") };
        Task<HttpResponseMessage> sending = _yard.Http.SendAsync(request, abort.Token);
        await arrived.Task.WaitAsync(TimeSpan.FromSeconds(5));
        await abort.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        await gone.Task.WaitAsync(TimeSpan.FromSeconds(5));
    }

    public async ValueTask InitializeAsync()
    {
        foreach ((string model, (FaultWall.Script script, _, _)) in Broken)
        {
            _wall.On(model, script);
            _spare.On(model, Scripts.Good());
        }
        foreach ((string model, (FaultWall.Script script, _)) in Mended)
            _wall.On(model, script);
        _wall.On("u33", Scripts.Stream(Role, Word("one"), Word("two"), Scripts.Finish(), Scripts.Done));
        _wall.On("u34", Scripts.Stream(Role, Word("one"), Scripts.Finish(), Scripts.Usage(-5, 2_000_000_000), Scripts.Done));
        _wall.On("u35", async (c, stop) =>
        {
            await c.SendAsync(Scripts.Sse);
            await c.ChunkAsync(Role);
            for (int i = 0; i < 50; i++)
                await c.ChunkAsync(Word("w "));
            await c.UntilClosedAsync(stop);
        });
        _wall.On("f048", async (c, _) => { await c.SendAsync(Scripts.Sse); await c.ChunkAsync(Role); c.Reset(); });
        _spare.On("f048", Scripts.Good());
        string[] own = [.. Broken.Keys, .. Mended.Keys, "u33", "u34", "u35", "f048", "hangup", "early"];
        // A provider of its own for each, so that one fault's breaker is not another's.
        _yard = await GatewayYard.StartAsync(
        [
            GatewayYard.Provider("wall", _wall.Url, own),
            GatewayYard.Provider("spare", _spare.Url, [.. Broken.Keys, "f048"]),
        ]);
    }

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _wall.DisposeAsync();
        await _spare.DisposeAsync();
    }

    private async Task<JsonElement> UntilClosedAsync(string id)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (true)
        {
            using HttpResponseMessage response = await _yard.Http.GetAsync($"/v1/requests/{id}", deadline.Token);
            if (response.IsSuccessStatusCode)
                return JsonDocument.Parse(await response.Content.ReadAsStringAsync(deadline.Token)).RootElement.Clone();
        }
    }

    private static async Task Begin(WallConnection c)
    {
        await c.SendAsync(Scripts.Sse);
        await c.ChunkAsync(Role);
        await c.ChunkAsync(Word("par"));
    }

    private static string Word(string text) => Scripts.Chunk($"{{\"content\":\"{text}\"}}");
}
