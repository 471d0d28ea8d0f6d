namespace Fairlead.Domain.Inference;

/// <summary>A way of asking a model and of answering: what a door takes, and what an upstream speaks.</summary>
public enum Dialect : byte
{
    /// <summary>OpenAI's chat completions, completions and embeddings.</summary>
    OpenAi = 0,

    /// <summary>Anthropic's messages.</summary>
    Anthropic = 1,
}

/// <summary>Dialects as configuration, tables and listings write them.</summary>
public static class DialectNames
{
    /// <summary>Every word there is, in the order of <see cref="Dialect"/>.</summary>
    public static IReadOnlyList<string> Words { get; } = ["openai", "anthropic"];

    /// <summary>The word of a dialect.</summary>
    public static string Word(this Dialect dialect) => Words[(int)dialect];

    /// <summary>The dialect of a word; null where there is none.</summary>
    public static Dialect? Find(string? word) => word switch
    {
        "openai" => Dialect.OpenAi,
        "anthropic" => Dialect.Anthropic,
        _ => null,
    };
}
