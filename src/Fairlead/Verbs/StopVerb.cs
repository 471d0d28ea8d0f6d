using System.CommandLine;
using Fairlead.Api;
using Fairlead.Gateway.Settings;

namespace Fairlead.Verbs;

/// <summary>Unloads a model that the server runs itself. Its next request loads it again.</summary>
internal static class StopVerb
{
    public static Command Make()
    {
        Argument<string> name = LocalNames.Name();
        var now = new Option<bool>("--now") { Description = "Break off what it is answering, in place of letting it finish." };
        var verb = new Verb("stop", "Unload a model: it finishes what it has begun, and its memory is free.", "fairlead stop qwen", "fairlead stop local/qwen --now") { name, now };
        verb.SetAction((parsed, stop) => CommonOptions.WithServerAsync(parsed, async client =>
        {
            StopReport report = await client.StopAsync(parsed.GetValue(name)!, parsed.GetValue(now), stop);
            if (parsed.GetValue(CommonOptions.Json))
            {
                Terminal.Json(report, ApiJson.Default.StopReport);
                return ExitCodes.Ok;
            }
            await Console.Out.WriteLineAsync(report.FreedBytes == 0
                ? $"{Terminal.Safe(report.Name)} was not loaded."
                : $"{Terminal.Safe(report.Name)}: freed {Quantities.Size(report.FreedBytes)}{(report.BrokenOff > 0 ? $", requests broken off: {report.BrokenOff}" : "")}.");
            await Console.Error.WriteLineAsync("Its next request loads it again. See: fairlead ps");
            return ExitCodes.Ok;
        }));
        return verb;
    }
}
