using System.Collections.Immutable;
using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;

namespace Fairlead.Domain.Tests.Routing;

/// <summary>Models, offers and requests for tests of routing.</summary>
internal static class Offers
{
    public static readonly DateOnly Today = new(2026, 11, 26);

    public static Offer Of(string provider, long input = 200, long output = 600) => new()
    {
        Index = 0,
        ModelId = "acme/chat",
        Provider = provider,
        ProviderModelId = "chat",
        Price = new OfferPrice(PerMillion(input), PerMillion(output)),
        ContextLength = 8_192,
        Routes = RouteSet.Chat,
        Can = Abilities.Tools | Abilities.Images | Abilities.StructuredOutput,
        Honours = (Parameters)(-1),
    };

    public static Model Model(params Offer[] offers) => new("acme/chat", [.. offers.Select(static (offer, i) => offer with { Index = i })]);

    public static InferenceRequest Request(RoutePreferences? wish = null) => new()
    {
        Route = Route.Chat,
        Model = "acme/chat",
        Preferences = wish ?? RoutePreferences.Default,
        InputTokensAtMost = 100,
        InputTokensExpected = 25,
    };

    /// <summary>Milli-dollars per million tokens.</summary>
    public static TokenPrice PerMillion(long milliDollars) => new(new NanoDollars(milliDollars * 1_000_000));

    public static OfferCondition Measured(double firstTokenMs, double tokensPerSecond, double errorShare = 0) => new(firstTokenMs, tokensPerSecond, errorShare, TimeSpan.Zero, CircuitCause.None);

    public static RouteOrder Rank(Model model, InferenceRequest request, ulong seed = 1, string? sticky = null, params OfferCondition[] conditions) =>
        Ranking.Rank(model, new RouteQuery(request, Today, sticky), conditions.Length > 0 ? conditions : [.. model.Offers.Select(static _ => OfferCondition.Unknown)], seed);

    public static string Providers(this RouteOrder order) => string.Join(",", order.Candidates.Select(static c => c.Offer.Provider));
}
