using System.Globalization;
using Fairlead.Shared;
using Fairlead.Yard;

namespace Fairlead.Conformance.Local;

/// <summary>OpenAI's own JavaScript client where models come and go: cold streams, estimates, failover, and the error that is left.</summary>
[Collection(nameof(OneClientAtATime))]
public sealed class ColdClientTests(LocalCheckpoints checkpoints, ITestOutputHelper output)
{
    [Fact]
    public async Task A_client_finds_every_promise_kept()
    {
        await using var scripted = Yard.ScriptedUpstream.Start();
        scripted.OnBoth("afar", "SSE\nW ck({\"role\":\"assistant\",\"content\":\"from afar\"})\nW fk(stop) ; W uk(3,2) ; W done", "JS\nW full(from afar)");
        await using LocalYard yard = await LocalYard.StartAsync($$"""
            local:
              large: { source: {{checkpoints.Large}}, slots: 1 }
              small: { source: {{checkpoints.Small}}, slots: 2 }
              shared: { source: {{checkpoints.Small}}, slots: 2, model: acme/Shared }
            providers:
              scripted:
                url: {{scripted.Url}}
                models:
                  acme/Shared: { as: afar, input: 1, output: 2, context: 32K }
            """);
        var variables = new Dictionary<string, string>
        {
            ["BASE_URL"] = yard.Fairlead.BaseUrl + "/v1",
            ["KEY"] = yard.Fairlead.FirstKey,
            ["LARGE_MODEL"] = "local/large",
            ["SMALL_MODEL"] = "local/small",
            ["SHARED_MODEL"] = "acme/Shared",
            ["FAIRLEAD"] = Checkout.Binary,
            ["CONFIG"] = yard.Fairlead.ConfigPath,
            ["GATEWAY_PID"] = yard.Fairlead.ProcessId.ToString(CultureInfo.InvariantCulture),
        };

        IReadOnlyList<ScenarioLine> lines = await JavaScriptClients.RunAsync("local-cold.mjs", variables, TestContext.Current.CancellationToken);

        foreach (ScenarioLine line in lines)
            output.WriteLine($"{(line.Ok ? "ok" : "BROKEN")}  {line.Scenario}  {line.Detail}");
        Assert.True(lines.All(static line => line.Ok), string.Join('\n', lines.Where(static l => !l.Ok)) + yard.Fairlead.Output);
        Assert.Equal(9, lines.Count);
        await yard.VerifyLedgerAsync();
    }
}
