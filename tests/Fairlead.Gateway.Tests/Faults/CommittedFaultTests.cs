using System.Text;
using System.Text.Json;
using Fairlead.Domain.Inference;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;

namespace Fairlead.Gateway.Tests.Faults;

/// <summary>After the commit point: everything sent stands, nothing is replayed, and the caller pays for what it got, whichever dialect the upstream speaks and
/// whichever the door.</summary>
public sealed class CommittedFaultTests : IAsyncLifetime
{
    private static readonly string[] Others = ["u33", "u34", "u35", "f048", "hangup", "early"];

    private readonly FaultWall _wall = new();
    private readonly FaultWall _spare = new();
    private readonly TaskCompletionSource _heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private GatewayYard _yard = null!;

    /// <summary>What breaks after the first word; a script is told when the caller has heard that word, since a reset throws away what was not yet read of what came before it.</summary>
    private static readonly Dictionary<string, (Func<Tongue, Task, FaultWall.Script> Script, string Code, string EndReason)> Broken = new()
    {
        ["u20-reset"] = (static (t, heard) => async (c, stop) => { await Begin(c, t); await heard.WaitAsync(stop); c.Reset(); }, "upstream_truncated", "upstream_truncated"),
        ["u20-eof"] = (static (t, _) => Scripts.Stream(t.Begin, t.Word("par"), t.Word("tial")), "upstream_truncated", "upstream_truncated"),
        ["u21-error"] = (static (t, _) => Scripts.Stream(t.Begin, t.Word("par"), "data: {\"error\":{\"message\":\"Provider disconnected\",\"type\":\"server_error\",\"code\":502}}\n\n"), "upstream_truncated", "upstream_status"),
        ["u21-string"] = (static (t, _) => Scripts.Stream(t.Begin, t.Word("par"), "data: {\"error\":\"CUDA out of memory\",\"error_type\":\"generation\"}\n\n", t.Stop), "upstream_truncated", "upstream_status"),
        ["u21-event"] = (static (t, _) => Scripts.Stream(t.Begin, t.Word("par"), AnthropicScripts.Event("error", AnthropicScripts.Envelope("overloaded_error", "Overloaded"))), "upstream_truncated", "upstream_status"),
        ["u22-silence"] = (static (t, _) => async (c, stop) => { await Begin(c, t); await c.UntilClosedAsync(stop); }, "upstream_idle_stall", "upstream_idle_stall"),
        ["u24-garbage"] = (static (t, _) => Scripts.Stream(t.Begin, t.Word("par"), "data: {\n\n", "data: nonsense\n\n", "data: ]\n\n", t.Word("more")), "upstream_malformed", "upstream_malformed"),
        ["u25-huge"] = (static (t, _) => async (c, _) => { await Begin(c, t); await c.ChunkAsync("data: " + new string('x', 9 << 20)); }, "upstream_malformed", "upstream_malformed"),
    };

    private static readonly Dictionary<string, (Func<Tongue, FaultWall.Script> Script, string Content)> Mended = new()
    {
        ["u24-one"] = (static t => Scripts.Stream(t.Begin, t.Word("a"), "data: {broken\n\n", t.Word("b"), t.Usage(11, 7), t.Stop), "ab"),
        ["u26-split"] = (static t => async (c, _) => { await c.SendAsync(Scripts.Sse); byte[] text = Encoding.UTF8.GetBytes(t.Begin + t.Word("é🌍") + t.Usage(11, 7) + t.Stop); foreach (byte b in text) { await c.SendAsync("1\r\n"); await c.SendAsync([b]); await c.SendAsync("\r\n"); } await c.SendAsync("0\r\n\r\n"); }, "é🌍"),
        ["u32-twice"] = (static t => Scripts.Stream(t.Begin, t.Word("a"), t.Usage(11, 7), t.Stop, t.Stop, t.Word("GHOST")), "a"),
        ["u32-none"] = (static t => Scripts.Stream(t.Begin, t.Word("a"), t.Usage(11, 7)), "a"),
        ["f057-json"] = (static t => Scripts.Status(200, t.Full("Hi")), "Hi"),
    };

