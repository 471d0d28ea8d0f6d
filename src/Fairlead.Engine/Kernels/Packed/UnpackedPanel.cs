using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>A panel's values with a byte for each, as <see cref="UnpackedForm{F}"/> reads them: eight lines of 64 for each 32 inputs.</summary>
internal static unsafe class UnpackedPanel
{
    /// <param name="values">A panel's.</param>
    /// <param name="groups">Groups of 32 inputs.</param>
    /// <param name="to">512 bytes for each.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write<F>(byte* values, int groups, byte* to)
        where F : struct, IPanelForm
    {
        byte* ahead = values + WeightPrefetch.Ahead;
        for (byte* end = to + (groups * 512L); to < end; to += 512, values += F.ValueBytes)
        {
            WeightPrefetch.Group<F>(ref ahead);
            Line<F>(values, 0, to);
            Line<F>(values, 1, to);
            Line<F>(values, 2, to);
            Line<F>(values, 3, to);
            Line<F>(values, 4, to);
            Line<F>(values, 5, to);
            Line<F>(values, 6, to);
            Line<F>(values, 7, to);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Line<F>(byte* values, int line, byte* to)
        where F : struct, IPanelForm
    {
        F.Weights(values, line, 0).Store(to + (line * 64));
        F.Weights(values, line, 1).Store(to + (line * 64) + 32);
    }
}
