using System.Collections.Immutable;

namespace Fairlead.Engine.Architectures.Encoders;

/// <summary>What <see cref="Miniature"/> is to a decoder: a plan that runs the same code as another and costs next to nothing, with one layer of each kind and zeros for weights.</summary>
/// <remarks>No byte of the model's files is read. The plan is valid until this is disposed.</remarks>
internal sealed class EncoderMiniature : IDisposable
{
    /// <summary>Longest text, and rows of a pass: more blocks of rows than one, of which products are made in another way.</summary>
    public const int Rows = 128;

    private readonly ZeroTensors _zeros = new();

    /// <param name="of">The plan of the whole.</param>
    /// <param name="outlineOnly">Only sizes are wanted: nothing is allocated, and nothing may be computed.</param>
    public EncoderMiniature(EncoderPlan of, bool outlineOnly = false)
    {
        ImmutableArray<EncoderLayerWeights> layers = [.. of.Weights.Layers.DistinctBy(KindOf)];
        EncoderDesign design = of.Design with
        {
            Vocabulary = Miniature.TokensOf(of.Design.Vocabulary),
            Layers = layers.Length,
            Inner = Miniature.Narrow(of.Design.Inner),
            Positions = of.Design.Positions - of.Design.MaxTokens + Math.Min(of.Design.MaxTokens, Rows),
        };
        EncoderWeights weights = Blank(of.Weights, design, layers);
        if (!outlineOnly)
        {
            _zeros.Allocate();
            weights = Blank(of.Weights, design, layers);
        }

        Plan = of.With(design, weights);
    }

    /// <summary>The plan.</summary>
    public EncoderPlan Plan { get; }

    /// <summary>Bytes of address space that its weights take.</summary>
    public long ZeroBytes => _zeros.Bytes;

    /// <inheritdoc/>
    public void Dispose() => _zeros.Dispose();

    /// <summary>What tells layers apart that run different code: the types of their matrices.</summary>
    private static string KindOf(EncoderLayerWeights layer) => string.Join(' ', new[] { layer.Query, layer.Key, layer.Value, layer.Output, layer.Up, layer.Down }.Select(static matrix => matrix.Weight.Type));

    private EncoderWeights Blank(EncoderWeights weights, EncoderDesign design, ImmutableArray<EncoderLayerWeights> layers) => new(
        _zeros.Like(weights.Tokens, design.Vocabulary, design.Width),
        _zeros.Like(weights.Positions, design.Positions, design.Width),
        weights.Segments is { } segments ? _zeros.Like(segments) : null,
        _zeros.Like(weights.EmbeddingNorm),
        ImmutableArray.CreateRange(layers, layer => Blank(layer, design.Inner)),
        weights.DistanceBias is { } bias ? _zeros.Like(bias) : null);

    private EncoderLayerWeights Blank(EncoderLayerWeights layer, int inner) => new(
        _zeros.Like(layer.Query),
        _zeros.Like(layer.Key),
        _zeros.Like(layer.Value),
        _zeros.Like(layer.Output),
        _zeros.Like(layer.AttentionNorm),
        _zeros.Like(layer.Up, inner, layer.Up.Inputs),
        _zeros.Like(layer.Down, layer.Down.Outputs, inner),
        _zeros.Like(layer.OutputNorm));
}
