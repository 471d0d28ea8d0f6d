using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tensors;
using Fairlead.Shared;

namespace Fairlead.Engine.Tests.Kernels;

[Collection(Widths.Name)]
public sealed unsafe class MatMulTests
{
    /// <summary>Of the documentation of <see cref="MatMul"/>: (inputs / 16 + 5) · 2^−24, times Σ |input · weight|.</summary>
    private static double Bound(int inputs, double magnitude) => ((inputs / 16) + 5) * Math.Pow(2, -24) * magnitude;

    [Fact]
    public void Every_type_and_shape_gives_the_exact_sums_within_the_bound_and_the_same_bits_in_every_width()
    {
        foreach (ElementType type in Enum.GetValues<ElementType>())
        {
            int block = BlockLayout.Of(type).Values;
            int[] inputs = block == 1 ? [1, 7, 15, 16, 17, 40, 530, 1100] : [block, 3 * block, 1536];
            foreach (int columns in inputs)
            {
                foreach ((int outputs, int rows) in new[] { (1, 1), (5, 1), (8, 2), (7, 3), (6, 35) })
                    Compare(type, outputs, columns, rows);
            }
        }
    }

    [Fact]
    public void A_row_has_the_same_bits_alone_and_anywhere_in_a_batch_with_any_number_of_threads()
    {
        const int Outputs = 203, Rows = 37;
        using var crew = new WorkCrew(3);
        foreach (ElementType type in Enum.GetValues<ElementType>())
        {
            int columns = BlockLayout.Of(type).Values == 1 ? 301 : 768;
            using var weights = new RandomWeights(type, Outputs, columns, seed: 3);
            float[] row = Widths.Random(new Random(4), columns);
            using NativeBuffer<float> single = Widths.Buffer(row);
            using var alone = new NativeBuffer<float>(Outputs);
            MatMul.Multiply(weights.View, single.Data, alone.Data, 1);

            foreach (WorkCrew? who in new[] { null, crew })
            {
                foreach (int place in new[] { 0, 17, 31, 32, 36 })
                {
                    float[] batch = Widths.Random(new Random(5), columns * Rows, 100f);
                    row.CopyTo(batch, place * columns);
                    using NativeBuffer<float> input = Widths.Buffer(batch);
                    using var output = new NativeBuffer<float>(Outputs * Rows);
                    MatMul.Multiply(weights.View, input.Data, output.Data, Rows, who);
                    Widths.AssertSameBits(alone.Slice(0, Outputs), output.Slice(place * Outputs, Outputs), $"{type} at {place}");
                }
            }
        }
    }

    [Fact]
    public void What_is_no_number_or_infinite_stays_in_its_row_and_its_output()
    {
        const int Columns = 96, Outputs = 6, Rows = 3;
        float[] weight = Widths.Random(new Random(1), Outputs * Columns), batch = Widths.Random(new Random(2), Rows * Columns);
        weight[(4 * Columns) + 95] = float.NaN;
        batch[Columns + 3] = float.PositiveInfinity;
        using NativeBuffer<float> weights = Widths.Buffer(weight), input = Widths.Buffer(batch);
        var view = new TensorView(ElementType.F32, [Outputs, Columns], (byte*)weights.Data);
        float[] result = Widths.Same(Outputs * Rows, output => MatMul.Multiply(view, input.Data, output.Data, Rows));
        for (int r = 0; r < Rows; r++)
        {
            for (int o = 0; o < Outputs; o++)
                Assert.Equal(r != 1 && o != 4, float.IsFinite(result[(r * Outputs) + o]));
        }
    }

    [Fact]
    public void Tiny_and_huge_values_lose_nothing_that_a_single_can_hold()
    {
        float[] weight = [1e-45f, 1e-38f, 3e38f, -3e38f, 0f, -0f, 1e-30f, 1e30f, 1f, 2f, 3f, 4f, 5f, 6f, 7f, 8f, 1e-45f];
        float[] row = [1f, 1f, 1e-38f, 1e-38f, 1f, 1f, 1e30f, 1e-30f, 0f, 0f, 0f, 0f, 0f, 0f, 0f, 0f, 1e7f];
        using NativeBuffer<float> weights = Widths.Buffer(weight), input = Widths.Buffer(row);
        var view = new TensorView(ElementType.F32, [1, weight.Length], (byte*)weights.Data);
        float result = Widths.Same(1, output => MatMul.Multiply(view, input.Data, output.Data, 1))[0];
        Assert.Equal(2f, result, 1e-6f);

        var first = new TensorView(ElementType.F32, [1, 1], (byte*)weights.Data);
        Assert.Equal(1e-45f, Widths.Same(1, output => MatMul.Multiply(first, input.Data, output.Data, 1))[0]);
    }

    [Fact]
    public void A_product_allocates_nothing()
    {
        using var crew = new WorkCrew(2);
        using var weights = new RandomWeights(ElementType.Q4_K, rows: 512, columns: 512, seed: 3);
        using var input = new NativeBuffer<float>(512);
        using var output = new NativeBuffer<float>(512);
        MatMul.Multiply(weights.View, input.Data, output.Data, 1, crew);
        Assert.Equal(0, Allocation.Of(() =>
        {
            for (int i = 0; i < 100; i++)
                MatMul.Multiply(weights.View, input.Data, output.Data, 1, crew);
        }));
    }

    private static void Compare(ElementType type, int outputs, int columns, int rows)
    {
        using var weights = new RandomWeights(type, outputs, columns, seed: (outputs * 100) + columns);
        float[] batch = Widths.Random(new Random(rows), rows * columns);
        using NativeBuffer<float> input = Widths.Buffer(batch);
        float[] result = Widths.Same(outputs * rows, output => MatMul.Multiply(weights.View, input.Data, output.Data, rows));
        for (int o = 0; o < outputs; o++)
        {
            float[] weight = weights.Row(o);
            for (int r = 0; r < rows; r++)
            {
                double sum = 0, magnitude = 0;
                for (int i = 0; i < columns; i++)
                {
                    double product = (double)weight[i] * batch[(r * columns) + i];
                    sum += product;
                    magnitude += Math.Abs(product);
                }

                double error = Math.Abs(result[(r * outputs) + o] - sum);
                Assert.True(error <= Bound(columns, magnitude), $"{type} [{outputs} × {columns}], row {r}, output {o}: off by {error}, bound {Bound(columns, magnitude)}");
            }
        }
    }
}
