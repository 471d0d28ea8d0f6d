using FsCheck;
using FsCheck.Fluent;
using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;

namespace Fairlead.Domain.Tests.Routing;

public sealed class RankingTests
{
    private static readonly Model Three = Offers.Model(Offers.Of("alpha", 300, 900), Offers.Of("beta", 200, 600), Offers.Of("gamma", 100, 600));

    [Fact]
    public void The_same_question_has_the_same_answer_and_every_offer_is_in_it_exactly_once() =>
        Prop.ForAll((ulong seed, NonNegativeInt[] numbers) =>
        {
            OfferCondition[] conditions = [.. Enumerable.Range(0, 3).Select(i => Condition(numbers, i))];
            RouteOrder first = Offers.Rank(Three, Offers.Request(), seed, null, conditions);
            RouteOrder second = Offers.Rank(Three, Offers.Request(), seed, null, conditions);
            string[] all = [.. first.Candidates.Select(static c => c.Offer.Provider), .. first.Excluded.Select(static e => e.Offer.Provider)];
            return first.Candidates.SequenceEqual(second.Candidates) && first.Excluded.SequenceEqual(second.Excluded)
                && all.Order().SequenceEqual(["alpha", "beta", "gamma"]);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void What_may_be_asked_now_is_a_candidate_and_what_rests_is_not_whatever_its_speed() =>
        Prop.ForAll((ulong seed, NonNegativeInt[] numbers) =>
        {
            OfferCondition[] conditions = [.. Enumerable.Range(0, 3).Select(i => Condition(numbers, i))];
            RouteOrder order = Offers.Rank(Three, Offers.Request(), seed, null, conditions);
            return Three.Offers.All(offer => (conditions[offer.Index].AskableIn == TimeSpan.Zero) == order.Candidates.Any(c => c.Offer == offer));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_fastest_is_who_ends_a_typical_answer_first_its_wait_included()
    {
        OfferCondition quick = Offers.Measured(300, 100), slow = Offers.Measured(300, 20), late = Offers.Measured(10_000, 100);
        Assert.Equal("beta,alpha,gamma", Offers.Rank(Three, Offers.Request(), 1, null, slow, quick, late).Providers());
    }

    [Fact]
    public void What_a_model_of_ones_own_takes_to_load_counts_as_part_of_its_wait_for_the_first_token()
    {
        Model two = Offers.Model(Offers.Of("local"), Offers.Of("alpha"));
        OfferCondition ready = Offers.Measured(100, 100), cold = ready with { ReadyIn = TimeSpan.FromSeconds(8) }, provider = Offers.Measured(400, 100);
        Assert.Equal("local,alpha", Offers.Rank(two, Offers.Request(), 1, null, ready, provider).Providers());
        Assert.Equal("alpha,local", Offers.Rank(two, Offers.Request(), 1, null, cold, provider).Providers());
        Assert.Equal("local,alpha", Offers.Rank(two, Offers.Request(), 1, null, cold, Offers.Measured(9_000, 100)).Providers());
    }

    [Fact]
    public void A_model_that_is_not_loaded_is_not_loaded_to_be_measured()
    {
        Model two = Offers.Model(Offers.Of("local"), Offers.Of("alpha"));
        OfferCondition cold = OfferCondition.Unknown with { IsStale = true, ReadyIn = TimeSpan.FromSeconds(8) };
        for (ulong seed = 1; seed <= 1_000; seed++)
            Assert.Equal("alpha,local", Offers.Rank(two, Offers.Request(), seed, null, cold, Offers.Measured(400, 100)).Providers());
    }

    [Fact]
    public void A_parked_model_is_no_candidate_and_nobody_is_told_when_to_come_back()
    {
        OfferCondition parked = OfferCondition.Unknown with { AskableIn = TimeSpan.MaxValue, Why = CircuitCause.Parked };
        RouteOrder order = Offers.Rank(Offers.Model(Offers.Of("local")), Offers.Request(), 1, null, parked);
        Assert.Empty(order.Candidates);
        Assert.Equal(ExclusionReason.Parked, Assert.Single(order.Excluded).Reason);
        Assert.Null(order.SoonestAskableIn);
    }

    [Fact]
    public void An_offer_that_fails_half_of_the_time_counts_as_half_as_fast()
    {
        Model two = Offers.Model(Offers.Of("alpha"), Offers.Of("beta"));
        Assert.StartsWith("beta", Offers.Rank(two, Offers.Request(), 1, null, Offers.Measured(300, 100, errorShare: 0.5), Offers.Measured(300, 80)).Providers(), StringComparison.Ordinal);
        Assert.StartsWith("alpha", Offers.Rank(two, Offers.Request(), 1, null, Offers.Measured(300, 100, errorShare: 0.05), Offers.Measured(300, 80)).Providers(), StringComparison.Ordinal);
    }

    [Fact]
    public void Offers_about_as_fast_share_the_load()
    {
        Model two = Offers.Model(Offers.Of("alpha"), Offers.Of("beta"));
        int alpha = Share(two, "alpha", Offers.Measured(300, 100), Offers.Measured(300, 100));
        Assert.InRange(alpha, 4_500, 5_500);
    }

    /// <summary>Without it one slow answer would be the last word about an offer.</summary>
    [Fact]
    public void A_slow_offer_that_nobody_measured_lately_gets_a_few_requests_and_a_freshly_measured_one_none()
    {
        Model two = Offers.Model(Offers.Of("alpha"), Offers.Of("beta"));
        OfferCondition slow = Offers.Measured(10_000, 5);
        Assert.InRange(Share(two, "alpha", slow with { IsStale = true }, Offers.Measured(300, 100)), 200, 400);
        Assert.Equal(0, Share(two, "alpha", slow, Offers.Measured(300, 100)));
    }

    [Fact]
    public void An_offer_that_has_just_come_back_gets_its_load_by_and_by()
    {
        Model two = Offers.Model(Offers.Of("alpha"), Offers.Of("beta"));
        OfferCondition fast = Offers.Measured(300, 200);
        Assert.InRange(Share(two, "alpha", fast with { HeldBack = 0.75 }, Offers.Measured(300, 50)), 2_300, 2_700);
        Assert.Equal(10_000, Share(two, "alpha", fast, Offers.Measured(300, 50)));
    }

    [Fact]
    public void The_cheapest_is_by_output_price_and_then_by_input_price() =>
        Assert.Equal("gamma,beta,alpha", Offers.Rank(Three, Offers.Request(new RoutePreferences { Policy = RoutePolicy.Cheapest })).Providers());

    [Fact]
    public void A_price_by_the_hour_counts_as_what_a_token_came_to_and_as_the_dearest_before_that_is_known()
    {
        // $0.60 an hour at 100 tokens a second are $1.67 for a million; at 1,000 a second $0.17.
        Offer hourly = Offers.Of("own") with { Price = OfferPrice.ByTheHour(new NanoDollars(600_000_000)) };
        Model model = Offers.Model(hourly, Offers.Of("beta", 200, 600), Offers.Of("gamma", 200, 2_000));
        InferenceRequest cheapest = Offers.Request(new RoutePreferences { Policy = RoutePolicy.Cheapest });
        OfferCondition any = Offers.Measured(300, 50);
        Assert.Equal("own,beta,gamma", Offers.Rank(model, cheapest, 7, null, Offers.Measured(300, 1_000), any, any).Providers());
        Assert.Equal("beta,own,gamma", Offers.Rank(model, cheapest, 7, null, Offers.Measured(300, 100), any, any).Providers());
        Assert.Equal("beta,gamma,own", Offers.Rank(model, cheapest, 7, null, OfferCondition.Unknown, any, any).Providers());
        Model free = Offers.Model(hourly with { Price = OfferPrice.ByTheHour(NanoDollars.Zero) }, Offers.Of("beta", 0, 1));
        Assert.Equal("own,beta", Offers.Rank(free, cheapest).Providers());
    }

    [Fact]
    public void The_preferred_is_the_operators_order_whatever_is_measured() =>
        Assert.Equal("alpha,beta,gamma", Offers.Rank(Three, Offers.Request(new RoutePreferences { Policy = RoutePolicy.Preferred }), 7, null,
            Offers.Measured(9_000, 1), Offers.Measured(300, 100), Offers.Measured(100, 300)).Providers());

    [Fact]
    public void Latency_is_the_wait_for_the_first_token_alone() =>
        Assert.Equal("gamma,beta,alpha", Offers.Rank(Three, Offers.Request(new RoutePreferences { Policy = RoutePolicy.Latency }), 7, null,
            Offers.Measured(900, 300), Offers.Measured(300, 100), Offers.Measured(100, 1)).Providers());

    [Fact]
    public void Whom_the_caller_names_comes_first_in_that_order_even_where_its_abilities_are_not_known()
    {
        Offer unknown = Offers.Of("alpha") with { Can = Abilities.None };
        Model model = Offers.Model(unknown, Offers.Of("beta"), Offers.Of("gamma"));
        InferenceRequest request = Offers.Request(new RoutePreferences { Policy = RoutePolicy.Cheapest, Order = ["GAMMA", "alpha"] }) with { Needs = Abilities.Tools };
        Assert.Equal("gamma,alpha,beta", Offers.Rank(model, request).Providers());
    }

    [Fact]
    public void What_is_known_to_be_able_comes_before_what_might_be()
    {
        Model model = Offers.Model(Offers.Of("alpha", 1, 1) with { Can = Abilities.None }, Offers.Of("beta"));
        InferenceRequest request = Offers.Request(new RoutePreferences { Policy = RoutePolicy.Cheapest });
        Assert.Equal("beta,alpha", Offers.Rank(model, request with { Needs = Abilities.Images }).Providers());
        Assert.Equal("alpha,beta", Offers.Rank(model, request).Providers());
    }

    [Fact]
    public void A_session_stays_with_its_provider_while_the_fastest_is_asked_for_and_no_longer()
    {
        OfferCondition[] conditions = [Offers.Measured(9_000, 1), Offers.Measured(300, 100), Offers.Measured(300, 100)];
        Assert.StartsWith("alpha", Offers.Rank(Three, Offers.Request(), 1, "Alpha", conditions).Providers(), StringComparison.Ordinal);
        Assert.StartsWith("gamma", Offers.Rank(Three, Offers.Request(new RoutePreferences { Policy = RoutePolicy.Cheapest }), 1, "alpha", conditions).Providers(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(CircuitCause.Failing, ExclusionReason.CoolingDown, true)]
    [InlineData(CircuitCause.RateLimited, ExclusionReason.RateLimited, true)]
    [InlineData(CircuitCause.Credential, ExclusionReason.CredentialRefused, false)]
    [InlineData(CircuitCause.Quota, ExclusionReason.OutOfQuota, false)]
    [InlineData(CircuitCause.Gone, ExclusionReason.Gone, false)]
    public void What_rests_says_why_and_waiting_is_advised_only_where_it_helps(CircuitCause why, ExclusionReason reason, bool waitingHelps)
    {
        OfferCondition resting = OfferCondition.Unknown with { AskableIn = TimeSpan.FromSeconds(7), Why = why };
        RouteOrder order = Offers.Rank(Offers.Model(Offers.Of("alpha")), Offers.Request(), 1, null, resting);
        Assert.Equal(reason, Assert.Single(order.Excluded).Reason);
        Assert.Equal(waitingHelps ? TimeSpan.FromSeconds(7) : null, order.SoonestAskableIn);
    }

    [Fact]
    public void Of_several_that_rest_the_soonest_is_told()
    {
        OfferCondition resting = OfferCondition.Unknown with { AskableIn = TimeSpan.FromSeconds(7), Why = CircuitCause.Failing };
        Assert.Equal(TimeSpan.FromSeconds(3), Offers.Rank(Three, Offers.Request(), 1, null, resting, resting with { AskableIn = TimeSpan.FromSeconds(3) }, resting).SoonestAskableIn);
    }

    private static OfferCondition Condition(NonNegativeInt[] numbers, int i)
    {
        int n = numbers.Length > i ? numbers[i].Get : i;
        return Offers.Measured(n % 7 == 0 ? double.NaN : n % 1_000, n % 5 == 0 ? double.NaN : n % 300, n % 10 / 10.0) with
        {
            AskableIn = n % 3 == 0 ? TimeSpan.FromSeconds(n % 50) : TimeSpan.Zero,
            Why = CircuitCause.Failing,
            IsStale = n % 2 == 0,
            HeldBack = n % 11 / 10.0,
        };
    }

    private static int Share(Model model, string provider, params OfferCondition[] conditions) =>
        Enumerable.Range(0, 10_000).Count(seed => Offers.Rank(model, Offers.Request(), (ulong)seed * 0x9E37_79B9_7F4A_7C15, null, conditions).Candidates[0].Offer.Provider == provider);
}
