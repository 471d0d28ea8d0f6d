using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Keys;
using Fairlead.Domain.Limits;
using Fairlead.Domain.Money;
using Fairlead.Domain.Problems;
using Fairlead.Domain.Routing;
using Fairlead.Gateway.Dispatch;
using Fairlead.Gateway.Limits;
using Fairlead.Protocols.Dialects;

namespace Fairlead.Gateway.Catalogue;

/// <summary>(4) From a model's name to the offers to ask, in order: resolves the name, checks that the key may use it, and has the ranking rank.</summary>
internal sealed class RoutePlanner(Admission admission, StickySessions sticky)
{
    /// <summary>What the limits alone refuse, before a body is read: a budget or a minute that is used up to the last.</summary>
    public Problem? RefuseUnread(Exchange exchange)
    {
        if (exchange.Http.Request.Headers["x-hf-bill-to"].ToString() is { Length: > 0 } payer)
        {
            return new Problem(ProblemKind.BillToNotAllowed, RouteRefusals.Bound(
                $"This key does not have sufficient permissions to call on behalf of org {Protocols.Faults.Redaction.Clean(payer, 60)}: this server bills keys, not organisations. Leave X-HF-Bill-To out."));
        }
        AllowanceView left = admission.View(exchange.Caller!);
        // Without money one may still ask for what costs nothing, where there is any.
        bool broke = exchange.Route != Route.CountTokens && left.MoneyLeft == NanoDollars.Zero && !exchange.Deployment.Catalogue.Models.Any(static m => m.Offers.Any(static o => o.Price?.IsFree == true));
        if (!broke && left.RequestsLeft > 0)
            return null;
        // Asking for one nano-dollar is what makes the shortage, and its words, the same as for a real request.
        Problem? problem = admission.TryTake(exchange.Caller!, null, broke ? new NanoDollars(1) : NanoDollars.Zero, 0, out Ticket ticket);
        if (problem is null)
            admission.Void(ticket);
        return problem;
    }

    /// <summary>Fills in the exchange's candidates and exclusions.</summary>
    /// <returns>Null when there is at least one candidate.</returns>
    public Problem? Plan(Exchange exchange)
    {
        CatalogueSnapshot catalogue = exchange.Deployment.Catalogue;
        // Names of local runners hold colons (ollama/llama3.2:latest): what is known by its whole name is meant by it.
        if (exchange.Request.Preferences.Policy == RoutePolicy.Provider && catalogue.Find(exchange.Scanned!.AskedModel) is not null)
            exchange.Scanned = exchange.Scanned.WithWholeName();
        InferenceRequest request = exchange.Request;
        var wanted = new List<Wanted>(1);
        if ((RouteRefusals.UnknownProviders(exchange) ?? Resolve(exchange, wanted)) is { } problem)
            return problem;

        List<Candidate>? candidates = null;
        List<Excluded>? excluded = null;
        RouteOrder order = default;
        TimeSpan? soonest = null;
        foreach ((Model model, RoutePreferences wish) in wanted)
        {
            string? stickyProvider = exchange.Session is { } session ? sticky.Find(exchange.Caller!.Key.Id, session, model.Id) : null;
            InferenceRequest asked = ReferenceEquals(wish, request.Preferences) ? request : request with { Preferences = wish };
            order = Rank(exchange, model, new RouteQuery(asked, exchange.Today, stickyProvider));
            soonest = Sooner(soonest, order.SoonestAskableIn);
            if (wanted.Count == 1)
                break;
            // Two entries of a list may name the same offer: it is asked once, and is not told as excluded where it is a candidate.
            candidates ??= [];
            candidates.AddRange(order.Candidates.Where(c => !candidates.Exists(known => known.Offer == c.Offer)));
            (excluded ??= []).AddRange(order.Excluded.Where(e => !excluded.Exists(known => known.Offer == e.Offer)));
        }
        exchange.Candidates = candidates ?? order.Candidates;
        excluded?.RemoveAll(e => candidates!.Exists(c => c.Offer == e.Offer));
        exchange.Excluded = excluded ?? order.Excluded;
        if (exchange.Retired is null && exchange.Caller!.Key.Limits.Successors)
            exchange.StandIns = StandIns(exchange, wanted[0].Model);
        if (exchange.Candidates.Count == 0 && LastResort(exchange) is { } candidate)
            exchange.Candidates = [candidate];
        return exchange.Candidates.Count > 0 ? null : RouteRefusals.NoCandidate(exchange, [.. wanted.Select(static w => w.Model)], soonest);
    }

    /// <summary>Finds what the request may be served by: what it asks for, what it names beside that, and where that was withdrawn and its key consents, the successor.</summary>
    /// <returns>Null when there is something to rank.</returns>
    private static Problem? Resolve(Exchange exchange, List<Wanted> wanted)
    {
        InferenceRequest request = exchange.Request;
        CatalogueSnapshot catalogue = exchange.Deployment.Catalogue;
        Problem? problem = Resolve(exchange, catalogue, request.Model, "model", request.Preferences, wanted);
        if (problem is not null && problem.Retirement is null)
            return problem;
        Model[] asked = [.. wanted.Select(static w => w.Model)];
        exchange.Retired = problem?.Retirement ?? (Retirement.IsOf(asked, exchange.Today) ? Retirement.Of(catalogue, request.Model, asked, exchange.Today) : null);
        foreach (string further in request.FallbackModels)
        {
            // What is gone is passed over, here as in the middle of an alias: somebody else is named beside it.
            if (ResolveFurther(exchange, catalogue, further, wanted) is { Retirement: null } wrong)
                return wrong;
        }
        if (exchange.Retired?.Successor is { } successor && exchange.Caller!.Key.Limits.Successors)
            wanted.Add(new Wanted(catalogue.Find(successor)!, request.Preferences)); // whoever switched that on means it, whatever models the key lists
        return wanted.Count > 0 ? null : problem;
    }

