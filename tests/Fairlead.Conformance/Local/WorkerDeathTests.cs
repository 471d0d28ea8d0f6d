using System.Net;
using System.Text.Json.Nodes;

namespace Fairlead.Conformance.Local;

/// <summary>Workers that are killed, stopped or broken from outside, as the system's own killer or a bug would: only their own requests fail, and each says why.</summary>
public sealed class WorkerDeathTests(LocalCheckpoints checkpoints)
{
    /// <summary>Goes on until the context is full: half a minute and more.</summary>
    internal const string Endless = ""","max_tokens":1900,"min_tokens":1900,"logit_bias":{"5":-100}""";

    private string Two => TwoOf(checkpoints.Small);

    internal static string TwoOf(string model) => $$"""
        local:
          one: { source: {{model}}, slots: 2 }
          two: { source: {{model}}, slots: 2 }
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
        int first = await yard.WorkerOfAsync("local/one");
        Processes.Signal(first, "STOP"); // so that it has not begun to answer, however late this sees that it was asked
        Task<LocalAnswer> asked = yard.AskAsync("local/one", ""","max_tokens":100,"min_tokens":100,"logit_bias":{"5":-100}""");
        await yard.UntilAsync(async () => await yard.MetricAsync("fairlead_local_busy", "local/one") > 0, "the request has its place in the worker");

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
        await using LocalYard yard = await LocalYard.StartAsync($$"""
            local:
              one: { source: {{checkpoints.Large}}, slots: 1 }
              two: { source: {{checkpoints.Small}}, slots: 1 }
            """);
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
}
