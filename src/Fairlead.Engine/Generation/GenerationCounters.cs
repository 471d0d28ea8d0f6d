namespace Fairlead.Engine.Generation;

/// <summary>What a model's batch loop has done and is doing. Written by the loop, read by any thread; each figure by itself is right, two may be a step apart.</summary>
public sealed class GenerationCounters
{
    /// <summary>Answers that may be written at once.</summary>
    public int Slots { get; internal init; }

    /// <summary>Answers being written.</summary>
    public int Running { get; internal set; }

    /// <summary>Requests and put-back answers that wait for a slot or for room in the cache.</summary>
    public int Waiting { get; internal set; }

    /// <summary>Steps of the model.</summary>
    public long Steps { get; internal set; }

    /// <summary>Rows of all steps; divided by <see cref="Steps"/> it says how full a step is.</summary>
    public long Rows { get; internal set; }

    /// <summary>Tokens of prompts that were to be read, cached ones included; an answer that was put back counts again.</summary>
    public long PromptTokens { get; internal set; }

    /// <summary>How many of <see cref="PromptTokens"/> did not have to be read.</summary>
    public long CachedTokens { get; internal set; }

    /// <summary>Tokens chosen.</summary>
    public long CompletionTokens { get; internal set; }

    /// <summary>Answers that gave their room in the cache to an older one and were read again later.</summary>
    public long PutBack { get; internal set; }

    /// <summary>Requests accepted.</summary>
    public long Accepted { get; internal set; }

    /// <summary>Requests that ended, failed ones included.</summary>
    public long Ended { get; internal set; }

    /// <summary>Requests that failed.</summary>
    public long Failed { get; internal set; }

    /// <summary>Blocks of the key/value cache.</summary>
    public int Blocks { get; internal init; }

    /// <summary>Blocks that nothing lies in that anybody could want.</summary>
    public int FreeBlocks { get; internal set; }

    /// <summary>Blocks kept for prompts that begin alike; they make room for whoever needs it.</summary>
    public int KeptBlocks { get; internal set; }
}
