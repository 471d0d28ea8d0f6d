using System.Collections.Immutable;

namespace Fairlead.Engine.Layers;

/// <summary>How rotary embeddings were stretched beyond the positions of pre-training.</summary>
internal enum RopeScaling
{
    /// <summary>Not at all (Su et al. 2021).</summary>
    None,

    /// <summary>All positions divided by a factor (Chen et al. 2023).</summary>
    Linear,

    /// <summary>Slow rotations divided by a factor, fast ones kept, with a smooth passage (Llama 3.1).</summary>
    Llama3,

    /// <summary>YaRN (Peng et al. 2023): as above by number of rotations, and sharper attention.</summary>
    Yarn,

    /// <summary>LongRoPE (Ding et al. 2024): one factor per frequency, another list of them for long contexts.</summary>
    LongRope,
}

/// <summary>One kind of rotary embedding as a configuration describes it.</summary>
internal sealed record RopeSettings
{
    /// <summary>Base of the frequencies.</summary>
    public required double Theta { get; init; }

    /// <summary>How many values of a head are turned, even; the rest passes through.</summary>
    public required int Dimensions { get; init; }

    /// <summary>The stretch.</summary>
    public RopeScaling Scaling { get; init; }

    /// <summary>How far it is stretched, ≥ 1.</summary>
    public double Factor { get; init; } = 1;

    /// <summary>Positions of pre-training.</summary>
    public int OriginalContext { get; init; }

    /// <summary>Llama 3: wavelengths longer than <see cref="OriginalContext"/> / this are stretched.</summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary>Llama 3: wavelengths shorter than <see cref="OriginalContext"/> / this are kept.</summary>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary>YaRN: frequencies with more rotations over the original context are kept.</summary>
    public double BetaFast { get; init; } = 32;

    /// <summary>YaRN: frequencies with fewer rotations are stretched.</summary>
    public double BetaSlow { get; init; } = 1;

    /// <summary>YaRN: the borders of the passage are rounded outwards to whole dimensions.</summary>
    public bool Truncate { get; init; } = true;

    /// <summary>Factor on queries and keys alike.</summary>
    public double AttentionFactor { get; init; } = 1;

    /// <summary>LongRoPE within the original context, and GGUF's list of divisors: one per frequency; empty for none.</summary>
    public ImmutableArray<double> ShortFactors { get; init; } = [];

    /// <summary>LongRoPE beyond the original context; empty for none.</summary>
    public ImmutableArray<double> LongFactors { get; init; } = [];
}
