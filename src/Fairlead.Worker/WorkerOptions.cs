using Fairlead.Engine.Generation;

namespace Fairlead.Worker;

/// <summary>What one worker holds, from its command line.</summary>
public sealed record WorkerOptions
{
    /// <summary>Path of a model folder or a <c>.gguf</c> file.</summary>
    public required string Path { get; init; }

    /// <summary>Path of the socket to answer on; must not exist.</summary>
    public required string Socket { get; init; }

    /// <summary>The model as callers write it; stands in every answer.</summary>
    public required string Model { get; init; }

    /// <summary>Tokens of input and output together; null for the model's own.</summary>
    public int? Context { get; init; }

    /// <summary>Answers that are generated at once; null for the default.</summary>
    public int? Slots { get; init; }

    /// <summary>Threads that compute; null for as many as there are cores.</summary>
    public int? Threads { get; init; }

    /// <summary>What floating-point weights are quantised to while they are loaded, one of <see cref="Quantizing.Words"/>; null: they stay what they are.</summary>
    public string? Quantize { get; init; }

    /// <summary>In what form keys and values are kept, one of <see cref="KvForms.Words"/>; null for <see cref="KvForms.Default"/>. Nothing to an encoder, which keeps none.</summary>
    public string? Kv { get; init; }

    /// <summary>
    /// How long a running answer is to wait for its next token because a prompt is read beside it, from <see cref="LeastStall"/> to <see cref="MostStall"/>; null for <see cref="DefaultStall"/>. Nothing to an encoder, which writes none.
    /// </summary>
    public TimeSpan? Stall { get; init; }

    /// <summary>How long a running answer waits for a step that also reads a prompt, where nobody says otherwise.</summary>
    public static TimeSpan DefaultStall => LanguageModelOptions.DefaultStall;

    /// <summary>The least of <see cref="Stall"/>.</summary>
    public static TimeSpan LeastStall => LanguageModelOptions.LeastStall;

    /// <summary>The most of <see cref="Stall"/>.</summary>
    public static TimeSpan MostStall => LanguageModelOptions.MostStall;

    /// <summary>Path of a second, smaller model that guesses how answers go on; null without one. An encoder is refused with one.</summary>
    public string? Draft { get; init; }

    /// <summary>Tokens that are guessed ahead at most, 0…64; null for the default. An encoder is refused with it.</summary>
    public int? Guesses { get; init; }

    /// <summary>Folder in which packed weights are kept between loads, for this model's files alone; null: they are not kept.</summary>
    public string? Packs { get; init; }

    /// <summary>More bytes than these are not kept.</summary>
    public long PacksLimit { get; init; } = long.MaxValue;
}
