using System.Runtime.CompilerServices;
using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Kernels.Attending;

/// <summary>How the numbers of one <see cref="KvType"/> are read.</summary>
internal unsafe interface IKvForm
{
    /// <summary>Bytes of a number.</summary>
    static abstract int Bytes { get; }

    /// <summary>Whether 32 numbers share a scale, with which what is read must be multiplied.</summary>
    static abstract bool HasScales { get; }

    /// <summary>A power of two for what a number is multiplied with: query or weight.</summary>
    static abstract float Lift { get; }

    /// <summary>A power of two for the sum of such products. Together with <see cref="Lift"/> it undoes what <see cref="Load"/> has left undone.</summary>
    static abstract float Lower { get; }

    /// <summary>Whether a number may be so large that rounding it to fewer bits would make it infinite.</summary>
    static abstract bool HasLargeNumbers { get; }

    /// <summary><c>L.Count</c> numbers, each times 1 / (Lift · Lower), exactly.</summary>
    static abstract V Load<L, V>(byte* numbers)
        where L : struct, ILanes<V>
        where V : struct;
}

/// <inheritdoc cref="KvType.F32"/>
internal readonly unsafe struct SingleNumbers : IKvForm
{
    public static int Bytes => sizeof(float);

    public static bool HasScales => false;

    public static float Lift => 1;

    public static float Lower => 1;

    public static bool HasLargeNumbers => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<L, V>(byte* numbers)
        where L : struct, ILanes<V>
        where V : struct
        => L.Load((float*)numbers);
}

/// <inheritdoc cref="KvType.F16"/>
/// <remarks>
/// The exponent's bits are moved to their place and not rebased, which leaves a factor of 2^−112: three instructions for a vector. The smallest number, 2^−14, becomes the
/// smallest normal single, so nothing here is subnormal. Queries and weights are lifted by 2^64 and sums lowered by the rest: products
/// with both 2^−14 and the smallest weight that counts are still normal, and no query below 2^63 overflows.
/// </remarks>
internal readonly unsafe struct HalfNumbers : IKvForm
{
    public static int Bytes => sizeof(ushort);

    public static bool HasScales => false;

    public static float Lift => 18446744073709551616f; // 2^64

    public static float Lower => 281474976710656f; // 2^48

    public static bool HasLargeNumbers => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<L, V>(byte* numbers)
        where L : struct, ILanes<V>
        where V : struct
        => L.LoadHalfUnbiased((ushort*)numbers);
}

/// <inheritdoc cref="KvType.Q8_0"/>
internal readonly unsafe struct ByteNumbers : IKvForm
{
    public static int Bytes => sizeof(sbyte);

    public static bool HasScales => true;

    public static float Lift => 1;

    public static float Lower => 1;

    public static bool HasLargeNumbers => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<L, V>(byte* numbers)
        where L : struct, ILanes<V>
        where V : struct
        => L.LoadInt8((sbyte*)numbers);
}
