using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Products of unsigned weights and signed activations, added in fours to eight whole numbers. Exact; implemented by structs, so that each is compiled into a kernel of its own.</summary>
internal interface IByteDot
{
    /// <summary>For weights 0 to 15.</summary>
    static abstract Vector256<int> AddNibbles(Vector256<int> sum, Vector256<byte> weights, Vector256<sbyte> activations);

    /// <summary>For weights 0 to 255.</summary>
    static abstract Vector256<int> AddBytes(Vector256<int> sum, Vector256<byte> weights, Vector256<sbyte> activations);
}

/// <summary>One instruction (AVX-VNNI).</summary>
internal readonly struct VnniDot : IByteDot
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> AddNibbles(Vector256<int> sum, Vector256<byte> weights, Vector256<sbyte> activations) => AvxVnni.MultiplyWideningAndAdd(sum, weights, activations);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> AddBytes(Vector256<int> sum, Vector256<byte> weights, Vector256<sbyte> activations) => AvxVnni.MultiplyWideningAndAdd(sum, weights, activations);
}

/// <summary>
/// Pairs of products in 16 bits, then pairs of those in 32 (AVX2). Two products of a byte and an activation of 127 do not fit 16 bits; of the two halves of a byte they do.
/// </summary>
internal readonly struct PairDot : IByteDot
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> AddNibbles(Vector256<int> sum, Vector256<byte> weights, Vector256<sbyte> activations) =>
        sum + Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(weights, activations), Vector256.Create((short)1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> AddBytes(Vector256<int> sum, Vector256<byte> weights, Vector256<sbyte> activations)
    {
        var mask = Vector256.Create((byte)15);
        Vector256<byte> low = weights & mask, high = Vector256.ShiftRightLogical(weights.AsUInt16(), 4).AsByte() & mask;
        sum += Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(low, activations), Vector256.Create((short)1));
        return sum + Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(high, activations), Vector256.Create((short)16));
    }
}
