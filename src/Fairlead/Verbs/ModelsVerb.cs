using System.CommandLine;
using Fairlead.Api;
using Fairlead.Domain.Naming;

namespace Fairlead.Verbs;

internal static class ModelsVerb
{
    public static Command Make()
    {
        var search = new Option<string?>("--search") { Description = "Part of the model's id." };
        var provider = new Option<string?>("--provider") { Description = "Only models of this provider." };
        var id = new Argument<string>("model") { Description = "A model's id." };
        var verb = new Verb("models", "List the catalogue.", "fairlead models", "fairlead models --search llama", "fairlead models show meta-llama/Llama-3.1-8B-Instruct") { search, provider };
        var list = new Verb("ls", "List the catalogue.", "fairlead models ls", "fairlead models ls --provider together") { search, provider };
        var show = new Verb("show", "Show one model with everything that offers it.", "fairlead models show meta-llama/Llama-3.1-8B-Instruct", "fairlead models show meta-llama/Llama-3.1-8B-Instruct --json") { id };
        verb.SetAction((parsed, stop) => ListAsync(parsed, parsed.GetValue(search), parsed.GetValue(provider), stop));
        list.SetAction((parsed, stop) => ListAsync(parsed, parsed.GetValue(search), parsed.GetValue(provider), stop));
        show.SetAction((parsed, stop) => CommonOptions.WithServerAsync(parsed, async client =>
        {
            string name = parsed.GetValue(id)!;
            List<ModelView> models = await client.ModelsAsync(name, null, stop);
            if (models.Find(m => IsCalled(m, name)) is not { } model)
            {
                string? meant = Nearness.Nearest((await client.ModelsAsync(null, null, stop)).Select(static m => m.Id), name);
                await Console.Error.WriteLineAsync($"No model is called '{Terminal.Safe(name)}'. {(meant is null ? "Look for it with 'fairlead models --search …'." : $"Did you mean '{Terminal.Safe(meant)}'?")}");
                return ExitCodes.NotFound;
            }
            Print(parsed, [model]);
            return ExitCodes.Ok;
        }));
        verb.Subcommands.Add(list);
        verb.Subcommands.Add(show);
        return verb;
    }

    private static Task<int> ListAsync(ParseResult parsed, string? search, string? provider, CancellationToken stop) =>
        CommonOptions.WithServerAsync(parsed, async client =>
        {
            Print(parsed, await client.ModelsAsync(search, provider, stop));
            return ExitCodes.Ok;
        });

    private static void Print(ParseResult parsed, List<ModelView> models)
    {
        if (parsed.GetValue(CommonOptions.Json))
        {
            Terminal.Json(models, ApiJson.Default.ListModelView);
            return;
        }
        Terminal.Table(
            ["MODEL", "PROVIDER", "STATE", "CTX", "$IN/M", "$OUT/M", "$/HOUR", "TTFT MS", "TOK/S", "ENDS", "SPEAKS"],
            models.SelectMany(static m => m.Offers.Select(o => (IReadOnlyList<string?>)[
                m.Id, o.Provider, o.Status, o.Context?.ToString() ?? "", o.Input ?? Unpriced(o), o.Output ?? Unpriced(o), o.PerHour ?? "", o.FirstTokenMs?.ToString() ?? "", o.TokensPerSecond?.ToString() ?? "", Ends(o), o.Dialect])));
        foreach ((ModelView model, OfferView offer) in models.SelectMany(static m => m.Offers.Where(IsEnding).Select(o => (m, o))))
        {
            string instead = offer.Successor is { } successor ? $" '{successor}' is to take its place." : "";
            Console.Error.WriteLine(Terminal.Safe($"warning: {offer.Provider} withdraws '{model.Id}' {(offer.RetiresOn is { } day ? $"on {day}" : "and has not said when")}.{instead}"));
        }
    }

    private static bool IsCalled(ModelView model, string name) =>
        model.Id.Equals(name, StringComparison.OrdinalIgnoreCase)
        || model.Offers.Any(o => o.Aliases.Append(o.ProviderModel).Any(n => n.Equals(name, StringComparison.OrdinalIgnoreCase) || name.Equals($"{o.Provider}/{n}", StringComparison.OrdinalIgnoreCase)));

    /// <summary>Its end is announced and has not come.</summary>
    private static bool IsEnding(OfferView offer) => offer.DeprecatedOn is not null && offer.Status is not ("gone" or "retired");

    private static string Ends(OfferView offer) => offer.RetiresOn ?? (offer.DeprecatedOn is null ? "" : "announced");

    /// <summary>A price that is not known is not one of another kind.</summary>
    private static string Unpriced(OfferView offer) => offer.PerHour is null ? "?" : "";
}
