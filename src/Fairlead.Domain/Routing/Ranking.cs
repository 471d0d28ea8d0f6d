using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;

namespace Fairlead.Domain.Routing;

/// <summary>Orders the offers of one model for one request: the first is asked, the others are the failover order.</summary>
/// <remarks>Pure: the same model, query, conditions and seed rank alike, so any decision in a record can be replayed.</remarks>
public static class Ranking
{
    /// <summary>Answers are compared at this length, in tokens: what counts is the speed a caller sees, the wait for the first token included.</summary>
    private const double TypicalTokens = 200;

    /// <summary>What an offer that was never measured is taken for, tokens per second: fast enough to be tried, not so fast as to beat what is known to be quick.</summary>
    private const double UnmeasuredTokensPerSecond = 60;

    /// <summary>The same for the time to the first token, in milliseconds.</summary>
    private const double UnmeasuredFirstTokenMs = 500;

    /// <summary>Up to this share, a seeded draw moves a score: offers that are about as fast share the load instead of one taking it all.</summary>
    private const double Spread = 0.05;

    /// <summary>Share of requests with which an offer is measured again whose speed nobody has measured lately: without it, one that was slow once
    /// would never be asked again.</summary>
    private const double Measuring = 0.03;

    /// <param name="model">The model; its offers are ranked.</param>
    /// <param name="query">The request and what routing knows beside it.</param>
    /// <param name="conditions">Live health, one for each of <see cref="Model.Offers"/>, in their order.</param>
    /// <param name="seed">Chance for this request.</param>
    public static RouteOrder Rank(Model model, in RouteQuery query, ReadOnlySpan<OfferCondition> conditions, ulong seed)
    {
        var candidates = new List<Scored>(model.Offers.Length);
        List<Excluded>? excluded = null;
        TimeSpan? soonest = null;
        for (int i = 0; i < model.Offers.Length; i++)
        {
            Offer offer = model.Offers[i];
            OfferCondition condition = conditions[i];
            if (OfferFilter.Excludes(offer, query, condition.Cannot) is { } reason)
            {
                (excluded ??= []).Add(new Excluded(offer, reason));
            }
            else if (condition.AskableIn > TimeSpan.Zero)
            {
                (excluded ??= []).Add(new Excluded(offer, Resting(condition.Why)));
                if (condition.Why is not (CircuitCause.Gone or CircuitCause.Credential or CircuitCause.Quota or CircuitCause.Parked) && (soonest is null || condition.AskableIn < soonest))
                    soonest = condition.AskableIn;
            }
            else
            {
                candidates.Add(Score(offer, condition, query, i, seed));
            }
        }
        candidates.Sort(static (a, b) => a.CompareTo(b));
        var order = new Candidate[candidates.Count];
        for (int i = 0; i < order.Length; i++)
            order[i] = candidates[i].Candidate;
        return new RouteOrder(order, excluded ?? (IReadOnlyList<Excluded>)[], soonest);
    }

    private static Scored Score(Offer offer, in OfferCondition condition, in RouteQuery query, int place, ulong seed)
    {
        InferenceRequest request = query.Request;
        RoutePreferences wish = request.Preferences;
        int named = wish.Order.IsDefaultOrEmpty ? -1 : IndexOf(wish.Order, offer.Provider);
        // What the caller named comes before what is known to be able, and that before what might be; then the session's provider; then the policy.
        bool unsure = (request.Needs & ~offer.Can) != 0;
        bool sticky = false;
        int turn = 0;
        if (wish.Policy is RoutePolicy.Fastest)
        {
            sticky = query.StickyProvider is { } provider && offer.Provider.Equals(provider, StringComparison.OrdinalIgnoreCase);
            if (condition.HeldBack > Draw(seed, place, salt: 1))
                turn = 1;
            else if (condition.IsStale && condition.ReadyIn == TimeSpan.Zero && Draw(seed, place, salt: 2) < Measuring)
                turn = -1;
        }
        double slowness = Penalised(FirstTokenMs(condition) / 1000 + TypicalTokens / TokensPerSecond(condition), condition);
        (double first, double second) = wish.Policy switch
        {
            RoutePolicy.Cheapest => (OutputPrice(offer, condition), offer.Price!.Input.PerMillion.Value),
            RoutePolicy.Preferred => (place, 0.0),
            RoutePolicy.Latency => (Penalised(FirstTokenMs(condition), condition), 0.0),
            _ => (slowness * (1 - Spread * Draw(seed, place, salt: 0)), 0.0),
        };
        return new Scored(new Candidate(offer, condition), named < 0 ? int.MaxValue : named, unsure, !sticky, turn, first, second, slowness, place);
    }

