namespace Fairlead.Fleet.Workers;

/// <summary>What one worker holds and how much it may take on.</summary>
public sealed record WorkerSpec
{
    /// <summary>The model as callers write it, <c>local/NAME</c>; it stands in the worker's answers and before its log lines.</summary>
    public required string Model { get; init; }

    /// <summary>Absolute path of a model folder or a <c>.gguf</c> file; for an engine that keeps models by names of its own, such a name.</summary>
    public required string Source { get; init; }

    /// <summary>Tokens of input and output together; null for the model's own.</summary>
    public int? Context { get; init; }

    /// <summary>Answers that are generated at once. At least 1.</summary>
    public int Slots { get; init; } = 8;

    /// <summary>Threads that compute; null for as many as there are cores.</summary>
    public int? Threads { get; init; }

    /// <summary>What our own worker quantises floating-point weights to while it loads them; null: to nothing.</summary>
    public string? Quantize { get; init; }

    /// <summary>In what form our own worker keeps keys and values; null for its default.</summary>
    public string? Kv { get; init; }

    /// <summary>How long our own worker lets a running answer wait for a step that also reads a prompt; null for its default.</summary>
    public TimeSpan? Stall { get; init; }

    /// <summary>Absolute path of a second, smaller model that guesses ahead for our own worker; null without one.</summary>
    public string? Draft { get; init; }

    /// <summary>Tokens that our own worker guesses ahead at most; null for its default.</summary>
    public int? Guesses { get; init; }

    /// <summary>The program that runs it; null for our own worker.</summary>
    public EngineCommand? Engine { get; init; }
}
