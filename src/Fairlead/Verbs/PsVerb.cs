using System.CommandLine;
using Fairlead.Api;
using Fairlead.Gateway.Settings;

namespace Fairlead.Verbs;

/// <summary>The models that the server runs itself, and where each stands.</summary>
internal static class PsVerb
{
    /// <summary>Twice a second: a load of a small model is over in one.</summary>
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(500);

    public static Command Make()
    {
        var watch = new Option<bool>("--watch", "-w") { Description = "Go on: draw again on a terminal, print a line for each change elsewhere." };
        var verb = new Verb("ps", "List the models that this server runs itself: what is loaded, at work, waited for.", "fairlead ps", "fairlead ps -w", "fairlead ps --json") { watch };
        verb.SetAction((parsed, stop) => CommonOptions.WithServerAsync(parsed, async client =>
        {
            bool json = parsed.GetValue(CommonOptions.Json);
            if (parsed.GetValue(watch))
                return await WatchAsync(client, json, stop);
            LocalFleet fleet = await client.LocalAsync(stop);
            if (json)
                Terminal.Json(fleet, ApiJson.Default.LocalFleet);
            else
                Print(fleet);
            return ExitCodes.Ok;
        }));
        return verb;
    }

    private static async Task<int> WatchAsync(FairleadClient client, bool json, CancellationToken stop)
    {
        bool redraws = !json && Terminal.Redraws(Console.IsOutputRedirected);
        var seen = new Dictionary<string, string>();
        using var timer = new PeriodicTimer(Every, TimeProvider.System);
        do
        {
            LocalFleet fleet = await client.LocalAsync(stop);
            if (redraws)
            {
                await Console.Out.WriteAsync("\x1b[H\x1b[J");
                Print(fleet);
                continue;
            }
            foreach (LocalModelView model in fleet.Models)
            {
                // Figures that only time changes are no change.
                string state = $"{State(model with { RetryInSeconds = null })} busy {model.Busy} waiting {model.Waiting} loads {model.Loads}";
                if (seen.GetValueOrDefault(model.Name) == state)
                    continue;
                seen[model.Name] = state;
                if (json)
                    Terminal.JsonLine(model, ApiJson.Default.LocalModelView);
                else
                    await Console.Out.WriteLineAsync(Line(model));
            }
            foreach (string gone in seen.Keys.Except(fleet.Models.Select(static m => m.Name)).ToList())
            {
                seen.Remove(gone);
                if (!json)
                    await Console.Out.WriteLineAsync($"{Terminal.Safe(gone)}  gone");
            }
            await Console.Out.FlushAsync(stop);
        }
        while (await timer.WaitForNextTickAsync(stop));
        return ExitCodes.Ok;
    }

    private static string Line(LocalModelView model) => Terminal.Safe(
        $"{model.Name}  {State(model)}{(model.MemoryBytes is { } bytes ? $"  {Quantities.Size(bytes)}" : "")}  busy {model.Busy}  waiting {model.Waiting}{(model.Reason is { } why && model.State is "resting" or "parked" ? $"  {model.Reason}" : "")}").ReplaceLineEndings(" ");

    private static void Print(LocalFleet fleet)
    {
        Terminal.Table(
            ["NAME", "STATE", "MEM", "CTX", "SLOTS", "BUSY", "WAITING", "IDLE-IN", "COLD-P50", "SANDBOX"],
            fleet.Models.Select(static m => (IReadOnlyList<string?>)[
                m.Name, State(m), m.MemoryBytes is { } bytes ? Quantities.Size(bytes) : "", m.Context?.ToString(), m.Slots.ToString(), m.Busy.ToString(), m.Waiting.ToString(),
                m.UnloadsInSeconds is { } idle ? Spans.Text(idle) : "", Spans.Text(m.ColdStartSeconds), m.Sandbox]));
        Console.Error.WriteLine($"Memory: {Quantities.Size(fleet.TakenBytes)} of {Quantities.Size(fleet.MemoryBytes)} taken (fleet.memory).");
        foreach (LocalModelView model in fleet.Models.Where(static m => m.Reason is not null && m.State is "resting" or "parked"))
            Console.Error.WriteLine($"{Terminal.Safe(model.Name)}: {Terminal.Safe(model.Reason)} See: fairlead logs {Terminal.Safe(model.Name)}");
    }

    /// <summary>The state with what belongs to it: <c>loading 62 %</c>, <c>resting 5.0 s</c>.</summary>
    internal static string State(LocalModelView model) => model switch
    {
        { State: "loading", Progress: { } share } => $"loading {Math.Floor(share * 100):0} %",
        { State: "resting", RetryInSeconds: { } seconds } => $"resting {Spans.Text(seconds)}",
        _ => model.State,
    };
}
