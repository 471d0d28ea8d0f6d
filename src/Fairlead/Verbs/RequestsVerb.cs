using System.CommandLine;
using System.Text.Json;
using Fairlead.Api;

namespace Fairlead.Verbs;

internal static class RequestsVerb
{
    public static Command Make()
    {
        var limit = new Option<int>("--limit") { Description = "How many, at most 1000.", DefaultValueFactory = static _ => 50 };
        var before = new Option<string?>("--before") { Description = "Only those before this request id." };
        var failed = new Option<bool>("--failed") { Description = "Only those that ended badly." };
        var key = new Option<string?>("--key") { Description = "Only those of this key (name or id)." };
        var model = new Option<string?>("--model") { Description = "Only those that this model served or was asked for." };
        var id = new Argument<string>("id") { Description = "As req_…" };
        var verb = new Verb("requests", "List requests, newest first.", "fairlead requests", "fairlead requests --failed --limit 20", "fairlead requests show req_01m8bssyknfsg9wkg9qa9bhar9") { limit, before, failed, key, model };
        verb.SetAction((parsed, stop) => CommonOptions.WithServerAsync(parsed, async client =>
        {
            List<RequestLine> lines = await client.RequestsAsync(parsed.GetValue(limit), parsed.GetValue(before), parsed.GetValue(failed), parsed.GetValue(key), parsed.GetValue(model), stop);
            if (parsed.GetValue(CommonOptions.Json))
            {
                Terminal.Json(lines, ApiJson.Default.ListRequestLine);
                return ExitCodes.Ok;
            }
            Terminal.Table(["ID", "AT", "KEY", "MODEL", "PROVIDER", "STATUS", "END", "MS", "IN", "OUT", "$"], lines.Select(static l => (IReadOnlyList<string?>)[
                l.Id, l.StartedAt.ToString("MM-dd HH:mm:ss"), l.Key, l.ModelAsked, l.Provider, l.Status.ToString(), l.EndReason, l.Milliseconds.ToString("0"),
                l.InputTokens.ToString(), l.OutputTokens.ToString(), l.CostUsd]));
            return ExitCodes.Ok;
        }));
        var show = new Verb("show", "Show what became of one request, attempt by attempt.", "fairlead requests show req_01m8bssyknfsg9wkg9qa9bhar9", "fairlead requests show req_01m8bssyknfsg9wkg9qa9bhar9 --json") { id };
        show.SetAction((parsed, stop) => CommonOptions.WithServerAsync(parsed, async client =>
        {
            using JsonDocument record = await client.RequestAsync(parsed.GetValue(id)!, stop);
            if (parsed.GetValue(CommonOptions.Json))
                await Console.Out.WriteLineAsync(record.RootElement.GetRawText());
            else
                Waterfall.Print(record.RootElement, Console.Out);
            return ExitCodes.Ok;
        }));
        verb.Subcommands.Add(show);
        return verb;
    }
}
