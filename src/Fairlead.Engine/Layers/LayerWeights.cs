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

/// <summary>The projections of a row onto queries, keys and values: three, or one that holds all heads in an order of its own.</summary>
/// <param name="Projections">Query, key and value; or one for all.</param>
/// <param name="Order">Where each head begins in a row of the one projection: queries, then keys, then values. Empty where there are three.</param>
/// <remarks>A fused projection stays as the file has it: the heads of a row are put in order after they are computed, which costs next to nothing.</remarks>
internal sealed record QkvWeights(ImmutableArray<LinearWeights> Projections, ImmutableArray<int> Order)
{
    /// <summary>Three projections, heads in order.</summary>
    public static QkvWeights Separate(LinearWeights query, LinearWeights key, LinearWeights value) => new([query, key, value], []);

    /// <summary>One projection: all queries, then all keys, then all values.</summary>
    public static QkvWeights Concatenated(LinearWeights fused, int heads, int kvHeads, int dimension) =>
        new([fused], [.. Enumerable.Range(0, heads + (2 * kvHeads)).Select(head => head * dimension)]);

    /// <summary>One projection: for each key/value head its queries, its key, its value.</summary>
    public static QkvWeights Grouped(LinearWeights fused, int heads, int kvHeads, int dimension)
    {
        int queries = heads / kvHeads, group = queries + 2;
        return new(
            [fused],
            [
                .. Enumerable.Range(0, heads).Select(head => ((head / queries * group) + (head % queries)) * dimension),
                .. Enumerable.Range(0, kvHeads).Select(head => ((head * group) + queries) * dimension),
                .. Enumerable.Range(0, kvHeads).Select(head => ((head * group) + queries + 1) * dimension),
            ]);
    }
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

    /// <summary>Adds the layer's tensors to <paramref name="tally"/>, in the order in which they are used.</summary>
    public void Count(WeightTally tally)
    {
        tally.Norm(BeforeAttention);
        foreach (LinearWeights projection in Qkv.Projections)
            tally.Linear(projection);
        tally.Norm(QueryNorm);
        tally.Norm(KeyNorm);
        tally.Linear(Output);
        tally.Norm(AfterAttention);
        tally.Norm(BeforeMlp);
        tally.Mlp(Mlp);
        if (Moe is { } moe)
        {
            tally.Router(moe.Router);
            foreach (MlpWeights expert in moe.Experts)
                tally.Mlp(expert);
            tally.Mlp(moe.Shared);
            tally.Router(moe.SharedGate);
        }

        tally.Norm(AfterMlp);
    }
}
