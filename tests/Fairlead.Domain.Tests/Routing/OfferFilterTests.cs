using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;

namespace Fairlead.Domain.Tests.Routing;

public sealed class OfferFilterTests
{
    private static readonly Offer Plain = Offers.Of("alpha");

    public static TheoryData<ExclusionReason> Reasons() => [.. Cases.Keys];

    private static readonly Dictionary<ExclusionReason, (Offer Offer, InferenceRequest Request)> Cases = new()
    {
        [ExclusionReason.PriceUnknown] = (Plain with { Price = null }, Offers.Request()),
        [ExclusionReason.Gone] = (Plain with { Status = OfferStatus.Gone }, Offers.Request()),
        [ExclusionReason.Retired] = (Plain with { RetiresOn = Offers.Today }, Offers.Request()),
        [ExclusionReason.WrongRoute] = (Plain with { Routes = RouteSet.Embeddings }, Offers.Request()),
        [ExclusionReason.ContextTooSmall] = (Plain with { ContextLength = 1_000 }, Offers.Request() with { InputTokensExpected = 900, MaxOutputTokens = 101 }),
        [ExclusionReason.NoTools] = (Plain with { Cannot = Abilities.Tools }, Offers.Request() with { Needs = Abilities.Tools }),
        [ExclusionReason.NoImages] = (Plain with { Cannot = Abilities.Images }, Offers.Request() with { Needs = Abilities.Images }),
        [ExclusionReason.NoStructuredOutput] = (Plain with { Cannot = Abilities.StructuredOutput }, Offers.Request() with { Needs = Abilities.StructuredOutput }),
        [ExclusionReason.ParameterNotHonoured] = (Plain with { Honours = Parameters.None }, Offers.Request(new RoutePreferences { RequireParameters = true }) with { Uses = Parameters.Seed }),
        [ExclusionReason.NotInOnly] = (Plain, Offers.Request(new RoutePreferences { Only = ["beta"] })),
        [ExclusionReason.Ignored] = (Plain, Offers.Request(new RoutePreferences { Ignore = ["ALPHA"] })),
        [ExclusionReason.NotThePinnedProvider] = (Plain, Offers.Request(new RoutePreferences { Policy = RoutePolicy.Provider, Pinned = "beta" })),
        [ExclusionReason.OverMaxPrice] = (Plain, Offers.Request(new RoutePreferences { MaxOutputPrice = Offers.PerMillion(599) })),
        [ExclusionReason.PricedByTime] = (Plain with { Price = OfferPrice.ByTheHour(new NanoDollars(1)) }, Offers.Request(new RoutePreferences { MaxInputPrice = Offers.PerMillion(1_000_000) })),
        [ExclusionReason.BoundToDialect] = (Plain with { Dialect = Dialect.Anthropic }, Offers.Request() with { BoundToDialect = "n" }),
        [ExclusionReason.LostInTranslation] = (Plain with { Dialect = Dialect.Anthropic }, Offers.Request(new RoutePreferences { RequireParameters = true }) with { LostInTranslation = "seed" }),
    };

    [Theory, MemberData(nameof(Reasons))]
    public void An_offer_that_cannot_serve_is_excluded_with_its_reason(ExclusionReason reason)
    {
        RouteOrder order = Offers.Rank(Offers.Model(Cases[reason].Offer), Cases[reason].Request);
        Assert.Empty(order.Candidates);
        Assert.Equal(reason, Assert.Single(order.Excluded).Reason);
    }

    [Fact]
    public void Every_reason_that_is_no_matter_of_health_has_its_case() =>
        Assert.Equal(
            Enum.GetValues<ExclusionReason>().Except([ExclusionReason.CoolingDown, ExclusionReason.RateLimited, ExclusionReason.CredentialRefused, ExclusionReason.OutOfQuota, ExclusionReason.Parked]).Order(),
            Cases.Keys.Order());

    [Fact]
    public void What_is_not_known_excludes_nothing()
    {
        Offer unknown = Plain with { ContextLength = null, Can = Abilities.None, RetiresOn = null };
        InferenceRequest demanding = Offers.Request() with { InputTokensExpected = 1_000_000, Needs = Abilities.Tools | Abilities.Images | Abilities.StructuredOutput };
        Assert.Single(Offers.Rank(Offers.Model(unknown), demanding).Candidates);
    }

    [Fact]
    public void A_price_by_the_hour_is_out_only_where_a_limit_per_token_is_set_and_one_of_nothing_keeps_every_limit()
    {
        Offer hourly = Plain with { Price = OfferPrice.ByTheHour(new NanoDollars(600_000_000)) };
        Assert.Single(Offers.Rank(Offers.Model(hourly), Offers.Request()).Candidates);
        var limited = new RoutePreferences { MaxOutputPrice = Offers.PerMillion(1_000_000) };
        Assert.Empty(Offers.Rank(Offers.Model(hourly), Offers.Request(limited)).Candidates);
        Assert.Single(Offers.Rank(Offers.Model(Plain with { Price = OfferPrice.ByTheHour(NanoDollars.Zero) }), Offers.Request(limited)).Candidates);
    }

    [Fact]
    public void The_last_day_the_last_token_and_the_highest_price_are_still_in()
    {
        Offer edge = Plain with { RetiresOn = Offers.Today.AddDays(1), ContextLength = 1_000 };
        InferenceRequest request = Offers.Request(new RoutePreferences { MaxInputPrice = Offers.PerMillion(200), MaxOutputPrice = Offers.PerMillion(600) });
        Assert.Single(Offers.Rank(Offers.Model(edge), request with { InputTokensExpected = 900, MaxOutputTokens = 100 }).Candidates);
    }

    [Fact]
    public void A_parameter_that_is_not_honoured_matters_only_where_the_caller_says_so() =>
        Assert.Single(Offers.Rank(Offers.Model(Plain with { Honours = Parameters.None }), Offers.Request() with { Uses = Parameters.Seed | Parameters.LogProbs }).Candidates);

    [Fact]
    public void What_translation_loses_matters_only_where_there_is_one_and_the_caller_says_so()
    {
        InferenceRequest bound = Offers.Request(new RoutePreferences { RequireParameters = true }) with { BoundToDialect = "n", LostInTranslation = "seed" };
        Assert.Single(Offers.Rank(Offers.Model(Plain), bound).Candidates);
        InferenceRequest lossy = Offers.Request() with { LostInTranslation = "seed" };
        Assert.Single(Offers.Rank(Offers.Model(Plain with { Dialect = Dialect.Anthropic }), lossy).Candidates);
        Assert.Single(Offers.Rank(Offers.Model(Plain with { Dialect = Dialect.Anthropic }), bound with { Route = Route.Messages }).Candidates);
    }

    [Fact]
    public void What_a_refusal_has_taught_excludes_like_what_the_catalogue_knows()
    {
        OfferCondition taught = OfferCondition.Unknown with { Cannot = Abilities.Tools };
        Assert.Equal(ExclusionReason.NoTools, Assert.Single(Offers.Rank(Offers.Model(Plain), Offers.Request() with { Needs = Abilities.Tools }, 1, null, taught).Excluded).Reason);
        Assert.Single(Offers.Rank(Offers.Model(Plain), Offers.Request(), 1, null, taught).Candidates);
    }
}
