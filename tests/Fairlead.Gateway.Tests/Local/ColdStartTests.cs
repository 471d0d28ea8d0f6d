using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Fairlead.Domain.Keys;
using Fairlead.Fleet.Workers;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;
using Fairlead.Shared;

namespace Fairlead.Gateway.Tests.Local;

/// <summary>Models of one's own that are not loaded yet, as their callers meet them: real child processes that take their time.</summary>
public sealed class ColdStartTests : IAsyncLifetime
{
    private const string Chat = "/v1/chat/completions";

    private readonly TempFolder _folder = new();
    private GatewayYard _yard = null!;

    private string[] Notes => File.Exists(_folder["journal"]) ? File.ReadAllLines(_folder["journal"]) : [];

    [Fact]
    public async Task A_stream_hears_how_the_load_goes_and_then_has_its_answer()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = new StringContent(Body("local/halfway", ",\"stream\":true")) };
        using HttpResponseMessage response = await _yard.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        string before = await GatewayYard.HearAsync(response, @": loading 5\d %");
        LetGoOn();
        using var rest = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        var answer = new Answer(response, before + await rest.ReadToEndAsync(TestContext.Current.CancellationToken));
        Assert.Matches(@"^: (loading \d+ %|queued), about \d+ s\n\n", answer.Body);
        Assert.Matches(@": loading 5\d %, about \d+ s\n\n", answer.Body);
        Assert.Matches(@"^(loading; p=0\.\d\d|queued); eta=\d+$", answer.Header("x-fairlead-cold"));
        Assert.Equal((200, "one two", true), (answer.Status, answer.Content, answer.EndsWithDone));
        JsonElement attempt = (await _yard.RecordAsync(answer)).GetProperty("attempts")[0];
        double waited = attempt.GetProperty("waited_ms").GetDouble();
        Assert.True(waited >= 1_400, $"{waited} ms");
        Assert.True(attempt.GetProperty("cold").GetBoolean());
        JsonElement offer = (await ModelAsync("local/halfway")).GetProperty("providers")[0];
        Assert.InRange(offer.GetProperty("first_token_latency_ms").GetDouble(), 0, waited - 1); // the load is no part of the model's speed
    }

    [Fact]
    public async Task Who_does_not_wait_is_told_how_long_it_takes_and_finds_it_loaded_then()
    {
        Answer answer = await AskAsync("local/slow", ("x-wait-for-model", "false"));
        Assert.Equal((503, "cold_starting"), (answer.Status, answer.ErrorCode));
        double estimate = answer.Json.GetProperty("estimated_time").GetDouble();
        Assert.InRange(estimate, 0.1, 300);
        Assert.InRange(int.Parse(answer.Header("Retry-After")!, CultureInfo.InvariantCulture), estimate, estimate + 1);
        Assert.Matches(@"^(cold|queued|loading)(; p=0\.\d\d)?; eta=\d+$", answer.Header("x-fairlead-cold"));
        Assert.Equal("true", answer.Header("x-should-retry"));
        await UntilStateAsync("local/slow", "ready"); // the load goes on without them
        Assert.Equal(200, (await AskAsync("local/slow", ("x-wait-for-model", "false"))).Status);
        Assert.Single(Notes, "start");
    }

    [Fact]
    public async Task The_keys_word_holds_where_the_request_has_none()
    {
        await using GatewayYard yard = await StartAsync(s => s with { Keys = [s.Keys[0] with { Limits = s.Keys[0].Limits with { WaitForModel = false } }] });
        Assert.Equal("cold_starting", (await yard.ChatAsync("local/slow")).ErrorCode);
        Answer waited = await yard.PostAsync(Chat, Body("local/slow"), ("x-wait-for-model", "1"));
        Assert.Equal(200, waited.Status);
    }

    [Fact]
    public async Task The_servers_word_holds_where_neither_has_one()
    {
        await using GatewayYard yard = await StartAsync(s => s with { Fleet = s.Fleet with { WaitForModel = false } });
        Assert.Equal("cold_starting", (await yard.ChatAsync("local/slow")).ErrorCode);
    }

    [Fact]
    public async Task Who_asks_for_no_load_causes_none()
    {
        Answer answer = await AskAsync("local/slow", ("x-load-model", "0"));
        Assert.Equal((503, "cold_starting"), (answer.Status, answer.ErrorCode));
        Assert.StartsWith("cold; eta=", answer.Header("x-fairlead-cold"), StringComparison.Ordinal);
        Assert.Equal("cold", (await ModelAsync("local/slow")).GetProperty("state").GetString());
        Assert.Empty(Notes);
    }

    [Fact]
    public async Task A_hold_that_is_too_short_ends_with_the_time_that_is_left()
    {
        Answer answer = await AskAsync("local/held", ("x-fairlead-hold", "0.4"));
        Assert.Equal((503, "cold_starting"), (answer.Status, answer.ErrorCode));
        Assert.True(answer.Json.GetProperty("estimated_time").GetDouble() >= 0);
        JsonElement attempt = (await _yard.RecordAsync(answer)).GetProperty("attempts")[0];
        Assert.Equal("worker_cold", attempt.GetProperty("fault").GetString());
        Assert.True(attempt.GetProperty("end_ms").GetDouble() - attempt.GetProperty("start_ms").GetDouble() >= 390);
        LetGoOn();
        Assert.Equal(200, (await _yard.ChatAsync("local/held")).Status);
    }

    [Fact]
    public async Task As_many_wait_as_may_and_one_more_is_sent_away()
    {
        await using GatewayYard yard = await StartAsync(static s => s with { Fleet = s.Fleet with { Queue = 2 } });
        using var abort = new CancellationTokenSource();
        Task[] waiting = [.. Enumerable.Range(0, 2).Select(_ => yard.Http.PostAsync(Chat, new StringContent(Body("local/never-ready")), abort.Token))];
        await UntilAsync(yard, "fairlead_local_queue{model=\"local/never-ready\"} 2");
        Answer answer = await yard.ChatAsync("local/never-ready");
        Assert.Equal((503, "overloaded"), (answer.Status, answer.ErrorCode));
        Assert.NotNull(answer.Header("Retry-After"));
        await abort.CancelAsync();
        foreach (Task each in waiting)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => each);
        await UntilAsync(yard, "fairlead_local_queue{model=\"local/never-ready\"} 0"); // their places are free at once
    }

    [Fact]
    public async Task What_can_never_fit_is_refused_with_its_size_and_what_there_is()
    {
        await using GatewayYard yard = await StartAsync(static s => s with { Fleet = s.Fleet with { Memory = 256L << 20 } });
        Answer answer = await yard.ChatAsync("local/large");
        Assert.Equal((503, "worker_load_failed"), (answer.Status, answer.ErrorCode));
        Assert.Contains("GiB", answer.Body, StringComparison.Ordinal);
        Assert.Contains("256 MiB", answer.Body, StringComparison.Ordinal);
        Assert.Equal("false", answer.Header("x-should-retry"));
        Assert.Equal(200, (await yard.ChatAsync("local/good")).Status);
    }

    /// <summary>W-01: one load, whoever and however many ask; nobody is lost, and who finds the queue full is told so.</summary>
    [Fact]
    public async Task A_thousand_requests_to_a_cold_model_are_one_load_and_each_has_one_end()
    {
        Answer[] answers = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(_ => _yard.ChatAsync("local/slow")));
        Assert.Single(Notes, "start");
        Answer[] refused = [.. answers.Where(static a => a.Status != 200)];
        Assert.Equal(1_000, answers.Count(static a => a.Status == 200) + refused.Length);
        Assert.InRange(refused.Length, 0, 1_000 - 512);
        Assert.All(refused, static a => Assert.Equal((503, "overloaded", true), (a.Status, a.ErrorCode, a.Header("Retry-After") is not null)));
        Assert.Equal(Notes.Count(static n => n == "request"), 1_000 - refused.Length);
    }

    [Fact]
    public async Task Who_hangs_up_while_it_loads_leaves_the_queue_at_once_and_the_load_to_the_others()
    {
        using var abort = new CancellationTokenSource();
        Task<HttpResponseMessage> leaving = _yard.Http.PostAsync(Chat, new StringContent(Body("local/held")), abort.Token);
        Task<Answer> staying = _yard.ChatAsync("local/held");
        await UntilAsync(_yard, "fairlead_local_queue{model=\"local/held\"} 2");
        await abort.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);
        await UntilAsync(_yard, "fairlead_local_queue{model=\"local/held\"} 1");
        LetGoOn();
        Assert.Equal(200, (await staying).Status);
        Assert.Equal(["start", "request"], Notes);
    }

    [Fact]
    public async Task A_model_that_keeps_dying_is_parked_with_the_reason_and_comes_back_when_its_operator_wants_it()
    {
        Assert.Equal("worker_crash", (await _yard.ChatAsync("local/dies-early")).ErrorCode);
        Assert.Equal("worker_crash", (await _yard.ChatAsync("local/dies-early")).ErrorCode);
        Answer parked = await _yard.ChatAsync("local/dies-early");
        Assert.Equal((503, "worker_parked", "false"), (parked.Status, parked.ErrorCode, parked.Header("x-should-retry")));
        Assert.Contains("The model ran into itself.", parked.Body, StringComparison.Ordinal);
        Assert.Equal(3, Notes.Count(static n => n == "start"));
        JsonElement excluded = (await _yard.RecordAsync(parked)).GetProperty("excluded")[0];
        Assert.Equal("parked", excluded.GetProperty("reason").GetString());

        Assert.DoesNotContain("local/dies-early", await ListAsync(), StringComparison.Ordinal);
        JsonElement model = await ModelAsync("local/dies-early");
        Assert.Equal("parked", model.GetProperty("state").GetString());
        Assert.Contains("The model ran into itself.", model.GetProperty("state_reason").GetString(), StringComparison.Ordinal);
        JsonElement health = JsonDocument.Parse(await _yard.Http.GetStringAsync("/health")).RootElement;
        Assert.Equal("degraded", health.GetProperty("status").GetString());
        Assert.Contains(health.GetProperty("local").GetProperty("models").EnumerateArray(), static m => m.GetProperty("state").GetString() == "parked");

        await _yard.Server.LoadAsync("local/dies-early", TestContext.Current.CancellationToken);
        Assert.Contains("local/dies-early", await ListAsync(), StringComparison.Ordinal);
        Assert.Equal("ready", (await ModelAsync("local/dies-early")).GetProperty("state").GetString());
    }

    [Fact]
    public async Task Who_waits_behind_one_whose_worker_dies_waits_for_the_next_worker_and_is_asked_once()
    {
        await using GatewayYard yard = await StartAsync(static s => s with { Local = [.. s.Local.Select(static m => m with { Slots = 1 })] });
        Task<Answer> inside = yard.ChatAsync("local/dies-once");
        await ScriptedWorker.UntilAsync(() => Notes.Contains("request"), "the worker has the first request");
        Task<Answer>[] behind = [.. Enumerable.Range(0, 5).Select(_ => yard.ChatAsync("local/dies-once"))];
        await UntilAsync(yard, "fairlead_local_queue{model=\"local/dies-once\"} 5");
        LetGoOn();
        Assert.Equal((200, "2"), ((await inside).Status, (await inside).Header("x-fairlead-attempts")));
        Assert.All(await Task.WhenAll(behind), static answer => Assert.Equal((200, "1"), (answer.Status, answer.Header("x-fairlead-attempts"))));
        Assert.Equal(2, Notes.Count(static n => n == "start"));
    }

    [Fact]
    public async Task The_catalogue_says_where_a_model_stands_over_its_whole_life()
    {
        await using GatewayYard yard = await StartAsync();
        JsonElement cold = await ModelAsync("local/halfway", yard);
        Assert.Equal("cold", cold.GetProperty("state").GetString());
        Assert.False(cold.TryGetProperty("memory_bytes", out _)); // nobody has measured it yet, and that is said by silence
        Assert.InRange(cold.GetProperty("cold_start_seconds").GetDouble(), 0, 300);
        Task<Answer> asking = yard.ChatAsync("local/halfway");
        await UntilStateAsync("local/halfway", "loading", yard);
        LetGoOn();
        Assert.Equal(200, (await asking).Status);
        JsonElement ready = await ModelAsync("local/halfway", yard);
        Assert.Equal(("ready", 200_000_000), (ready.GetProperty("state").GetString(), ready.GetProperty("memory_bytes").GetInt32()));
        Assert.Equal(4_096, ready.GetProperty("providers")[0].GetProperty("context_length").GetInt32()); // what its worker has found
        Assert.True(ready.GetProperty("cold_start_seconds").GetDouble() > 1); // learned
        await yard.ApplyAsync(static s => s with { Local = [.. s.Local.Select(static m => m with { Keep = TimeSpan.FromMilliseconds(50) })] }); // not before: whoever looks at one that is ready may come late
        await UntilStateAsync("local/halfway", "cold", yard);
        Assert.Equal(200_000_000, (await ModelAsync("local/halfway", yard)).GetProperty("memory_bytes").GetInt32());
    }

    [Fact]
    public async Task What_its_worker_has_found_decides_which_routes_it_has()
    {
        await _yard.Server.LoadAsync("local/encoder", TestContext.Current.CancellationToken);
        long began = Stopwatch.GetTimestamp();
        while ((await ModelAsync("local/encoder")).GetProperty("architecture").GetProperty("output_modalities")[0].GetString() != "embeddings")
            Assert.True(Stopwatch.GetElapsedTime(began) < GatewayYard.Patience, "the catalogue did not learn that it is an encoder");
        Assert.Equal("no_offer_fits", (await _yard.ChatAsync("local/encoder")).ErrorCode);
    }

    [Fact]
    public async Task The_metrics_tell_of_each_model_and_of_nothing_that_callers_write()
    {
        await _yard.ChatAsync("local/slow");
        await _yard.ChatAsync("local/nobody-has-this");
        await _yard.ChatAsync("local/fails");
        string page = await _yard.Http.GetStringAsync("/metrics");
        foreach (string line in (ReadOnlySpan<string>)[
            "fairlead_local_loads_total{model=\"local/slow\"} 1", "fairlead_local_load_seconds_count{model=\"local/slow\"} 1", "fairlead_local_load_seconds_bucket{model=\"local/slow\",le=\"+Inf\"} 1",
            "fairlead_local_failed_loads_total{model=\"local/fails\"} 1", "fairlead_local_evictions_total{model=\"local/slow\"} 0", "fairlead_local_crashes_total{model=\"local/slow\"} 0",
            "fairlead_local_queue{model=\"local/slow\"} 0", "fairlead_local_busy{model=\"local/slow\"} 0", "fairlead_local_state{model=\"local/slow\",state=\"ready\"} 1",
            "fairlead_local_memory_reserved_bytes{model=\"local/slow\"} 200000000"])
        {
            Assert.Contains($"\n{line}\n", page, StringComparison.Ordinal);
        }
        await UntilAsync(_yard, "fairlead_local_kv_used_ratio{model=\"local/slow\"} 0", "fairlead_local_batch_fill{model=\"local/slow\"} 0"); // with the worker's first word of its health
        HashSet<string> configured = [.. Models.Select(static m => "local/" + m.Name)];
        Assert.All(Regex.Matches(page, "fairlead_local_[a-z_]+\\{model=\"([^\"]*)\"").Select(static m => m.Groups[1].Value), name => Assert.Contains(name, configured));
        Assert.Single(Regex.Matches(page, "(?m)^# TYPE fairlead_local_loads_total counter$"));
    }

    private static readonly (string Name, string Script)[] Models =
    [
        ("good", "good"), ("slow", "good,load=1500,need=200000000"), ("never-ready", "never-ready"), ("large", "good,need=3000000000"), ("fails", "fails"), ("dies-early", "dies-early"),
        ("encoder", "good,kind=embedding"), ("dies-once", "dies-once,hold=answer"), ("held", "good,hold=load"),
        ("halfway", "good,load=1500,hold=half,need=200000000"),
    ];

    private static string Body(string model, string more = "") => $"{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]{more}}}";

    /// <summary>Lets the workers go on that hold.</summary>
    private void LetGoOn() => File.WriteAllText(_folder["journal.go"], "");

    private Task<Answer> AskAsync(string model, params (string, string)[] headers) => _yard.PostAsync(Chat, Body(model), headers);

    private async Task<JsonElement> ModelAsync(string name, GatewayYard? yard = null) =>
        JsonDocument.Parse(await (yard ?? _yard).Http.GetStringAsync("/v1/models/" + name)).RootElement.Clone();

    private Task<string> ListAsync() => _yard.Http.GetStringAsync("/v1/models");

    private async Task UntilStateAsync(string name, string state, GatewayYard? yard = null)
    {
        long began = Stopwatch.GetTimestamp();
        while ((await ModelAsync(name, yard)).GetProperty("state").GetString() != state)
            Assert.True(Stopwatch.GetElapsedTime(began) < GatewayYard.Patience, $"{name} did not become {state}");
    }

    /// <summary>Asks for the metrics until they hold these lines.</summary>
    private static async Task UntilAsync(GatewayYard yard, params string[] lines)
    {
        long began = Stopwatch.GetTimestamp();
        while (true)
        {
            string page = await yard.Http.GetStringAsync("/metrics");
            if (lines.All(line => page.Contains($"\n{line}\n", StringComparison.Ordinal)))
                return;
            Assert.True(Stopwatch.GetElapsedTime(began) < GatewayYard.Patience, $"Did not come about: {string.Join(", ", lines)}\n{page}");
        }
    }

    private Task<GatewayYard> StartAsync(Func<GatewaySettings, GatewaySettings>? change = null) => GatewayYard.StartAsync([], s =>
    {
        s = s with
        {
            Worker = new WorkerCommand(ScriptedWorker.Command.Program, [.. ScriptedWorker.Command.Arguments]),
            Fleet = new FleetSettings { FirstRest = TimeSpan.FromMilliseconds(20), Memory = 2L << 30 },
            Local = [.. Models.Select(m => new LocalModelSettings(m.Name, $"{m.Script}@{_folder["journal"]}"))],
        };
        return change?.Invoke(s) ?? s;
    });

    public async ValueTask InitializeAsync() => _yard = await StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        _folder.Dispose();
    }
}
