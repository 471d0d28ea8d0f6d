namespace Fairlead.Protocols.OpenAi;

/// <summary>What a provider wants said differently from OpenAI. Each is a fact of the provider's own API, stated in its row of providers.json.</summary>
[Flags]
public enum RequestQuirks
{
    None = 0,

    /// <summary>Refuses or ignores <c>stream_options</c>; usage comes by itself or not at all.</summary>
    NoStreamOptions = 1,

    /// <summary><c>response_format.json_schema</c> is flattened: <c>{"type":"json_schema","schema":…}</c>.</summary>
    FlattenJsonSchema = 1 << 1,

    /// <summary>A schema goes as <c>{"type":"json_object","schema":…}</c>.</summary>
    JsonSchemaAsObjectSchema = 1 << 2,

    /// <summary>A schema goes as <c>{"type":"json_object","value":…}</c>.</summary>
    JsonSchemaAsObjectValue = 1 << 3,

    /// <summary><c>json_schema.strict</c> must be false.</summary>
    StrictFalse = 1 << 4,

    /// <summary>A schema goes as <c>guided_json</c> too.</summary>
    GuidedJson = 1 << 5,

    /// <summary>Refuses <c>store</c>.</summary>
    DropStore = 1 << 6,

    /// <summary>Does not know the role <c>developer</c>; it becomes <c>system</c>.</summary>
    DeveloperAsSystem = 1 << 7,

    /// <summary><c>seed</c> is called <c>random_seed</c>.</summary>
    SeedAsRandomSeed = 1 << 8,

    /// <summary><c>tool_choice: "required"</c> is called <c>"any"</c>.</summary>
    RequiredAsAny = 1 << 9,

    /// <summary><c>stop</c> must be one string.</summary>
    StopAsString = 1 << 10,

    /// <summary>Wants <c>max_completion_tokens</c> for <c>max_tokens</c>.</summary>
    MaxTokensAsMaxCompletionTokens = 1 << 11,

    /// <summary>Wants <c>max_tokens</c> for <c>max_completion_tokens</c>.</summary>
    MaxCompletionTokensAsMaxTokens = 1 << 12,

    /// <summary>Does not know <c>reasoning_effort: "minimal"</c>; it becomes <c>"low"</c>.</summary>
    ReasoningMinimalAsLow = 1 << 13,

    /// <summary>Tool call ids must be exactly nine letters and digits.</summary>
    NineCharToolCallIds = 1 << 14,

    /// <summary>Gives embeddings as numbers only; <c>encoding_format</c> becomes <c>"float"</c> and the answer is converted.</summary>
    FloatEmbeddingsOnly = 1 << 15,
}

/// <summary>What a provider says differently from OpenAI.</summary>
[Flags]
public enum ResponseQuirks
{
    None = 0,

    /// <summary>Usage may stand in <c>x_groq.usage</c>.</summary>
    XGroqUsage = 1,

    /// <summary><c>total_tokens</c> may exceed the sum; what exceeds it is output (Gemini's thoughts).</summary>
    OutputFromTotal = 1 << 1,
}

/// <summary>Asks for a quirk by its bit: <c>Enum.HasFlag</c> boxes both sides until its caller is compiled a second time.</summary>
public static class Quirks
{
    public static bool Has(this RequestQuirks all, RequestQuirks quirk) => (all & quirk) != 0;

    public static bool Has(this ResponseQuirks all, ResponseQuirks quirk) => (all & quirk) != 0;
}
