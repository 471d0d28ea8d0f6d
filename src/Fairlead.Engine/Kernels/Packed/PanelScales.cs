using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Scales of a panel as singles: every product here fits a single's 24 bits and is exact.</summary>
internal static unsafe class PanelScales
{
    /// <summary>Whether a form has minimums.</summary>
    public static bool HasMinimums(PackedFormat format) => format is PackedFormat.FourWithMinimum or PackedFormat.FiveWithMinimum;

    /// <summary>Writes for each group 16 scales, and 16 minimums behind them where the form has some.</summary>
    public static void Expand(PackedFormat format, byte* panel, int inputs, float* scales)
    {
        switch (Simd.Family)
        {
            case SimdFamily.Vector512: Expand<Lanes16, Vector512<float>>(format, panel, inputs, scales); break;
            case SimdFamily.Vector256: Expand<Lanes8, Vector256<float>>(format, panel, inputs, scales); break;
            case SimdFamily.Vector128: Expand<Lanes4, Vector128<float>>(format, panel, inputs, scales); break;
            default: Expand<Lanes1, float>(format, panel, inputs, scales); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Expand<L, V>(PackedFormat format, byte* panel, int inputs, float* scales)
        where L : struct, ILanes<V>
        where V : struct
    {
        switch (format)
        {
            case PackedFormat.Eight or PackedFormat.Four:
                for (int i = 0; i < inputs / 2; i += L.Count)
                    L.Store(L.LoadHalf((ushort*)panel + i), scales + i);
                break;
            case PackedFormat.FourWithMinimum or PackedFormat.FiveWithMinimum:
                for (int block = 0; block < inputs / 256; block++, panel += 320, scales += 8 * 32)
                {
                    for (int lane = 0; lane < 16; lane += L.Count)
                    {
                        V scale = L.LoadHalf((ushort*)panel + lane), minimum = L.LoadHalf((ushort*)panel + 16 + lane);
                        for (int group = 0; group < 8; group++)
                        {
                            // 6 bits: as signed bytes they are the same.
                            L.Store(L.Multiply(scale, L.LoadInt8((sbyte*)panel + 64 + (group * 16) + lane)), scales + (group * 32) + lane);
                            L.Store(L.Multiply(minimum, L.LoadInt8((sbyte*)panel + 192 + (group * 16) + lane)), scales + (group * 32) + 16 + lane);
                        }
                    }
                }

                break;
            case PackedFormat.Six:
                for (int block = 0; block < inputs / 256; block++, panel += 288, scales += 16 * 16)
                {
                    for (int lane = 0; lane < 16; lane += L.Count)
                    {
                        V scale = L.LoadHalf((ushort*)panel + lane);
                        for (int half = 0; half < 16; half++)
                            L.Store(L.Multiply(scale, L.LoadInt8((sbyte*)panel + 32 + (half * 16) + lane)), scales + (half * 16) + lane);
                    }
                }

                break;
            default: throw new ArgumentOutOfRangeException(nameof(format), format, "no integer form");
        }
    }
}