    public static TheoryData<Dialect, Dialect> Pairs() => new(AllPairs());

    public static TheoryData<string, Dialect, Dialect> BrokenOnes() => new(Broken.Keys.SelectMany(static name => AllPairs().Select(pair => (name, pair.Item1, pair.Item2))));

    public static TheoryData<string, Dialect, Dialect> MendedOnes() => new(Mended.Keys.SelectMany(static name => AllPairs().Select(pair => (name, pair.Item1, pair.Item2))));

    [Theory, MemberData(nameof(BrokenOnes))]
    public async Task A_stream_that_breaks_ends_with_one_error_event_and_not_with_what_ends_a_whole_one(string name, Dialect spoken, Dialect door)
    {
        string model = Model(name, spoken, door);
        if (Broken[name].EndReason == "upstream_idle_stall")
            await _yard.ApplyAsync(static s => s with { Dispatch = s.Dispatch with { Idle = GatewayYard.Stall } });
        using HttpRequestMessage request = Request(door, model, $",\"provider\":{{\"order\":[\"wall-{model}\"]}}");
        using HttpResponseMessage response = await _yard.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        string begun = await GatewayYard.HearAsync(response, "\"par\"");
        _heard.SetResult();
        using var rest = new StreamReader(await response.Content.ReadAsStreamAsync());
        var answer = new Answer(response, begun + await rest.ReadToEndAsync());
        Assert.Equal(200, answer.Status);
        Assert.StartsWith("par", answer.Content, StringComparison.Ordinal);
        Assert.Equal(Broken[name].Code, answer.ErrorCode);
        Assert.Single(answer.Events, static e => e.TryGetProperty("error", out _));
        Assert.False(answer.IsWhole(door));
        if (door == Dialect.Anthropic)
            Assert.Contains("\n\nevent: error\ndata: {\"type\":\"error\",", answer.Body, StringComparison.Ordinal);
        Assert.Equal(1, _wall.Arrivals(model));
        Assert.Equal(0, _spare.Arrivals(model));
        JsonElement record = await _yard.RecordAsync(answer);
        Assert.Equal(Broken[name].EndReason, record.GetProperty("end_reason").GetString());
        Assert.Equal("estimated", record.GetProperty("usage").GetProperty("source").GetString());
        Assert.InRange(record.GetProperty("cost_nano_usd").GetInt64(), 1, record.GetProperty("reserved_nano_usd").GetInt64());
    }

    [Theory, MemberData(nameof(MendedOnes))]
    public async Task What_can_be_mended_in_a_stream_is_an_ordinary_answer(string name, Dialect spoken, Dialect door)
    {
        Answer answer = await _yard.AskAsync(door, "acme/" + Model(name, spoken, door), stream: true);
        Assert.Equal(Mended[name].Content, answer.Content);
        Assert.True(answer.IsWhole(door), answer.Body);
        JsonElement record = await _yard.RecordAsync(answer);
        Assert.Equal(("ok", 6_400L), (record.GetProperty("end_reason").GetString(), record.GetProperty("cost_nano_usd").GetInt64()));
    }

    [Theory, MemberData(nameof(Pairs))]
    public async Task Missing_usage_is_estimated_and_flagged(Dialect spoken, Dialect door)
    {
        Answer answer = await _yard.AskAsync(door, "acme/" + Model("u33", spoken, door), stream: true, door == Dialect.OpenAi ? ",\"stream_options\":{\"include_usage\":true}" : "");
        JsonElement record = await _yard.RecordAsync(answer);
        Assert.Equal("estimated", record.GetProperty("usage").GetProperty("source").GetString());
        Assert.Equal(2, record.GetProperty("usage").GetProperty("output_tokens").GetInt64());
        JsonElement usage = answer.Events.Last(static e => e.TryGetProperty("usage", out JsonElement u) && u.ValueKind == JsonValueKind.Object).GetProperty("usage");
        Assert.True(usage.GetProperty("cost").GetDecimal() > 0);
    }

