using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>How panels are asked for before they are read: one sequence of addresses through all of a panel, what scales its values included.</summary>
/// <remarks>A kernel reads scales and values of a panel at two places. One that asks ahead of the values alone leaves out as many bytes as the scales of the next panel have, a ninth of Q4_0.</remarks>
internal static unsafe class WeightPrefetch
{
    /// <summary>
    /// Bytes by which it runs ahead. On Emerald Rapids a single stream came from 13.2 to 15.7 GB/s by it, and 2 to 16 KiB did about as well; on Zen 5 a matrix of Q4_0 with one row from 33 to
    /// 43 GB/s, of 45 that reading alone came to.
    /// </summary>
    public const int Ahead = 8192;

    private const int LineBytes = 64;

    /// <summary>Whether lines are asked for into the first-level cache. Intel's can wait for 16 lines at a time and no more; AMD's for many times that.</summary>
    public static bool IsForFirstLevel { get; } = IsAmd();

    /// <summary>Bytes of a panel that go with each group of 32 inputs.</summary>
    public static int BytesOfGroup(PackedFormat format, int inputs)
    {
        int groups = inputs / PackedLayout.GroupInputs;
        return (int)((PackedLayout.PanelBytes(format, inputs) + groups - 1) / groups);
    }

    /// <summary>Lines that are asked for with each group, so that none is left out.</summary>
    public static int LinesOfGroup(PackedFormat format, int inputs) => (BytesOfGroup(format, inputs) + LineBytes - 1) / LineBytes;

    /// <summary>Asks for what 32 inputs take of a panel, in the order of addresses: behind the values of a panel are the scales of the next one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Group<F>(ref byte* ahead)
        where F : struct, IPanelForm
    {
        int bytes = F.ValueBytes + (F.HasMinimums ? 40 : F.Groups == 2 ? 36 : 32);
        Sse.Prefetch1(ahead);
        Sse.Prefetch1(ahead + 64);
        Sse.Prefetch1(ahead + 128);
        Sse.Prefetch1(ahead + 192);
        Sse.Prefetch1(ahead + 256);
        if (bytes > 320)
            Sse.Prefetch1(ahead + 320);
        if (bytes > 384)
            Sse.Prefetch1(ahead + 384);
        if (bytes > 448)
        {
            Sse.Prefetch1(ahead + 448);
            Sse.Prefetch1(ahead + 512);
        }

        ahead += bytes;
    }

    private static bool IsAmd()
    {
        if (!X86Base.IsSupported)
            return false;
        (_, int first, int third, int second) = X86Base.CpuId(0, 0);
        return MemoryMarshal.AsBytes<int>([first, second, third]).SequenceEqual("AuthenticAMD"u8);
    }
}
