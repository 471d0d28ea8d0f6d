using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Layers;

/// <summary>A short tensor (a bias, the scale of a norm) decoded once into single precision: the only weights that are copied.</summary>
internal sealed unsafe class Vector : IDisposable
{
    private readonly NativeBuffer<float> _values;

    /// <summary>Decodes <paramref name="tensor"/> and adds <paramref name="plus"/> to each value.</summary>
    public Vector(TensorView tensor, float plus = 0)
    {
        Length = checked((int)tensor.Count);
        _values = new NativeBuffer<float>(Length);
        Span<float> values = _values.Slice(0, Length);
        Dequantize.Row(tensor.Type, tensor.Data, values);
        if (plus != 0)
        {
            foreach (ref float value in values)
                value += plus;
        }
    }

    /// <summary>Number of values.</summary>
    public int Length { get; }

    /// <summary>The values.</summary>
    public float* Data => _values.Data;

    /// <inheritdoc/>
    public void Dispose() => _values.Dispose();
}
