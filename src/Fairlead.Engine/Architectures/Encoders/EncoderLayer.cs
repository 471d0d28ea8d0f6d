using Fairlead.Engine.Kernels;
using Fairlead.Engine.Layers;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;
using Norm = Fairlead.Engine.Layers.Norm;

namespace Fairlead.Engine.Architectures.Encoders;

/// <summary>One layer: attention to the whole text, added and normed; a plain feed-forward part, added and normed.</summary>
internal sealed unsafe class EncoderLayer : IDisposable
{
    /// <summary>Rows of a long text that go through everything behind attention before the next.</summary>
    private const int PieceRows = Encoder.GroupRows;

    private readonly EncoderDesign _design;
    private readonly AttentionShape _shape;
    private readonly Linear _query;
    private readonly Linear _key;
    private readonly Linear _value;
    private readonly Linear _output;
    private readonly Norm _attentionNorm;
    private readonly Linear _up;
    private readonly Linear _down;
    private readonly Norm _outputNorm;

    public EncoderLayer(EncoderDesign design, EncoderLayerWeights weights, PackedWeights packs)
    {
        _design = design;
        int dimension = design.Width / design.Heads;
        _shape = new AttentionShape(design.Heads, design.Heads, dimension, dimension, (float)(1 / Math.Sqrt(dimension)));
        _query = new Linear(weights.Query, packs);
        _key = new Linear(weights.Key, packs);
        _value = new Linear(weights.Value, packs);
        _output = new Linear(weights.Output, packs);
        _attentionNorm = new Norm(NormKind.Layer, design.Epsilon, weights.AttentionNorm, addsOne: false);
        _up = new Linear(weights.Up, packs);
        _down = new Linear(weights.Down, packs);
        _outputNorm = new Norm(NormKind.Layer, design.Epsilon, weights.OutputNorm, addsOne: false);
    }

    /// <summary>Values of room that <see cref="Forward"/> wants for <paramref name="rows"/> rows.</summary>
    public static long Room(EncoderDesign design, int rows) => (4L * rows * design.Width) + ((long)Math.Min(rows, PieceRows) * design.Inner);

    /// <summary>Changes <paramref name="hidden"/> <c>[rows × width]</c> in place.</summary>
    /// <param name="bias">For each text <c>[heads × tokens × tokens]</c>, one after the other; null: none.</param>
    /// <param name="room"><see cref="Room"/> values, overwritten.</param>
    public void Forward(float* hidden, int rows, ReadOnlySpan<int> lengths, float* bias, float* room, WorkCrew? crew)
    {
        int width = _design.Width;
        long values = (long)rows * width;
        float* query = room, key = query + values, value = key + values, mixed = value + values, inner = mixed + values;
        Linear.Forward(hidden, rows, crew, new LinearOutput(_query, query), new LinearOutput(_key, key), new LinearOutput(_value, value));
        Kernels.Attention.Dense(query, key, value, lengths, _shape, bias, mixed, crew);

        // Piece by piece, for the middle of the feed-forward part is the widest of all and is read again at once.
        for (int first = 0; first < rows; first += PieceRows)
        {
            long from = (long)first * width;
            int count = Math.Min(PieceRows, rows - first);
            _output.Multiply(mixed + from, query + from, count, crew);
            RowCrew.Run(count, width, new AddAndNorm(_output, query + from, _attentionNorm, hidden + from), crew);
            Linear.Forward(hidden + from, count, crew, new LinearOutput(_up, inner, _design.Activation));
            _down.Multiply(inner, query + from, count, crew);
            RowCrew.Run(count, width, new AddAndNorm(_down, query + from, _outputNorm, hidden + from), crew);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable part in (IDisposable[])[_query, _key, _value, _output, _attentionNorm, _up, _down, _outputNorm])
            part.Dispose();
    }

    /// <summary>What follows on a product whose result is added to the stream: its bias, the sum, the norm of the sum, while a row is in the cache.</summary>
    private readonly struct AddAndNorm(Linear linear, float* product, Norm norm, float* stream) : IRowWork
    {
        public void Do(int first, int end)
        {
            for (long row = first; row < end; row++)
            {
                float* added = product + (row * norm.Width), to = stream + (row * norm.Width);
                linear.AddBias(added, 1);
                Elementwise.Add(to, added, norm.Width);
                norm.Forward(to, to, 1);
            }
        }
    }
}
