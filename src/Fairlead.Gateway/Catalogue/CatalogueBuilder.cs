using System.Collections.Frozen;
using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Fleet.Workers;
using Fairlead.Gateway.Settings;
using Fairlead.Protocols.Anthropic;
using Fairlead.Upstreams.Providers;

namespace Fairlead.Gateway.Catalogue;

/// <summary>A catalogue, and what the price sheet knows beside it.</summary>
internal sealed record BuiltCatalogue(CatalogueSnapshot Snapshot, KnownModels KnownElsewhere);

/// <summary>Makes a catalogue of the configuration, the price sheet, the runners that were found and the day. Pure.</summary>
internal static class CatalogueBuilder
{
    /// <param name="version">Of the snapshot.</param>
    /// <param name="settings">The configuration.</param>
    /// <param name="sheet">The price sheet.</param>
    /// <param name="runners">Servers that list their own models.</param>
    /// <param name="today">For effective dates and retirements.</param>
    /// <param name="gone">Offers whose providers have withdrawn the model by their own word, by name, and the day on which they first said so.</param>
    /// <param name="facts">What is known of a model of our own, by its name.</param>
    public static BuiltCatalogue Build(
        long version, GatewaySettings settings, PriceSheet sheet, IReadOnlyList<DiscoveredRunner> runners, DateOnly today, IReadOnlyDictionary<string, DateOnly> gone,
        Func<string, WorkerFacts?> facts)
    {
        var offers = new List<Offer>();
        List<PriceRow> rows = [.. sheet.On(today)];
        foreach (ProviderSettings provider in settings.Providers)
        {
            ProviderSpec spec = ProviderTable.Find(provider.Name, provider.Url, provider.Dialect, provider.KeyForm);
            foreach (ProviderModelSettings model in provider.Models)
                offers.Add(Stated(provider, spec, model, rows));
            // Of a server that the product does not know by its name the sheet cannot know the prices, whoever else has that name.
            if (provider.Models.IsEmpty && ProviderTable.Known.ContainsKey(provider.Name))
                offers.AddRange(rows.Where(r => r.Provider.Equals(provider.Name, StringComparison.OrdinalIgnoreCase)).Select(r => Sold(r, provider.Name, spec)).OfType<Offer>());
        }
        offers.AddRange(LocalModels.Offers(settings, facts));
        foreach (DiscoveredRunner runner in runners)
        {
            ProviderSettings? configured = settings.Providers.FirstOrDefault(p => p.Name.Equals(runner.Name, StringComparison.OrdinalIgnoreCase));
            ProviderSpec spec = ProviderTable.Find(runner.Name, runner.BaseUrl, configured?.Dialect, configured?.KeyForm);
            offers.AddRange(runner.Models.Select(model => Local(runner, spec, model)));
        }

        var models = new Dictionary<string, List<Offer>>(StringComparer.OrdinalIgnoreCase);
        int index = 0;
        foreach (Offer offer in offers)
        {
            if (!models.TryGetValue(offer.ModelId, out List<Offer>? list))
                models[offer.ModelId] = list = [];
            list.Add(offer with
            {
                Index = index++,
                ModelId = list.Count > 0 ? list[0].ModelId : offer.ModelId,
                Status = gone.ContainsKey(offer.Name) ? OfferStatus.Gone : offer.Status,
                GoneOn = gone.TryGetValue(offer.Name, out DateOnly day) ? day : null,
            });
        }
        var snapshot = new CatalogueSnapshot(
            version,
            models.Values.Select(static list => new Model(list[0].ModelId, [.. list])).OrderBy(static m => m.Id, StringComparer.OrdinalIgnoreCase),
            settings.Aliases.Select(static a => new Alias(a.Name, a.Try)));
        return new BuiltCatalogue(snapshot, Elsewhere(rows, snapshot, today));
    }

    private static Offer Stated(ProviderSettings provider, ProviderSpec spec, ProviderModelSettings model, List<PriceRow> rows)
    {
        // What the operator has stated is theirs; when the provider will withdraw the model, and for what, is the provider's.
        PriceRow? listed = rows.Find(row => row.Provider.Equals(provider.Name, StringComparison.OrdinalIgnoreCase) && (row.Model == model.ProviderModelId || row.Aliases.Contains(model.ProviderModelId)));
        Abilities can = Abilities.None;
        Abilities cannot = Abilities.None;
        Note(model.Tools, Abilities.Tools, ref can, ref cannot);
        Note(model.Images, Abilities.Images, ref can, ref cannot);
        Note(model.StructuredOutput, Abilities.StructuredOutput, ref can, ref cannot);
        return new Offer
        {
            Index = 0,
            ModelId = model.HubId,
            Provider = provider.Name,
            ProviderModelId = model.ProviderModelId,
            Price = model.Price,
            ContextLength = model.ContextLength,
            MaxOutputTokens = model.MaxOutputTokens,
            Routes = Routes(spec, model.Embeddings),
            Dialect = spec.Dialect,
            Can = can,
            Cannot = cannot,
            Honours = Honoured(spec, model.ProviderModelId),
            IsLocal = provider.Url?.IsLoopback == true,
            DisplayName = listed?.DisplayName,
            RetiresOn = listed?.RetiresOn,
            DeprecatedOn = DeprecatedOn(listed),
            Successor = listed?.Successor,
            IsStated = true,
        };
    }

