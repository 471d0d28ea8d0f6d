using System.Text.Json;
using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Fleet;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Gateway.Catalogue;

namespace Fairlead.Gateway.Door;

/// <summary><c>GET /v1/models</c> in the shape of Hugging Face's router, which OpenAI clients read too: one object per model, its offers under <c>providers</c>.</summary>
/// <remarks>A model of our own says where it stands, what it needs and how long it takes to load. One that is parked is not in the list; asked for by its
/// name it says why.</remarks>
internal static class ModelsDocument
{
    /// <summary>The list: every model and every alias.</summary>
    public static void WriteList(Utf8JsonWriter json, Deployment deployment, DateTimeOffset since)
    {
        json.WriteStartObject();
        json.WriteString("object", "list");
        json.WriteStartArray("data");
        foreach (Model model in deployment.Catalogue.Models)
            WriteUnlessParked(model.Id, model.Offers.AsSpan());
        foreach (Alias alias in deployment.Catalogue.Aliases)
            WriteUnlessParked(alias.Name, Offers(deployment.Catalogue, alias));
        json.WriteEndArray();
        json.WriteEndObject();

        void WriteUnlessParked(string id, ReadOnlySpan<Offer> offers)
        {
            Offer[] listed = [.. offers.ToArray().Where(offer => deployment.Runtime(offer)?.Own?.Status is not { State: ModelState.Parked })];
            if (listed.Length > 0 || offers.IsEmpty)
                WriteModel(json, id, listed, deployment, since);
        }
    }

    /// <summary>One model, alias or <c>provider/model</c>; false when there is none of that name.</summary>
    public static bool TryWriteOne(Utf8JsonWriter json, string name, Deployment deployment, DateTimeOffset since)
    {
        if (deployment.Catalogue.FindAlias(name) is { } alias)
        {
            WriteModel(json, alias.Name, Offers(deployment.Catalogue, alias), deployment, since);
            return true;
        }
        if (deployment.Catalogue.Find(name) is not { } model)
            return false;
        WriteModel(json, model.Id, model.Offers.AsSpan(), deployment, since);
        return true;
    }

    private static Offer[] Offers(CatalogueSnapshot catalogue, Alias alias) =>
        [.. alias.Try.Select(catalogue.Find).OfType<Model>().SelectMany(static m => m.Offers)];

