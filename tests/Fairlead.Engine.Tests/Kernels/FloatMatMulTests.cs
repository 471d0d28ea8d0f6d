using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Kernels;

[Collection(Widths.Name)]
public sealed unsafe class FloatMatMulTests
{
    private static readonly (ElementType Type, PackedFormat Format)[] s_forms =
        [(ElementType.F32, PackedFormat.Single), (ElementType.F16, PackedFormat.Half), (ElementType.BF16, PackedFormat.Brain)];

    /// <summary>Of the documentation of <see cref="FloatMatMul"/>: (min(inputs, 256) + pieces) · 2^−24, times Σ |input · weight|.</summary>
    private static double Bound(int inputs, double magnitude) =>
        (Math.Min(inputs, FloatMatMul.PieceInputs) + ((inputs + FloatMatMul.PieceInputs - 1) / FloatMatMul.PieceInputs)) * Math.Pow(2, -24) * magnitude;

    [Fact]
    public void Every_form_and_shape_gives_the_exact_sums_within_the_bound_and_the_same_bits_in_every_width()
    {
        foreach ((ElementType type, PackedFormat format) in s_forms)
        {
            foreach (int inputs in new[] { 1, 7, 255, 256, 257, 600 })
            {
                foreach ((int outputs, int rows) in new[] { (1, 1), (16, 1), (23, 2), (40, 3), (64, 4), (150, 1), (131, 9) })
                    Compare(type, format, outputs, inputs, rows);
            }
        }
    }

    [Fact]
    public void A_row_has_the_same_bits_alone_and_anywhere_in_a_batch_with_any_number_of_threads()
    {
        const int Outputs = 203, Inputs = 301, Rows = 37;
        using var crew = new WorkCrew(3);
        using var room = new QuantizedRows(Rows, Inputs);
        foreach ((ElementType type, PackedFormat format) in s_forms)
        {
            using var weights = new RandomWeights(type, Outputs, Inputs, seed: 3);
            using NativeBuffer<byte> packed = Pack(weights.View, format, out PackedMatrix matrix);
            RowAmongRows.AssertSameBits(matrix, Phase.Decode, room, crew, new[] { 0, 17, 31, 32, 36 }.Select(static place => (Rows, place)));
        }
    }

    [Fact]
    public void Packing_a_matrix_that_is_stored_the_other_way_round_gives_the_same_panels()
    {
        const int Outputs = 37, Inputs = 45;
        (ElementType, PackedFormat)[] tiles = [(ElementType.F32, PackedFormat.BrainPairTiles), (ElementType.F16, PackedFormat.HalfTiles), (ElementType.BF16, PackedFormat.BrainTiles)];
        foreach ((ElementType type, PackedFormat format) in s_forms.Concat(tiles))
        {
            using var weights = new RandomWeights(type, Outputs, Inputs, seed: 3);
            using NativeBuffer<byte> packed = Pack(weights.View, format, out PackedMatrix matrix);
            int size = BlockLayout.Of(type).Bytes;
            using var turned = new NativeBuffer<byte>((long)Outputs * Inputs * size);
            for (int o = 0; o < Outputs; o++)
            {
                for (int i = 0; i < Inputs; i++)
                    new Span<byte>(weights.View.Data + (((o * Inputs) + i) * size), size).CopyTo(turned.Slice(((i * Outputs) + o) * size, size));
            }

            using var other = new NativeBuffer<byte>(packed.Length);
            WeightPacker.Pack(new TensorView(type, [Inputs, Outputs], turned.Data), transposed: true, matrix with { Data = (nint)other.Data }, 0, matrix.Panels);
            Assert.True(packed.Slice(0, (int)packed.Length).SequenceEqual(other.Slice(0, (int)other.Length)), format.ToString());
        }
    }

    [Fact]
    public void What_is_no_number_or_infinite_stays_in_its_row_and_its_output()
    {
        const int Inputs = 96, Outputs = 21, Rows = 6;
        float[] weight = Widths.Random(new Random(1), Outputs * Inputs), batch = Widths.Random(new Random(2), Rows * Inputs);
        weight[(4 * Inputs) + 95] = float.NaN;
        batch[Inputs + 3] = float.PositiveInfinity;
        using NativeBuffer<float> weights = Widths.Buffer(weight), input = Widths.Buffer(batch);
        using NativeBuffer<byte> packed = Pack(new TensorView(ElementType.F32, [Outputs, Inputs], (byte*)weights.Data), PackedFormat.Single, out PackedMatrix matrix);
        using var room = new QuantizedRows(Rows, Inputs);
        float[] result = Widths.Same(Outputs * Rows, output => PackedMatMul.Multiply(matrix, input.Data, output.Data, Rows, Phase.Decode, room, null));
        for (int r = 0; r < Rows; r++)
        {
            for (int o = 0; o < Outputs; o++)
                Assert.Equal(r != 1 && o != 4, float.IsFinite(result[(r * Outputs) + o]));
        }
    }

    internal static NativeBuffer<byte> Pack(in TensorView from, PackedFormat format, out PackedMatrix matrix)
    {
        var memory = new NativeBuffer<byte>(PackedLayout.BytesFor(format, from.Rows, from.Columns));
        matrix = new PackedMatrix(format, from.Rows, from.Columns, (nint)memory.Data);
        WeightPacker.Pack(from, transposed: false, matrix, 0, matrix.Panels);
        return memory;
    }

    private static void Compare(ElementType type, PackedFormat format, int outputs, int inputs, int rows)
    {
        using var weights = new RandomWeights(type, outputs, inputs, seed: (outputs * 100) + inputs);
        using NativeBuffer<byte> packed = Pack(weights.View, format, out PackedMatrix matrix);
        float[] batch = Widths.Random(new Random(rows), rows * inputs);
        using NativeBuffer<float> input = Widths.Buffer(batch);
        using var room = new QuantizedRows(rows, inputs);
        float[] result = Widths.Same(outputs * rows, output => PackedMatMul.Multiply(matrix, input.Data, output.Data, rows, Phase.Decode, room, null));
        for (int o = 0; o < outputs; o++)
        {
            float[] weight = weights.Row(o);
            for (int r = 0; r < rows; r++)
            {
                double sum = 0, magnitude = 0;
                for (int i = 0; i < inputs; i++)
                {
                    double product = (double)weight[i] * batch[(r * inputs) + i];
                    sum += product;
                    magnitude += Math.Abs(product);
                }

                double error = Math.Abs(result[(r * outputs) + o] - sum);
                Assert.True(error <= Bound(inputs, magnitude), $"{format} [{outputs} × {inputs}], row {r}, output {o}: off by {error}, bound {Bound(inputs, magnitude)}");
            }
        }
    }
}
