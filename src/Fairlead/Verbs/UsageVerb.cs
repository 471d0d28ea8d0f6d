using System.CommandLine;
using Fairlead.Api;

namespace Fairlead.Verbs;

internal static class UsageVerb
{
    public static Command Make()
    {
        var since = new Option<string?>("--since") { Description = "A day such as 2026-11-01, or 7d; the first of this month by default." };
        var by = new Option<string>("--by") { Description = "Any of model, key, day, provider, with commas.", DefaultValueFactory = static _ => "model" };
        var verb = new Command("usage", "Sum up requests, tokens and money.\n\nExamples:\n  fairlead usage\n  fairlead usage --by key,day --since 7d") { since, by };
        verb.SetAction((parsed, stop) => CommonOptions.WithServerAsync(parsed, async client =>
        {
            List<UsageLine> lines = await client.UsageAsync(parsed.GetValue(since) ?? "", parsed.GetValue(by)!, stop);
            if (parsed.GetValue(CommonOptions.Json))
            {
                Terminal.Json(lines, ApiJson.Default.ListUsageLine);
                return ExitCodes.Ok;
            }
            Terminal.Table(["DAY", "KEY", "MODEL", "PROVIDER", "REQUESTS", "FAILED", "IN", "OUT", "$"], lines.Select(static l => (IReadOnlyList<string?>)[
                l.Day, l.Key, l.Model, l.Provider, l.Requests.ToString(), l.Failed.ToString(), l.InputTokens.ToString(), l.OutputTokens.ToString(), l.CostUsd]));
            return ExitCodes.Ok;
        }));
        return verb;
    }
}
