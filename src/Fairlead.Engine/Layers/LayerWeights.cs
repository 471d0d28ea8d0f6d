using System.Collections.Immutable;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Layers;

/// <summary>A linear layer as it lies in a checkpoint.</summary>
/// <param name="Weight"><c>[outputs × inputs]</c>; with <paramref name="Transposed"/> <c>[inputs × outputs]</c>, as GPT-2's Conv1D stores it.</param>
/// <param name="Bias"><c>[outputs]</c>, or null.</param>
internal readonly record struct LinearWeights(TensorView Weight, TensorView? Bias, bool Transposed = false)
{
    /// <summary>Values that go in.</summary>
    public int Inputs => Transposed ? Weight.Rows : Weight.Columns;

    /// <summary>Values that come out.</summary>
    public int Outputs => Transposed ? Weight.Columns : Weight.Rows;
}

/// <summary>A norm as it lies in a checkpoint.</summary>
/// <param name="Scale"><c>[width]</c>.</param>
/// <param name="Shift"><c>[width]</c>, or null.</param>
internal readonly record struct NormWeights(TensorView Scale, TensorView? Shift);

/// <summary>Where one head's query, key or value lies in what the projections give.</summary>
/// <param name="Projection">Which of the projections.</param>
/// <param name="Offset">First value within a row of it.</param>
internal readonly record struct HeadPlace(int Projection, int Offset);

/// <summary>The projections of a row onto queries, keys and values: three, or one that holds them in an order of its own.</summary>
/// <remarks>Fused projections stay as the file has them: whoever reads a head asks where it lies, so nothing is copied at load.</remarks>
internal sealed record QkvWeights(
    ImmutableArray<LinearWeights> Projections, ImmutableArray<HeadPlace> Queries, ImmutableArray<HeadPlace> Keys, ImmutableArray<HeadPlace> Values)
{
    /// <summary>Three projections, heads in order.</summary>
    public static QkvWeights Separate(LinearWeights query, LinearWeights key, LinearWeights value, int heads, int kvHeads, int dimension) =>
        new([query, key, value], Run(0, 0, heads, dimension), Run(1, 0, kvHeads, dimension), Run(2, 0, kvHeads, dimension));

    /// <summary>One projection: all queries, then all keys, then all values.</summary>
    public static QkvWeights Concatenated(LinearWeights fused, int heads, int kvHeads, int dimension) =>
        new([fused], Run(0, 0, heads, dimension), Run(0, heads * dimension, kvHeads, dimension), Run(0, (heads + kvHeads) * dimension, kvHeads, dimension));

    /// <summary>One projection: for each key/value head its queries, its key, its value.</summary>
    public static QkvWeights Grouped(LinearWeights fused, int heads, int kvHeads, int dimension)
    {
        int queries = heads / kvHeads, group = (queries + 2) * dimension;
        return new(
            [fused],
            [.. Enumerable.Range(0, heads).Select(head => new HeadPlace(0, (head / queries * group) + (head % queries * dimension)))],
            [.. Enumerable.Range(0, kvHeads).Select(head => new HeadPlace(0, (head * group) + (queries * dimension)))],
            [.. Enumerable.Range(0, kvHeads).Select(head => new HeadPlace(0, (head * group) + ((queries + 1) * dimension)))]);
    }

    private static ImmutableArray<HeadPlace> Run(int projection, int from, int heads, int dimension) =>
        [.. Enumerable.Range(0, heads).Select(head => new HeadPlace(projection, from + (head * dimension)))];
}

/// <summary>A feed-forward layer as it lies in a checkpoint; <paramref name="Gate"/> is null in a plain one.</summary>
internal sealed record MlpWeights(LinearWeights? Gate, LinearWeights Up, LinearWeights Down);

/// <summary>A layer of experts as it lies in a checkpoint.</summary>
/// <param name="Router"><c>[experts × width]</c>.</param>
/// <param name="Shared">The expert of every token, or null.</param>
/// <param name="SharedGate"><c>[1 × width]</c>: how much of <paramref name="Shared"/> a token takes, through a sigmoid; null for all of it.</param>
internal sealed record MoeWeights(LinearWeights Router, ImmutableArray<MlpWeights> Experts, MlpWeights? Shared, LinearWeights? SharedGate);

/// <summary>One layer of a decoder as it lies in a checkpoint. A norm that is null is left out.</summary>
internal sealed record LayerWeights
{
    /// <summary>On what attention reads.</summary>
    public NormWeights? BeforeAttention { get; init; }

    /// <summary>On what attention gives, before it is added to the stream.</summary>
    public NormWeights? AfterAttention { get; init; }

    /// <summary>On what the feed-forward layer reads. In a parallel block null means: the same as attention reads.</summary>
    public NormWeights? BeforeMlp { get; init; }

    /// <summary>On what the feed-forward layer gives, before it is added to the stream.</summary>
    public NormWeights? AfterMlp { get; init; }

    /// <summary>Queries, keys and values.</summary>
    public required QkvWeights Qkv { get; init; }

    /// <summary>On queries; null for none.</summary>
    public NormWeights? QueryNorm { get; init; }

    /// <summary>On keys; null for none.</summary>
    public NormWeights? KeyNorm { get; init; }

    /// <summary>From the heads back to the stream.</summary>
    public required LinearWeights Output { get; init; }

    /// <summary>The feed-forward layer, or null where there are experts.</summary>
    public MlpWeights? Mlp { get; init; }

    /// <summary>The experts, or null.</summary>
    public MoeWeights? Moe { get; init; }
}
