using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Domain.Routing;

namespace Fairlead.Gateway.Catalogue;

/// <summary>Why a model cannot be served, in words that say what to do next.</summary>
internal static class RouteRefusals
{
    /// <summary>The caller names a provider that is none: a misspelt one must not be passed over, least of all in <c>ignore</c>.</summary>
    public static Problem? UnknownProviders(Exchange exchange)
    {
        RoutePreferences wish = exchange.Request.Preferences;
        return Unknown("order", wish.Order) ?? Unknown("only", wish.Only) ?? Unknown("ignore", wish.Ignore);

        Problem? Unknown(string field, System.Collections.Immutable.ImmutableArray<string> names)
        {
            foreach (string name in names)
            {
                if (exchange.Deployment.KnowsProvider(name))
                    continue;
                string here = string.Join(", ", exchange.Deployment.Catalogue.Models.SelectMany(static m => m.Offers).Select(static o => o.Provider).Distinct(StringComparer.OrdinalIgnoreCase).Take(8));
                return new Problem(ProblemKind.FieldInvalid, Bound($"'provider.{field}' names '{Protocols.Faults.Redaction.Clean(name, 60)}', which is no provider known here. Providers of this server: {here}."), $"provider.{field}");
            }
            return null;
        }
    }

    /// <param name="exchange">The request.</param>
    /// <param name="name">The model's name as asked for.</param>
    /// <param name="field">Where it was asked for: <c>model</c> or <c>models</c>.</param>
    /// <param name="resolved">What was found.</param>
    public static Problem UnknownModel(Exchange exchange, string name, string field, ResolvedModel resolved)
    {
        Deployment deployment = exchange.Deployment;
        if (Withdrawn(exchange, resolved.Alias is null ? [name] : deployment.Catalogue.FindAlias(name)!.Try) is { } withdrawn)
            return Gone(exchange, withdrawn.By, new Retirement(name, withdrawn.Since, withdrawn.Successor), field, withdrawn.Elsewhere);
        if (deployment.KnownElsewhere(name) is { } elsewhere)
        {
            return new Problem(ProblemKind.ModelNotSupported,
                Bound($"The requested model '{name}' is not supported by any provider you have enabled. It is sold by {elsewhere.Providers}; set {elsewhere.Variable} and restart, or reload the configuration."),
                field) { Model = name };
        }
        if (deployment.Catalogue.Models.All(static m => m.Id == LocalModels.GuideId))
        {
            string what = deployment.Catalogue.Models.IsEmpty ? "so it can serve no model" : $"only its own '{LocalModels.GuideId}'";
            return new Problem(ProblemKind.NoProviders,
                $"This server has no provider yet, {what}. Set a provider's key (for example TOGETHER_API_KEY) or start a local runner such as Ollama, then restart 'fairlead serve'.",
                field);
        }
        string hint = resolved.Nearest is { } nearest ? $" Did you mean '{nearest}'?" : "";
        return new Problem(ProblemKind.ModelNotFound, Bound($"The requested model '{name}' does not exist.{hint} List: GET /v1/models."), field) { Model = name };
    }

    /// <summary>A selector pins a model to a provider that does not serve it.</summary>
    public static Problem NotSupported(string name, string pinned, string field, IReadOnlyList<Model> models) =>
        new(ProblemKind.ModelNotSupported, Bound($"Model '{name}' is not supported by provider {Protocols.Faults.Redaction.Clean(pinned, 60)}. {Sellers(models)}"), field) { Model = name };

