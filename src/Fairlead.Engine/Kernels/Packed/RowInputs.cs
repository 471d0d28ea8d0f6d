using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Reads the activations of neighbouring rows, which are of the same sixteen (<see cref="QuantizedRows.TileRows"/>), 32 inputs after the other.</summary>
internal unsafe struct RowInputs
{
    private readonly long _stride, _sumStride;
    private sbyte* _values;
    private float* _scales;
    private short* _halfSums, _pairSums;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public RowInputs(QuantizedRows rows, int row, int inputs)
    {
        (_stride, _sumStride) = (QuantizedRows.StrideOf(inputs), inputs / 16);
        _values = rows.Values + (row * _stride);
        _scales = rows.ScalesOfRow(row, inputs);
        _halfSums = rows.HalfSums + (row * _sumStride);
        _pairSums = rows.PairSums + (row * 2 * _sumStride);
    }

    /// <summary>Four inputs, the same for each output.</summary>
    /// <param name="row">From the first one on.</param>
    /// <param name="line">Which four: 0 to 7.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Vector256<sbyte> Four(int row, int line) => Vector256.Create(*(int*)(_values + (row * _stride) + (line * 4))).AsSByte();

    /// <summary>The sums of the first and the second 16 bytes, the same for each output.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Vector256<short> HalfSums(int row) => Vector256.Create(*(int*)(_halfSums + (row * _sumStride))).AsInt16();

    /// <summary>Of 16 inputs the sum of the first two of every four, and that of the others, the same for each output.</summary>
    /// <param name="row">From the first one on.</param>
    /// <param name="half">Which 16: 0 or 1.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Vector256<short> PairSums(int row, int half) => Vector256.Create(*(int*)(_pairSums + (row * 2 * _sumStride) + (half * 2))).AsInt16();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Vector256<float> Scale(int row) => Vector256.Create(_scales[row]);

    /// <summary>The scale times the sum of the 32 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Vector256<float> Sum(int row) => Vector256.Create(_scales[QuantizedRows.TileRows + row]);

    /// <summary>Goes on to the next 32 inputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Next()
    {
        _values += PackedLayout.GroupInputs;
        _scales += QuantizedRows.BlockScales;
        _halfSums += 2;
        _pairSums += 4;
    }
}
