using System.Collections.Immutable;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;

namespace Fairlead.Domain.Catalogue;

/// <summary>Whether an offer may be asked, as the catalogue knows it; what live traffic finds out stands in the circuits.</summary>
public enum OfferStatus : byte
{
    Live = 1,

    /// <summary>The provider has withdrawn the model (410 and its disguises), or its retirement date has passed.</summary>
    Gone = 2,
}

/// <summary>One model at one provider for one price. Immutable: a change of price or status is a new offer in a new snapshot.</summary>
public sealed record Offer
{
    /// <summary>Dense number within its snapshot, from 0: index into arrays that run beside the catalogue.</summary>
    public required int Index { get; init; }

    /// <summary>The model's id in the catalogue: its Hub id, or <c>provider/model</c> where the Hub does not hold it.</summary>
    public required string ModelId { get; init; }

    /// <summary>The provider's name in the configuration, e.g. <c>together</c>.</summary>
    public required string Provider { get; init; }

    /// <summary>The model id that the provider wants to read in the body.</summary>
    public required string ProviderModelId { get; init; }

    /// <summary>Other names under which the provider serves this very model, such as one without its date.</summary>
    public ImmutableArray<string> Aliases { get; init; } = [];

    /// <summary>The model's name as the provider writes it for people; null where it is not known.</summary>
    public string? DisplayName { get; init; }

    /// <summary>Null: the price is not known, and the offer is refused rather than given away.</summary>
    public OfferPrice? Price { get; init; }

    /// <summary>Day from which <see cref="Price"/> holds; null when the sheet does not say.</summary>
    public DateOnly? PriceFrom { get; init; }

    /// <summary>Tokens of input and output together; null when not known, which excludes nothing.</summary>
    public long? ContextLength { get; init; }

    /// <summary>Most output tokens per choice; null when not known.</summary>
    public long? MaxOutputTokens { get; init; }

    /// <summary>Routes that the offer serves.</summary>
    public required RouteSet Routes { get; init; }

    /// <summary>What its upstream speaks; a request of another dialect is translated for it.</summary>
    public Dialect Dialect { get; init; }

    /// <summary>What the model is known to be able to do.</summary>
    public Abilities Can { get; init; }

    /// <summary>What the model is known not to be able to do; neither known stands in neither, and is tried last.</summary>
    public Abilities Cannot { get; init; }

    /// <summary>Optional parameters that the provider is known to honour.</summary>
    public Parameters Honours { get; init; }

    public OfferStatus Status { get; init; } = OfferStatus.Live;

    /// <summary>Day on which the provider withdraws or withdrew the model; null when none is announced.</summary>
    public DateOnly? RetiresOn { get; init; }

    /// <summary>Day by which the provider had announced that it will withdraw the model, with or without saying when; null where nothing is announced.</summary>
    public DateOnly? DeprecatedOn { get; init; }

    /// <summary>Day on which the provider's answers first said that the model is gone; null where they have not, or where nobody noted the day.</summary>
    public DateOnly? GoneOn { get; init; }

    /// <summary>The provider's id of the model that is to be used in its place; null where none is known.</summary>
    public string? Successor { get; init; }

    /// <summary>The operator has stated the model by hand: it is asked whatever the sheet knows of its end, and the provider's own answer decides.</summary>
    public bool IsStated { get; init; }

    /// <summary>True when the model runs on the operator's own machine or network, not at a company.</summary>
    public bool IsLocal { get; init; }

    /// <summary>The one name of the pair: <c>provider/provider-model-id</c>, as logs and records print it.</summary>
    public string Name => $"{Provider}/{ProviderModelId}";

    /// <summary>Whether its provider has withdrawn it by that day.</summary>
    public bool IsRetired(DateOnly today) => Status == OfferStatus.Gone || (RetiresOn <= today && !IsStated);
}

/// <summary>A set of <see cref="Route"/>.</summary>
[Flags]
public enum RouteSet : byte
{
    None = 0,
    Chat = 1,
    Completions = 2,
    Embeddings = 4,
}

public static class RouteSets
{
    public static bool Has(this RouteSet set, Route route) => (set & Of(route)) != 0;

    public static RouteSet Of(Route route) => route switch
    {
        Route.Chat or Route.Messages or Route.CountTokens => RouteSet.Chat, // one ability, asked for in two dialects
        Route.Completions => RouteSet.Completions,
        Route.Embeddings => RouteSet.Embeddings,
        _ => throw new ArgumentOutOfRangeException(nameof(route), route, null),
    };
}
