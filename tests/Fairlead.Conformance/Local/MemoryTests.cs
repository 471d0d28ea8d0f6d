using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Fairlead.Shared;

namespace Fairlead.Conformance.Local;

/// <summary>The budget of memory: what never fits, what fits one after the other, and a process that takes more than it said.</summary>
public sealed class MemoryTests(LocalCheckpoints checkpoints)
{
    [Fact]
    public async Task A_model_that_can_never_fit_is_refused_with_what_it_needs_and_what_there_is()
    {
        await using LocalYard yard = await LocalYard.StartAsync($$"""
            local:
              large: { source: {{checkpoints.Large}}, slots: 1 }
            fleet: { memory: 300MiB }
            """);

        LocalAnswer refused = await yard.AskAsync("local/large");

        Assert.True(refused.Status == HttpStatusCode.ServiceUnavailable, refused.Text);
        Assert.Equal("worker_load_failed", refused.Code);
        Assert.Contains("300 MiB", refused.Message, StringComparison.Ordinal);
        Assert.Matches("[0-9]+(\\.[0-9]+)? MiB", refused.Message);
        Assert.Null(refused.RetryAfter); // waiting does not help
        await yard.UntilAsync(() => yard.Workers().Count == 0, "the worker that only measured is gone");
        Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("fairlead/guide")).Status);
    }

    /// <summary>W-04: a swap waits for the answers under way, and breaks none off.</summary>
    [Fact]
    public async Task Two_models_that_do_not_fit_together_are_both_served_in_turn_and_never_held_at_once()
    {
        long need = await NeedAsync();
        await using LocalYard yard = await LocalYard.StartAsync($$"""
            guide: false
            local:
              one: { source: {{checkpoints.Small}}, slots: 1 }
              two: { source: {{checkpoints.Small}}, slots: 1 }
            fleet: { memory: {{need * 3 / 2}} }
            """);
        for (int turn = 0; turn < 4; turn++)
        {
            string model = turn % 2 == 0 ? "local/one" : "local/two";
            LocalAnswer answer = await yard.AskAsync(model, ",\"max_tokens\":2");
            Assert.True(answer.Status == HttpStatusCode.OK, answer.Text);
            int holder = Assert.Single(yard.Workers());
            Assert.Contains(model, Processes.CommandLine(holder), StringComparison.Ordinal);
        }
        Assert.Equal(2, await yard.MetricAsync("fairlead_local_evictions_total", "local/one"));
        Assert.Equal(1, await yard.MetricAsync("fairlead_local_evictions_total", "local/two"));

        // Asked for while the other answers: that answer ends as it should, then the memory changes hands.
        using LocalStream running = await yard.StreamAsync("local/two", ""","max_tokens":60,"min_tokens":60,"logit_bias":{"5":-100}""");
        await running.ReadUntilAsync(static s => s.Content.Length > 0);
        Task<LocalAnswer> waiting = yard.AskAsync("local/one", ",\"max_tokens\":2");
        await running.ReadAllAsync();
        Assert.Null(running.Error);
        Assert.True(running.Done);
        Assert.Equal(HttpStatusCode.OK, (await waiting).Status);
        await yard.VerifyLedgerAsync();
    }

    /// <summary>What a model says that it needs is its limit: a process that takes more dies of it, and nobody else does.</summary>
    [Fact]
    public async Task An_engine_that_takes_more_than_its_memory_dies_alone_and_its_caller_is_answered_by_the_next()
    {
        string engine = Path.Combine(Checkout.Root, "tests", "Fairlead.Conformance", "Local", "scripted-engine.mjs");
        await using LocalYard yard = await LocalYard.StartAsync($$"""
            local:
              hoarder: { source: {{checkpoints.GuideGguf}}, memory: 1GiB, command: ["node", "--max-old-space-size=64", "{{engine}}", "hoards", "{port}"] }
              whole: { source: {{checkpoints.Small}}, slots: 1 }
            """);
        Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("local/whole", ",\"max_tokens\":2")).Status);
        int bystander = await yard.WorkerOfAsync("local/whole");
        LocalAnswer answer = await yard.AskAsync("local/hoarder");
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Text);

        int asked = 1;
        for (; asked < 40 && await yard.MetricAsync("fairlead_local_crashes_total", "local/hoarder") == 0; asked++)
            answer = await yard.AskAsync("local/hoarder");

        Assert.InRange(asked, 12, 26); // 64 MB each: within its gibibyte it lived, and beyond it and the half one of headroom it did not
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Text); // asked once more, of the next process
        Assert.Equal(bystander, await yard.WorkerOfAsync("local/whole"));
        Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("local/whole", ",\"max_tokens\":2")).Status);
        Assert.Contains("taking 64 MB more", (await yard.Fairlead.CliAsync("logs", "hoarder")).Stdout, StringComparison.Ordinal);
    }

    /// <summary>W-01.</summary>
    [Fact]
    public async Task A_thousand_requests_to_a_cold_model_cause_one_load_and_each_is_answered_or_told_when_to_come_back()
    {
        await using LocalYard yard = await LocalYard.StartAsync("""
            limits: { running: 2000 }
            fleet: { queue: 512 }
            """);
        LocalAnswer[] answers = await Task.WhenAll(Enumerable.Range(0, 1000).Select(_ => yard.AskAsync("fairlead/guide", ",\"max_tokens\":1")));

        int served = answers.Count(static a => a.Status == HttpStatusCode.OK);
        LocalAnswer[] refused = [.. answers.Where(static a => a.Status != HttpStatusCode.OK)];
        Assert.InRange(served, 512, 1000);
        Assert.All(refused, static a =>
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, a.Status);
            Assert.Equal("overloaded", a.Code);
            Assert.InRange(a.RetryAfter ?? 0, 1, 600);
        });
        Assert.Equal(1, await yard.MetricAsync("fairlead_local_loads_total", "fairlead/guide"));
        Assert.Single(yard.Workers());
        JsonNode status = await yard.StatusAsync("fairlead/guide");
        Assert.Equal(0, (int)status["busy"]!);
        Assert.Equal(0, (int)status["waiting"]!);
        await yard.VerifyLedgerAsync();
    }

    /// <summary>What the small model needs in one slot, by its worker's own account.</summary>
    private async Task<long> NeedAsync()
    {
        await using LocalYard yard = await LocalYard.StartAsync($$"""
            local:
              one: { source: {{checkpoints.Small}}, slots: 1 }
            """);
        Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("local/one", ",\"max_tokens\":2")).Status);
        JsonNode entry = (await yard.ListedAsync("local/one"))!;
        long need = long.Parse(entry["memory_bytes"]!.ToString(), CultureInfo.InvariantCulture);
        Assert.InRange(need, new FileInfo(Path.Combine(checkpoints.Small, "model.safetensors")).Length, 1L << 30);
        return need;
    }
}
