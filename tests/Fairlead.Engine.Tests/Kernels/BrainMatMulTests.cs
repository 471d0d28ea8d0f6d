using System.Runtime.Intrinsics;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Tensors;
using Fairlead.Shared;

namespace Fairlead.Engine.Tests.Kernels;

[Collection(Widths.Name)]
public sealed unsafe class BrainMatMulTests
{
    private static readonly (ElementType Type, PackedFormat Format)[] s_forms =
        [(ElementType.BF16, PackedFormat.BrainTiles), (ElementType.F32, PackedFormat.BrainPairTiles), (ElementType.F16, PackedFormat.HalfTiles)];

    /// <summary>Of the documentation of <see cref="BrainMatMul"/>.</summary>
    private static double Bound(PackedFormat format, int inputs, double magnitude, double sizes) =>
        ((((18 + (4 * ((inputs + 31) / 32))) * Math.Pow(2, -24)) + LeftOut(format)) * magnitude) + (Math.Pow(2, -125) * sizes);

    private static double LeftOut(PackedFormat format) => format switch
    {
        PackedFormat.BrainPairTiles => 3 * Math.Pow(2, -17),
        PackedFormat.HalfTiles => Math.Pow(2, -16) + Math.Pow(2, -24),
        _ => 0,
    };

    [Fact]
    public void Every_form_and_shape_gives_the_exact_sums_within_the_bound()
    {
        SkipWithoutTiles();
        foreach ((ElementType type, PackedFormat format) in s_forms)
        {
            foreach (int inputs in new[] { 1, 31, 32, 33, 257, 2100 })
            {
                foreach ((int outputs, int rows) in new[] { (1, 1), (16, 1), (23, 2), (40, 15), (64, 16), (49, 17), (130, 33), (96, 70) })
                    Compare(type, format, outputs, inputs, rows);
            }
        }
    }

    [Fact]
    public void Every_half_is_multiplied_exactly()
    {
        SkipWithoutTiles();
        const int Inputs = 32, Outputs = 65536 / Inputs;
        ushort[] halves = [.. Enumerable.Range(0, 65536).Select(static bits => (ushort)(Half.IsFinite(BitConverter.UInt16BitsToHalf((ushort)bits)) ? bits : 0))];
        fixed (ushort* stored = halves)
        {
            using NativeBuffer<byte> packed = FloatMatMulTests.Pack(new TensorView(ElementType.F16, [Outputs, Inputs], (byte*)stored), PackedFormat.HalfTiles, out PackedMatrix matrix);
            foreach (int rows in new[] { Inputs, 3 * Inputs }) // made in room for two steps, and kept
            {
                using var input = new NativeBuffer<float>(rows * Inputs);
                using var output = new NativeBuffer<float>((long)rows * Outputs);
                using var room = new QuantizedRows(1, 1, brainTileBytes: BrainMatMul.RoomBytes(PackedFormat.HalfTiles, rows, Inputs));
                for (int row = 0; row < rows; row++)
                    input.Data[(row * Inputs) + (row % Inputs)] = 1;
                PackedMatMul.Multiply(matrix, input.Data, output.Data, rows, Phase.Decode, room, null);
                for (int row = 0; row < rows; row++)
                {
                    for (int o = 0; o < Outputs; o++)
                        Assert.Equal((float)BitConverter.UInt16BitsToHalf(halves[(o * Inputs) + (row % Inputs)]), output.Data[((long)row * Outputs) + o]);
                }
            }
        }
    }

    [Fact]
    public void A_row_has_the_same_bits_among_any_number_of_rows_with_any_number_of_threads()
    {
        SkipWithoutTiles();
        const int Outputs = 203, Inputs = 3301, Most = 230; // inputs in several pieces, rows in several blocks
        using var crew = new WorkCrew(3);
        using var room = new QuantizedRows(1, 1, brainTileBytes: BrainMatMul.RoomBytes(PackedFormat.BrainPairTiles, Most, Inputs));
        foreach ((ElementType type, PackedFormat format) in s_forms)
        {
            using var weights = new RandomWeights(type, Outputs, Inputs, seed: 3);
            using NativeBuffer<byte> packed = FloatMatMulTests.Pack(weights.View, format, out PackedMatrix matrix);
            RowAmongRows.AssertSameBits(matrix, Phase.Decode, room, crew, new[] { 2, 5, 8, 11, 14, 16, 17, 20, 23, 26, 29, 31, 32, 33, 35, 38, 135, Most }.SelectMany(RowAmongRows.MiddleAndEnd));
        }
    }

