using Fairlead.Domain.Inference;

namespace Fairlead.Conformance;

/// <summary>The vendors' own JavaScript clients, unmodified.</summary>
[Collection(nameof(OneClientAtATime))]
public sealed class JavaScriptClientTests(Gateway gateway, ITestOutputHelper output)
{
    // The counts keep a scenario from being lost without a word.
    [Theory]
    [InlineData("openai.mjs", Dialect.OpenAi, 44, 5)]
    [InlineData("openai.mjs", Dialect.Anthropic, 42, 5)]
    [InlineData("openai-4.mjs", Dialect.OpenAi, 44, 5)]
    [InlineData("openai-4.mjs", Dialect.Anthropic, 42, 5)]
    [InlineData("huggingface.mjs", Dialect.OpenAi, 18, 2)]
    [InlineData("vercel-ai.mjs", Dialect.OpenAi, 24, 2)]
    [InlineData("vercel-ai.mjs", Dialect.Anthropic, 21, 2)]
    [InlineData("vercel-ai-anthropic.mjs", Dialect.OpenAi, 19, 2)]
    [InlineData("vercel-ai-anthropic.mjs", Dialect.Anthropic, 19, 2)]
    [InlineData("anthropic.mjs", Dialect.OpenAi, 42, 4)]
    [InlineData("anthropic.mjs", Dialect.Anthropic, 46, 4)]
    [InlineData("anthropic-0.mjs", Dialect.OpenAi, 42, 4)]
    [InlineData("anthropic-0.mjs", Dialect.Anthropic, 46, 4)]
    public async Task A_client_finds_every_promise_kept(string script, Dialect spoken, int scenarios, int hangUps)
    {
        int before = gateway.HangUps;

        IReadOnlyList<ScenarioLine> lines = await JavaScriptClients.RunAsync(script, gateway, spoken, TestContext.Current.CancellationToken);

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
