namespace Fairlead.Conformance;

/// <summary>The vendors' own JavaScript clients, unmodified.</summary>
[Collection(nameof(OneClientAtATime))]
public sealed class JavaScriptClientTests(Gateway gateway, ITestOutputHelper output)
{
    // The counts keep a scenario from being lost without a word.
    [Theory]
    [InlineData("openai.mjs", 43, 5)]
    [InlineData("openai-4.mjs", 43, 5)]
    [InlineData("huggingface.mjs", 18, 2)]
    [InlineData("vercel-ai.mjs", 23, 2)]
    public async Task A_client_finds_every_promise_kept(string script, int scenarios, int hangUps)
    {
        int before = gateway.Upstream.HangUps;

        IReadOnlyList<ScenarioLine> lines = await JavaScriptClients.RunAsync(script, gateway, TestContext.Current.CancellationToken);

        foreach (ScenarioLine line in lines)
            output.WriteLine($"{(line.Ok ? "ok" : "BROKEN")}  {line.Client}: {line.Scenario}  {line.Detail}");
        string broken = string.Join('\n', lines.Where(static l => !l.Ok).Select(static l => $"{l.Client}: {l.Scenario}: {l.Detail}"));
        Assert.True(broken.Length == 0, $"{broken}\n{gateway.Process.Output}");
        Assert.Equal(scenarios, lines.Count);
        await gateway.HungUpAsync(before + hangUps);
    }
}

/// <summary>Clients take turns: each counts how many of its requests the provider saw broken off.</summary>
[CollectionDefinition(nameof(OneClientAtATime), DisableParallelization = true)]
public sealed class OneClientAtATime;
