using Fairlead.Engine.Kernels;
using Fairlead.Engine.Layers;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;
using Norm = Fairlead.Engine.Layers.Norm;

namespace Fairlead.Engine.Architectures.Encoders;

/// <summary>One layer: attention to the whole text, added and normed; a plain feed-forward part, added and normed.</summary>
internal sealed unsafe class EncoderLayer : IDisposable
{
    /// <summary>Rows that go through everything behind attention before the next: the more, the seldomer are weights read; the fewer, the more of their values lie in the second-level cache.</summary>
    private const int PieceRows = Encoder.RowsPerPass;

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
        _query.Forward(hidden, query, rows, crew);
        _key.Forward(hidden, key, rows, crew);
        _value.Forward(hidden, value, rows, crew);
        long at = 0;
        foreach (int length in lengths)
        {
            Kernels.Attention.Dense(query + at, key + at, value + at, length, _shape, bias, mixed + at, crew);
            at += (long)length * width;
            bias = bias is null ? null : bias + ((long)length * length * _design.Heads);
        }

        // Piece by piece, for the middle of the feed-forward part is the widest of all and is read again at once.
        for (int first = 0; first < rows; first += PieceRows)
        {
            long from = (long)first * width;
            int count = Math.Min(PieceRows, rows - first);
            _output.Multiply(mixed + from, query + from, count, crew);
            RowCrew.Run(count, width, new AddAndNorm(_output, query + from, _attentionNorm, hidden + from), crew);
            _up.Multiply(hidden + from, inner, count, crew);
            RowCrew.Run(count, _design.Inner, new Activate(_up, _design.Activation, inner), crew);
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

    /// <summary>The bias and the function in the middle of the feed-forward part.</summary>
    private readonly struct Activate(Linear linear, Activation activation, float* product) : IRowWork
    {
        public void Do(int first, int end)
        {
            for (long row = first; row < end; row++)
            {
                float* values = product + (row * linear.Outputs);
                linear.AddBias(values, 1);
                Activations.Apply(activation, values, linear.Outputs);
            }
        }
    }
}
