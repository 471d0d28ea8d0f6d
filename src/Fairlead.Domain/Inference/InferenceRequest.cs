using Fairlead.Domain.Routing;

namespace Fairlead.Domain.Inference;

/// <summary>What routing, limits and metering know of one request, read off its body once; nothing behind the door checks it again.</summary>
public sealed record InferenceRequest
{
    /// <summary>Which paid route it came by.</summary>
    public required Route Route { get; init; }

    /// <summary>The model as the caller wrote it, without the selector: a Hub id, an alias, or <c>provider/model</c>.</summary>
    public required string Model { get; init; }

    /// <summary>Further models the caller consents to, in order (<c>models: […]</c>); empty when there are none.</summary>
    public IReadOnlyList<string> FallbackModels { get; init; } = [];

    /// <summary>How the caller wants the offers ranked; the default is <see cref="RoutePolicy.Fastest"/>.</summary>
    public RoutePreferences Preferences { get; init; } = RoutePreferences.Default;

    /// <summary>The caller asked for server-sent events.</summary>
    public bool Stream { get; init; }

    /// <summary>The caller asked for the usage chunk at the end of the stream (<c>stream_options.include_usage</c>).</summary>
    public bool IncludeUsage { get; init; }

    /// <summary>Output limit per choice as the caller set it (<c>max_tokens</c> or <c>max_completion_tokens</c>); null when not set.</summary>
    public long? MaxOutputTokens { get; init; }

    /// <summary>Choices asked for (<c>n</c>), 1 to 128.</summary>
    public int Choices { get; init; } = 1;

    /// <summary>Upper bound of the input's tokens: no tokenizer makes more tokens than there are bytes of text; images count apart.</summary>
    public long InputTokensAtMost { get; init; }

    /// <summary>Best guess of the input's tokens, for the context filter and where a provider reports none.</summary>
    public long InputTokensExpected { get; init; }

    /// <summary>Things the model must be able to do to serve this request at all.</summary>
    public Abilities Needs { get; init; }

    /// <summary>What of the request no other dialect can say, for reasons of its meaning: names of fields, comma-separated; null when there is nothing of the
    /// kind. An offer of another dialect is then no candidate.</summary>
    public string? BoundToDialect { get; init; }

    /// <summary>What of the request is dropped where it is translated into the other dialect: names of fields, comma-separated; null when nothing is. With
    /// <c>require_parameters</c> an offer of the other dialect is then no candidate.</summary>
    public string? LostInTranslation { get; init; }

    /// <summary>Parameters the caller set that not every provider knows; all must be known where <c>require_parameters</c> is true.</summary>
    public Parameters Uses { get; init; }
}

/// <summary>What a model must be able to do for a request.</summary>
[Flags]
public enum Abilities : byte
{
    None = 0,
    Tools = 1,
    Images = 2,
    StructuredOutput = 4,
}

public static class AbilitySets
{
    public static bool Has(this Abilities all, Abilities ability) => (all & ability) != 0;
}

/// <summary>Optional parameters of a request that some providers refuse or ignore.</summary>
[Flags]
public enum Parameters
{
    None = 0,
    Seed = 1,
    LogProbs = 1 << 1,
    LogitBias = 1 << 2,
    Penalties = 1 << 3,
    ManyChoices = 1 << 4,
    TopK = 1 << 5,
    MinP = 1 << 6,
    ReasoningEffort = 1 << 7,
    ParallelToolCalls = 1 << 8,
    Tools = 1 << 9,
    StructuredOutput = 1 << 10,

    /// <summary>A <c>temperature</c> other than 1.</summary>
    Temperature = 1 << 11,

    /// <summary>A <c>top_p</c> other than 1.</summary>
    TopP = 1 << 12,
}
