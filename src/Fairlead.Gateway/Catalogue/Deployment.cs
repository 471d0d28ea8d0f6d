using Fairlead.Domain.Catalogue;
using Fairlead.Gateway.Settings;
using Fairlead.Upstreams.Providers;

namespace Fairlead.Gateway.Catalogue;

/// <summary>Everything a request reads that changes together: the configuration, the catalogue and the ways to its offers.
/// Immutable; a request takes one and keeps it for its whole life, price included.</summary>
internal sealed class Deployment(GatewaySettings settings, CatalogueSnapshot catalogue, OfferRuntime?[] byOfferIndex, KnownModels knownElsewhere)
{
    public GatewaySettings Settings { get; } = settings;

    public CatalogueSnapshot Catalogue { get; } = catalogue;

    /// <summary>Who sells a model that this deployment does not offer; null where nobody is known.</summary>
    public Sellers? KnownElsewhere(string name) => knownElsewhere.Find(name);

    /// <summary>Who has withdrawn a model that this deployment does not offer; null where it is not known, or somebody still sells it.</summary>
    public Withdrawn? WithdrawnElsewhere(string name) => knownElsewhere.FindWithdrawn(name);

    /// <summary>Whether a name is a provider's: one of the configuration, one that was found, or one that the product knows.</summary>
    public bool KnowsProvider(string name) =>
        Settings.Providers.Any(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        || ProviderTable.Known.ContainsKey(name)
        || RunnerProbe.IsUsual(name)
        || LocalModels.IsProvider(name)
        || Catalogue.Models.Any(m => m.Offers.Any(o => o.Provider.Equals(name, StringComparison.OrdinalIgnoreCase)));

    /// <summary>How to ask an offer; null for one that is only known, not offered.</summary>
    public OfferRuntime? Runtime(Offer offer) => byOfferIndex[offer.Index];
}
