using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Fairlead.Domain.Catalogue;

/// <summary>Every model and offer at one moment. Immutable to the bottom; replaced whole, read once per request.</summary>
public sealed class CatalogueSnapshot
{
    private readonly FrozenDictionary<string, Model> _models;
    private readonly FrozenDictionary<string, Model> _byOfferName;
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
            }
        }
        OfferCount = offers;
        _byOfferName = byOffer.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>Nothing at all.</summary>
    public static CatalogueSnapshot Empty { get; } = new(0, [], []);

    public long Version { get; }

    public ImmutableArray<Model> Models { get; }

    public ImmutableArray<Alias> Aliases { get; }

    /// <summary>One more than the largest <see cref="Offer.Index"/>.</summary>
    public int OfferCount { get; }

    /// <summary>Finds a model by its id, or one offer of it by <c>provider/model</c>; case is not regarded.</summary>
    /// <remarks>The id wins: <c>openai/gpt-oss-20b</c> is a Hub id although <c>openai</c> is a provider too.</remarks>
    public Model? Find(string name) => _models.GetValueOrDefault(name) ?? _byOfferName.GetValueOrDefault(name);

    /// <summary>Finds an alias; case is not regarded.</summary>
    public Alias? FindAlias(string name) => _aliases.GetValueOrDefault(name);
}
