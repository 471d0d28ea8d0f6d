using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Generation;

/// <summary>How a language model is served.</summary>
public sealed record LanguageModelOptions
{
    /// <summary>
    /// Tokens of an answer with its prompt where nobody says otherwise. Memory for keys and values is set aside for every slot's whole context, and
    /// models are made for 128k tokens and more: eight slots of that take 12 GiB even in a model of half a billion parameters.
    /// </summary>
    public const int DefaultContext = 4096;

    /// <summary>A tenth of a second: a reader does not notice it.</summary>
    public static readonly TimeSpan DefaultStall = TimeSpan.FromMilliseconds(100);

    /// <summary>A hundredth of a second: nobody sees a shorter pause, and every step costs something of its own.</summary>
    public static readonly TimeSpan LeastStall = TimeSpan.FromMilliseconds(10);

    /// <summary>Five seconds: prompts that are read alone hold up a cancellation for five times as long.</summary>
    public static readonly TimeSpan MostStall = TimeSpan.FromSeconds(5);

    /// <summary>Prompt and answer together, in tokens, and no more than the model was made for; null for <see cref="DefaultContext"/>.</summary>
    public int? ContextLength { get; init; }

    /// <summary>Answers written at once, 1…256. Default 8: one reading of the weights then serves eight tokens.</summary>
    public int Slots { get; init; } = 8;

    /// <summary>Requests that may wait for a slot, ≥ 1; one more is refused. Default 64.</summary>
    public int Queue { get; init; } = 64;

    /// <summary>
    /// Most tokens of prompts that are on their way through the layers, and of answers in a step; at least as many as slots. Default 512: a row is hardly cheaper beyond it, and activations of so many rows
    /// take some megabytes in a small model and 80 in one of eight billion parameters.
    /// </summary>
    public int StepTokens { get; init; } = 512;

    /// <summary>
    /// So long does a running answer wait for its next token where a prompt is read beside it, from token to token. Where the answers alone take more than half
    /// of it, reading adds half of it to what they take. A step in which prompts alone are
    /// read may last five times as long, and so long does an arrival or a cancellation wait. A prompt gets on by one layer in any case.
    /// From <see cref="LeastStall"/> to <see cref="MostStall"/>; default <see cref="DefaultStall"/>.
    /// </summary>
    public TimeSpan Stall { get; init; } = DefaultStall;

    /// <summary>Most tokens of <see cref="Guesses"/>.</summary>
    public const int MostGuesses = 64;

    /// <summary>
    /// Tokens that an answer is guessed ahead at most, 0…64, from what followed earlier in it or in its prompt when it went like this, or by <see cref="Draft"/>; default 8. A guess costs a row of the
    /// next step, and none is made while they do not come true or where many answers are written at once. Text, scores and chance are those without: 0 changes nothing but the time.
    /// </summary>
    public int Guesses { get; init; } = 8;

    /// <summary>
    /// A second, smaller model with the same vocabulary that guesses how answers go on where they have not gone like this before: a folder or a <c>.gguf</c> file. Null, the default: none. It has
    /// keys and values of its own, in the form of <see cref="Kv"/>. Changes nothing but the time and the memory. Refused where <see cref="Guesses"/> is 0.
    /// </summary>
    public string? Draft { get; init; }

    /// <summary>Threads that share a step, 1…1024; null for as many as the process may use. The answers are the same for any number.</summary>
    public int? Threads { get; init; }

    /// <summary>
    /// Memory for keys and values, in bytes; null for as much as all slots at full context need. Pages that no token has reached are not taken
    /// from the system. A budget smaller than one full context makes the context shorter; answers that together need more than there is take turns.
    /// </summary>
    public long? CacheBytes { get; init; }

    /// <summary>In what form keys and values are kept; decides what a position takes of that memory.</summary>
    public KvType Kv { get; init; } = KvType.F16;

    /// <summary>What matrices of floating-point numbers are quantised to while they are loaded: Q8_0, Q4_0 or Q4_K; null: they stay what they are.
    /// A model that has a quantised matrix already is refused then; a draft that has one stays as it is stored, because it has what is asked for.</summary>
    public ElementType? Quantize { get; init; }

    /// <summary>Where the packed matrices are kept between loads; null: nowhere. Those of a draft have a file of their own there.</summary>
    public PackStore? Packs { get; init; }

    /// <summary>Chance for requests that bring no seed, called from any thread; null for the operating system's.</summary>
    public Func<ulong>? DrawSeed { get; init; }

    /// <summary>What steps are measured by, and a draft's passes, on which depends whether it is asked; null for the system's. For tests, which have it stand still.</summary>
    internal TimeProvider? Time { get; init; }

    /// <exception cref="ArgumentOutOfRangeException">One of them is out of its range.</exception>
    internal void Check()
    {
        if (ContextLength is { } context)
            ArgumentOutOfRangeException.ThrowIfLessThan(context, 1, nameof(ContextLength));
        ArgumentOutOfRangeException.ThrowIfLessThan(Slots, 1, nameof(Slots));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Slots, 256, nameof(Slots));
        ArgumentOutOfRangeException.ThrowIfLessThan(Queue, 1, nameof(Queue));
        ArgumentOutOfRangeException.ThrowIfLessThan(StepTokens, Slots, nameof(StepTokens));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(StepTokens, 4096, nameof(StepTokens));
        ArgumentOutOfRangeException.ThrowIfNegative(Guesses, nameof(Guesses));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Guesses, MostGuesses, nameof(Guesses));
        ArgumentOutOfRangeException.ThrowIfLessThan(Stall, LeastStall, nameof(Stall));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Stall, MostStall, nameof(Stall));
        if (Threads is { } threads)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1, nameof(Threads));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(threads, 1024, nameof(Threads));
        }

        if (!Enum.IsDefined(Kv))
            throw new ArgumentOutOfRangeException(nameof(Kv), Kv, null);
        if (CacheBytes is { } bytes)
            ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1, nameof(CacheBytes));
        QuantizeTarget.Check(Quantize);
    }
}