    [Theory, MemberData(nameof(Pairs))]
    public async Task Absurd_usage_is_bounded_and_flagged(Dialect spoken, Dialect door)
    {
        Answer answer = await _yard.AskAsync(door, "acme/" + Model("u34", spoken, door), stream: true);
        JsonElement record = await _yard.RecordAsync(answer);
        Assert.Equal("bounded", record.GetProperty("usage").GetProperty("source").GetString());
        Assert.InRange(record.GetProperty("usage").GetProperty("output_tokens").GetInt64(), 0, 131_072);
    }

    [Theory, MemberData(nameof(Pairs))]
    public async Task An_answer_past_its_limit_is_cut_there_and_the_upstream_is_told(Dialect spoken, Dialect door)
    {
        Answer answer = await _yard.AskAsync(door, "acme/" + Model("u35", spoken, door), stream: true, ",\"max_tokens\":5");
        Assert.Equal("w w w w w ", answer.Content);
        Assert.True(answer.IsWhole(door), answer.Body);
        Assert.Contains(door == Dialect.Anthropic ? "\"stop_reason\":\"max_tokens\"" : "\"finish_reason\":\"length\"", answer.Body, StringComparison.Ordinal);
        JsonElement record = await _yard.RecordAsync(answer);
        Assert.Equal("ok", record.GetProperty("end_reason").GetString());
        Assert.InRange(record.GetProperty("cost_nano_usd").GetInt64(), 1, record.GetProperty("reserved_nano_usd").GetInt64());
    }

    /// <summary>The spare speaks the other dialect: what was begun in one goes on in the other before the caller has seen a word.</summary>
    [Theory, MemberData(nameof(Pairs))]
    public async Task A_reset_before_any_word_goes_to_the_next_candidate_even_after_the_headers(Dialect spoken, Dialect door)
    {
        string model = Model("f048", spoken, door);
        Answer answer = await _yard.AskAsync(door, "acme/" + model, stream: true, $",\"provider\":{{\"order\":[\"wall-{model}\"]}}");
        Assert.Equal("Hi there", answer.Content);
        Assert.True(answer.IsWhole(door), answer.Body);
        Assert.Equal("2", answer.Header("x-fairlead-attempts"));
    }

    [Theory, MemberData(nameof(Pairs))]
    public async Task A_caller_who_hangs_up_pays_for_what_was_sent_and_the_upstream_hears_of_it(Dialect spoken, Dialect door)
    {
        var gone = new TaskCompletionSource();
        string model = Model("hangup", spoken, door);
        _wall.On(model, async (c, stop) =>
        {
            await Begin(c, Tongue.Of(spoken));
            await c.UntilClosedAsync(stop);
            gone.SetResult();
        });
        using var request = Request(door, model);
        HttpResponseMessage response = await _yard.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using (Stream body = await response.Content.ReadAsStreamAsync())
        {
            var buffer = new byte[4096];
            Assert.NotEqual(0, await body.ReadAsync(buffer));
        }
        string id = response.Headers.GetValues("x-fairlead-request-id").Single();
        response.Dispose();
        await gone.Task.WaitAsync(GatewayYard.Patience);
        JsonElement record = await UntilClosedAsync(id);
        Assert.Equal("client_gone", record.GetProperty("end_reason").GetString());
        Assert.True(record.GetProperty("cost_nano_usd").GetInt64() > 0);
    }

    [Theory, MemberData(nameof(Pairs))]
    public async Task A_caller_who_hangs_up_before_the_first_word_pays_nothing(Dialect spoken, Dialect door)
    {
        string model = Model("early", spoken, door);
        var arrived = new TaskCompletionSource();
        var gone = new TaskCompletionSource();
        _wall.On(model, async (c, stop) =>
        {
            arrived.SetResult();
            await c.UntilClosedAsync(stop);
            gone.SetResult();
        });
        using var abort = new CancellationTokenSource();
        using var request = Request(door, model);
        Task<HttpResponseMessage> sending = _yard.Http.SendAsync(request, abort.Token);
        await arrived.Task.WaitAsync(GatewayYard.Patience);
        await abort.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        await gone.Task.WaitAsync(GatewayYard.Patience);
    }

