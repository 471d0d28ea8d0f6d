using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>The lines by which the values of an integer form become weights, in single precision: weight = scale · value + offset, of each output its own.</summary>
/// <remarks>
/// A line is 16 scales and 16 offsets. A group of 32 inputs has one, in <see cref="PackedFormat.Six"/> two, the second for inputs 16 to 31. What a value is when a line is applied to it says
/// <see cref="PanelBrains"/>. A scale that is no number has one form, whose rounding to a brain float stays one.
/// </remarks>
internal static unsafe class PanelLines
{
    /// <summary>Singles of a line.</summary>
    public const int Singles = 2 * PackedLayout.PanelOutputs;

    private const uint NoNumber = 0x7fc00000;

    /// <summary>Lines of a group.</summary>
    public static int OfGroup(PackedFormat format) => format == PackedFormat.Six ? 2 : 1;

    /// <summary>Writes those of groups <paramref name="first"/> to <paramref name="end"/> − 1.</summary>
    /// <param name="panel">The whole panel.</param>
    /// <param name="ahead">So many bytes behind it lies the panel that comes next: what scales its values is asked for.</param>
    /// <param name="lines">Aligned to 64 bytes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write(PackedFormat format, byte* panel, int first, int end, long ahead, float* lines)
    {
        switch (format)
        {
            case PackedFormat.Eight or PackedFormat.Four:
                float zero = format == PackedFormat.Eight ? PanelBrains.ByteZero : PanelBrains.NibbleZero;
                for (int group = first; group < end; group++)
                {
                    PanelBrains.Ask(panel + (group * 32) + ahead);
                    lines = Scaled(Halves(panel, group * 16), zero, lines);
                }

                break;
            case PackedFormat.FourWithMinimum or PackedFormat.FiveWithMinimum:
                for (int group = first; group < end; group++)
                {
                    byte* block = panel + (group / 8 * 320);
                    int within = group % 8;
                    PanelBrains.Ask(block + (Math.Min(within, 4) * 64) + ahead);
                    lines = Line(Halves(block, 0) * SignedBytes(block + 64 + (within * 16)), -(Halves(block, 16) * SignedBytes(block + 192 + (within * 16))), lines);
                }

                break;
            case PackedFormat.Six:
                for (int group = first; group < end; group++)
                {
                    byte* block = panel + (group / 8 * 288);
                    int within = group % 8;
                    PanelBrains.Ask(block + (Math.Min(within, 4) * 64) + ahead);
                    for (int half = 0; half < 2; half++)
                        lines = Scaled(Halves(block, 0) * SignedBytes(block + 32 + (((within * 2) + half) * 16)), PanelBrains.ByteZero, lines);
                }

                break;
            default: throw new ArgumentOutOfRangeException(nameof(format), format, "no integer form");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Scaled(Vector512<float> scale, float zero, float* to) => Line(scale, scale * -zero, to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Line(Vector512<float> scale, Vector512<float> offset, float* to)
    {
        scale.Store(to);
        offset.Store(to + PackedLayout.PanelOutputs);
        return to + Singles;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Halves(byte* at, int index)
    {
        Vector512<float> scale = Lanes16.LoadHalf((ushort*)at + index);
        return Vector512.ConditionalSelect(Vector512.Equals(scale, scale), scale, Vector512.Create(NoNumber).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> SignedBytes(byte* at) => Lanes16.LoadInt8((sbyte*)at);
}
