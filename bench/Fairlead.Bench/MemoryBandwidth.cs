using System.Diagnostics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Fairlead.Engine.Tensors;

namespace Fairlead.Bench;

/// <summary>How fast memory is read from one end to the other: what decoding cannot go beyond.</summary>
internal static unsafe class MemoryBandwidth
{
    private const long Bytes = 512L << 20;

    /// <summary>Bytes a second, the best of several rounds, with pages of 2 MiB where the system has them.</summary>
    public static double Measure(int threads)
    {
        using var memory = new NativeBuffer<byte>(Bytes, hugePages: true);
        for (long at = 0; at < Bytes; at += 4096)
            memory.Data[at] = (byte)at;
        using var crew = new WorkCrew(threads);
        double best = 0;
        for (int round = 0; round < 7; round++)
        {
            long start = Stopwatch.GetTimestamp();
            crew.Run(threads, new Reading(memory.Data, Bytes / threads));
            best = Math.Max(best, Bytes / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    private readonly struct Reading(byte* data, long length) : IWork
    {
        public void Do(int part) => _ = Sum(data + (part * length), length);
    }

    private static int Sum(byte* data, long length)
    {
        Vector512<int> a = default, b = default, c = default, d = default;
        for (byte* at = data, end = data + (length & -256); at < end; at += 256)
        {
            if (Sse.IsSupported)
            {
                Sse.Prefetch1(at + 8192);
                Sse.Prefetch1(at + 8256);
                Sse.Prefetch1(at + 8320);
                Sse.Prefetch1(at + 8384);
            }

            a ^= Vector512.Load((int*)at);
            b ^= Vector512.Load((int*)(at + 64));
            c ^= Vector512.Load((int*)(at + 128));
            d ^= Vector512.Load((int*)(at + 192));
        }

        return Vector512.Sum(a ^ b ^ c ^ d);
    }
}
