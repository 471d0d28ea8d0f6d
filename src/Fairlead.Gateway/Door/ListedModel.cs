using System.Text.Json;
using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Inference;

namespace Fairlead.Gateway.Door;

/// <summary>One model as Anthropic's clients see it: the best that any of its living offers can do, and how long there will be one.</summary>
/// <param name="Id">What a caller writes as <c>model</c>.</param>
/// <param name="Stage">Where it stands in its life.</param>
/// <param name="RetiresOn">The day on which the last of its offers ends or ended; null when one of them has no end, or nobody has told the day.</param>
internal sealed record ListedModel(string Id, ModelStage Stage, DateOnly? RetiresOn)
{
    /// <summary>Anthropic's API reference: "may be set to an epoch value if the release date is unknown".</summary>
    private static readonly DateTime UnknownRelease = DateTime.UnixEpoch;

    private static readonly string[] Lines = ["haiku", "sonnet", "opus", "fable", "mythos"];

    private long? MaxInputTokens { get; init; }

    private long? MaxOutputTokens { get; init; }

    private Abilities Can { get; init; }

    private Abilities Cannot { get; init; }

    private bool TakesEffort { get; init; }

    /// <summary>The family of Claude that it is of; null for every other model.</summary>
    private string? Line { get; init; }

    /// <param name="id">A model's or an alias's name.</param>
    /// <param name="offers">Who serves it.</param>
    /// <param name="today">For their ends.</param>
    public static ListedModel Of(string id, IReadOnlyList<Offer> offers, DateOnly today)
    {
        Offer[] living = [.. offers.Where(offer => offer.Status == OfferStatus.Live && !(offer.RetiresOn <= today))];
        IReadOnlyList<Offer> told = living.Length > 0 ? living : offers;
        bool allEnd = told.All(static offer => offer.RetiresOn is not null);
        ModelStage stage = living.Length == 0 && offers.Count > 0 ? ModelStage.Retired
            : allEnd && living.Length > 0 ? ModelStage.Deprecated
            : ModelStage.Active;
        return new ListedModel(id, stage, allEnd ? told.Max(static offer => offer.RetiresOn) : null)
        {
            MaxInputTokens = told.Max(static offer => offer.ContextLength),
            MaxOutputTokens = told.Max(static offer => offer.MaxOutputTokens),
            Can = told.Aggregate(Abilities.None, static (all, offer) => all | offer.Can),
            Cannot = told.Aggregate(Abilities.Tools | Abilities.Images | Abilities.StructuredOutput, static (all, offer) => all & offer.Cannot),
            TakesEffort = told.Any(static offer => (offer.Honours & Parameters.ReasoningEffort) != 0),
            Line = LineOf(told.Count > 0 ? told[0].ProviderModelId : id),
        };
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "model");
        json.WriteString("id", Id);
        json.WriteString("display_name", Id);
        json.WriteString("created_at", UnknownRelease);
        json.WriteString("lifecycle", Stage.Word());
        json.WriteNull("deprecated_at"); // when an end was announced stands in no catalogue of ours
        if (RetiresOn is { } day)
            json.WriteString("retires_at", day.ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc));
        else
            json.WriteNull("retires_at");
        json.WriteString("line", Line);
        WriteCount(json, "max_input_tokens", MaxInputTokens);
        WriteCount(json, "max_tokens", MaxOutputTokens);
        WriteCapabilities(json);
        json.WriteEndObject();
    }

    /// <summary>What is known is there; what nobody has told us is left out rather than denied. Batches are this server's to have, and it has none.</summary>
    private void WriteCapabilities(Utf8JsonWriter json)
    {
        json.WriteStartObject("capabilities");
        WriteSupport("batch", false);
        WriteKnown("image_input", Abilities.Images);
        WriteKnown("structured_outputs", Abilities.StructuredOutput);
        if (TakesEffort)
        {
            json.WriteStartObject("effort");
            json.WriteBoolean("supported", true);
            WriteSupport("low", true);
            WriteSupport("medium", true);
            WriteSupport("high", true);
            json.WriteEndObject();
        }
        json.WriteEndObject();

        void WriteKnown(string name, Abilities ability)
        {
            if (Can.Has(ability))
                WriteSupport(name, true);
            else if (Cannot.Has(ability))
                WriteSupport(name, false);
        }

        void WriteSupport(string name, bool supported)
        {
            json.WriteStartObject(name);
            json.WriteBoolean("supported", supported);
            json.WriteEndObject();
        }
    }

    private static void WriteCount(Utf8JsonWriter json, string name, long? count)
    {
        if (count is { } known)
            json.WriteNumber(name, known);
        else
            json.WriteNull(name);
    }

    private static string? LineOf(string model)
    {
        string name = model[(model.LastIndexOf('/') + 1)..];
        return name.StartsWith("claude-", StringComparison.OrdinalIgnoreCase)
            ? Array.Find(Lines, line => name.Split('-').Contains(line, StringComparer.OrdinalIgnoreCase))
            : null;
    }
}