    [Fact]
    public void What_is_no_number_or_infinite_stays_in_its_row_and_its_output()
    {
        SkipWithoutTiles();
        const int Inputs = 96, Outputs = 21, Rows = 18;
        float[] weight = Widths.Random(new Random(1), Outputs * Inputs), batch = Widths.Random(new Random(2), Rows * Inputs);
        weight[(4 * Inputs) + 95] = float.NaN;
        batch[Inputs + 3] = float.PositiveInfinity;
        batch[(17 * Inputs) + 3] = BitConverter.UInt32BitsToSingle(0x7f800001); // its upper half alone is an infinity
        using NativeBuffer<float> weights = Widths.Buffer(weight), input = Widths.Buffer(batch);
        using NativeBuffer<byte> packed = FloatMatMulTests.Pack(new TensorView(ElementType.F32, [Outputs, Inputs], (byte*)weights.Data), PackedFormat.BrainPairTiles, out PackedMatrix matrix);
        using var room = new QuantizedRows(1, 1, brainTileBytes: BrainMatMul.RoomBytes(PackedFormat.BrainPairTiles, Rows, Inputs));
        using var output = new NativeBuffer<float>(Outputs * Rows);
        PackedMatMul.Multiply(matrix, input.Data, output.Data, Rows, Phase.Decode, room, null);
        for (int r = 0; r < Rows; r++)
        {
            for (int o = 0; o < Outputs; o++)
                Assert.Equal(r is not 1 and not 17 && o != 4, float.IsFinite(output.Data[(r * Outputs) + o]));
        }
    }

    [Fact]
    public void A_product_allocates_nothing()
    {
        SkipWithoutTiles();
        using var crew = new WorkCrew(2);
        using var weights = new RandomWeights(ElementType.F32, rows: 512, columns: 512, seed: 3);
        using NativeBuffer<byte> packed = FloatMatMulTests.Pack(weights.View, PackedFormat.BrainPairTiles, out PackedMatrix matrix);
        using var room = new QuantizedRows(1, 1, brainTileBytes: BrainMatMul.RoomBytes(PackedFormat.BrainPairTiles, 8, 512));
        using var input = new NativeBuffer<float>(8 * 512);
        using var output = new NativeBuffer<float>(8 * 512);
        PackedMatMul.Multiply(matrix, input.Data, output.Data, 8, Phase.Decode, room, crew);
        Assert.Equal(0, Allocation.Of(() =>
        {
            for (int i = 0; i < 100; i++)
                PackedMatMul.Multiply(matrix, input.Data, output.Data, 8, Phase.Decode, room, crew);
        }));
    }

    [Fact]
    public void Three_brain_floats_are_a_single_and_two_are_within_2_to_the_minus_17_of_it()
    {
        var random = new Random(1);
        float[] values =
        [
            0f, -0f, 1f, -1f, 3.4028235e38f, -3.4028235e38f, 3.39e38f, 1.00390625f, 1.01171875f, float.PositiveInfinity, float.NegativeInfinity, float.NaN,
            .. Enumerable.Range(0, 500).Select(_ => (float)((random.NextDouble() - 0.5) * Math.Pow(2, random.Next(-90, 120)))),
        ];
        foreach (float value in values)
        {
            (Vector512<uint> first, Vector512<float> left) = BrainFloat.Round(Vector512.Create(value));
            (Vector512<uint> second, Vector512<float> rest) = BrainFloat.Round(left);
            (Vector512<uint> third, Vector512<float> nothing) = BrainFloat.Round(rest);
            Assert.Equal(0u, (first[0] | second[0] | third[0]) & 0xffff);
            float a = first.AsSingle()[0], b = second.AsSingle()[0], c = third.AsSingle()[0];
            Assert.Equal((double)value, (double)a + b + c);
            Assert.Equal(0f, nothing[0]);
            if (float.IsFinite(value))
                Assert.True(Math.Abs((double)value - a - b) <= Math.Pow(2, -17) * Math.Abs(value), $"{value:R}");
        }
    }

    private static void SkipWithoutTiles() => Assert.SkipUnless(KernelChoice.Available.Contains(KernelFamily.Amx), "this processor or system has no tiles");

    private static void Compare(ElementType type, PackedFormat format, int outputs, int inputs, int rows)
    {
        using var weights = new RandomWeights(type, outputs, inputs, seed: (outputs * 100) + inputs);
        using NativeBuffer<byte> packed = FloatMatMulTests.Pack(weights.View, format, out PackedMatrix matrix);
        float[] batch = Widths.Random(new Random(rows), rows * inputs);
        using NativeBuffer<float> input = Widths.Buffer(batch);
        using var room = new QuantizedRows(1, 1, brainTileBytes: BrainMatMul.RoomBytes(PackedFormat.BrainPairTiles, rows, inputs));
        using var result = new NativeBuffer<float>(outputs * rows);
        PackedMatMul.Multiply(matrix, input.Data, result.Data, rows, Phase.Decode, room, null);
        for (int o = 0; o < outputs; o++)
        {
            float[] weight = weights.Row(o);
            for (int r = 0; r < rows; r++)
            {
                double sum = 0, magnitude = 0, sizes = 0;
                for (int i = 0; i < inputs; i++)
                {
                    double product = (double)weight[i] * batch[(r * inputs) + i];
                    sum += product;
                    magnitude += Math.Abs(product);
                    sizes += 1 + Math.Abs(weight[i]) + Math.Abs(batch[(r * inputs) + i]);
                }

                double error = Math.Abs(result.Data[(r * outputs) + o] - sum), bound = Bound(format, inputs, magnitude, sizes);
                Assert.True(error <= bound, $"{type} as {format} [{outputs} × {inputs}], {rows} rows, row {r}, output {o}: off by {error}, bound {bound}");
            }
        }
    }
}
