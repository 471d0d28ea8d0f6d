using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Products of weights and signed activations, added in fours to eight whole numbers. Exact; implemented by structs, so that each is compiled into a kernel of its own.</summary>
internal interface IByteDot
{
    /// <summary>Whether <see cref="Add"/> gives whole numbers at once, whatever the weights.</summary>
    static abstract bool IsWhole { get; }

    /// <summary>How often <see cref="Add"/> may add products of weights 0 to <paramref name="largest"/> to a sum that began with zero, where it is not whole.</summary>
    static abstract int TimesFor(int largest);

    /// <summary>Adds products to a sum.</summary>
    static abstract Vector256<int> Add(Vector256<int> sum, Vector256<byte> weights, Vector256<sbyte> activations);

    /// <summary>A sum as eight whole numbers.</summary>
    static abstract Vector256<int> Whole(Vector256<int> sum);
}

/// <summary>Unsigned weights, with one instruction (AVX-VNNI).</summary>
internal readonly struct VnniDot : IByteDot
{
    public static bool IsWhole => true;

    public static int TimesFor(int largest) => int.MaxValue;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sum, Vector256<byte> weights, Vector256<sbyte> activations) => AvxVnni.MultiplyWideningAndAdd(sum, weights, activations);

    public static Vector256<int> Whole(Vector256<int> sum) => sum;
}

/// <summary>Unsigned weights of at most seven bits: pairs of products in 16 bits, for as long as their sums fit, then pairs of those in 32 (AVX2).</summary>
internal readonly struct PairDot : IByteDot
{
    public static bool IsWhole => false;

    public static int TimesFor(int largest) => short.MaxValue / (2 * largest * 127);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sum, Vector256<byte> weights, Vector256<sbyte> activations) =>
        (sum.AsInt16() + Avx2.MultiplyAddAdjacent(weights, activations)).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Whole(Vector256<int> sum) => Avx2.MultiplyAddAdjacent(sum.AsInt16(), Vector256.Create((short)1));
}

/// <summary>
/// Signed bytes (AVX2). Two products of 255 and 127 do not fit 16 bits; of magnitudes, with the sign given to the activation, they do: 2 · 128 · 127.
/// </summary>
internal readonly struct SignedPairDot : IByteDot
{
    public static bool IsWhole => true;

    public static int TimesFor(int largest) => int.MaxValue;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sum, Vector256<byte> weights, Vector256<sbyte> activations) => sum + Avx2.MultiplyAddAdjacent(
        Avx2.MultiplyAddAdjacent(Avx2.Abs(weights.AsSByte()), Avx2.Sign(activations, weights.AsSByte())), Vector256.Create((short)1));

    public static Vector256<int> Whole(Vector256<int> sum) => sum;
}
