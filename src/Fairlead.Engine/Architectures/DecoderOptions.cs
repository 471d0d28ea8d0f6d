using Fairlead.Engine.Generation;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Architectures;

/// <summary>How a decoder is served; what it computes is said by its configuration.</summary>
public sealed record DecoderOptions
{
    /// <summary>Positions a sequence may have; null for all the model was made for, or, where it has two lists of rotary factors, for its original context.</summary>
    /// <remarks>
    /// LongRoPE (Phi-3) has one list of factors for texts within the original context and one for longer ones. The two give different keys,
    /// so the choice is made once: a larger number here chooses the long list.
    /// </remarks>
    public int? ContextLength { get; init; }

    /// <summary>Where <see cref="ContextLength"/> is null: no more than so many, whatever the model was made for.</summary>
    public int LongestDefault { get; init; } = int.MaxValue;

    /// <summary>
    /// Rows computed at a time; a longer step runs in several passes with the same result. Memory for activations is this times the widths
    /// of the model. Default 256: beyond it matrix products gain nothing, and 256 rows of a model of 4,096 with a feed-forward layer of 14,336 take some 40 MB.
    /// </summary>
    public int RowsPerPass { get; init; } = 256;

    /// <summary>In what form caches keep keys and values. Default <see cref="KvType.F16"/>, as llama.cpp's: half the memory to read for every token, and an error that does not show.</summary>
    public KvType Kv { get; init; } = KvType.F16;

    /// <summary>Threads that share a step, the caller's included; 0, the default, means as many as this process may use. The result is the same for any number.</summary>
    public int Threads { get; init; }

    /// <summary>What matrices of floating-point numbers are quantised to while they are loaded: Q8_0, Q4_0 or Q4_K; null, the default: they stay what they are.</summary>
    public ElementType? Quantize { get; init; }

    /// <summary>What <see cref="Quantize"/> means for a model that has a quantised matrix already: false, the default, refuses it; true leaves all its matrices as they are stored.</summary>
    public bool LeavesQuantized { get; init; }
}
