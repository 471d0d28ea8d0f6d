using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Kernels.Attending;

/// <summary>The 16 bits of <see cref="KvType.F16"/>: sign, five bits of exponent with a bias of 15, ten bits of fraction.</summary>
internal static class HalfCode
{
    /// <summary>The largest number, (2 − 2^−10) · 2^16.</summary>
    internal const float Largest = 131008;

    private const int Smallest = 1 << 10; // the code of 2^−14
    private const int HalfOfSmallest = (127 - 15) << 23; // the bits of the single 2^−15

    /// <summary>The nearest code, the even one of two as near.</summary>
    /// <param name="value">Finite.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ushort Encode(float value)
    {
        int bits = BitConverter.SingleToInt32Bits(value), magnitude = bits & int.MaxValue;
        int code = ((magnitude + 0xfff + ((magnitude >> 13) & 1)) >> 13) - ((127 - 15) << 10);
        code = code < Smallest ? (magnitude > HalfOfSmallest ? Smallest : 0) : Math.Min(code, 0x7fff);
        return (ushort)(code | ((bits >> 16) & 0x8000));
    }

    /// <summary>The nearest code of each of <paramref name="count"/> finite values.</summary>
    internal static unsafe void Encode(float* values, int count, ushort* codes)
    {
        int i = 0;
        for (; i + Vector256<short>.Count <= count; i += Vector256<short>.Count)
            Vector256.Narrow(Codes(Vector256.Load(values + i)), Codes(Vector256.Load(values + i + Vector256<float>.Count))).AsUInt16().Store(codes + i);
        for (; i < count; i++)
            codes[i] = Encode(values[i]);
    }

    /// <summary>The number of a code, exactly.</summary>
    internal static float Decode(ushort code)
    {
        float magnitude = (code & 0x7fff) < Smallest ? 0 : BitConverter.Int32BitsToSingle(((code & 0x7fff) << 13) + ((127 - 15) << 23));
        return (code & 0x8000) == 0 ? magnitude : -magnitude;
    }

    /// <summary><see cref="Encode(float)"/> of eight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Codes(Vector256<float> values)
    {
        Vector256<int> bits = values.AsInt32(), magnitude = bits & Vector256.Create(int.MaxValue), smallest = Vector256.Create(Smallest);
        Vector256<int> rounded = magnitude + Vector256.Create(0xfff) + (Vector256.ShiftRightLogical(magnitude, 13) & Vector256<int>.One);
        Vector256<int> code = Vector256.Min(Vector256.ShiftRightLogical(rounded, 13) - Vector256.Create((127 - 15) << 10), Vector256.Create(0x7fff));
        Vector256<int> little = Vector256.GreaterThan(magnitude, Vector256.Create(HalfOfSmallest)) & smallest;
        return Vector256.ConditionalSelect(Vector256.LessThan(code, smallest), little, code) | (Vector256.ShiftRightArithmetic(bits, 16) & Vector256.Create(0x8000));
    }
}
