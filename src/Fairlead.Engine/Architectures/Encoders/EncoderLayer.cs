using Fairlead.Engine.Kernels;
using Fairlead.Engine.Layers;
using Fairlead.Engine.Tensors;
using Norm = Fairlead.Engine.Layers.Norm;

namespace Fairlead.Engine.Architectures.Encoders;

/// <summary>One layer: attention to the whole text, added and normed; a plain feed-forward part, added and normed.</summary>
internal sealed unsafe class EncoderLayer : IDisposable
{
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

    /// <summary>Values of room that <see cref="Forward"/> wants for each row.</summary>
    public static long RoomPerRow(EncoderDesign design) => (4L * design.Width) + Math.Max(design.Width, design.Inner);

    /// <summary>Changes <paramref name="hidden"/> <c>[rows × width]</c> in place.</summary>
    /// <param name="bias">For each text <c>[heads × tokens × tokens]</c>, one after the other; null: none.</param>
    /// <param name="room"><see cref="RoomPerRow"/> values for each row, overwritten.</param>
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

        _output.Forward(mixed, query, rows, crew);
        Elementwise.Add(hidden, query, values);
        _attentionNorm.Forward(hidden, hidden, rows);

        _up.Forward(hidden, inner, rows, crew);
        Activations.Apply(_design.Activation, inner, (long)rows * _design.Inner);
        _down.Forward(inner, mixed, rows, crew);
        Elementwise.Add(hidden, mixed, values);
        _outputNorm.Forward(hidden, hidden, rows);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable part in (IDisposable[])[_query, _key, _value, _output, _attentionNorm, _up, _down, _outputNorm])
            part.Dispose();
    }
}
