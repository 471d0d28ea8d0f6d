using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Inference;

namespace Fairlead.Domain.Routing;

/// <summary>Says why an offer cannot serve a request, whatever its health; what is not known excludes nothing but an unknown price.</summary>
internal static class OfferFilter
{
    /// <summary>The first reason, in the order of what the caller can do something about; null when it can serve.</summary>
    /// <param name="offer">The offer.</param>
    /// <param name="query">What is wanted.</param>
    /// <param name="learned">What its provider's refusals have taught that it cannot do.</param>
    public static ExclusionReason? Excludes(Offer offer, in RouteQuery query, Abilities learned)
    {
        InferenceRequest request = query.Request;
        RoutePreferences wish = request.Preferences;
        if (wish.Policy == RoutePolicy.Provider && !offer.Provider.Equals(wish.Pinned, StringComparison.OrdinalIgnoreCase))
            return ExclusionReason.NotThePinnedProvider;
        if (!wish.Only.IsDefaultOrEmpty && !wish.Only.Contains(offer.Provider, StringComparer.OrdinalIgnoreCase))
            return ExclusionReason.NotInOnly;
        if (!wish.Ignore.IsDefaultOrEmpty && wish.Ignore.Contains(offer.Provider, StringComparer.OrdinalIgnoreCase))
            return ExclusionReason.Ignored;
        if (offer.Status == OfferStatus.Gone)
            return ExclusionReason.Gone;
        if (offer.IsRetired(query.Today))
            return ExclusionReason.Retired;
        if (!offer.Routes.Has(request.Route))
            return ExclusionReason.WrongRoute;
        if (offer.Dialect != request.Route.Dialect())
        {
            if (request.BoundToDialect is not null)
                return ExclusionReason.BoundToDialect;
            if (wish.RequireParameters && request.LostInTranslation is not null)
                return ExclusionReason.LostInTranslation;
        }
        if (offer.Price is null)
            return ExclusionReason.PriceUnknown;
        if (Capability(offer, request, offer.Cannot | learned) is { } incapable)
            return incapable;
        // What a token will have cost is known only when the time is: a limit per token cannot be promised.
        if (offer.Price.ChargesTime && (wish.MaxInputPrice ?? wish.MaxOutputPrice) is not null)
            return ExclusionReason.PricedByTime;
        if (wish.MaxInputPrice is { } input && offer.Price.Input.PerMillion > input.PerMillion)
            return ExclusionReason.OverMaxPrice;
        if (wish.MaxOutputPrice is { } output && offer.Price.Output.PerMillion > output.PerMillion)
            return ExclusionReason.OverMaxPrice;
        return null;
    }

    private static ExclusionReason? Capability(Offer offer, InferenceRequest request, Abilities cannot)
    {
        // A request for vectors may hold hundreds of texts: the window is each one's own, and what a model does with a longer one is the model's to say.
        if (request.Route != Route.Embeddings && offer.ContextLength is { } context && request.InputTokensExpected + (request.MaxOutputTokens ?? 0) > context)
            return ExclusionReason.ContextTooSmall;
        Abilities missing = request.Needs & cannot;
        if (missing.Has(Abilities.Images))
            return ExclusionReason.NoImages;
        if (missing.Has(Abilities.Tools))
            return ExclusionReason.NoTools;
        if (missing.Has(Abilities.StructuredOutput))
            return ExclusionReason.NoStructuredOutput;
        return request.Preferences.RequireParameters && (request.Uses & ~offer.Honours) != 0 ? ExclusionReason.ParameterNotHonoured : null;
    }
}
