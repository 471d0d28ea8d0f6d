using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Room for rows of activations in the forms that packed kernels read, made anew for every multiplication and shared by all layers of a model.</summary>
/// <remarks>
/// A row is cut into blocks of 32 values. With a = the largest magnitude of a block, its values become bytes round(x · 127 / a) (to nearest, ties to even)
/// and its scale a / 127; a block of zeros has scale 0, and one with an infinity or a NaN has scale NaN, so that nothing that is not a number is lost.
/// A value is off by at most half its block's scale.
/// </remarks>
public sealed unsafe class QuantizedRows : IDisposable
{
    private readonly NativeBuffer<sbyte> _values;
    private readonly NativeBuffer<float> _scales;
    private readonly NativeBuffer<float> _sums;
    private readonly NativeBuffer<int> _wholeSums;

    /// <summary>Room for <paramref name="rows"/> rows of at most <paramref name="inputs"/> values.</summary>
    public QuantizedRows(int rows, int inputs)
    {
        (Rows, Inputs) = (rows, inputs);
        _values = new NativeBuffer<sbyte>((long)rows * StrideOf(inputs));
        long blocks = (long)rows * ((inputs + PackedLayout.GroupInputs - 1) / PackedLayout.GroupInputs);
        _scales = new NativeBuffer<float>(blocks);
        _sums = new NativeBuffer<float>(blocks);
        _wholeSums = new NativeBuffer<int>(blocks);
    }

    /// <summary>Most rows.</summary>
    public int Rows { get; }

    /// <summary>Most values of a row.</summary>
    public int Inputs { get; }

    /// <summary>The bytes: row r begins at r · <see cref="StrideOf"/>(inputs of the matrix).</summary>
    public sbyte* Values => _values.Data;

    /// <summary><c>[rows × inputs / 32]</c>: the scale of each block.</summary>
    public float* Scales => _scales.Data;

    /// <summary><c>[rows × inputs / 32]</c>: the block's scale times the sum of its bytes, rounded once.</summary>
    public float* Sums => _sums.Data;

    /// <summary><c>[rows × inputs / 32]</c>: the sum of the block's bytes.</summary>
    public int* WholeSums => _wholeSums.Data;

    /// <summary>Bytes from one row to the next: an odd number of cache lines, so that the rows of a tile do not meet in the same lines of the first-level cache.</summary>
    public static int StrideOf(int inputs) => (((inputs + 63) / 64) | 1) * 64;

    /// <summary>Bytes that such room takes.</summary>
    public static long BytesFor(int rows, int inputs) =>
        rows * (StrideOf(inputs) + (((long)inputs + PackedLayout.GroupInputs - 1) / PackedLayout.GroupInputs * 12));

    /// <inheritdoc/>
    public void Dispose()
    {
        _values.Dispose();
        _scales.Dispose();
        _sums.Dispose();
        _wholeSums.Dispose();
    }
}
