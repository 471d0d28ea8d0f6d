using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Kernels.Quantizing;

/// <summary>Sixteen lanes as the quantisers use them. Every operation rounds as plain code does, whatever the width of the processor's vectors.</summary>
internal static class QuantLanes
{
    /// <summary>Added and taken away again it rounds to whole numbers, to nearest, ties to even, for magnitudes up to 2^22.</summary>
    private const float Rounder = 12582912; // 1.5 · 2^23

    /// <summary>The nearest whole numbers, as singles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Round(Vector512<float> values) => values + Vector512.Create(Rounder) - Vector512.Create(Rounder);

    /// <summary>Between two bounds; what is no number becomes one of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Clamp(Vector512<float> values, float least, float most) =>
        Vector512.MinNative(Vector512.MaxNative(values, Vector512.Create(least)), Vector512.Create(most));

    /// <summary>The largest; what is no number where there is one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(Vector512<float> lanes)
    {
        Vector256<float> eight = Vector256.Max(lanes.GetLower(), lanes.GetUpper());
        Vector128<float> four = Vector128.Max(eight.GetLower(), eight.GetUpper());
        four = Vector128.Max(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return Vector128.Max(four, Vector128.Shuffle(four, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    /// <summary>Whole numbers from 0 to 255 as bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Bytes(Vector512<int> values)
    {
        Vector256<ushort> words = Vector256.Narrow(values.GetLower().AsUInt32(), values.GetUpper().AsUInt32());
        return Vector128.Narrow(words.GetLower(), words.GetUpper());
    }

    /// <summary>The least half that is not below <paramref name="value"/> ≥ 0; infinity where there is none.</summary>
    public static Half AtLeast(float value)
    {
        var half = (Half)value;
        return (float)half < value ? Half.BitIncrement(half) : half;
    }
}
