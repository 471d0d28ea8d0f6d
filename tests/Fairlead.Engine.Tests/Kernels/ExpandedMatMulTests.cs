using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Tensors;
using Fairlead.Shared;

namespace Fairlead.Engine.Tests.Kernels;

/// <summary>Prompts times quantised weights that are expanded to tiles of brain floats.</summary>
[Collection(Widths.Name)]
public sealed unsafe class ExpandedMatMulTests
{
    public static TheoryData<ElementType> Types => [ElementType.Q8_0, ElementType.Q4_0, ElementType.Q4_K, ElementType.Q5_K, ElementType.Q6_K];

    /// <summary>Of the documentation of <see cref="BrainMatMul"/>.</summary>
    private static double Bound(int inputs, double magnitude, double sizes) =>
        ((Math.Pow(2, -8) + Math.Pow(2, -17) + ((18 + (4 * (inputs / 32))) * Math.Pow(2, -24))) * magnitude) + (Math.Pow(2, -125) * sizes);

    [Theory]
    [MemberData(nameof(Types))]
    public void A_panel_holds_the_nearest_brain_float_of_each_weight(ElementType type)
    {
        SkipWithoutWideVectors();
        const int Outputs = 16, Inputs = 768;
        using var packed = new PackedSample(type, Outputs, Inputs, seed: 1);
        using var tiles = new NativeBuffer<byte>(PackedLayout.ValueBytes(PackedFormat.BrainTiles, Inputs));
        // In two pieces, as it is done for many rows.
        Expand(packed.Matrix, 0, 5, tiles.Data);
        Expand(packed.Matrix, 5, Inputs / 32, tiles.Data + (5 * BrainTile.Bytes));
        for (int output = 0; output < Outputs; output++)
        {
            float[] row = packed.Stored.Row(output);
            for (int input = 0; input < Inputs; input++)
            {
                int within = input % 32;
                ushort brain = ((ushort*)(tiles.Data + (input / 32 * BrainTile.Bytes) + (within % 16 * 64)))[(output * 2) + (within / 16)];
                float value = BitConverter.UInt32BitsToSingle((uint)brain << 16);
                uint rounded = (BitConverter.SingleToUInt32Bits(row[input]) + 0x8000) & 0xffff0000;
                Assert.True(value == BitConverter.UInt32BitsToSingle(rounded), $"output {output}, input {input}: {value:R} for {row[input]:R}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Every_shape_gives_the_exact_sums_within_the_bound(ElementType type)
    {
        SkipWithoutTiles();
        foreach ((int outputs, int inputs, int rows) in new[] { (1, 256, 1), (16, 256, 3), (37, 512, 16), (64, 768, 17), (50, 1280, 33), (48, 2304, 70), (80, 256, 300) })
        {
            using var packed = new PackedSample(type, outputs, inputs, seed: outputs);
            float[] batch = Widths.Random(new Random(inputs), rows * inputs, 10f);
            using NativeBuffer<float> input = Widths.Buffer(batch);
            using var output = new NativeBuffer<float>((long)rows * outputs);
            using QuantizedRows room = Room(rows, inputs);
            PackedMatMul.Multiply(packed.Matrix, input.Data, output.Data, rows, Phase.Prefill, room, null);
            for (int o = 0; o < outputs; o++)
            {
                float[] weights = packed.Stored.Row(o);
                for (int row = 0; row < rows; row += rows > 100 ? 7 : 1)
                {
                    double exact = 0, magnitude = 0, sizes = 0;
                    for (int i = 0; i < inputs; i++)
                    {
                        double product = (double)weights[i] * batch[(row * inputs) + i];
                        exact += product;
                        magnitude += Math.Abs(product);
                        sizes += 1 + Math.Abs(weights[i]) + Math.Abs(batch[(row * inputs) + i]);
                    }

                    double off = Math.Abs(output.Data[((long)row * outputs) + o] - exact), bound = Bound(inputs, magnitude, sizes);
                    Assert.True(off <= bound, $"{type} [{outputs} x {inputs}], row {row} of {rows}, output {o}: off by {off:R}, {bound:R} at most");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void A_row_has_the_same_bits_among_any_number_of_rows_with_any_number_of_threads(ElementType type)
    {
        SkipWithoutTiles();
        const int Outputs = 203, Inputs = 3328, Most = 512; // inputs in several pieces, rows in several blocks
        using var packed = new PackedSample(type, Outputs, Inputs, seed: 2);
        using var crew = new WorkCrew(3);
        using QuantizedRows room = Room(Most, Inputs, threads: 3);
        RowAmongRows.AssertSameBits(packed.Matrix, Phase.Prefill, room, crew, new[] { 2, 15, 16, 17, 31, 32, 33, 64, 96, 128, 200, 256, Most }.SelectMany(RowAmongRows.MiddleAndEnd));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void What_is_no_number_stays_in_its_row(ElementType type)
    {
        SkipWithoutTiles();
        const int Outputs = 20, Inputs = 256;
        using var packed = new PackedSample(type, Outputs, Inputs, seed: 6);
        using QuantizedRows room = Room(3, Inputs);
        using var input = new NativeBuffer<float>(3 * Inputs);
        using var output = new NativeBuffer<float>(3 * Outputs);
        input.Data[7] = float.NaN;
        input.Data[Inputs + 100] = float.PositiveInfinity;
        PackedMatMul.Multiply(packed.Matrix, input.Data, output.Data, 3, Phase.Prefill, room, null);
        for (int o = 0; o < Outputs; o++)
        {
            Assert.True(float.IsNaN(output.Data[o]));
            Assert.False(float.IsFinite(output.Data[Outputs + o]));
            Assert.Equal(0, output.Data[(2 * Outputs) + o]);
        }
    }

    /// <summary>A half with all its bits set is no number: its rounding must not carry into the sign and become a zero.</summary>
    [Theory]
    [MemberData(nameof(Types))]
    public void A_scale_that_is_no_number_makes_weights_that_are_none(ElementType type)
    {
        SkipWithoutWideVectors();
        const int Inputs = 256;
        using var packed = new PackedSample(type, 16, Inputs, seed: 3);
        using var tiles = new NativeBuffer<byte>(PackedLayout.ValueBytes(PackedFormat.BrainTiles, Inputs));
        foreach (ushort scale in new ushort[] { 0x7fff, 0xffff, 0x7c01 })
        {
            *((ushort*)packed.Matrix.Panel(0) + 3) = scale; // of output 3
            Expand(packed.Matrix, 0, 1, tiles.Data);
            for (int pair = 0; pair < 16; pair++)
                Assert.True(float.IsNaN(BitConverter.UInt32BitsToSingle((uint)((ushort*)(tiles.Data + (pair * 64)))[6] << 16)));
        }
    }

    [Fact]
    public void A_multiplication_allocates_nothing()
    {
        SkipWithoutTiles();
        const int Outputs = 72, Inputs = 512, Rows = 40;
        using var packed = new PackedSample(ElementType.Q4_K, Outputs, Inputs, seed: 7);
        using QuantizedRows room = Room(Rows, Inputs);
        using var input = new NativeBuffer<float>(Rows * Inputs);
        using var output = new NativeBuffer<float>(Rows * Outputs);
        PackedMatMul.Multiply(packed.Matrix, input.Data, output.Data, Rows, Phase.Prefill, room, null);
        Assert.Equal(0, Allocation.Of(() => PackedMatMul.Multiply(packed.Matrix, input.Data, output.Data, Rows, Phase.Prefill, room, null)));
    }

    /// <summary>Groups of the first panel.</summary>
    private static void Expand(PackedMatrix matrix, int first, int end, byte* tiles)
    {
        using var lines = new NativeBuffer<float>((long)(end - first) * PanelLines.OfGroup(matrix.Format) * PanelLines.Singles);
        PanelLines.Write(matrix.Format, matrix.Panel(0), first, end, ahead: 0, lines.Data);
        byte* values = matrix.Panel(0) + PackedLayout.ScaleBytes(matrix.Format, matrix.Inputs) + (first * PackedLayout.ValueBytes(matrix.Format, PackedLayout.GroupInputs));
        PanelBrains.Expand(matrix.Format, values, lines.Data, end - first, tiles);
    }

    private static QuantizedRows Room(int rows, int inputs, int threads = 1) =>
        new(rows, inputs, threads, PackedMatMul.BrainTileBytes(PackedFormat.Eight, rows, inputs));

    private static void SkipWithoutWideVectors() => Assert.SkipUnless(KernelChoice.Available.Contains(KernelFamily.Avx512), "weights are expanded by vectors of 512 bits, which are not here");

    private static void SkipWithoutTiles() => Assert.SkipUnless(KernelChoice.Family == KernelFamily.Amx, "tiles of brain floats are not what is chosen here");
}
