using System.Runtime.Intrinsics;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Tensors;
using Fairlead.Shared;
using Activation = Fairlead.Engine.Kernels.Activation;

namespace Fairlead.Engine.Tests.Kernels;

/// <summary>Quantised weights times activations as bytes: the same bits in every family, and how far from exact.</summary>
[Collection(Widths.Name)]
public sealed unsafe class IntegerMatMulTests
{
    public static TheoryData<ElementType> Types => [ElementType.Q8_0, ElementType.Q4_0, ElementType.Q4_K, ElementType.Q5_K, ElementType.Q6_K];

    [Theory]
    [MemberData(nameof(Types))]
    public void Every_family_gives_the_bits_of_the_scalar_one(ElementType type)
    {
        var random = new Random(3);
        foreach ((int outputs, int inputs) in ((int, int)[])[(1, 256), (16, 256), (37, 512), (64, 768), (50, 1280)])
        {
            foreach (int rows in (int[])[1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 25, 31, 37, 40, 48, 51])
                Compare(random, type, outputs, inputs, rows);
        }
    }

    /// <summary>Some kernels add products up in 16 bits, which they must not leave.</summary>
    [Theory]
    [MemberData(nameof(Types))]
    public void The_largest_sums_have_the_bits_of_the_scalar_family(ElementType type)
    {
        const int Outputs = 16, Inputs = 256, Rows = 16;
        using var packed = new PackedSample(type, Outputs, Inputs, seed: 8);
        PackedFormat format = packed.Matrix.Format;
        var values = new Span<byte>(packed.Matrix.Panel(0) + PackedLayout.ScaleBytes(format, Inputs), (int)PackedLayout.ValueBytes(format, Inputs));
        using var input = new NativeBuffer<float>(Rows * Inputs);
        foreach (byte value in (byte[])[0x00, 0x7f, 0x80, 0xff])
        {
            values.Fill(value);
            for (int first = 0; first < 3; first++)
            {
                // In every row all are as large as bytes are: of one sign, of the other, and with one that changes after each two.
                for (int i = 0; i < Rows * Inputs; i++)
                    input.Data[i] = ((i / Inputs) + first) % 3 switch { 0 => 1, 1 => -1, _ => i / 2 % 2 == 0 ? 1 : -1 };
                foreach (int rows in (int[])[1, 2, 4, Rows])
                    Compare(packed.Matrix, input, rows, $"{type} of {value:x2}, {rows} rows from {first}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void A_row_has_the_same_bits_alone_in_a_batch_and_with_more_threads(ElementType type)
    {
        const int Outputs = 176, Inputs = 768, Rows = 53;
        var random = new Random(4);
        using var packed = new PackedSample(type, Outputs, Inputs, seed: 4);
        using var input = new NativeBuffer<float>(Rows * Inputs);
        Activations(random, input.Slice(0, Rows * Inputs));
        using var crew = new WorkCrew(3);
        using var room = new QuantizedRows(Rows, Inputs, 3);
        using var output = new NativeBuffer<float>(Rows * Outputs);
        using var alone = new NativeBuffer<float>(Outputs);
        PackedMatMul.Multiply(packed.Matrix, input.Data, output.Data, Rows, Phase.Decode, room, crew);
        for (int row = 0; row < Rows; row++)
        {
            PackedMatMul.Multiply(packed.Matrix, input.Data + (row * Inputs), alone.Data, 1, Phase.Decode, room, null);
            Widths.AssertSameBits(alone.Slice(0, Outputs), output.Slice(row * Outputs, Outputs), $"row {row}");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(40)] // in blocks with one form, and not with the other
    public void Products_that_are_made_together_have_the_bits_of_each_made_alone(int rows)
    {
        const int Inputs = 512;
        ElementType[] types = [ElementType.Q4_K, ElementType.Q4_K, ElementType.Q6_K, ElementType.Q8_0];
        int[] outputs = [160, 37, 64, 16];
        PackedSample[] packed = [.. types.Select((type, i) => new PackedSample(type, outputs[i], Inputs, seed: 40 + i))];
        NativeBuffer<float>[] alone = Array.ConvertAll(outputs, count => new NativeBuffer<float>(rows * count)), together = Array.ConvertAll(outputs, count => new NativeBuffer<float>(rows * count));
        using var input = new NativeBuffer<float>(rows * Inputs);
        using var biases = new NativeBuffer<float>(160);
        Activations(new Random(6), input.Slice(0, rows * Inputs));
        Activations(new Random(7), biases.Slice(0, 160));
        using var crew = new WorkCrew(3);
        using var room = new QuantizedRows(rows, Inputs, 3);
        try
        {
            for (int i = 0; i < outputs.Length; i++)
                PackedMatMul.Multiply(packed[i].Matrix, input.Data, alone[i].Data, rows, Phase.Decode, room, null);
            Elementwise.AddToRows(alone[1].Data, biases.Data, rows, outputs[1]);
            Fairlead.Engine.Kernels.Activations.Apply(Activation.Gelu, alone[1].Data, rows * outputs[1]);
            foreach (WorkCrew? workers in (WorkCrew?[])[null, crew])
            {
                RowProduct[] products =
                [
                    new(packed[0].Matrix, together[0].Data), new(packed[1].Matrix, together[1].Data, biases.Data, Activation.Gelu),
                    new(packed[2].Matrix, together[2].Data), new(packed[3].Matrix, together[3].Data),
                ];
                PackedMatMul.MultiplyAll(products, input.Data, rows, Phase.Decode, room, workers);
                for (int i = 0; i < outputs.Length; i++)
                {
                    Widths.AssertSameBits(alone[i].Slice(0, rows * outputs[i]), together[i].Slice(0, rows * outputs[i]), $"{types[i]} {i}");
                    together[i].Slice(0, rows * outputs[i]).Clear();
                }
            }
        }
        finally
        {
            foreach (IDisposable one in (IDisposable[])[.. packed, .. alone, .. together])
                one.Dispose();
        }
    }

    /// <summary>The bound stands at <see cref="PackedMatMul"/>.</summary>
    [Theory]
    [MemberData(nameof(Types))]
    public void An_output_is_as_near_to_the_exact_product_as_is_promised(ElementType type)
    {
        const int Rows = 3;
        var random = new Random(5);
        foreach ((int outputs, int inputs) in ((int, int)[])[(33, 1024), (17, 256), (5, 7680)])
        {
            using var packed = new PackedSample(type, outputs, inputs, seed: inputs);
            using var input = new NativeBuffer<float>(Rows * inputs);
            Activations(random, input.Slice(0, Rows * inputs));
            using var room = new QuantizedRows(Rows, inputs);
            using var output = new NativeBuffer<float>(Rows * outputs);
            PackedMatMul.Multiply(packed.Matrix, input.Data, output.Data, Rows, Phase.Decode, room, null);
            PackedFormat format = packed.Matrix.Format;
            double additions = inputs / (format == PackedFormat.Six ? 16 : 32) * (format is PackedFormat.FourWithMinimum or PackedFormat.FiveWithMinimum ? 2 : 1);
            for (int o = 0; o < outputs; o++)
            {
                for (int r = 0; r < Rows; r++)
                {
                    double exact = 0, activations = 0, sums = 0;
                    for (int i = 0; i < inputs; i++)
                    {
                        PanelReading weight = PanelReading.Of(packed.Matrix, o, i);
                        double x = input.Data[(r * inputs) + i], half = room.ScalesOfRow(r, inputs)[i / 32 * QuantizedRows.BlockScales] / 2.0;
                        exact += weight.Weight * x;
                        activations += Math.Abs(weight.Weight) * (half + (3 * Math.ScaleB(Math.Abs(x) + half, -24)));
                        sums += (Math.Abs(weight.Value) + Math.Abs(weight.Minimum)) * (Math.Abs(x) + half);
                    }

                    double error = Math.Abs(output.Data[(r * outputs) + o] - exact), bound = activations + ((additions + 2) * Math.ScaleB(sums, -24));
                    Assert.True(error <= bound, $"{type} [{outputs} x {inputs}], row {r}, output {o}: off by {error}, bound {bound}");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void What_is_not_a_number_is_not_lost_and_zeros_stay_zeros(ElementType type)
    {
        const int Outputs = 20, Inputs = 256;
        using var packed = new PackedSample(type, Outputs, Inputs, seed: 6);
        using var room = new QuantizedRows(4, Inputs);
        using var input = new NativeBuffer<float>(4 * Inputs);
        using var output = new NativeBuffer<float>(4 * Outputs);
        input.Data[7] = float.NaN;
        input.Data[Inputs + 100] = float.PositiveInfinity;
        input.Data[(2 * Inputs) + 3] = 1e-38f; // below what a byte's scale can be taken of
        PackedMatMul.Multiply(packed.Matrix, input.Data, output.Data, 4, Phase.Decode, room, null);
        for (int o = 0; o < Outputs; o++)
        {
            Assert.True(float.IsNaN(output.Data[o]));
            Assert.True(float.IsNaN(output.Data[Outputs + o]));
            Assert.Equal(0, output.Data[(2 * Outputs) + o]);
            Assert.Equal(0, output.Data[(3 * Outputs) + o]);
        }
    }

    /// <summary>Arm's kernel, with a dot product of ours in place of its instruction.</summary>
    [Theory]
    [MemberData(nameof(Types))]
    public void The_loop_of_128_bits_gives_the_bits_of_the_scalar_one(ElementType type)
    {
        const int Outputs = 16, Inputs = 768, Rows = 5;
        using var packed = new PackedSample(type, Outputs, Inputs, seed: 8);
        using var input = new NativeBuffer<float>(Rows * Inputs);
        Activations(new Random(8), input.Slice(0, Rows * Inputs));
        using var room = new QuantizedRows(Rows, Inputs);
        using var expected = new NativeBuffer<float>(Rows * Outputs);
        using var actual = new NativeBuffer<float>(Rows * Outputs);
        using var scales = new NativeBuffer<float>(Inputs * 2);
        using var values = new NativeBuffer<sbyte>(Inputs * 16);
        for (int row = 0; row < Rows; row++)
            ActivationQuantizer.Row(input.Data + (row * Inputs), Inputs, room, row);
        PackedMatrix matrix = packed.Matrix;
        PanelScales.Expand(matrix.Format, matrix.Panel(0), Inputs, scales.Data);
        byte* stored = matrix.Panel(0) + PackedLayout.ScaleBytes(matrix.Format, Inputs);
        if (matrix.Format is PackedFormat.FiveWithMinimum or PackedFormat.Six)
            PanelValues.Expand(matrix.Format, stored, Inputs, values.Data);
        var task = new PanelTask
        {
            Values = matrix.Format is PackedFormat.FiveWithMinimum or PackedFormat.Six ? (byte*)values.Data : stored,
            Form = matrix.Format switch { PackedFormat.Four => ValueForm.CentredNibbles, PackedFormat.FourWithMinimum => ValueForm.Nibbles, _ => ValueForm.Bytes },
            Scales = scales.Data,
            HasMinimums = PanelScales.HasMinimums(matrix.Format),
            HalfGroups = matrix.Format == PackedFormat.Six,
            Inputs = Inputs,
            Rows = room,
            Output = expected.Data,
            OutputStride = Outputs,
        };
        ScalarPanel.Multiply(task, 0, Rows);
        NarrowPanel<PlainDot>.Multiply(At(task, actual.Data), 0, Rows);
        Widths.AssertSameBits(expected.Slice(0, Rows * Outputs), actual.Slice(0, Rows * Outputs), type.ToString());

        static PanelTask At(PanelTask task, float* output) => new()
        {
            Values = task.Values, Form = task.Form, Scales = task.Scales, HasMinimums = task.HasMinimums, HalfGroups = task.HalfGroups, Inputs = task.Inputs, Rows = task.Rows,
            Output = output, OutputStride = task.OutputStride,
        };
    }

    [Fact]
    public void A_multiplication_allocates_nothing()
    {
        const int Outputs = 64, Inputs = 512, Rows = 20;
        using var packed = new PackedSample(ElementType.Q4_K, Outputs, Inputs, seed: 7);
        using var room = new QuantizedRows(Rows, Inputs);
        using var input = new NativeBuffer<float>(Rows * Inputs);
        using var output = new NativeBuffer<float>(Rows * Outputs);
        PackedMatMul.Multiply(packed.Matrix, input.Data, output.Data, Rows, Phase.Decode, room, null);
        PackedMatMul.Multiply(packed.Matrix, input.Data, output.Data, 1, Phase.Decode, room, null);
        Assert.Equal(0, Allocation.Of(() =>
        {
            PackedMatMul.Multiply(packed.Matrix, input.Data, output.Data, Rows, Phase.Decode, room, null);
            PackedMatMul.Multiply(packed.Matrix, input.Data, output.Data, 1, Phase.Decode, room, null);
        }));
    }

    private static void Compare(Random random, ElementType type, int outputs, int inputs, int rows)
    {
        using var packed = new PackedSample(type, outputs, inputs, random.Next());
        using var input = new NativeBuffer<float>((long)rows * inputs);
        Activations(random, input.Slice(0, rows * inputs));
        Compare(packed.Matrix, input, rows, $"{type} [{outputs} x {inputs}], {rows} rows");
    }

    private static void Compare(PackedMatrix matrix, NativeBuffer<float> input, int rows, string what)
    {
        using var room = new QuantizedRows(rows, matrix.Inputs);
        float[]? scalar = null;
        KernelFamily before = KernelChoice.Family;
        try
        {
            foreach (KernelFamily family in KernelChoice.Available)
            {
                KernelChoice.Family = family;
                using var output = new NativeBuffer<float>((long)rows * matrix.Outputs);
                PackedMatMul.Multiply(matrix, input.Data, output.Data, rows, Phase.Decode, room, null);
                float[] result = output.Slice(0, rows * matrix.Outputs).ToArray();
                scalar ??= result;
                Widths.AssertSameBits(scalar, result, $"{what}, {family}");
            }
        }
        finally
        {
            KernelChoice.Family = before;
        }
    }

    /// <summary>Ordinary ones, with a block of zeros and a block of one large value among them.</summary>
    private static void Activations(Random random, Span<float> values)
    {
        foreach (ref float value in values)
            value = (float)((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-2, 2)));
        values[..32].Clear();
        values[40] = 3e4f;
    }

    private readonly struct PlainDot : IQuadDot
    {
        public static Vector128<int> Add(Vector128<int> sum, Vector128<sbyte> weights, Vector128<sbyte> activations)
        {
            Span<int> sums = [sum[0], sum[1], sum[2], sum[3]];
            for (int i = 0; i < 16; i++)
                sums[i / 4] += weights[i] * activations[i];
            return Vector128.Create((ReadOnlySpan<int>)sums);
        }
    }
}
