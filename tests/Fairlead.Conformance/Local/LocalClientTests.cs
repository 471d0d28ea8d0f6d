namespace Fairlead.Conformance.Local;

/// <summary>OpenAI's own JavaScript client against models that the product runs itself.</summary>
[Collection(nameof(OneClientAtATime))]
public sealed class LocalClientTests(LocalGateway gateway, ITestOutputHelper output)
{
    // The count keeps a scenario from being lost without a word.
    [Fact]
    public async Task A_client_finds_every_promise_kept()
    {
        var variables = new Dictionary<string, string>
        {
            ["BASE_URL"] = gateway.Process.BaseUrl.ToString(),
            ["KEY"] = gateway.Process.Key,
            ["FOLDER_MODEL"] = "local/qwen",
            ["TOOL_MODEL"] = "local/caller",
            ["ENCODER_MODEL"] = LocalGateway.Encoder is null ? "" : "local/minilm",
        };
        IReadOnlyList<ScenarioLine> lines = await JavaScriptClients.RunAsync("local.mjs", variables, TestContext.Current.CancellationToken);

        foreach (ScenarioLine line in lines)
            output.WriteLine($"{(line.Ok ? "ok" : "BROKEN")}  {line.Client}: {line.Scenario}  {line.Detail}");
        string broken = string.Join('\n', lines.Where(static l => !l.Ok).Select(static l => $"{l.Client}: {l.Scenario}: {l.Detail}"));
        Assert.True(broken.Length == 0, $"{broken}\n{gateway.Process.Output}");
        Assert.Equal(LocalGateway.Encoder is null ? 10 : 11, lines.Count);
    }
}
