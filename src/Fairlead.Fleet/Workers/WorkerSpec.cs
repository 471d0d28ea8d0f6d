namespace Fairlead.Fleet.Workers;

/// <summary>What one worker holds and how much it may take on.</summary>
public sealed record WorkerSpec
{
    /// <summary>The model as callers write it, <c>local/NAME</c>; it stands in the worker's answers and before its log lines.</summary>
    public required string Model { get; init; }

    /// <summary>Absolute path of a model folder or a <c>.gguf</c> file.</summary>
    public required string Path { get; init; }

    /// <summary>Tokens of input and output together; null for the model's own.</summary>
    public int? Context { get; init; }

    /// <summary>Answers that are generated at once; null for the worker's own choice.</summary>
    public int? Slots { get; init; }

    /// <summary>Threads that compute; null for as many as there are cores.</summary>
    public int? Threads { get; init; }
}
