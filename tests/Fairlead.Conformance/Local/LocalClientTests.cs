namespace Fairlead.Conformance.Local;

/// <summary>The vendors' own JavaScript clients against models that the product runs itself.</summary>
[Collection(nameof(OneClientAtATime))]
public sealed class LocalClientTests(LocalGateway gateway, ITestOutputHelper output)
{
    // The count keeps a scenario from being lost without a word.
    [Theory]
    [InlineData("local.mjs", 10)]
    [InlineData("local-anthropic.mjs", 7)]
    public async Task A_client_finds_every_promise_kept(string script, int scenarios)
    {
        var variables = new Dictionary<string, string>
        {
            ["BASE_URL"] = gateway.Process.BaseUrl.ToString(),
            ["KEY"] = gateway.Process.Key,
            ["FOLDER_MODEL"] = "local/qwen",
            ["TOOL_MODEL"] = "local/caller",
            ["ENCODER_MODEL"] = LocalGateway.Encoder is null ? "" : "local/minilm",
        };
        IReadOnlyList<ScenarioLine> lines = await JavaScriptClients.RunAsync(script, variables, TestContext.Current.CancellationToken);

        foreach (ScenarioLine line in lines)
            output.WriteLine($"{(line.Ok ? "ok" : "BROKEN")}  {line.Client}: {line.Scenario}  {line.Detail}");
        string broken = string.Join('\n', lines.Where(static l => !l.Ok).Select(static l => $"{l.Client}: {l.Scenario}: {l.Detail}"));
        Assert.True(broken.Length == 0, $"{broken}\n{gateway.Process.Output}");
        Assert.Equal(script == "local.mjs" && LocalGateway.Encoder is not null ? scenarios + 1 : scenarios, lines.Count); // one scenario is for the encoder
    }
}
