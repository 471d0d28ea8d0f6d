using System.Net;
using System.Text.Json.Nodes;

namespace Fairlead.Conformance.Local;

/// <summary>Workers that are killed, stopped or broken from outside, as the system's own killer or a bug would: only their own requests fail, and each says why.</summary>
public sealed class WorkerDeathTests(LocalCheckpoints checkpoints)
{
    /// <summary>Goes on until the context is full: half a minute and more.</summary>
    private const string Endless = ""","max_tokens":1900,"min_tokens":1900,"logit_bias":{"5":-100}""";

    private string Two => $$"""
        local:
          one: { source: {{checkpoints.Small}}, slots: 2 }
          two: { source: {{checkpoints.Small}}, slots: 2 }
        """;

    [Fact]
    public async Task Killed_in_mid_answer_it_ends_its_stream_with_the_reason_and_no_other_model_notices()
    {
        await using LocalYard yard = await LocalYard.StartAsync(Two);
        using LocalStream doomed = await yard.StreamAsync("local/one", Endless);
        using LocalStream other = await yard.StreamAsync("local/two", Endless);
        await doomed.ReadUntilAsync(static s => s.Content.Length > 0);
        await other.ReadUntilAsync(static s => s.Content.Length > 0);
        int bystander = await yard.WorkerOfAsync("local/two");

        Processes.Signal(await yard.WorkerOfAsync("local/one"), "KILL");

        await doomed.ReadAllAsync();
        Assert.Equal("worker_crash", (string?)doomed.Error?["code"]);
        Assert.True(doomed.Content.Length > 0);
        Assert.False(doomed.Done);
        int seen = other.Events.Count;
        Assert.True(await other.ReadUntilAsync(s => s.Events.Count > seen + 5), "the other model's stream ended");
        Assert.Null(other.Error);
        Assert.Equal(bystander, await yard.WorkerOfAsync("local/two"));
        JsonNode record = await yard.RecordAsync(doomed.Id);
        Assert.Equal("worker_crash", (string?)record["end_reason"]);
        Assert.Equal(0, (long?)record["cost_nano_usd"]);

        LocalAnswer next = await yard.AskAsync("local/one", ",\"max_tokens\":2");
        Assert.True(next.Status == HttpStatusCode.OK, next.Text);
        other.Dispose();
        await yard.VerifyLedgerAsync();
    }

