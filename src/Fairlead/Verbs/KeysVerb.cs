using System.CommandLine;
using Fairlead.Api;

namespace Fairlead.Verbs;

internal static class KeysVerb
{
    public static Command Make()
    {
        var verb = new Verb("keys", "Make, list, rotate and revoke API keys.", "fairlead keys create --name ci-bot --budget 5/day --rpm 60", "fairlead keys list", "fairlead keys rotate ci-bot --overlap 24h", "fairlead keys revoke ci-bot")
        {
            Create(), List("list"), List("ls"), Revoke(), Rotate(),
        };
        return verb;
    }

    private static Verb Create()
    {
        var name = new Option<string>("--name") { Description = "Letters, digits, '.', '_' and '-'.", Required = true };
        var models = new Option<string[]>("--models") { Description = "Models, aliases or provider/model it may ask for; commas or several times.", AllowMultipleArgumentsPerToken = true };
        var budget = new Option<string?>("--budget") { Description = "As 5/day or 20/month, US dollars." };
        var rpm = new Option<long?>("--rpm") { Description = "Requests per minute." };
        var tpm = new Option<long?>("--tpm") { Description = "Tokens per minute." };
        var parallel = new Option<int?>("--parallel") { Description = "Requests at once." };
        var successors = new Option<bool>("--successors") { Description = "Where a provider has withdrawn a model, let its successor serve, at its own price." };
        var expires = new Option<string?>("--expires") { Description = "As 90d or 2027-01-31." };
        var verb = new Verb("create", "Make a key and print it once, on standard output.", "fairlead keys create --name ci-bot --models chat-default --budget 5/day --rpm 60 --expires 90d", "fairlead keys create --name ci-bot --json") { name, models, budget, rpm, tpm, parallel, successors, expires };
        verb.SetAction((parsed, stop) => CommonOptions.WithServerAsync(parsed, async client =>
        {
            string[] list = [.. (parsed.GetValue(models) ?? []).SelectMany(static m => m.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];
            NewKey key = await client.CreateKeyAsync(
                new KeyRequest(parsed.GetValue(name)!, list, parsed.GetValue(budget), parsed.GetValue(rpm), parsed.GetValue(tpm), parsed.GetValue(parallel), parsed.GetValue(expires),
                    parsed.GetValue(successors)), stop);
            Print(parsed, key, $"Key '{key.Name}' was made. It is shown once; keep it now. Try it: FAIRLEAD_KEY=… fairlead ask \"hello\"");
            return ExitCodes.Ok;
        }));
        return verb;
    }

    private static Verb List(string word)
    {
        var verb = new Verb(word, "List keys; secrets are not among what is shown.", $"fairlead keys {word}", $"fairlead keys {word} --json");
        verb.SetAction((parsed, stop) => CommonOptions.WithServerAsync(parsed, async client =>
        {
            List<KeyView> keys = await client.KeysAsync(stop);
            if (parsed.GetValue(CommonOptions.Json))
            {
                Terminal.Json(keys, ApiJson.Default.ListKeyView);
                return ExitCodes.Ok;
            }
            Terminal.Table(["NAME", "KEY", "STATE", "BUDGET", "LEFT", "RPM", "TPM", "PARALLEL", "EXPIRES", "MODELS", "SUCCESSORS"], keys.Select(static k => (IReadOnlyList<string?>)[
                k.Name, "hf_FL…" + k.Tail, k.RevokedAt is null ? "live" : "revoked", k.Budget, k.BudgetLeft, k.Rpm?.ToString(), k.Tpm?.ToString(), k.Parallel?.ToString(),
                k.ExpiresAt?.ToString("yyyy-MM-dd"), k.Models.Count == 0 ? "all" : string.Join(",", k.Models), k.Successors ? "yes" : "no"]));
            return ExitCodes.Ok;
        }));
        return verb;
    }

    private static Verb Revoke()
    {
        var name = new Argument<string>("name") { Description = "Name or id." };
        var verb = new Verb("revoke", "End a key at once.", "fairlead keys revoke ci-bot", "fairlead keys revoke ci-bot --json") { name };
        verb.SetAction((parsed, stop) => CommonOptions.WithServerAsync(parsed, async client =>
        {
            KeyView key = await client.RevokeKeyAsync(parsed.GetValue(name)!, stop);
            if (parsed.GetValue(CommonOptions.Json))
                Terminal.Json(key, ApiJson.Default.KeyView);
            else
                await Console.Error.WriteLineAsync($"Key '{Terminal.Safe(key.Name)}' is revoked: it is unknown from now on. Make another with 'fairlead keys create'.");
            return ExitCodes.Ok;
        }));
        return verb;
    }

    private static Verb Rotate()
    {
        var name = new Argument<string>("name") { Description = "Name or id." };
        var overlap = new Option<string?>("--overlap") { Description = "How long the old secret stays good, as 24h." };
        var verb = new Verb("rotate", "Give a key a new secret and print it once.", "fairlead keys rotate ci-bot", "fairlead keys rotate ci-bot --overlap 24h") { name, overlap };
        verb.SetAction((parsed, stop) => CommonOptions.WithServerAsync(parsed, async client =>
        {
            NewKey key = await client.RotateKeyAsync(parsed.GetValue(name)!, parsed.GetValue(overlap), stop);
            Print(parsed, key, $"Key '{key.Name}' has a new secret; the old one {(parsed.GetValue(overlap) is { } o ? $"stays good for {o}" : "is unknown from now on")}. See: fairlead keys list");
            return ExitCodes.Ok;
        }));
        return verb;
    }

    private static void Print(ParseResult parsed, NewKey key, string note)
    {
        if (parsed.GetValue(CommonOptions.Json))
        {
            Terminal.Json(key, ApiJson.Default.NewKey);
            return;
        }
        Console.Out.WriteLine(key.Key);
        Console.Error.WriteLine(Terminal.Safe(note));
    }
}
