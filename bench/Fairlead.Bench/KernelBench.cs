using System.Globalization;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Tensors;

namespace Fairlead.Bench;

/// <summary>
/// How fast quantised weights are multiplied by each family of kernels: with one row as a share of what reading the same bytes costs, with more rows in multiply-adds. One thread,
/// best of several rounds.
/// </summary>
internal static unsafe class KernelBench
{
    private const int Inputs = 2048;
    private const int Rounds = 5;

    /// <summary>More than the caches of a core hold: a decode step reads every weight once and finds none of them there.</summary>
    private const long WeightBytes = 96L << 20;

    private static readonly (int Rows, Phase Phase)[] s_rows =
        [(1, Phase.Decode), (8, Phase.Decode), (64, Phase.Decode), (512, Phase.Decode), (64, Phase.Prefill), (512, Phase.Prefill)];
    private static readonly ElementType[] s_types = [ElementType.Q8_0, ElementType.Q4_0, ElementType.Q4_K, ElementType.Q5_K, ElementType.Q6_K];

    /// <param name="names">Families to measure; none: all of this machine but the scalar one.</param>
    public static void Run(IReadOnlyList<string> names)
    {
        Console.WriteLine($"Families here: {string.Join(", ", KernelChoice.Available)}. One thread, {Inputs} inputs.");
        Console.WriteLine("| weights | family | 1 row: GB/s | ÷ reading alone | G multiply-adds/s: 1 row | 8 rows | 64 rows | 512 rows | as prompts: 64 rows | 512 rows |");
        Console.WriteLine("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        using var input = new NativeBuffer<float>(512L * Inputs);
        var random = new Random(1);
        for (long i = 0; i < input.Length; i++)
            input.Data[i] = (float)random.NextDouble() - 0.5f;
        using var room = new QuantizedRows(512, Inputs, brainTileBytes: BrainMatMul.RoomBytes(PackedFormat.Eight, 512, Inputs));
        foreach (ElementType type in s_types)
        {
            PackedFormat format = PackedLayout.FormatFor(type, Inputs, KernelFamily.Scalar)!.Value;
            int outputs = (int)(WeightBytes / PackedLayout.PanelBytes(format, Inputs)) * PackedLayout.PanelOutputs;
            using var weights = new NativeBuffer<byte>(PackedLayout.BytesFor(format, outputs, Inputs), hugePages: true);
            Fill(format, new PackedMatrix(format, outputs, Inputs, (nint)weights.Data), random);
            using var output = new NativeBuffer<float>(Math.Max(outputs, 512L * 2048));
            foreach (KernelFamily family in KernelChoice.Available)
            {
                if (names.Count == 0 ? family is not KernelFamily.Scalar : names.Contains(family.ToString(), StringComparer.OrdinalIgnoreCase))
                    Row(type, format, family, outputs, weights, input, output, room);
            }
        }

        KernelChoice.Family = KernelChoice.Best;
    }

    private static void Row(
        ElementType type, PackedFormat format, KernelFamily family, int outputs, NativeBuffer<byte> weights, NativeBuffer<float> input, NativeBuffer<float> output, QuantizedRows room)
    {
        KernelChoice.Family = family;
        double read = 0;
        double[] speeds = new double[s_rows.Length];
        for (int round = 0; round < Rounds; round++)
        {
            read = Math.Max(read, weights.Length / Seconds(() => Sum(weights)) / 1e9);
            for (int i = 0; i < s_rows.Length; i++)
            {
                (int rows, Phase phase) = s_rows[i];
                int some = Math.Min(outputs, rows == 1 ? outputs : rows == 8 ? 16384 : 2048);
                var matrix = new PackedMatrix(format, some, Inputs, (nint)weights.Data);
                double products = (double)rows * some * Inputs;
                if (rows * (long)some > output.Length)
                    matrix = matrix with { Outputs = (int)(output.Length / rows) };
                products = (double)rows * matrix.Outputs * Inputs;
                speeds[i] = Math.Max(speeds[i], products / Seconds(() => PackedMatMul.Multiply(matrix, input.Data, output.Data, rows, phase, room, null)) / 1e9);
            }
        }

        double single = speeds[0] * weights.Length / ((double)outputs * Inputs);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {type} | {family} | {single:F1} | {single / read:F2} | {speeds[0]:F1} | {speeds[1]:F1} | {speeds[2]:F1} | {speeds[3]:F1} | {speeds[4]:F1} | {speeds[5]:F1} |"));
    }

    /// <summary>Processor time, which neighbours on the same machine take less from than from the clock's.</summary>
    private static double Seconds(Action what)
    {
        TimeSpan start = Environment.CpuUsage.TotalTime;
        what();
        return (Environment.CpuUsage.TotalTime - start).TotalSeconds;
    }

    /// <summary>Any quants and small scales: speed must not be that of infinities or subnormal numbers.</summary>
    private static void Fill(PackedFormat format, PackedMatrix matrix, Random random)
    {
        for (int panel = 0; panel < matrix.Panels; panel++)
        {
            var bytes = new Span<byte>(matrix.Panel(panel), (int)PackedLayout.PanelBytes(format, Inputs));
            random.NextBytes(bytes);
            int scales = (int)PackedLayout.ScaleBytes(format, Inputs);
            int block = format switch { PackedFormat.Six => 288, PackedFormat.FourWithMinimum or PackedFormat.FiveWithMinimum => 320, _ => 32 };
            int halves = format is PackedFormat.FourWithMinimum or PackedFormat.FiveWithMinimum ? 32 : 16;
            for (int at = 0; at + block <= scales; at += block)
            {
                for (int i = 0; i < halves; i++)
                    System.Runtime.InteropServices.MemoryMarshal.Write(bytes[(at + (2 * i))..], (Half)(float)(random.NextDouble() * 0.01));
            }
        }
    }

    /// <summary>One stream, as a kernel reads it.</summary>
    private static float Sum(NativeBuffer<byte> bytes)
    {
        Vector512<int> a = default, b = default, c = default, d = default;
        for (byte* at = bytes.Data, end = at + (bytes.Length & -256); at < end; at += 256)
        {
            if (Sse.IsSupported)
            {
                Sse.Prefetch0(at + 4096);
                Sse.Prefetch0(at + 4160);
                Sse.Prefetch0(at + 4224);
                Sse.Prefetch0(at + 4288);
            }

            a ^= Vector512.Load((int*)at);
            b ^= Vector512.Load((int*)(at + 64));
            c ^= Vector512.Load((int*)(at + 128));
            d ^= Vector512.Load((int*)(at + 192));
        }

        return (a ^ b ^ c ^ d)[0];
    }
}
