using System.Net;
using System.Text.Json.Nodes;

namespace Fairlead.Conformance.Local;

/// <summary>L-01 for a model that is priced by the hour: whenever the gateway is killed, each of its requests is on the ledger once, and all money is accounted for.</summary>
public sealed class MeteredDeathTests(LocalCheckpoints checkpoints)
{
    private const string Endless = ""","max_tokens":1900,"min_tokens":1900,"logit_bias":{"5":-100}""";

    /// <summary>$3.60 an hour for the 60 s that a request may run.</summary>
    private const long Held = 60_000_000;

    [Fact]
    public async Task Killed_in_the_middle_of_answers_each_is_closed_once_as_interrupted_with_all_that_it_held()
    {
        await using LocalYard yard = await LocalYard.StartAsync($$"""
            local:
              priced: { source: {{checkpoints.Small}}, slots: 2, price: $3.60/hour }
            dispatch: { total: 60s }
            """);
        var interrupted = new List<string>();
        long answered = 0;
        for (int round = 0; round < 3; round++)
        {
            using LocalStream one = await yard.StreamAsync("local/priced", Endless);
            using LocalStream two = await yard.StreamAsync("local/priced", Endless);
            Assert.True(await one.ReadUntilAsync(static s => s.Content.Length > 0));
            Assert.True(await two.ReadUntilAsync(static s => s.Content.Length > 0));
            interrupted.AddRange([one.Id, two.Id]);

            await yard.Fairlead.KillAsync();
            await yard.Fairlead.RestartAsync();

            LocalAnswer whole = await yard.AskAsync("local/priced", ",\"max_tokens\":2");
            Assert.Equal(HttpStatusCode.OK, whole.Status);
            JsonNode record = await yard.RecordAsync(whole.Id);
            decimal seconds = (decimal)record["usage"]!["compute_seconds"]!;
            long cost = (long)record["cost_nano_usd"]!;
            Assert.InRange(seconds, 0.000001m, 60m);
            Assert.Equal((long)Math.Ceiling(seconds * 1_000_000), cost); // $3.60 an hour is a million nano-dollars a second
            Assert.Equal(seconds, decimal.Parse(whole.Headers.GetValues("x-compute-time").Single(), System.Globalization.CultureInfo.InvariantCulture));
            answered += cost;
        }
        foreach (string id in interrupted)
        {
            JsonNode record = await yard.RecordAsync(id);
            Assert.Equal(("interrupted", Held, Held, "estimated"), ((string?)record["end_reason"], (long)record["reserved_nano_usd"]!, (long)record["cost_nano_usd"]!, (string?)record["usage"]!["source"]));
        }
        await yard.VerifyLedgerAsync();
        Yard.CliResult usage = await yard.Fairlead.CliAsync("usage", "--by", "day", "--json");
        Assert.True(usage.ExitCode == 0, usage.Stderr);
        JsonArray days = JsonNode.Parse(usage.Stdout)!.AsArray();
        Assert.Equal(9, days.Sum(static day => (long)day!["requests"]!)); // six that were interrupted and three that were answered: none missing, none twice
        Assert.Equal(6 * Held + answered, days.Sum(static day => (long)(decimal.Parse((string)day!["cost_usd"]!, System.Globalization.CultureInfo.InvariantCulture) * 1_000_000_000)));
    }
}
