namespace Fairlead.Engine.Generation;

/// <summary>How a language model is served.</summary>
public sealed record LanguageModelOptions
{
    /// <summary>Prompt and answer together, in tokens; null for all the model was made for. More than that is cut to it.</summary>
    public int? ContextLength { get; init; }

    /// <summary>Answers written at once, 1…256. Default 8: there the batch of the managed kernels has gained most of what it gains (2.3 to 4 times one answer's speed).</summary>
    public int Slots { get; init; } = 8;

    /// <summary>Requests that may wait for a slot; one more is refused. Default 64.</summary>
    public int Queue { get; init; } = 64;

    /// <summary>
    /// Most tokens of a step, prompts and answers together; at least <see cref="Slots"/>. Answers wait for a prompt being read no longer than one
    /// step, and nobody waits for a cancelled one longer. Default 64: reading the weights once for so many rows costs little more than computing them.
    /// </summary>
    public int StepTokens { get; init; } = 64;

    /// <summary>Threads that compute; null for as many as the process may use.</summary>
    public int? Threads { get; init; }

    /// <summary>
    /// Memory for keys and values, in bytes; null for as much as all slots at full context need, and at most 1 GiB. A budget smaller than one full
    /// context makes the context shorter; answers that together need more than there is take turns.
    /// </summary>
    public long? CacheBytes { get; init; }

    /// <summary>Chance for requests that bring no seed, called from any thread; null for the operating system's.</summary>
    public Func<ulong>? DrawSeed { get; init; }
}