    private static void WriteModel(Utf8JsonWriter json, string id, ReadOnlySpan<Offer> offers, Deployment deployment, DateTimeOffset since)
    {
        json.WriteStartObject();
        json.WriteString("id", id);
        json.WriteString("object", "model");
        json.WriteNumber("created", since.ToUnixTimeSeconds());
        int slash = id.IndexOf('/', StringComparison.Ordinal);
        json.WriteString("owned_by", slash > 0 ? id[..slash] : "fairlead");
        WriteAliases(json, offers);
        bool images = false;
        bool embeddings = offers.Length > 0;
        foreach (Offer offer in offers)
        {
            images |= offer.Can.Has(Abilities.Images);
            embeddings &= offer.Routes == RouteSet.Embeddings;
        }
        json.WriteStartObject("architecture");
        json.WriteStartArray("input_modalities");
        json.WriteStringValue("text");
        if (images)
            json.WriteStringValue("image");
        json.WriteEndArray();
        json.WriteStartArray("output_modalities");
        json.WriteStringValue(embeddings ? "embeddings" : "text");
        json.WriteEndArray();
        json.WriteEndObject();
        ModelStatus? own = null;
        foreach (Offer offer in offers)
            own ??= deployment.Runtime(offer)?.Own?.Status;
        if (own is not null)
            WriteState(json, own);
        json.WriteStartArray("providers");
        foreach (Offer offer in offers)
            WriteOffer(json, offer, deployment.Runtime(offer));
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Further names of the same model, as its providers have them; each may stand in a request where the id may.</summary>
    private static void WriteAliases(Utf8JsonWriter json, ReadOnlySpan<Offer> offers)
    {
        string[] aliases = [.. offers.ToArray().SelectMany(static offer => offer.Aliases).Distinct(StringComparer.OrdinalIgnoreCase)];
        if (aliases.Length == 0)
            return;
        json.WriteStartArray("aliases");
        foreach (string alias in aliases)
            json.WriteStringValue(alias);
        json.WriteEndArray();
    }

    private static void WriteState(Utf8JsonWriter json, ModelStatus status)
    {
        json.WriteString("state", status.State switch
        {
            ModelState.Ready => "ready",
            ModelState.Queued or ModelState.Loading => "loading",
            ModelState.Parked => "parked",
            _ => "cold", // one that makes room is as good as gone, and one that rests is not there
        });
        if (status.Share is { } share)
            json.WriteNumber("loaded", Math.Round(share, 2));
        if (status.FileBytes > 0)
            json.WriteNumber("size_bytes", status.FileBytes);
        if (status.Memory is { } memory)
            json.WriteNumber("memory_bytes", memory);
        json.WriteNumber("cold_start_seconds", Math.Round(status.ColdStart.TotalSeconds, 1));
        if (status.State is ModelState.Parked or ModelState.Resting)
            json.WriteString("state_reason", status.Reason);
    }

    private static void WriteOffer(Utf8JsonWriter json, Offer offer, OfferRuntime? runtime)
    {
        OfferCondition condition = runtime?.Condition ?? OfferCondition.Unknown;
        json.WriteStartObject();
        json.WriteString("provider", offer.Provider);
        json.WriteString("status", offer.Status == OfferStatus.Live && condition.AskableIn == TimeSpan.Zero ? "live" : "error");
        json.WriteString("provider_model", offer.ProviderModelId);
        if (runtime?.Own?.Status is { } status)
            WriteState(json, status);
        if (offer.ContextLength is { } context)
            json.WriteNumber("context_length", context);
        if (offer.MaxOutputTokens is { } most)
            json.WriteNumber("max_output_tokens", most);
        // A price that is not known is left out: never shown as 0.
        if (offer.Price is { } price)
        {
            json.WriteStartObject("pricing");
            // Nor is one by the hour shown as tokens for 0.
            if (price.ChargesTokens || !price.ChargesTime)
            {
                WriteDollars(json, "input", price.Input.PerMillion);
                WriteDollars(json, "output", price.Output.PerMillion);
            }
            if (price.CachedInput is { } cached)
                WriteDollars(json, "cached_input", cached.PerMillion);
            if (price.CacheWrite is { } write)
                WriteDollars(json, "cache_write", write.PerMillion);
            if (price.CacheWriteHour is { } hour)
                WriteDollars(json, "cache_write_hour", hour.PerMillion);
            if (price.ChargesTime)
                WriteDollars(json, "per_hour", price.Hourly!.Value.PerHour);
            json.WriteEndObject();
            json.WriteBoolean("is_free", price.IsFree);
        }
        else
        {
            json.WriteBoolean("is_free", false);
        }
        json.WriteBoolean("supports_tools", offer.Can.Has(Abilities.Tools));
        json.WriteBoolean("supports_structured_output", offer.Can.Has(Abilities.StructuredOutput));
        json.WriteBoolean("supports_images", offer.Can.Has(Abilities.Images));
        if (!double.IsNaN(condition.FirstTokenMs))
            json.WriteNumber("first_token_latency_ms", Math.Round(condition.FirstTokenMs));
        if (!double.IsNaN(condition.TokensPerSecond))
            json.WriteNumber("throughput", Math.Round(condition.TokensPerSecond, 1));
        json.WriteBoolean("is_model_author", false);
        if (offer.RetiresOn is { } day)
            json.WriteString("retires_on", day.ToString("O", System.Globalization.CultureInfo.InvariantCulture));
        json.WriteEndObject();
    }

    /// <summary>US dollars as a JSON number, digit for digit: never through a double.</summary>
    private static void WriteDollars(Utf8JsonWriter json, string name, NanoDollars price)
    {
        json.WritePropertyName(name);
        string text = price.ToString().TrimEnd('0').TrimEnd('.');
        json.WriteRawValue(text);
    }
}
