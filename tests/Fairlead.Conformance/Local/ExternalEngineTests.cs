using System.Diagnostics;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Shared;

namespace Fairlead.Conformance.Local;

/// <summary>A real llama-server behind the same contract as our own worker: started when it is asked for, metered, killed, unloaded, and never left behind.</summary>
[Collection(nameof(OneClientAtATime))]
public sealed class ExternalEngineTests(LocalCheckpoints checkpoints, ITestOutputHelper output)
{
    private const string Known = "Fairlead is an inference hub that you run yourself.";

    /// <summary>By the engine's name alone, whose command line the product knows, and by a command of the operator's.</summary>
    private string Both => $$"""
        local:
          named: { engine: llama-server, source: {{checkpoints.GuideGguf}}, context: 512, slots: 2, threads: 1, memory: 1GiB }
          told: { engine: llama-server, source: {{checkpoints.GuideGguf}}, memory: 1GiB, keep: 2s, command: ["{{LlamaServer.Program}}", "-m", "{source}", "--host", "127.0.0.1", "--port", "{port}", "-c", "1024", "--parallel", "2", "--alias", "{name}"] }
        """;

    /// <summary>The same weights in another's engine: the reference's answers, word for word.</summary>
    [Theory]
    [InlineData("local/named")]
    [InlineData("local/told")]
    public async Task It_answers_word_for_word_as_the_reference_of_its_weights_does(string model)
    {
        LlamaServer.SkipUnlessInstalled();
        await using LocalYard yard = await LocalYard.StartAsync(Both, LlamaServer.OnPath);
        using JsonDocument expected = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Checkout.Root, "tests", "data", "guide", "expected.json"), TestContext.Current.CancellationToken));
        string known = expected.RootElement.GetProperty("cases").EnumerateArray().First(static one => one.GetProperty("messages")[0].GetProperty("content").GetString() == "What is Fairlead?").GetProperty("text").GetString()!;

        LocalAnswer whole = await yard.AskAsync(model, ",\"temperature\":0");
        Assert.True(whole.Status == HttpStatusCode.OK, whole.Text);
        Assert.Equal(known, whole.Content);
        await yard.WorkerOfAsync("/llama/server/program"); // and nobody else has said it
        Assert.Equal(38, (int)whole.Json["usage"]!["completion_tokens"]!);
        using LocalStream stream = await yard.StreamAsync(model, ",\"temperature\":0");
        await stream.ReadAllAsync();
        Assert.Equal(known, stream.Content);
        Assert.True(stream.Done);
        JsonNode record = await yard.RecordAsync(stream.Id);
        Assert.Equal("ok", (string?)record["end_reason"]);
        Assert.Equal(38, (int)record["usage"]!["output_tokens"]!);
        Assert.Equal(model, (string?)stream.Events.Where(static e => e.StartsWith('{')).Select(static e => JsonNode.Parse(e)!["model"]).First());
        await yard.VerifyLedgerAsync();
    }

    [Fact]
    public async Task OpenAIs_client_finds_every_promise_kept()
    {
        LlamaServer.SkipUnlessInstalled();
        await using LocalYard yard = await LocalYard.StartAsync(Both, LlamaServer.OnPath);
        IReadOnlyList<ScenarioLine> lines = await JavaScriptClients.RunAsync(
            "local-engine.mjs",
            new Dictionary<string, string> { ["BASE_URL"] = yard.Fairlead.BaseUrl + "/v1", ["KEY"] = yard.Fairlead.FirstKey, ["MODEL"] = "local/named" },
            TestContext.Current.CancellationToken);
        foreach (ScenarioLine line in lines)
            output.WriteLine($"{(line.Ok ? "ok" : "BROKEN")}  {line.Scenario}  {line.Detail}");
        Assert.True(lines.All(static line => line.Ok), string.Join('\n', lines.Where(static l => !l.Ok)) + yard.Fairlead.Output);
        Assert.Equal(5, lines.Count);
    }

    [Fact]
    public async Task Killed_in_mid_answer_it_ends_that_stream_with_the_reason_and_the_next_request_starts_it_again()
    {
        LlamaServer.SkipUnlessInstalled();
        await using LocalYard yard = await LocalYard.StartAsync($$"""
            local:
              slow: { engine: llama-server, source: {{checkpoints.GuideGguf}}, context: 8192, slots: 1, threads: 1, memory: 1GiB }
            """, LlamaServer.OnPath);
        using LocalStream stream = await yard.StreamAsync("local/slow", ""","max_tokens":8000,"ignore_eos":true,"logit_bias":{"5":-100}""");
        await stream.ReadUntilAsync(static s => s.Content.Length > 0);
        int engine = await yard.WorkerOfAsync("/llama/server/program");

        Processes.Signal(engine, "STOP"); // it is fast: held still until it is killed, so that it cannot be done before
        Processes.Signal(engine, "KILL");

        await stream.ReadAllAsync();
        Assert.Equal("worker_crash", (string?)stream.Error?["code"]);
        Assert.False(stream.Done);
        LocalAnswer next = await yard.AskAsync("local/slow", ",\"temperature\":0");
        Assert.True(next.Status == HttpStatusCode.OK, next.Text);
        Assert.StartsWith(Known, next.Content, StringComparison.Ordinal);
        Assert.NotEqual(engine, await yard.WorkerOfAsync("/llama/server/program"));
        Assert.Contains("load_model", (await yard.Fairlead.CliAsync("logs", "slow")).Stdout, StringComparison.Ordinal); // its own log, as it wrote it
    }

    [Fact]
    public async Task It_is_unloaded_when_nobody_has_used_it_for_its_time_and_loaded_by_the_next_request()
    {
        LlamaServer.SkipUnlessInstalled();
        await using LocalYard yard = await LocalYard.StartAsync(Both, LlamaServer.OnPath);
        Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("local/told")).Status);
        int engine = await yard.WorkerOfAsync("/llama/server/program");
        long asked = Stopwatch.GetTimestamp();
        Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("local/told")).Status); // its time begins anew after this, and so after it was asked

        await yard.UntilAsync(() => !Processes.Lives(engine), "it is unloaded");

        Assert.True(Stopwatch.GetElapsedTime(asked) >= TimeSpan.FromSeconds(1.9), "it was unloaded before its time was over");
        Assert.Empty(yard.Workers());
        Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("local/told")).Status);
    }

    /// <summary>It knows nothing of our pipe; the system ends it with its parent all the same.</summary>
    [Fact]
    public async Task A_gateway_that_is_killed_takes_it_along()
    {
        LlamaServer.SkipUnlessInstalled();
        await using LocalYard yard = await LocalYard.StartAsync(Both, LlamaServer.OnPath);
        Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("local/named")).Status);
        Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("local/told")).Status);
        int[] engines = [.. yard.Workers()];
        Assert.Equal(2, engines.Length);

        await yard.Fairlead.KillAsync();

        await yard.UntilAsync(() => !engines.Any(Processes.Lives), "the engines are gone");
        await yard.Fairlead.RestartAsync();
        Assert.Equal(HttpStatusCode.OK, (await yard.AskAsync("local/named")).Status);
        Assert.Single(yard.Workers());
    }
}
