using System.Collections.Immutable;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Layers;

namespace Fairlead.Engine.Architectures;

/// <summary>What a decoder computes: its sizes and every choice in which architectures differ. Values only; weights come in by <see cref="DecoderWeights"/>.</summary>
/// <remarks>
/// One layer, with everything switched on:
/// <code>
/// a = afterAttention(output(attention(rope(qkNorm(qkv(beforeAttention(x)))))))        x += residualScale · a
/// m = afterMlp(mlp(beforeMlp(x)))                                                     x += residualScale · m
/// </code>
/// or with <see cref="Parallel"/> both from the same x, added together. Which norms there are is said by the weights.
/// The sizes are bounded by whoever reads the configuration, and again by the shapes of the tensors.
/// </remarks>
internal sealed record DecoderDesign
{
    /// <summary>Tokens in the vocabulary.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Length of the residual stream.</summary>
    public required int Width { get; init; }

    /// <summary>Number of layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Query heads; a multiple of <see cref="KvHeads"/>.</summary>
    public required int Heads { get; init; }

    /// <summary>Key and value heads.</summary>
    public required int KvHeads { get; init; }

    /// <summary>Length of a query, a key and a value.</summary>
    public required int HeadDimension { get; init; }

    /// <summary>Width of the feed-forward layer; of one without experts where there are both.</summary>
    public required int FeedForward { get; init; }

    /// <summary>Positions the model was made for.</summary>
    public required int ContextLength { get; init; }

    /// <summary>How the residual stream is normalised.</summary>
    public NormKind Norm { get; init; } = NormKind.RootMeanSquare;

    /// <summary>Added to the variance before its root is taken.</summary>
    public required float NormEpsilon { get; init; }

    /// <summary>Gemma stores the scale of its norms less one.</summary>
    public bool NormAddsOne { get; init; }

    /// <summary>Factor on the token embeddings.</summary>
    public float EmbeddingScale { get; init; } = 1;

    /// <summary>Factor on what a layer adds to the stream.</summary>
    public float ResidualScale { get; init; } = 1;

    /// <summary>Factor on the logits, before the cap.</summary>
    public float LogitScale { get; init; } = 1;

    /// <summary>Logits are bent into ± this by a hyperbolic tangent; 0 for none.</summary>
    public float LogitCap { get; init; }

    /// <summary>True where the head is the embedding table.</summary>
    public bool TiedHead { get; init; }

    /// <summary>Attention and feed-forward read the same stream.</summary>
    public bool Parallel { get; init; }

    /// <summary>Bias on the query, key and value projections.</summary>
    public bool QkvBias { get; init; }

    /// <summary>Bias on the output projection.</summary>
    public bool OutputBias { get; init; }

    /// <summary>Bias on the feed-forward projections.</summary>
    public bool MlpBias { get; init; }

    /// <summary>Norms on queries and keys.</summary>
    public QkNorm QkNorm { get; init; }

    /// <summary>Factor on the scores; nearly always 1/√<see cref="HeadDimension"/>.</summary>
    public required float AttentionScale { get; init; }

    /// <summary>Scores are bent into ± this; 0 for none.</summary>
    public float AttentionCap { get; init; }

    /// <summary>For each layer how many positions it looks back, its own included; 0 for all. Empty: all layers see all.</summary>
    public ImmutableArray<int> Windows { get; init; } = [];

    /// <summary>The rotary embeddings in use; none where positions are learned or a slope.</summary>
    public ImmutableArray<RopeSettings> Ropes { get; init; } = [];

    /// <summary>For each layer its place in <see cref="Ropes"/>, or -1 for a layer without. Empty: all layers use the first, if any.</summary>
    public ImmutableArray<int> RopeOfLayer { get; init; } = [];

    /// <summary>Scores fall with distance by a slope per head instead of rotary embeddings (Press et al. 2022).</summary>
    public bool Alibi { get; init; }

    /// <summary>The function inside the feed-forward layer.</summary>
    public required Activation Activation { get; init; }

    /// <summary>Experts, where there are any.</summary>
    public MoeSettings? Moe { get; init; }

    /// <summary>How far back <paramref name="layer"/> looks, 0 for all.</summary>
    public int WindowOf(int layer) => Windows.IsEmpty ? 0 : Windows[layer];

    /// <summary>The place in <see cref="Ropes"/> of <paramref name="layer"/>, -1 for none.</summary>
    public int RopeOf(int layer) => RopeOfLayer.IsEmpty ? (Ropes.IsEmpty ? -1 : 0) : RopeOfLayer[layer];

    /// <summary>True where <paramref name="layer"/> has experts.</summary>
    public bool IsSparse(int layer) => Moe is { } moe && (moe.SparseLayers.IsEmpty || moe.SparseLayers[layer]);
}

/// <summary>What is normalised on queries and keys before the rotary embedding.</summary>
internal enum QkNorm
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Each head by itself, all with the same scale.</summary>
    PerHead,

    /// <summary>All heads of a row together.</summary>
    WholeRow,
}

/// <summary>A feed-forward layer of which each token uses a few parts.</summary>
internal sealed record MoeSettings
{
    /// <summary>Experts in a layer.</summary>
    public required int Experts { get; init; }

    /// <summary>Experts that a token is sent to.</summary>
    public required int PerToken { get; init; }

    /// <summary>Width of one expert.</summary>
    public required int FeedForward { get; init; }

    /// <summary>The weights of the chosen are scaled to the sum 1.</summary>
    public required bool Normalised { get; init; }

    /// <summary>Width of the expert that every token uses; 0 for none.</summary>
    public int SharedFeedForward { get; init; }

    /// <summary>For each layer whether it has experts; empty: all have.</summary>
    public ImmutableArray<bool> SparseLayers { get; init; } = [];
}
