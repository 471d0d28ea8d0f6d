using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Sums of brain floats in the place of singles: each part is the nearest brain float to what the parts before it left.</summary>
/// <remarks>
/// A brain float has 8 significant bits, so a part leaves at most 2^−8 of what it rounds: two parts give a single within 2^−17 of itself, three exactly. What would be
/// subnormal in a part is lost in the product, for tiles take it for zero: below 2^−126, in the first part and in the others.
/// </remarks>
internal static class BrainFloat
{
    private const uint Sign = 0x80000000, Infinity = 0x7f800000, Largest = 0x7f7f0000, Quiet = 0x00400000, Kept = 0xffff0000, Half = 0x8000;

    /// <summary>The nearest brain floats, ties away from zero, in the upper halves of <c>Bits</c>, and what that leaves, exactly.</summary>
    /// <remarks>A finite number never becomes infinite: it leaves the difference to the largest brain float. An infinity and what is no number leave nothing.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static (Vector512<uint> Bits, Vector512<float> Left) Round(Vector512<float> values) =>
        Vector512.GreaterThanOrEqualAny(values.AsUInt32() & Vector512.Create(~Sign), Vector512.Create(Largest + Half)) ? RoundAny(values) : RoundUsual(values);

    /// <summary>As <see cref="Round"/>, of numbers below the largest brain float.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static (Vector512<uint> Bits, Vector512<float> Left) RoundUsual(Vector512<float> values)
    {
        Vector512<uint> rounded = (values.AsUInt32() + Vector512.Create(Half)) & Vector512.Create(Kept);
        return (rounded, values - rounded.AsSingle());
    }

    /// <summary>Two brain floats side by side in 32 bits, the first in the lower half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<uint> Pair(Vector512<uint> first, Vector512<uint> second) => Vector512.ShiftRightLogical(first, 16) | second;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (Vector512<uint> Bits, Vector512<float> Left) RoundAny(Vector512<float> values)
    {
        Vector512<uint> bits = values.AsUInt32(), magnitude = bits & Vector512.Create(~Sign);
        Vector512<uint> finite = Vector512.LessThan(magnitude, Vector512.Create(Infinity)), nothing = Vector512.GreaterThan(magnitude, Vector512.Create(Infinity));
        Vector512<uint> tooLarge = finite & Vector512.GreaterThanOrEqual(magnitude, Vector512.Create(Largest + Half));
        Vector512<uint> rounded = Vector512.ConditionalSelect(tooLarge, (bits & Vector512.Create(Sign)) | Vector512.Create(Largest), RoundUsual(values).Bits);
        rounded = Vector512.ConditionalSelect(finite, rounded, (bits & Vector512.Create(Kept)) | (nothing & Vector512.Create(Quiet)));
        return (rounded, ((values - rounded.AsSingle()).AsUInt32() & finite).AsSingle());
    }
}
