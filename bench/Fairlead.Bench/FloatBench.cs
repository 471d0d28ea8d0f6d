using System.Diagnostics;
using System.Globalization;
using System.Runtime.Intrinsics;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Tensors;

namespace Fairlead.Bench;

/// <summary>
/// How fast matrices of floating-point weights are multiplied, beside what the multiply-adds alone would take. One thread, best of several rounds, in which all forms take turns: what else the
/// machine does meets each of them.
/// </summary>
internal static unsafe class FloatBench
{
    private const int Inputs = 1024, Rounds = 9;

    /// <summary>One row reads more weights than the caches hold; many use what lies in them again.</summary>
    private const int OutputsOfOneRow = 48 << 10, OutputsOfMany = 1024;

    private static readonly int[] s_rows = [1, 8, 32, 128, 4096];

    public static void Run()
    {
        (ElementType Type, KernelFamily Family, PackedFormat Format)[] forms =
        [
            .. from family in KernelChoice.Available
               where family is KernelFamily.Neon or KernelFamily.Avx512 or KernelFamily.Amx || family == KernelChoice.Best
               from type in new[] { ElementType.F32, ElementType.F16, ElementType.BF16 }
               select (type, family, PackedLayout.FormatFor(type, Inputs, family)!.Value),
        ];
        NativeBuffer<byte>[] memory = [.. forms.Select(static form => new NativeBuffer<byte>(PackedLayout.BytesFor(form.Format, OutputsOfOneRow, Inputs)))];
        using var input = new NativeBuffer<float>((long)s_rows.Max() * Inputs);
        using var output = new NativeBuffer<float>((long)s_rows.Max() * OutputsOfMany);
        using var room = new QuantizedRows(1, 1, brainTileBytes: BrainMatMul.RoomBytes(PackedFormat.BrainPairTiles, s_rows.Max(), Inputs));
        var random = new Random(1);
        for (long i = 0; i < input.Length; i++)
            input.Data[i] = (float)random.NextDouble() - 0.5f;
        for (int i = 0; i < forms.Length; i++)
            Pack(forms[i].Type, new PackedMatrix(forms[i].Format, OutputsOfOneRow, Inputs, (nint)memory[i].Data), random);

        double peak = 0;
        double[,] best = new double[forms.Length, s_rows.Length];
        for (int round = 0; round < Rounds; round++)
        {
            peak = Math.Max(peak, PerSecond(Peak));
            for (int r = 0; r < s_rows.Length; r++)
            {
                for (int i = 0; i < forms.Length; i++)
                {
                    int rows = s_rows[r], times = rows == 1 ? 1 : Math.Max(1, 256 / rows);
                    var matrix = new PackedMatrix(forms[i].Format, rows == 1 ? OutputsOfOneRow : OutputsOfMany, Inputs, (nint)memory[i].Data);
                    best[i, r] = Math.Max(best[i, r], PerSecond(() =>
                    {
                        for (int t = 0; t < times; t++)
                            PackedMatMul.Multiply(matrix, input.Data, output.Data, rows, Phase.Decode, room, null);
                        return (double)times * rows * matrix.Outputs * Inputs;
                    }));
                }
            }
        }

        Console.WriteLine(FormattableString.Invariant($"{Simd.Best}, one thread, G multiply-adds a second; alone: {peak:F1}"));
        Console.WriteLine($"| weights | form | family | 1 row: GB/s of weights | {string.Join(" | ", s_rows.Select(static rows => rows == 1 ? "1 row" : $"{rows} rows"))} |");
        Console.WriteLine($"| --- | --- | --- | ---: |{string.Concat(s_rows.Select(static _ => " ---: |"))}");
        for (int i = 0; i < forms.Length; i++)
        {
            double bandwidth = best[i, 0] * memory[i].Length / ((double)OutputsOfOneRow * Inputs);
            string figures = string.Join(" | ", Enumerable.Range(0, s_rows.Length).Select(r => best[i, r].ToString("F1", CultureInfo.InvariantCulture)));
            Console.WriteLine(FormattableString.Invariant($"| {forms[i].Type} | {forms[i].Format} | {forms[i].Family} | {bandwidth:F1} | {figures} |"));
            memory[i].Dispose();
        }
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

    /// <summary>G multiply-adds a second.</summary>
    private static double PerSecond(Func<double> work)
    {
        long start = Stopwatch.GetTimestamp();
        double done = work();
        return done / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9;
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
