using System.CommandLine;
using System.Globalization;
using Fairlead.Api;

namespace Fairlead.Verbs;

internal static class UsageVerb
{
    public static Command Make()
    {
        var since = new Option<string?>("--since") { Description = "A day such as 2026-11-01, or 7d; the first of this month by default." };
        var by = new Option<string>("--by") { Description = "Any of model, key, day, provider, with commas.", DefaultValueFactory = static _ => "model" };
        var verb = new Verb("usage", "Sum up requests, tokens, computing time and money.", "fairlead usage", "fairlead usage --by key,day --since 7d") { since, by };
        verb.SetAction((parsed, stop) => CommonOptions.WithServerAsync(parsed, async client =>
        {
            List<UsageLine> lines = await client.UsageAsync(parsed.GetValue(since) ?? "", parsed.GetValue(by)!, stop);
            if (parsed.GetValue(CommonOptions.Json))
            {
                Terminal.Json(lines, ApiJson.Default.ListUsageLine);
                return ExitCodes.Ok;
            }
            // Only the columns that were grouped by; what nobody served has neither model nor provider.
            (string Title, Func<UsageLine, string?> Of)[] groups =
                [.. new (string, Func<UsageLine, string?>)[] { ("DAY", static l => l.Day), ("KEY", static l => l.Key), ("MODEL", static l => l.Model), ("PROVIDER", static l => l.Provider) }
                    .Where(group => lines.Exists(l => group.Item2(l) is not null))];
            // And of the input, what was priced apart, where anything was.
            (string Title, Func<UsageLine, long> Of)[] caches =
                [.. new (string, Func<UsageLine, long>)[] { ("CACHE READ", static l => l.CachedInputTokens), ("WRITTEN", static l => l.CacheWriteTokens), ("FOR 1H", static l => l.CacheWriteHourTokens) }
                    .Where(cache => lines.Exists(l => cache.Item2(l) != 0))];
            Terminal.Table(
                [.. groups.Select(static g => g.Title), "REQUESTS", "FAILED", "IN", .. caches.Select(static c => c.Title), "OUT", "COMPUTE S", "$"],
                lines.Select(l => (IReadOnlyList<string?>)[
                    .. groups.Select(g => g.Of(l) is { Length: > 0 } text ? text : "(nobody)"),
                    l.Requests.ToString(), l.Failed.ToString(), l.InputTokens.ToString(), .. caches.Select(c => c.Of(l).ToString()), l.OutputTokens.ToString(),
                    l.ComputeSeconds.ToString("0.###", CultureInfo.InvariantCulture), l.CostUsd]));
            return ExitCodes.Ok;
        }));
        return verb;
    }
}
