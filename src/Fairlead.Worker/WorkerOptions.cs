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
}
