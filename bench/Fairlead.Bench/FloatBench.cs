using System.Diagnostics;
using System.Runtime.Intrinsics;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Tensors;

namespace Fairlead.Bench;

/// <summary>How fast matrices of floating-point weights are multiplied, beside what the multiply-adds alone and what reading the weights alone would take. One thread, best of several rounds.</summary>
internal static unsafe class FloatBench
{
    private const int Inputs = 1024, Rounds = 9;

    private static readonly int[] s_rows = [1, 8, 128, 4096];

    public static void Run()
    {
        double peak = Best(Peak);
        Console.WriteLine(FormattableString.Invariant($"{Simd.Best}, one thread; multiply-adds alone: {peak:F1} G/s"));
        Console.WriteLine("| form | family | 1 row: GB/s of weights | 1 row | 8 rows | 128 rows | 4096 rows | share of the multiply-adds alone |");
        Console.WriteLine("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach (KernelFamily family in KernelChoice.Available.Where(static family => family is KernelFamily.Scalar or KernelFamily.Neon or KernelFamily.Avx512 or KernelFamily.Amx || family == KernelChoice.Best))
        {
            foreach (ElementType type in new[] { ElementType.F32, ElementType.F16, ElementType.BF16 })
                Row(type, family, peak);
        }
    }

    private static void Row(ElementType type, KernelFamily family, double peak)
    {
        if (family == KernelFamily.Scalar || PackedLayout.FormatFor(type, Inputs, family) is not { } format)
            return;
        // One row reads more than the caches hold; many use what lies in them again.
        const int Largest = 48 << 10;
        int most = s_rows.Max();
        long bytes = PackedLayout.BytesFor(format, Largest, Inputs);
        using var memory = new NativeBuffer<byte>(bytes);
        using var input = new NativeBuffer<float>((long)most * Inputs);
        using var room = new QuantizedRows(1, 1, brainTileBytes: BrainMatMul.RoomBytes(most, Inputs));
        using var output = new NativeBuffer<float>((long)most * Inputs);
        var random = new Random(1);
        for (long i = 0; i < input.Length; i++)
            input.Data[i] = (float)random.NextDouble() - 0.5f;
        Pack(type, new PackedMatrix(format, Largest, Inputs, (nint)memory.Data), random);
        var figures = new List<double>();
        foreach (int rows in s_rows)
        {
            var matrix = new PackedMatrix(format, rows == 1 ? Largest : Inputs, Inputs, (nint)memory.Data);
            int repeats = Math.Max(1, 256 / rows);
            figures.Add(Best(() =>
            {
                int times = rows == 1 ? 1 : repeats;
                for (int i = 0; i < times; i++)
                    PackedMatMul.Multiply(matrix, input.Data, output.Data, rows, room, null);
                return (double)times * rows * matrix.Outputs * Inputs;
            }));
        }

        double bandwidth = figures[0] * bytes / ((double)Largest * Inputs);
        Console.WriteLine(FormattableString.Invariant($"| {format} | {family} | {bandwidth:F1} | {figures[0]:F1} | {figures[1]:F1} | {figures[2]:F1} | {figures[3]:F1} | {figures[3] / peak:F2} |"));
    }

    private static void Pack(ElementType type, in PackedMatrix to, Random random)
    {
        int size = BlockLayout.Of(type).Bytes;
        using var stored = new NativeBuffer<byte>((long)to.Outputs * to.Inputs * size);
        for (long i = 0; i < (long)to.Outputs * to.Inputs; i++)
        {
            float value = ((float)random.NextDouble() - 0.5f) * 0.04f;
            switch (type)
            {
                case ElementType.F32: ((float*)stored.Data)[i] = value; break;
                case ElementType.F16: ((Half*)stored.Data)[i] = (Half)value; break;
                default: ((ushort*)stored.Data)[i] = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16); break;
            }
        }

        WeightPacker.Pack(new TensorView(type, [to.Outputs, to.Inputs], stored.Data), transposed: false, to, 0, to.Panels);
    }

    /// <summary>G multiply-adds a second of the best round.</summary>
    private static double Best(Func<double> work)
    {
        double best = 0;
        for (int round = 0; round < Rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            double done = work();
            best = Math.Max(best, done / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9);
        }

        return best;
    }

    /// <summary>Twelve sums that wait for nothing but themselves.</summary>
    private static double Peak()
    {
        const int Times = 4_000_000;
        Vector512<float> x = Vector512.Create(1.0001f), y = Vector512.Create(0.999f);
        Vector512<float> a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
        for (int n = 0; n < Times; n++)
        {
            a = Vector512.FusedMultiplyAdd(a, y, x);
            b = Vector512.FusedMultiplyAdd(b, y, x);
            c = Vector512.FusedMultiplyAdd(c, y, x);
            d = Vector512.FusedMultiplyAdd(d, y, x);
            e = Vector512.FusedMultiplyAdd(e, y, x);
            f = Vector512.FusedMultiplyAdd(f, y, x);
            g = Vector512.FusedMultiplyAdd(g, y, x);
            h = Vector512.FusedMultiplyAdd(h, y, x);
            i = Vector512.FusedMultiplyAdd(i, y, x);
            j = Vector512.FusedMultiplyAdd(j, y, x);
            k = Vector512.FusedMultiplyAdd(k, y, x);
            l = Vector512.FusedMultiplyAdd(l, y, x);
        }

        return (a + b + c + d + e + f + g + h + i + j + k + l)[0] == 0 ? 0 : Times * 12.0 * 16;
    }
}