    [Fact]
    public async Task Killed_before_a_byte_of_the_answer_left_it_is_asked_once_more_and_the_caller_sees_nothing()
    {
        await using LocalYard yard = await LocalYard.StartAsync(Two);
        Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("local/one", ",\"max_tokens\":1")).Status);
        Task<LocalAnswer> asked = yard.AskAsync("local/one", ""","max_tokens":100,"min_tokens":100,"logit_bias":{"5":-100}""");
        int first = await yard.WorkerOfAsync("local/one");
        await yard.UntilAsync(async () => await yard.MetricAsync("fairlead_local_busy", "local/one") > 0, "the worker has the request");

        Processes.Signal(first, "KILL");

        LocalAnswer answer = await asked;
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Text);
        Assert.Equal(100, (int)answer.Json["usage"]!["completion_tokens"]!);
        Assert.NotEqual(first, await yard.WorkerOfAsync("local/one"));
        await yard.VerifyLedgerAsync();
    }

    [Fact]
    public async Task Killed_in_mid_load_every_waiter_is_told_once_and_the_next_load_comes_after_a_rest()
    {
        await using LocalYard yard = await LocalYard.StartAsync(Two);
        Task<LocalAnswer>[] waiters = [.. Enumerable.Range(0, 5).Select(_ => yard.AskAsync("local/one", ",\"max_tokens\":2"))];
        int loading = await yard.WorkerOfAsync("local/one");
        Processes.Signal(loading, "STOP"); // so that all five wait for this load
        await yard.UntilAsync(async () => await yard.MetricAsync("fairlead_local_queue", "local/one") >= 5, "all five wait");

        Processes.Signal(loading, "KILL");

        foreach (LocalAnswer answer in await Task.WhenAll(waiters))
        {
            Assert.True(answer.Status == HttpStatusCode.ServiceUnavailable, answer.Text);
            Assert.Equal("worker_load_failed", answer.Code);
            Assert.InRange(answer.RetryAfter ?? 0, 1, 6);
            Assert.DoesNotContain(Path.GetTempPath(), answer.Message, StringComparison.Ordinal);
        }
        Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("local/two", ",\"max_tokens\":2")).Status);
        LocalAnswer resting = await yard.AskAsync("local/one", ",\"max_tokens\":2");
        if (resting.Status != HttpStatusCode.OK) // refused while it rests, or waited for the end of the rest: both are promised
            Assert.Equal("worker_load_failed", resting.Code);
        LocalAnswer? later = null;
        await yard.UntilAsync(async () => (later = await yard.AskAsync("local/one", ",\"max_tokens\":2")).Status == HttpStatusCode.OK, "it is loaded after its rest");
        Assert.Equal("worker_load_failed", (string?)(await yard.RecordAsync((await waiters[0]).Id))["end_reason"]);
    }

    [Fact]
    public async Task Three_deaths_within_a_minute_take_it_out_of_the_catalogue_and_an_operator_brings_it_back()
    {
        await using LocalYard yard = await LocalYard.StartAsync(Two);
        for (int death = 0; death < 3; death++)
        {
            LocalAnswer answer = await yard.AskAsync("local/one", ",\"max_tokens\":2");
            Assert.True(answer.Status == HttpStatusCode.OK, answer.Text);
            int worker = await yard.WorkerOfAsync("local/one");
            Processes.Signal(worker, "KILL");
            await yard.UntilAsync(() => !Processes.Lives(worker), "it is dead");
        }
        await yard.UntilAsync(async () => await yard.ListedAsync("local/one") is null, "it is out of the catalogue");

        LocalAnswer refused = await yard.AskAsync("local/one", ",\"max_tokens\":2");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.Status);
        Assert.Equal("worker_parked", refused.Code);
        Assert.Null(refused.RetryAfter); // waiting does not help
        Assert.Equal("parked", (string?)(await yard.StatusAsync("local/one"))["state"]);
        Assert.NotNull(await yard.ListedAsync("local/two"));
        // New files are new terms: what the operator mended is tried at once.
        File.SetLastWriteTimeUtc(Path.Combine(checkpoints.Small, "config.json"), DateTime.UtcNow);
        Yard.CliResult back = await yard.Fairlead.CliAsync("run", checkpoints.Small, "--name", "one");
        Assert.True(back.ExitCode == 0, back.Stdout + back.Stderr);
        Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("local/one", ",\"max_tokens\":2")).Status);
    }

    [Fact]
    public async Task Stopped_in_mid_answer_it_is_found_silent_killed_and_replaced()
    {
        await using LocalYard yard = await LocalYard.StartAsync(Two);
        using LocalStream stream = await yard.StreamAsync("local/one", Endless);
        await stream.ReadUntilAsync(static s => s.Content.Length > 0);
        int frozen = await yard.WorkerOfAsync("local/one");

        Processes.Signal(frozen, "STOP");

        await stream.ReadAllAsync(); // at most three questions after its health, five seconds each, and as long for their answers
        Assert.Equal("worker_crash", (string?)stream.Error?["code"]);
        await yard.UntilAsync(() => !Processes.Lives(frozen), "the stopped process is killed");
        Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("local/two", ",\"max_tokens\":2")).Status);
        LocalAnswer next = await yard.AskAsync("local/one", ",\"max_tokens\":2");
        Assert.True(next.Status == HttpStatusCode.OK, next.Text);
    }
}
