using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Layers;

/// <summary>y = W·x + b.</summary>
internal sealed unsafe class Linear : IDisposable
{
    private readonly TensorView _weight;
    private readonly NativeBuffer<byte>? _turned;
    private readonly PackedWeights? _packs;
    private readonly PackedMatrix _packed;
    private readonly Vector? _bias;

    /// <summary>Over weights that stay where they are, but for transposed ones, which are turned into a buffer of their own.</summary>
    /// <param name="packs">The packed forms of a model's matrices; null, or without this one: it is multiplied as it is stored.</param>
    public Linear(LinearWeights weights, PackedWeights? packs)
    {
        _weight = weights.Weight;
        if (packs is not null && packs.TryGet(weights.Weight, out PackedMatrix packed))
            (_packs, _packed) = (packs, packed);
        if (weights.Transposed)
            _weight = Turn(weights.Weight, out _turned);
        if (weights.Bias is { } bias)
            _bias = new Vector(bias);
    }

    /// <summary>Values that go in.</summary>
    public int Inputs => _weight.Columns;

    /// <summary>Values that come out.</summary>
    public int Outputs => _weight.Rows;

    /// <summary><paramref name="input"/> <c>[rows × inputs]</c> to <paramref name="output"/> <c>[rows × outputs]</c>; the two do not overlap.</summary>
    public void Forward(float* input, float* output, int rows, WorkCrew? crew)
    {
        if (_packs is not null)
            _packs.Multiply(_packed, input, output, rows, crew);
        else
            MatMul.Multiply(_weight, input, output, rows, crew);
        if (_bias is not null)
            Elementwise.AddToRows(output, _bias.Data, rows, Outputs);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _turned?.Dispose();
        _bias?.Dispose();
    }

    private static TensorView Turn(TensorView stored, out NativeBuffer<byte> buffer)
    {
        int inputs = stored.Rows, outputs = stored.Columns, size = BlockLayout.Of(stored.Type).Bytes;
        buffer = new NativeBuffer<byte>(stored.Count * size);
        for (long i = 0; i < inputs; i++)
        {
            for (long o = 0; o < outputs; o++)
                Buffer.MemoryCopy(stored.Data + (((i * outputs) + o) * size), buffer.Data + (((o * inputs) + i) * size), size, size);
        }

        return new TensorView(stored.Type, [outputs, inputs], buffer.Data);
    }
}
