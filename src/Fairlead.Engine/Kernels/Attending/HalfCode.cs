using System.Runtime.CompilerServices;
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

    /// <summary>The number of a code, exactly.</summary>
    internal static float Decode(ushort code)
    {
        float magnitude = (code & 0x7fff) < Smallest ? 0 : BitConverter.Int32BitsToSingle(((code & 0x7fff) << 13) + ((127 - 15) << 23));
        return (code & 0x8000) == 0 ? magnitude : -magnitude;
    }
}
