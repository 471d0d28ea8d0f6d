using System.Collections.Immutable;
using System.Globalization;
using Fairlead.Engine.Layers;

namespace Fairlead.Engine.Architectures;

/// <summary>
/// A plan that runs the same code as another and costs next to nothing: one layer of each kind, the first tokens, narrow feed-forward layers, and zeros for weights. What decides which
/// code runs stays what it is: types, heads, norms, rotary embeddings, experts, the width of the stream.
/// </summary>
/// <remarks>No byte of the model's files is read. The plan is valid until this is disposed.</remarks>
internal sealed class Miniature : IDisposable
{
    /// <summary>Positions of a text.</summary>
    public const int Context = 128;

    /// <summary>Rows of a pass.</summary>
    public const int Rows = 32;

    private const int MostTokens = 1024;

    /// <summary>What is wider is cut to this and its rest by the largest block, so that whole blocks stay whole and what has none keeps none.</summary>
    private const int MostFeedForward = 512;
    private const int LargestBlock = 256;

    private readonly ZeroTensors _zeros = new();

    /// <param name="of">The plan of the whole.</param>
    /// <param name="outlineOnly">Only sizes are wanted: nothing is allocated, and nothing may be computed.</param>
    public Miniature(DecoderPlan of, bool outlineOnly = false)
    {
        (DecoderDesign design, DecoderWeights weights) = (of.Design, of.Weights);
        ImmutableArray<int> layers = OneOfEachKind(design, weights.Layers);
        int tokens = TokensOf(design.Vocabulary);
        DecoderWeights small = WeightsOf(weights, layers, tokens);
        if (!outlineOnly)
        {
            _zeros.Allocate();
            small = WeightsOf(weights, layers, tokens);
        }

        Plan = of.With(DesignOf(design, layers, tokens), small, of.Options with { ContextLength = Context, RowsPerPass = Rows, Threads = 1 });
    }

    /// <summary>The plan.</summary>
    public DecoderPlan Plan { get; }

    /// <summary>Bytes of address space that its weights take.</summary>
    public long ZeroBytes => _zeros.Bytes;

    /// <summary>Tokens that are left of a vocabulary.</summary>
    public static int TokensOf(int vocabulary) => Math.Min(vocabulary, MostTokens);

    /// <summary>The width that is left of a feed-forward layer's.</summary>
    public static int Narrow(int width) => width <= MostFeedForward + LargestBlock ? width : MostFeedForward + (width % LargestBlock);

    /// <inheritdoc/>
    public void Dispose() => _zeros.Dispose();

    private static ImmutableArray<int> OneOfEachKind(DecoderDesign design, ImmutableArray<LayerWeights> layers)
    {
        var kinds = new HashSet<string>(StringComparer.Ordinal);
        var chosen = ImmutableArray.CreateBuilder<int>();
        for (int layer = 0; layer < layers.Length; layer++)
        {
            if (kinds.Add(KindOf(design, layers[layer], layer)))
                chosen.Add(layer);
        }

        return chosen.ToImmutable();
    }

    /// <summary>What tells layers apart that run different code: the types of their matrices, whether they have experts and a window, and which rotary embedding they use.</summary>
    private static string KindOf(DecoderDesign design, LayerWeights layer, int index)
    {
        var tally = new WeightTally();
        layer.Count(tally);
        var types = new SortedSet<string>(StringComparer.Ordinal);
        foreach (LinearWeights matrix in tally.Matrices)
            types.Add(matrix.Weight.Type.ToString());
        return string.Create(CultureInfo.InvariantCulture, $"{string.Join(' ', types)} {layer.Moe is null} {design.WindowOf(index) > 0} {design.RopeOf(index)}");
    }

    private static DecoderDesign DesignOf(DecoderDesign design, ImmutableArray<int> layers, int tokens) => design with
    {
        Vocabulary = tokens,
        Layers = layers.Length,
        FeedForward = Narrow(design.FeedForward),
        ContextLength = Math.Min(design.ContextLength, Context),
        Windows = Of(design.Windows, layers),
        RopeOfLayer = Of(design.RopeOfLayer, layers),
        Moe = design.Moe is { } moe
            ? moe with { FeedForward = Narrow(moe.FeedForward), SharedFeedForward = Narrow(moe.SharedFeedForward), SparseLayers = Of(moe.SparseLayers, layers) }
            : null,
    };

    private DecoderWeights WeightsOf(DecoderWeights weights, ImmutableArray<int> layers, int tokens) => new()
    {
        Tokens = _zeros.Like(weights.Tokens, tokens, weights.Tokens.Columns),
        Positions = weights.Positions is { } positions ? _zeros.Like(positions, Math.Min(positions.Rows, Context), positions.Columns) : null,
        EmbeddingNorm = _zeros.Like(weights.EmbeddingNorm),
        Layers = ImmutableArray.CreateRange(layers, layer => Blank(weights.Layers[layer])),
        FinalNorm = _zeros.Like(weights.FinalNorm),
        Head = _zeros.Like(weights.Head, tokens, weights.Head.Inputs),
    };

    private LayerWeights Blank(LayerWeights layer) => layer with
    {
        BeforeAttention = _zeros.Like(layer.BeforeAttention),
        AfterAttention = _zeros.Like(layer.AfterAttention),
        BeforeMlp = _zeros.Like(layer.BeforeMlp),
        AfterMlp = _zeros.Like(layer.AfterMlp),
        Qkv = layer.Qkv with { Projections = ImmutableArray.CreateRange(layer.Qkv.Projections, _zeros.Like) },
        QueryNorm = _zeros.Like(layer.QueryNorm),
        KeyNorm = _zeros.Like(layer.KeyNorm),
        Output = _zeros.Like(layer.Output),
        Mlp = Blank(layer.Mlp),
        Moe = layer.Moe is { } moe
            ? new MoeWeights(_zeros.Like(moe.Router), ImmutableArray.CreateRange(moe.Experts, expert => Blank(expert)!), Blank(moe.Shared), moe.SharedGate is { } gate ? _zeros.Like(gate) : null)
            : null,
    };

    private MlpWeights? Blank(MlpWeights? mlp)
    {
        if (mlp is null)
            return null;
        int inner = Narrow(mlp.Up.Outputs);
        return new MlpWeights(
            mlp.Gate is { } gate ? _zeros.Like(gate, inner, gate.Inputs) : null, _zeros.Like(mlp.Up, inner, mlp.Up.Inputs), _zeros.Like(mlp.Down, mlp.Down.Outputs, inner));
    }

    private static ImmutableArray<T> Of<T>(ImmutableArray<T> all, ImmutableArray<int> layers) => all.IsEmpty ? all : ImmutableArray.CreateRange(layers, layer => all[layer]);
}
