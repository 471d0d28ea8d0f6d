using System.Globalization;
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

    /// <summary>As its provider writes it for people; the id where nobody does.</summary>
    private string DisplayName { get; init; } = Id;

    /// <summary>The day that its provider has put into its name; null where there is none in it.</summary>
    private DateOnly? CreatedOn { get; init; }

    /// <summary>By when the last of those who serve it had announced its end; null where one of them has not.</summary>
    private DateOnly? DeprecatedOn { get; init; }

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
        Offer[] living = [.. offers.Where(offer => !offer.IsRetired(today))];
        IReadOnlyList<Offer> told = living.Length > 0 ? living : offers;
        bool allEnd = told.All(static offer => offer.DeprecatedOn is not null || offer.RetiresOn is not null);
        DateOnly?[] ends = [.. told.Select(static offer => offer.RetiresOn ?? offer.GoneOn)];
        ModelStage stage = living.Length == 0 && offers.Count > 0 ? ModelStage.Retired
            : allEnd && living.Length > 0 ? ModelStage.Deprecated
            : ModelStage.Active;
        return new ListedModel(id, stage, stage == ModelStage.Active || ends.Contains(null) ? null : ends.Max())
        {
            DisplayName = told.Select(static offer => offer.DisplayName).FirstOrDefault(static name => name is not null) ?? id,
            CreatedOn = told.Select(static offer => DayIn(offer.ProviderModelId)).FirstOrDefault(static day => day is not null),
            DeprecatedOn = stage == ModelStage.Active ? null : told.Max(static offer => offer.DeprecatedOn),
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
        json.WriteString("display_name", DisplayName);
        json.WriteString("created_at", CreatedOn?.ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc) ?? UnknownRelease);
        json.WriteString("lifecycle", Stage.Word());
        WriteDay(json, "deprecated_at", DeprecatedOn);
        WriteDay(json, "retires_at", RetiresOn);
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

    private static void WriteDay(Utf8JsonWriter json, string name, DateOnly? day)
    {
        if (day is { } known)
            json.WriteString(name, known.ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc));
        else
            json.WriteNull(name);
    }

    /// <summary>The day at the end of a name such as <c>claude-haiku-4-5-20251001</c>.</summary>
    private static DateOnly? DayIn(string name) =>
        name.Length > 9 && name[^9] == '-' && DateOnly.TryParseExact(name.AsSpan(name.Length - 8), "yyyyMMdd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day) ? day : null;

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
