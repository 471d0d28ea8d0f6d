using System.Collections.Immutable;
using Fairlead.Engine.Layers;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Architectures.Encoders;

/// <summary>The tensors of an encoder by their roles.</summary>
/// <param name="Tokens"><c>[vocabulary × width]</c>.</param>
/// <param name="Positions"><c>[positions × width]</c>.</param>
/// <param name="Segments"><c>[segments × width]</c>, or null.</param>
/// <param name="EmbeddingNorm">On the sum of the three.</param>
/// <param name="Layers">Bottom first.</param>
/// <param name="DistanceBias"><c>[buckets × heads]</c>, shared by all layers, or null.</param>
internal sealed record EncoderWeights(TensorView Tokens, TensorView Positions, TensorView? Segments, NormWeights EmbeddingNorm, ImmutableArray<EncoderLayerWeights> Layers, TensorView? DistanceBias = null)
{
    /// <summary>How all of them are kept.</summary>
    public WeightTally Tally()
    {
        var tally = new WeightTally();
        tally.Table(Tokens);
        tally.Table(Positions);
        tally.Table(Segments);
        tally.Norm(EmbeddingNorm);
        tally.Table(DistanceBias);
        foreach (EncoderLayerWeights layer in Layers)
        {
            foreach (LinearWeights linear in (LinearWeights[])[layer.Query, layer.Key, layer.Value, layer.Output, layer.Up, layer.Down])
                tally.Linear(linear);
            tally.Norm(layer.AttentionNorm);
            tally.Norm(layer.OutputNorm);
        }

        return tally;
    }
}

/// <summary>One layer of an encoder.</summary>
internal sealed record EncoderLayerWeights(LinearWeights Query, LinearWeights Key, LinearWeights Value, LinearWeights Output, NormWeights AttentionNorm, LinearWeights Up, LinearWeights Down, NormWeights OutputNorm);
