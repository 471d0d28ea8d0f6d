using Fairlead.Engine.Kernels;

namespace Fairlead.Engine.Architectures.Encoders;

/// <summary>What a text encoder computes, as its configuration says it. Every one is: embeddings, then layers of attention to the whole text and a plain feed-forward part, each followed by a layer norm (Devlin et al. 2019).</summary>
internal sealed record EncoderDesign
{
    /// <summary>Tokens of the vocabulary.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Values of a token between the layers.</summary>
    public required int Width { get; init; }

    /// <summary>Layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Heads of attention; they share <see cref="Width"/> evenly.</summary>
    public required int Heads { get; init; }

    /// <summary>Values in the middle of the feed-forward part.</summary>
    public required int Inner { get; init; }

    /// <summary>ε of every layer norm.</summary>
    public required float Epsilon { get; init; }

    /// <summary>The function of the feed-forward part.</summary>
    public required Activation Activation { get; init; }

    /// <summary>Rows of the table of positions.</summary>
    public required int Positions { get; init; }

    /// <summary>
    /// The padding token of RoBERTa and its kin: positions are counted from the row after it, and a padding token itself stands at its own row
    /// and is not counted. Null: positions are 0, 1, 2.
    /// </summary>
    public int? PaddingToken { get; init; }

    /// <summary>Kinds of segments (question and answer); 0 where the model does not tell them apart.</summary>
    public int Segments { get; init; }

    /// <summary>Buckets of distances that MPNet's attention adds a learned number for; 0: none.</summary>
    public int DistanceBuckets { get; init; }

    /// <summary>Longest text, in tokens: the rows of the table that a text may use.</summary>
    public int MaxTokens => Positions - ((PaddingToken + 1) ?? 0);
}
