using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Fairlead.Domain.Catalogue;

/// <summary>Every model and offer at one moment. Immutable to the bottom; replaced whole, read once per request.</summary>
public sealed class CatalogueSnapshot
{
    private readonly FrozenDictionary<string, Model> _models;
    private readonly FrozenDictionary<string, Model> _byOfferName;
    private readonly FrozenDictionary<string, Model> _byBareName;
    private readonly FrozenDictionary<string, Alias> _aliases;

    /// <param name="version">Grows by one with each snapshot; stands in decision records.</param>
    /// <param name="models">Unique by id without regard to case.</param>
    /// <param name="aliases">Unique by name without regard to case.</param>
    public CatalogueSnapshot(long version, IEnumerable<Model> models, IEnumerable<Alias> aliases)
    {
        Version = version;
        Models = [.. models];
        Aliases = [.. aliases];
        _models = Models.ToFrozenDictionary(static m => m.Id, StringComparer.OrdinalIgnoreCase);
        _aliases = Aliases.ToFrozenDictionary(static a => a.Name, StringComparer.OrdinalIgnoreCase);
        var byOffer = new Dictionary<string, Model>(StringComparer.OrdinalIgnoreCase);
        int offers = 0;
        foreach (Model model in Models)
        {
            foreach (Offer offer in model.Offers)
            {
                offers = Math.Max(offers, offer.Index + 1);
                var alone = model with { Offers = [offer] };
                byOffer.TryAdd(offer.Name, alone);
                byOffer.TryAdd($"{offer.Provider}/{model.Id}", alone);
                foreach (string name in offer.Aliases)
                    byOffer.TryAdd($"{offer.Provider}/{name}", alone);
            }
        }
        OfferCount = offers;
        _byBareName = ByBareName(Models).ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
        _byOfferName = byOffer.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>Nothing at all.</summary>
    public static CatalogueSnapshot Empty { get; } = new(0, [], []);

    public long Version { get; }

    public ImmutableArray<Model> Models { get; }

    public ImmutableArray<Alias> Aliases { get; }

    /// <summary>One more than the largest <see cref="Offer.Index"/>.</summary>
    public int OfferCount { get; }

    /// <summary>Finds a model by its id, one offer of it by <c>provider/model</c>, or a model by what a provider calls it; case is not regarded.</summary>
    /// <remarks>In this order. The id wins: <c>openai/gpt-oss-20b</c> is a Hub id although <c>openai</c> is a provider too. Where several providers call
    /// different models the same, that of the provider which stands first in the configuration is meant, and one that is gone only where all are.</remarks>
    public Model? Find(string name) => _models.GetValueOrDefault(name) ?? _byOfferName.GetValueOrDefault(name) ?? _byBareName.GetValueOrDefault(name);

    /// <summary>Finds an alias; case is not regarded.</summary>
    public Alias? FindAlias(string name) => _aliases.GetValueOrDefault(name);

    private static Dictionary<string, Model> ByBareName(ImmutableArray<Model> models)
    {
        var names = new Dictionary<string, Model>(StringComparer.OrdinalIgnoreCase);
        foreach ((Model model, Offer offer) in models
            .SelectMany(static model => model.Offers.Select(offer => (Model: model, Offer: offer)))
            .OrderBy(static named => named.Offer.Status == OfferStatus.Gone)
            .ThenBy(static named => named.Offer.Index))
        {
            names.TryAdd(offer.ProviderModelId, model);
            foreach (string name in offer.Aliases)
                names.TryAdd(name, model);
        }
        return names;
    }
}