    /// <summary>All offers of the models were excluded; the most telling of the reasons is told.</summary>
    public static Problem NoCandidate(Exchange exchange, IReadOnlyList<Model> models, TimeSpan? soonest)
    {
        string name = exchange.Request.Model;
        IReadOnlyList<Excluded> excluded = exchange.Excluded;
        RoutePreferences wish = exchange.Request.Preferences;
        if (wish.Policy == RoutePolicy.Provider && wish.Pinned is { } pinned && excluded.All(static e => e.Reason == ExclusionReason.NotThePinnedProvider))
            return NotSupported(name, pinned, "model", models);

        List<Excluded> wanted = [.. excluded.Where(static e => e.Reason is not (ExclusionReason.NotThePinnedProvider or ExclusionReason.NotInOnly or ExclusionReason.Ignored))];
        if (wanted.Count == 0)
            return new Problem(ProblemKind.NoOfferFits, Bound($"'provider.only' and 'provider.ignore' leave nobody who serves '{name}'. {Sellers(models)}"), "provider");

        if (All(ExclusionReason.Gone, ExclusionReason.Retired))
            return Gone(exchange, wanted[0].Offer.Provider, exchange.Retired ?? Retirement.Of(exchange.Deployment.Catalogue, name, models, exchange.Today), "model");
        if (wanted.Exists(static e => e.Reason is ExclusionReason.CoolingDown or ExclusionReason.RateLimited))
        {
            TimeSpan wait = soonest is { } s && s > TimeSpan.Zero ? s : TimeSpan.FromSeconds(1);
            bool rate = !wanted.Exists(static e => e.Reason == ExclusionReason.CoolingDown);
            return new Problem(rate ? ProblemKind.UpstreamRateLimited : ProblemKind.AllCoolingDown,
                Bound($"Every provider that could serve '{name}' {(rate ? "is rate-limiting" : "has failed lately and is resting")}. Retry in {Math.Ceiling(wait.TotalSeconds):0} s; adding a provider or key would help."),
                RetryAfter: wait);
        }
        if (wanted.Exists(static e => e.Reason == ExclusionReason.CredentialRefused))
        {
            return new Problem(ProblemKind.UpstreamCredential,
                Bound($"The stored key for provider '{First(ExclusionReason.CredentialRefused).Provider}' was refused. This is a server setting: its operator must replace it. Your own key is fine."));
        }
        if (wanted.Exists(static e => e.Reason == ExclusionReason.OutOfQuota))
        {
            return new Problem(ProblemKind.UpstreamQuota,
                Bound($"The server's account at provider '{First(ExclusionReason.OutOfQuota).Provider}' is out of credit. Its operator must top it up; your own budget is fine."));
        }
        if (wanted.Exists(static e => e.Reason == ExclusionReason.Parked))
        {
            Offer parked = First(ExclusionReason.Parked);
            string why = exchange.Deployment.Runtime(parked)?.Own?.Status?.Reason ?? "its worker kept dying";
            return new Problem(ProblemKind.WorkerParked,
                Bound($"'{parked.Name}' died too often and is not offered until its operator loads it again or its files or configuration change: {why}"));
        }
        if (wanted.Exists(static e => e.Reason is ExclusionReason.ContextTooSmall))
        {
            long? most = wanted.Max(static e => e.Offer.ContextLength);
            return new Problem(ProblemKind.ContextTooLong,
                Bound($"The request has about {exchange.Request.InputTokensExpected:N0} tokens and asks for up to {exchange.Request.MaxOutputTokens ?? 0:N0} more; '{name}' takes {most:N0} here. Shorten it, lower max_tokens, or use a model with a larger context."),
                "messages");
        }
        if (All(ExclusionReason.PriceUnknown))
        {
            return new Problem(ProblemKind.PriceUnknown,
                Bound($"The price of '{name}' at {string.Join(", ", wanted.Select(static e => e.Offer.Provider).Distinct())} is not known, and an unknown price is refused rather than guessed. State it under providers.NAME.models in the configuration."), "model");
        }
        if (All(ExclusionReason.PricedByTime))
        {
            return new Problem(ProblemKind.NoOfferFits,
                Bound($"'{name}' is priced by the hour of computing here: what a token comes to is known only afterwards, so no 'provider.max_price' can be kept. Leave it out, or use another model."), "provider.max_price");
        }
        if (All(ExclusionReason.OverMaxPrice, ExclusionReason.PricedByTime))
        {
            Offer cheapest = wanted.Where(static e => e.Reason == ExclusionReason.OverMaxPrice).MinBy(static e => (e.Offer.Price!.Output.PerMillion.Value, e.Offer.Price.Input.PerMillion.Value)).Offer;
            return new Problem(ProblemKind.NoOfferFits,
                Bound($"No provider of '{name}' is within 'provider.max_price'. The cheapest, {cheapest.Provider}, asks {cheapest.Price!.Input.PerMillion} per 1M input and {cheapest.Price.Output.PerMillion} per 1M output tokens (US dollars). Raise it, or use another model."), "provider.max_price");
        }
        if (All(ExclusionReason.BoundToDialect, ExclusionReason.LostInTranslation))
            return Untranslatable(exchange.Request, bound: wanted.Exists(static e => e.Reason == ExclusionReason.BoundToDialect));
        string reasons = string.Join(", ", wanted.Select(static e => $"{e.Offer.Provider}: {Words(e.Reason)}").Distinct().Take(4));
        return new Problem(ProblemKind.NoOfferFits, Bound($"No provider of '{name}' can serve this request ({reasons}). Drop the feature or use another model."), "model");

        bool All(params ReadOnlySpan<ExclusionReason> reasons)
        {
            foreach (Excluded e in wanted)
            {
                if (!reasons.Contains(e.Reason))
                    return false;
            }
            return true;
        }

        Offer First(ExclusionReason reason) => wanted.Find(e => e.Reason == reason).Offer;
    }

    /// <summary>A model that was withdrawn: what happened, since when, and what would serve instead.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="provider">Who withdrew it.</param>
    /// <param name="retirement">What is known of that.</param>
    /// <param name="field">Where the model was asked for.</param>
    /// <param name="elsewhere">A successor that nobody offers here, and how to have it; null when none is known.</param>
    public static Problem Gone(Exchange exchange, string provider, Retirement retirement, string field, string? elsewhere = null)
    {
        string since = retirement.Since is { } day ? $" since {day.ToString("d MMM yyyy", System.Globalization.CultureInfo.InvariantCulture)}" : "";
        string consent = exchange.Caller!.Key.Limits.Successors ? "" : ", or have its operator switch 'successors' on for this key";
        string instead = retirement.Successor is { } successor
            ? $"'{successor}' would serve instead: ask for it, or name it in 'models: […]'{consent}."
            : $"Nothing that would take its place is offered here{elsewhere}. Ask for another model (GET /v1/models), or name substitutes in 'models: […]'.";
        return new Problem(ProblemKind.UpstreamGone,
            Bound($"The requested model '{Shown(retirement.Model)}' is deprecated and no longer supported by provider {provider}{since}. {instead}"), field) { Retirement = retirement };
    }