    /// <summary>Nano-dollars for a million output tokens. Of a price by the hour, what they come to at the speed that was measured; before the first measurement
    /// an hour may come to anything, and such an offer is asked after those whose price is known.</summary>
    private static double OutputPrice(Offer offer, in OfferCondition condition)
    {
        OfferPrice price = offer.Price!;
        if (!price.ChargesTime)
            return price.Output.PerMillion.Value;
        return double.IsNaN(condition.TokensPerSecond)
            ? double.PositiveInfinity
            : price.Output.PerMillion.Value + price.Hourly!.Value.PerHour.Value / 3600.0 * 1_000_000 / TokensPerSecond(condition);
    }

    /// <summary>An offer that fails half of the time costs twice: the failed try and the next.</summary>
    private static double Penalised(double cost, in OfferCondition condition) => cost / Math.Max(0.02, 1 - condition.ErrorShare);

    private static double TokensPerSecond(in OfferCondition condition) =>
        double.IsNaN(condition.TokensPerSecond) ? UnmeasuredTokensPerSecond : Math.Max(0.01, condition.TokensPerSecond);

    /// <summary>What was measured begins where the model had a place for the request; until then is the forecast's part.</summary>
    private static double FirstTokenMs(in OfferCondition condition) =>
        condition.ReadyIn.TotalMilliseconds + (double.IsNaN(condition.FirstTokenMs) ? UnmeasuredFirstTokenMs : condition.FirstTokenMs);

    /// <summary>Why an offer is no candidate whose circuit is open.</summary>
    public static ExclusionReason Resting(CircuitCause why) => why switch
    {
        CircuitCause.RateLimited => ExclusionReason.RateLimited,
        CircuitCause.Credential => ExclusionReason.CredentialRefused,
        CircuitCause.Quota => ExclusionReason.OutOfQuota,
        CircuitCause.Gone => ExclusionReason.Gone,
        CircuitCause.Parked => ExclusionReason.Parked,
        _ => ExclusionReason.CoolingDown,
    };

    private static int IndexOf(System.Collections.Immutable.ImmutableArray<string> names, string name)
    {
        for (int i = 0; i < names.Length; i++)
        {
            if (names[i].Equals(name, StringComparison.OrdinalIgnoreCase))
                return i;
        }
        return -1;
    }

    /// <summary>Uniform in [0, 1), one per offer, question and seed (SplitMix64).</summary>
    private static double Draw(ulong seed, int place, int salt)
    {
        ulong x = unchecked(seed + (ulong)(place * 4 + salt + 1) * 0x9E37_79B9_7F4A_7C15);
        x = unchecked((x ^ (x >> 30)) * 0xBF58_476D_1CE4_E5B9);
        x = unchecked((x ^ (x >> 27)) * 0x94D0_49BB_1331_11EB);
        return (x >> 11) * (1.0 / (1UL << 53));
    }

    private readonly record struct Scored(
        Candidate Candidate, int Named, bool Unsure, bool NotSticky, int Turn, double First, double Second, double Slowness, int Place) : IComparable<Scored>
    {
        public int CompareTo(Scored other)
        {
            int by = Named.CompareTo(other.Named);
            by = by != 0 ? by : Unsure.CompareTo(other.Unsure);
            by = by != 0 ? by : NotSticky.CompareTo(other.NotSticky);
            by = by != 0 ? by : Turn.CompareTo(other.Turn);
            by = by != 0 ? by : First.CompareTo(other.First);
            by = by != 0 ? by : Second.CompareTo(other.Second);
            by = by != 0 ? by : Slowness.CompareTo(other.Slowness);
            return by != 0 ? by : Place.CompareTo(other.Place);
        }
    }
}
