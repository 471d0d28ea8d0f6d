using System.CommandLine;
using System.Text.Json.Nodes;
using Fairlead.Api;

namespace Fairlead.Verbs;

/// <summary>What the workers of one model wrote, over as many starts as there were.</summary>
internal static class LogsVerb
{
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(500);

    public static Command Make()
    {
        Argument<string> name = LocalNames.Name();
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on with what comes, until Ctrl-C or the server's end." };
        var verb = new Verb("logs", "Print the last lines that a model's process wrote.", "fairlead logs qwen", "fairlead logs local/qwen -f") { name, follow };
        verb.SetAction((parsed, stop) => CommonOptions.WithServerAsync(parsed, async client =>
        {
            bool json = parsed.GetValue(CommonOptions.Json);
            bool follows = parsed.GetValue(follow);
            LogView log = await client.LogsAsync(parsed.GetValue(name)!, 0, stop);
            if (json && !follows)
            {
                Terminal.Json(log, ApiJson.Default.LogView);
                return ExitCodes.Ok;
            }
            if (log.Lines.Count == 0 && !follows)
                await Console.Error.WriteLineAsync($"{Terminal.Safe(log.Name)} has written nothing yet: it is started by its first request, or by 'fairlead run'.");
            Print(log, json);
            using var timer = new PeriodicTimer(Every, TimeProvider.System);
            while (follows && await timer.WaitForNextTickAsync(stop))
            {
                log = await client.LogsAsync(log.Name, log.Next, stop);
                Print(log, json);
            }
            return ExitCodes.Ok;
        }));
        return verb;
    }

    private static void Print(LogView log, bool json)
    {
        foreach (string line in log.Lines)
        {
            if (json)
                Terminal.Json(new JsonObject { ["name"] = log.Name, ["line"] = line });
            else
                Console.Out.WriteLine(Terminal.Safe(line));
        }
        Console.Out.Flush();
    }
}
