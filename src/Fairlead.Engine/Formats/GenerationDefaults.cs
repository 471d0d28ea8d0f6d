using System.Collections.Immutable;

namespace Fairlead.Engine.Formats;

/// <summary>How a model's authors want it sampled and where its answers end: <c>generation_config.json</c>, else what <c>config.json</c> or GGUF says.</summary>
/// <remarks>Null is "the file says nothing". The values are checked for type and range, and used only where a request leaves them open.</remarks>
public sealed record GenerationDefaults
{
    /// <summary>Ids that end an answer; several models have more than one. Empty where no file names any.</summary>
    public ImmutableArray<int> EndOfText { get; init; } = [];

    /// <summary>The id that begins a text.</summary>
    public int? BeginOfText { get; init; }

    /// <summary>The id that fills up batches elsewhere; here only to be forbidden.</summary>
    public int? Padding { get; init; }

    /// <summary>Whether to sample at all; false means greedy. Null where the file says nothing (transformers reads that as false).</summary>
    public bool? Sample { get; init; }

    /// <summary>Temperature, ≥ 0.</summary>
    public double? Temperature { get; init; }

    /// <summary>How many candidates are kept; 0 keeps all.</summary>
    public int? TopK { get; init; }

    /// <summary>Share of probability kept, 0 to 1.</summary>
    public double? TopP { get; init; }

    /// <summary>Least probability kept, as a share of the best one's, 0 to 1.</summary>
    public double? MinP { get; init; }

    /// <summary>Divides the logits of tokens seen before; 1 is none, > 0.</summary>
    public double? RepetitionPenalty { get; init; }

    /// <summary>Tokens of an answer at most.</summary>
    public int? MaxNewTokens { get; init; }

    /// <summary>Reads <paramref name="generation"/> (null where the folder has none); ids that it leaves out come from <paramref name="config"/>.</summary>
    /// <exception cref="ModelFileException">A value is of the wrong type or out of range.</exception>
    public static GenerationDefaults Read(JsonConfig? generation, JsonConfig config)
    {
        GenerationDefaults ids = new()
        {
            EndOfText = Ids(generation, "eos_token_id") ?? Ids(config, "eos_token_id") ?? [],
            BeginOfText = Id(generation, "bos_token_id") ?? Id(config, "bos_token_id"),
            Padding = Id(generation, "pad_token_id") ?? Id(config, "pad_token_id"),
        };
        return generation is null ? ids : ids with
        {
            Sample = generation.FlagOrNull("do_sample"),
            Temperature = InRange(generation, "temperature", 0, double.MaxValue),
            TopK = generation.IntOrNull("top_k"),
            TopP = InRange(generation, "top_p", 0, 1),
            MinP = InRange(generation, "min_p", 0, 1),
            RepetitionPenalty = InRange(generation, "repetition_penalty", double.Epsilon, double.MaxValue),
            MaxNewTokens = generation.IntOrNull("max_new_tokens"),
        };
    }

    // -1 stands for "none" in some configurations
    private static int? Id(JsonConfig? config, string name)
    {
        if (config is null || !config.Has(name) || config.Root.GetProperty(name) is { ValueKind: System.Text.Json.JsonValueKind.Number } value && value.TryGetInt32(out int id) && id == -1)
            return null;
        return config.Root.GetProperty(name).ValueKind == System.Text.Json.JsonValueKind.Array
            ? config.Ints(name) is [int first, ..] ? first : null
            : config.Int(name);
    }

    private static ImmutableArray<int>? Ids(JsonConfig? config, string name)
    {
        if (config is null || !config.Has(name))
            return null;
        if (config.Root.GetProperty(name).ValueKind == System.Text.Json.JsonValueKind.Array)
            return config.Ints(name);
        return Id(config, name) is { } id ? [id] : null;
    }

    private static double? InRange(JsonConfig config, string name, double least, double most) =>
        config.NumberOrNull(name) is not { } value ? null : value >= least && value <= most ? value : throw config.Refuse(name, $"must be from {least:G3} to {most:G3}");
}
