using Fairlead.Engine.Layers;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Architectures;

/// <summary>Tensors of zeros in place of a model's: of the same types, in any shape.</summary>
/// <remarks>
/// All are the same zeros, each from a cache line further on, for a tensor is known by where it lies. These are pages that the system gives for reading without taking memory, until they are
/// written, and nobody writes them. So how many there are has to be known first: whoever makes tensors makes them, calls <see cref="Allocate"/> and makes them again, alike.
/// </remarks>
internal sealed unsafe class ZeroTensors : IDisposable
{
    private const long CacheLine = 64;

    private NativeBuffer<byte>? _zeros; // null while tensors are only counted: they may be told apart, and not read
    private int _tensors;
    private long _largest;

    /// <summary>Bytes of address space for those that were made.</summary>
    public long Bytes => _largest + (_tensors * CacheLine);

    /// <summary>Tensors from now on have zeros behind them.</summary>
    public void Allocate()
    {
        _zeros = new NativeBuffer<byte>(Bytes);
        _tensors = 0;
    }

    /// <summary>Of the same shape.</summary>
    public TensorView Like(TensorView tensor)
    {
        _largest = Math.Max(_largest, BlockLayout.Of(tensor.Type).SizeOf(tensor.Count));
        byte* from = _zeros is null ? null : _zeros.Data;
        return new TensorView(tensor.Type, tensor.Shape, from + (CacheLine * _tensors++));
    }

    /// <summary>A matrix of the same type.</summary>
    public TensorView Like(TensorView tensor, int rows, int columns) => Like(new TensorView(tensor.Type, [rows, columns], null));

    /// <summary>A norm of the same width, or none.</summary>
    public NormWeights? Like(NormWeights? norm) => norm is { } some ? Like(some) : null;

    /// <summary>A norm of the same width.</summary>
    public NormWeights Like(NormWeights norm) => new(Like(norm.Scale), norm.Shift is { } shift ? Like(shift) : null);

    /// <summary>A layer of the same shape.</summary>
    public LinearWeights Like(LinearWeights linear) => Like(linear, linear.Outputs, linear.Inputs);

    /// <summary>A layer of another shape.</summary>
    public LinearWeights Like(LinearWeights linear, int outputs, int inputs) => linear with
    {
        Weight = linear.Transposed ? Like(linear.Weight, inputs, outputs) : Like(linear.Weight, outputs, inputs),
        Bias = linear.Bias is { } bias ? Like(new TensorView(bias.Type, [outputs], null)) : null,
    };

    /// <inheritdoc/>
    public void Dispose() => _zeros?.Dispose();
}