    public async ValueTask InitializeAsync()
    {
        // A provider of its own for each, so that one fault's breaker is not another's.
        var providers = new List<ProviderSettings>();
        foreach ((Dialect spoken, Dialect door) in AllPairs())
        {
            Tongue tongue = Tongue.Of(spoken);
            Dialect other = spoken == Dialect.OpenAi ? Dialect.Anthropic : Dialect.OpenAi;
            foreach ((string name, (Func<Tongue, Task, FaultWall.Script> script, _, _)) in Broken)
                _wall.On(Model(name, spoken, door), script(tongue, _heard.Task));
            foreach ((string name, (Func<Tongue, FaultWall.Script> script, _)) in Mended)
                _wall.On(Model(name, spoken, door), script(tongue));
            _wall.On(Model("u33", spoken, door), Scripts.Stream(tongue.BeginBare, tongue.Word("one"), tongue.Word("two"), tongue.Reason, tongue.Stop));
            _wall.On(Model("u34", spoken, door), Scripts.Stream(tongue.BeginBare, tongue.Word("one"), tongue.Usage(-5, 2_000_000_000), tongue.Stop));
            _wall.On(Model("u35", spoken, door), async (c, stop) =>
            {
                await c.SendAsync(Scripts.Sse);
                await c.ChunkAsync(tongue.Begin);
                for (int i = 0; i < 50; i++)
                    await c.ChunkAsync(tongue.Word("w "));
                await c.UntilClosedAsync(stop);
            });
            _wall.On(Model("f048", spoken, door), async (c, _) => { await c.SendAsync(Scripts.Sse); await c.ChunkAsync(tongue.Begin); c.Reset(); });
            foreach (string name in Broken.Keys.Append("f048"))
                _spare.On(Model(name, spoken, door), Tongue.Of(other).Good);
            providers.AddRange(Broken.Keys.Concat(Mended.Keys).Concat(Others).Select(name => Model(name, spoken, door)).Select(model => GatewayYard.Provider("wall-" + model, _wall.Url, model) with { Dialect = spoken }));
            providers.Add(GatewayYard.Provider($"spare-{spoken.Word()}-{door.Word()}", _spare.Url, [.. Broken.Keys.Append("f048").Select(name => Model(name, spoken, door))]) with { Dialect = other });
        }
        _yard = await GatewayYard.StartAsync(providers);
    }

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _wall.DisposeAsync();
        await _spare.DisposeAsync();
    }

    private static IEnumerable<(Dialect Spoken, Dialect Door)> AllPairs() =>
        Enum.GetValues<Dialect>().SelectMany(static spoken => Enum.GetValues<Dialect>().Select(door => (spoken, door)));

    private static string Model(string name, Dialect spoken, Dialect door) => $"{name}-{spoken.Word()}-{door.Word()}";

    private static HttpRequestMessage Request(Dialect door, string model, string more = "") =>
        new(HttpMethod.Post, door == Dialect.Anthropic ? "/v1/messages" : "/v1/chat/completions")
        {
            Content = new StringContent($"{{\"model\":\"acme/{model}\",\"stream\":true,\"max_tokens\":1000,\"messages\":[{{\"role\":\"user\",\"content\":\"hi\"}}]{more}}}"),
        };

    private async Task<JsonElement> UntilClosedAsync(string id)
    {
        using var deadline = new CancellationTokenSource(GatewayYard.Patience);
        while (true)
        {
            using HttpResponseMessage response = await _yard.Http.GetAsync($"/v1/requests/{id}", deadline.Token);
            if (response.IsSuccessStatusCode)
                return JsonDocument.Parse(await response.Content.ReadAsStringAsync(deadline.Token)).RootElement.Clone();
        }
    }

    private static async Task Begin(WallConnection c, Tongue tongue)
    {
        await c.SendAsync(Scripts.Sse);
        await c.ChunkAsync(tongue.Begin);
        await c.ChunkAsync(tongue.Word("par"));
    }
}