    /// <summary>All who were asked have just said that they have no such model any more.</summary>
    public static Problem GoneNow(Exchange exchange, IEnumerable<Offer> offers)
    {
        Model[] gone = [.. offers.Select(offer => new Model(offer.ModelId, [offer with { GoneOn = exchange.Today }]))];
        return Gone(exchange, gone[0].Offers[0].Provider, Retirement.Of(exchange.Deployment.Catalogue, exchange.Request.Model, gone, exchange.Today), "model");
    }

    /// <summary>What the sheet knows of names that nothing here goes by; null where one of them was never withdrawn, or is sold still.</summary>
    private static (string By, DateOnly? Since, string? Successor, string? Elsewhere)? Withdrawn(Exchange exchange, IReadOnlyList<string> names)
    {
        Deployment deployment = exchange.Deployment;
        List<Withdrawn> all = [.. names.Select(deployment.WithdrawnElsewhere).OfType<Withdrawn>()];
        if (all.Count == 0 || all.Count < names.Count)
            return null;
        string? successor = all.Select(one => Retirement.LiveSuccessor(deployment.Catalogue, one.Provider, one.Successor, exchange.Today)).FirstOrDefault(static found => found is not null);
        string? elsewhere = all.Select(static one => one.Successor).OfType<string>()
            .Select(name => deployment.KnownElsewhere(name) is { } sellers ? $" (its successor '{name}' is sold by {sellers.Providers}: set {sellers.Variable})" : null)
            .FirstOrDefault(static found => found is not null);
        return (all[0].Provider, all.Max(static one => one.On), successor, elsewhere);
    }

    /// <summary>So much of a name that what follows it is still read.</summary>
    private static string Shown(string name) => Protocols.Faults.Redaction.Clean(name, 60);

    /// <summary>All who could serve speak the other dialect, and the request does not get there whole.</summary>
    private static Problem Untranslatable(InferenceRequest request, bool bound)
    {
        string spoken = request.Route.Dialect() == Dialect.OpenAi ? "Anthropic's" : "OpenAI's";
        string fields = (bound ? request.BoundToDialect : request.LostInTranslation)!;
        string what = bound
            ? $"which cannot say: {fields}. Leave that out"
            : $"in which this is lost: {fields}. Leave it out, drop 'provider.require_parameters'";
        return new Problem(ProblemKind.NoOfferFits, Bound($"'{request.Model}' is served in {spoken} dialect alone, {what}, or use another model."), fields.Split(',')[0]);
    }

    /// <summary>Messages end at 300 characters, whatever names they hold.</summary>
    public static string Bound(string message) => message.Length <= 300 ? message : string.Concat(message.AsSpan(0, 299), "…");

    /// <summary>The words of an exclusion, as records and messages print them.</summary>
    public static string Words(ExclusionReason reason) => reason switch
    {
        ExclusionReason.PriceUnknown => "price_unknown",
        ExclusionReason.Gone => "gone",
        ExclusionReason.Retired => "retired",
        ExclusionReason.WrongRoute => "does_not_serve_this_route",
        ExclusionReason.ContextTooSmall => "context_too_small",
        ExclusionReason.NoTools => "no_tools",
        ExclusionReason.NoImages => "no_images",
        ExclusionReason.NoStructuredOutput => "no_structured_output",
        ExclusionReason.ParameterNotHonoured => "parameter_not_honoured",
        ExclusionReason.NotInOnly => "not_in_only",
        ExclusionReason.Ignored => "ignored",
        ExclusionReason.NotThePinnedProvider => "not_the_pinned_provider",
        ExclusionReason.OverMaxPrice => "over_max_price",
        ExclusionReason.PricedByTime => "priced_by_time",
        ExclusionReason.CoolingDown => "cooling_down",
        ExclusionReason.RateLimited => "rate_limited",
        ExclusionReason.CredentialRefused => "credential_refused",
        ExclusionReason.OutOfQuota => "out_of_quota",
        ExclusionReason.Parked => "parked",
        ExclusionReason.BoundToDialect => "cannot_be_translated",
        ExclusionReason.LostInTranslation => "lost_in_translation",
        _ => reason.ToString(),
    };

    private static string Sellers(IReadOnlyList<Model> models)
    {
        string providers = string.Join(", ", models.SelectMany(static m => m.Offers).Select(static o => o.Provider).Distinct(StringComparer.OrdinalIgnoreCase).Take(6));
        return providers.Length == 0 ? "" : $"It is served by: {providers}.";
    }
}