    private static Offer? Sold(PriceRow row, string provider, ProviderSpec spec)
    {
        RouteSet routes = row.Mode is "chat" or "embedding" ? Routes(spec, row.Mode == "embedding") : RouteSet.None;
        if (routes == RouteSet.None || row.Status == "dedicated-only")
            return null;
        Abilities can = Abilities.None;
        Abilities cannot = Abilities.None;
        Note(row.Tools, Abilities.Tools, ref can, ref cannot);
        Note(row.Images, Abilities.Images, ref can, ref cannot);
        Note(row.Structured, Abilities.StructuredOutput, ref can, ref cannot);
        return new Offer
        {
            Index = 0,
            ModelId = row.HubId ?? $"{provider}/{row.Model}",
            Provider = provider,
            ProviderModelId = row.Model,
            Price = row.Price,
            PriceFrom = row.From,
            ContextLength = row.Context,
            MaxOutputTokens = row.MaxOutput,
            Routes = routes,
            Dialect = spec.Dialect,
            Can = can,
            Cannot = cannot,
            Honours = Honoured(spec, row.Model),
            Status = row.Status == "removed" ? OfferStatus.Gone : OfferStatus.Live,
            RetiresOn = row.RetiresOn,
            DeprecatedOn = DeprecatedOn(row),
            Successor = row.Successor,
            Aliases = row.Aliases,
            DisplayName = row.DisplayName,
        };
    }

    /// <summary>When the sheet was drawn up, the provider had said so.</summary>
    private static DateOnly? DeprecatedOn(PriceRow? row) => row is not null && (row.Status is "deprecated" or "removed" || row.RetiresOn is not null) ? row.AsOf : null;

    /// <summary>The newer generations of Claude have no sampling.</summary>
    private static Parameters Honoured(ProviderSpec spec, string model) =>
        spec.Dialect == Dialect.Anthropic ? ClaudeRules.Of(model).Honoured(spec.Honours) : spec.Honours;

    /// <summary>The routes that a provider has for a model of this sort.</summary>
    private static RouteSet Routes(ProviderSpec spec, bool embeddings)
    {
        if (embeddings)
            return spec.EmbeddingsPath is not null ? RouteSet.Embeddings : RouteSet.None;
        return (spec.Converses ? RouteSet.Chat : RouteSet.None) | (spec.CompletionsPath is not null ? RouteSet.Completions : RouteSet.None);
    }

    private static Offer Local(DiscoveredRunner runner, ProviderSpec spec, string model) => new()
    {
        Index = 0,
        ModelId = model.Contains('/', StringComparison.Ordinal) ? model : $"{runner.Name}/{model}",
        Provider = runner.Name,
        ProviderModelId = model,
        Price = OfferPrice.Free, // the operator's own machine: a known price of nothing
        Routes = Routes(spec, embeddings: false) | Routes(spec, embeddings: true),
        Dialect = spec.Dialect,
        Honours = Honoured(spec, model),
        IsLocal = true,
    };

    private static KnownModels Elsewhere(List<PriceRow> rows, CatalogueSnapshot snapshot, DateOnly today)
    {
        var sellers = new Dictionary<string, List<string>>(StringComparer.OrdinalIgnoreCase);
        var withdrawn = new Dictionary<string, PriceRow>(StringComparer.OrdinalIgnoreCase);
        foreach (PriceRow row in rows)
        {
            if (row.Status is "dedicated-only" || row.Mode is not ("chat" or "embedding") || !ProviderTable.Known.ContainsKey(row.Provider))
                continue;
            foreach (string name in Names(row))
            {
                if (snapshot.Find(name) is not null)
                    continue;
                if (row.Status == "removed" || row.RetiresOn <= today)
                {
                    withdrawn.TryAdd(name, row);
                    continue;
                }
                if (!sellers.TryGetValue(name, out List<string>? list))
                    sellers[name] = list = [];
                if (!list.Contains(row.Provider))
                    list.Add(row.Provider);
            }
        }
        return new KnownModels(
            sellers.ToFrozenDictionary(
                static pair => pair.Key,
                static pair => new Sellers(string.Join(", ", pair.Value.Take(4)), ProviderTable.Known[pair.Value[0]].KeyVariables[0]),
                StringComparer.OrdinalIgnoreCase),
            withdrawn.Where(pair => !sellers.ContainsKey(pair.Key)).ToFrozenDictionary(
                static pair => pair.Key,
                static pair => new Withdrawn(pair.Value.Provider, pair.Value.RetiresOn, pair.Value.Successor),
                StringComparer.OrdinalIgnoreCase));
    }

    /// <summary>All that somebody may write who means this model.</summary>
    private static IEnumerable<string> Names(PriceRow row) =>
        new[] { row.HubId, row.Model }.Concat(row.Aliases).OfType<string>().Concat(row.Aliases.Prepend(row.Model).Select(name => $"{row.Provider}/{name}"));

    private static void Note(bool? known, Abilities ability, ref Abilities can, ref Abilities cannot)
    {
        if (known == true)
            can |= ability;
        else if (known == false)
            cannot |= ability;
    }
}
