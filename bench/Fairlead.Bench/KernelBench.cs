using System.Runtime.Intrinsics;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tensors;

namespace Fairlead.Bench;

/// <summary>How fast a matrix of each type is multiplied with one row, as a share of what reading the same bytes costs. One thread, best of several rounds.</summary>
internal static unsafe class KernelBench
{
    private const int Columns = 4096, Rounds = 7;

    /// <summary>More than the caches of a core hold: a decode step reads every weight once and finds none of them there.</summary>
    private const long WeightBytes = 192L << 20;

    public static void Run()
    {
        Console.WriteLine($"{Simd.Best}, {Environment.ProcessorCount} processors, one thread");
        Console.WriteLine("| type | 1 row: GB/s | reading alone: GB/s | ratio | 64 rows: G multiply-adds/s |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: |");
        using var input = new NativeBuffer<float>(64 * Columns);
        var random = new Random(1);
        for (int i = 0; i < input.Length; i++)
            input.Data[i] = (float)random.NextDouble() - 0.5f;
        foreach (ElementType type in Enum.GetValues<ElementType>())
        {
            long rowBytes = BlockLayout.Of(type).SizeOf(Columns);
            int rows = (int)(WeightBytes / rowBytes);
            using var weights = new NativeBuffer<byte>(rows * rowBytes);
            using var output = new NativeBuffer<float>(64L * rows);
            Fill(type, weights, random);
            double read = 0, single = 0, batch = 0;
            for (int round = 0; round < Rounds; round++)
            {
                var view = new TensorView(type, [rows, Columns], weights.Data);
                read = Math.Max(read, rows * rowBytes / Seconds(() => Sum(weights)) / 1e9);
                single = Math.Max(single, rows * rowBytes / Seconds(() => MatMul.Multiply(view, input.Data, output.Data, 1)) / 1e9);
                var part = new TensorView(type, [rows / 16, Columns], weights.Data);
                batch = Math.Max(batch, 64.0 * (rows / 16) * Columns / Seconds(() => MatMul.Multiply(part, input.Data, output.Data, 64)) / 1e9);
            }

            Console.WriteLine(FormattableString.Invariant($"| {type} | {single:F1} | {read:F1} | {single / read:F2} | {batch:F1} |"));
        }
    }

    /// <summary>Processor time, which neighbours on the same machine take less from than from the clock's.</summary>
    private static double Seconds(Action what)
    {
        TimeSpan start = Environment.CpuUsage.TotalTime;
        what();
        return (Environment.CpuUsage.TotalTime - start).TotalSeconds;
    }

    /// <summary>Small scales and any quants: speed must not be that of infinities or subnormal numbers.</summary>
    private static void Fill(ElementType type, NativeBuffer<byte> weights, Random random)
    {
        random.NextBytes(new Span<byte>(weights.Data, (int)weights.Length));
        BlockLayout layout = BlockLayout.Of(type);
        for (byte* block = weights.Data; block < weights.Data + weights.Length; block += layout.Bytes)
        {
            float value = ((float)random.NextDouble() - 0.5f) * 0.04f;
            switch (type)
            {
                case ElementType.F32: *(float*)block = value; break;
                case ElementType.BF16: *(ushort*)block = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16); break;
                case ElementType.Q6_K: *(Half*)(block + 208) = (Half)value; break;
                default: *(Half*)block = (Half)value; break;
            }

            if (type is ElementType.Q4_1 or ElementType.Q5_1 or ElementType.Q4_K or ElementType.Q5_K)
                ((Half*)block)[1] = (Half)value;
        }
    }

    private static float Sum(NativeBuffer<byte> bytes)
    {
        Vector512<int> a = default, b = default, c = default, d = default;
        for (byte* at = bytes.Data, end = at + (bytes.Length & -256); at < end; at += 256)
        {
            a ^= Vector512.Load((int*)at);
            b ^= Vector512.Load((int*)(at + 64));
            c ^= Vector512.Load((int*)(at + 128));
            d ^= Vector512.Load((int*)(at + 192));
        }

        return (a ^ b ^ c ^ d)[0];
    }
}
