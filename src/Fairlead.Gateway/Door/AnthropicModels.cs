using System.Text.Json;
using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Fleet;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Gateway.Catalogue;
using Fairlead.Protocols.Faults;

namespace Fairlead.Gateway.Door;

/// <summary>The catalogue as Anthropic's list of models: what can be asked on <c>/v1/messages</c>, aliases included, in the order of the other list.</summary>
internal static class AnthropicModels
{
    /// <summary>One page of the list; null with a problem when the query names a model that is not in it.</summary>
    public static ModelsPage? Page(Deployment deployment, ModelsQuery query, DateOnly today, out Problem? problem)
    {
        problem = null;
        List<ListedModel> all = All(deployment, today);
        int from = 0;
        int to = all.Count;
        if ((query.After ?? query.Before) is { } cursor)
        {
            int at = all.FindIndex(model => model.Id.Equals(cursor, StringComparison.OrdinalIgnoreCase));
            if (at < 0)
            {
                string name = query.After is not null ? "after_id" : "before_id";
                problem = new Problem(ProblemKind.FieldInvalid,
                    RouteRefusals.Bound($"'{name}' names '{Redaction.Clean(cursor, 100)}', which is not in the list now. Take first_id or last_id of a page, or begin anew without it."), name);
                return null;
            }
            (from, to) = query.After is not null ? (at + 1, to) : (0, at);
        }
        List<ListedModel> wanted = all[from..to].FindAll(model => query.Stages.Contains(model.Stage));
        bool more = wanted.Count > query.Limit;
        if (more)
            wanted = query.Before is not null ? wanted[^query.Limit..] : wanted[..query.Limit];
        return new ModelsPage(wanted, more);
    }

    /// <summary>One model, alias or <c>provider/model</c>; null when there is none of that name.</summary>
    public static ListedModel? Find(Deployment deployment, string name, DateOnly today)
    {
        CatalogueSnapshot catalogue = deployment.Catalogue;
        if (catalogue.FindAlias(name) is { } alias)
            return ListedModel.Of(alias.Name, Offers(catalogue, alias), today);
        return catalogue.Find(name) is { } model ? ListedModel.Of(model.Id, model.Offers, today) : null;
    }

    private static List<ListedModel> All(Deployment deployment, DateOnly today)
    {
        CatalogueSnapshot catalogue = deployment.Catalogue;
        var all = new List<ListedModel>(catalogue.Models.Length + catalogue.Aliases.Length);
        foreach (Model model in catalogue.Models)
            Add(model.Id, model.Offers);
        foreach (Alias alias in catalogue.Aliases)
            Add(alias.Name, Offers(catalogue, alias));
        return all;

        // A model of our own that is parked can be asked for by its name alone, which says why; one that makes no text is none of this door's.
        void Add(string id, IReadOnlyList<Offer> offers)
        {
            Offer[] listed = [.. offers.Where(o => o.Routes.Has(Route.Messages) && deployment.Runtime(o)?.Own?.Status is not { State: ModelState.Parked })];
            if (listed.Length > 0)
                all.Add(ListedModel.Of(id, listed, today));
        }
    }

    private static Offer[] Offers(CatalogueSnapshot catalogue, Alias alias) => [.. alias.Try.Select(catalogue.Find).OfType<Model>().SelectMany(static m => m.Offers)];
}

/// <summary>Models of a page, and whether there are more in the direction that was asked for.</summary>
internal sealed record ModelsPage(IReadOnlyList<ListedModel> Models, bool HasMore)
{
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteStartArray("data");
        foreach (ListedModel model in Models)
            model.Write(json);
        json.WriteEndArray();
        json.WriteBoolean("has_more", HasMore);
        json.WriteString("first_id", Models.Count > 0 ? Models[0].Id : null);
        json.WriteString("last_id", Models.Count > 0 ? Models[^1].Id : null);
        json.WriteEndObject();
    }
}