    /// <summary>A model to rank, and how its offers are to be chosen: an entry of <c>models</c> may have a selector of its own.</summary>
    private readonly record struct Wanted(Model Model, RoutePreferences Wish);

    /// <summary>The successor's offers, where the end of the model that was asked for is announced by everybody who has it and may come between two requests.</summary>
    private static IReadOnlyList<Candidate> StandIns(Exchange exchange, Model asked)
    {
        CatalogueSnapshot catalogue = exchange.Deployment.Catalogue;
        if (!asked.Offers.All(static offer => offer.DeprecatedOn is not null) || Retirement.Of(catalogue, asked.Id, [asked], exchange.Today).Successor is not { } successor)
            return [];
        return Rank(exchange, catalogue.Find(successor)!, new RouteQuery(exchange.Request, exchange.Today)).Candidates;
    }

    /// <summary>Everybody who could serve has failed lately: the one that rests the shortest is asked all the same, now and then.</summary>
    private static Candidate? LastResort(Exchange exchange)
    {
        Candidate? best = null;
        foreach (Excluded excluded in exchange.Excluded)
        {
            if (excluded.Reason != ExclusionReason.CoolingDown || exchange.Deployment.Runtime(excluded.Offer) is not { } runtime)
                continue;
            OfferCondition condition = runtime.Condition;
            if (best is null || condition.AskableIn < best.Value.Condition.AskableIn)
                best = new Candidate(excluded.Offer, condition);
        }
        if (best is not { } chosen)
            return null;
        // How often a model of our own is asked while it rests is the fleet's to say: it refuses with the reason, or lets the request wait.
        OfferRuntime last = exchange.Deployment.Runtime(chosen.Offer)!;
        return last.Own is not null || last.Breaker.TryLastResort() ? chosen : null;
    }

    private static RouteOrder Rank(Exchange exchange, Model model, in RouteQuery query)
    {
        Span<OfferCondition> conditions = model.Offers.Length <= 16 ? stackalloc OfferCondition[model.Offers.Length] : new OfferCondition[model.Offers.Length];
        for (int i = 0; i < conditions.Length; i++)
            conditions[i] = exchange.Deployment.Runtime(model.Offers[i])?.Condition ?? OfferCondition.Unknown;
        return Ranking.Rank(model, query, conditions, exchange.Seed);
    }

    /// <summary>An entry of <c>models</c>: a whole name as it stands, or a name with a selector.</summary>
    private static Problem? ResolveFurther(Exchange exchange, CatalogueSnapshot catalogue, string entry, List<Wanted> wanted)
    {
        RoutePreferences wish = exchange.Request.Preferences;
        string name = entry;
        if (catalogue.Find(entry) is null && catalogue.FindAlias(entry) is null && ModelSelector.Split(entry) is (var model, { } policy, var provider))
        {
            name = model;
            wish = wish with { Policy = policy, Pinned = provider };
        }
        int before = wanted.Count;
        Problem? problem = Resolve(exchange, catalogue, name, "models", wish, wanted);
        if (problem is null && name != entry && wish.Pinned is { } pinned && wanted.Skip(before).All(w => w.Model.Offers.All(o => !o.Provider.Equals(pinned, StringComparison.OrdinalIgnoreCase))))
            return RouteRefusals.NotSupported(name, pinned, "models", [.. wanted.Skip(before).Select(static w => w.Model)]);
        return problem;
    }

    private static Problem? Resolve(Exchange exchange, CatalogueSnapshot catalogue, string name, string field, RoutePreferences wish, List<Wanted> wanted)
    {
        ResolvedModel resolved = ModelResolution.Resolve(catalogue, name);
        if (resolved.Models.Count == 0)
            return RouteRefusals.UnknownModel(exchange, name, field, resolved);
        KeyLimits limits = exchange.Caller!.Key.Limits;
        if (!limits.Models.IsEmpty && !Allows(limits, name) && !resolved.Models.All(model => Allows(limits, model.Id)))
        {
            return new Problem(ProblemKind.ModelNotAllowed,
                RouteRefusals.Bound($"This key may not use '{name}'. It may use: {string.Join(", ", limits.Models.Take(5))} ({limits.Models.Length}). Ask for access or change the model."), field);
        }
        if (resolved.Alias is { } alias)
            exchange.Alias ??= alias;
        foreach (Model model in resolved.Models)
            wanted.Add(new Wanted(model, wish));
        return null;
    }

    private static bool Allows(KeyLimits limits, string name) => limits.Models.Contains(name, StringComparer.OrdinalIgnoreCase);

    private static TimeSpan? Sooner(TimeSpan? a, TimeSpan? b) => a is null || b < a ? b : a;
}
