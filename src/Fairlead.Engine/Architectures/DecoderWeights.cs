using System.Collections.Immutable;
using Fairlead.Engine.Layers;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Architectures;

/// <summary>All of a decoder's tensors as they lie in the checkpoint, by role, with their shapes checked. Nothing is copied yet.</summary>
internal sealed record DecoderWeights
{
    /// <summary><c>[vocabulary × width]</c>.</summary>
    public required TensorView Tokens { get; init; }

    /// <summary>Learned positions <c>[context × width]</c>, or null.</summary>
    public TensorView? Positions { get; init; }

    /// <summary>On the embeddings, or null.</summary>
    public NormWeights? EmbeddingNorm { get; init; }

    /// <summary>The layers in order.</summary>
    public required ImmutableArray<LayerWeights> Layers { get; init; }

    /// <summary>Before the head.</summary>
    public required NormWeights FinalNorm { get; init; }

    /// <summary><c>[vocabulary × width]</c>.</summary>
    public required LinearWeights Head { get; init; }

    /// <summary>How all of them are kept.</summary>
    public WeightTally Tally()
    {
        var tally = new WeightTally();
        tally.Table(Tokens);
        tally.Table(Positions);
        tally.Norm(EmbeddingNorm);
        foreach (LayerWeights layer in Layers)
            layer.Count(tally);
        tally.Norm(FinalNorm);
        tally.Linear(Head);
        return tally;
    }
}
