using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Kernels;

[Collection(Widths.Name)]
public sealed unsafe class NormTests
{
    private static readonly int[] s_lengths = [1, 3, 15, 16, 17, 64, 100, 1031];

    [Fact]
    public void The_root_mean_square_norm_of_three_and_four_is_worked_by_hand()
    {
        // mean(9, 16) = 12.5, + 3.5 = 16, root 4
        using NativeBuffer<float> input = Widths.Buffer([3f, 4f]), weight = Widths.Buffer([2f, -1f]);
        Assert.Equal([1.5f, -1f], Widths.Same(2, output => Norm.RootMeanSquare(input.Data, weight.Data, output.Data, 1, 2, 3.5f)));
        Assert.Equal([2.25f, 0f], Widths.Same(2, output => Norm.RootMeanSquare(input.Data, weight.Data, output.Data, 1, 2, 3.5f, addOne: true)));
        Assert.Equal([0.75f, 1f], Widths.Same(2, output => Norm.RootMeanSquare(input.Data, null, output.Data, 1, 2, 3.5f)));
    }

    [Fact]
    public void The_layer_norm_of_one_and_seven_is_worked_by_hand()
    {
        // mean 4, variance 9, + 7 = 16, root 4
        using NativeBuffer<float> input = Widths.Buffer([1f, 7f]), weight = Widths.Buffer([2f, 4f]), bias = Widths.Buffer([1f, -1f]);
        Assert.Equal([-0.5f, 2f], Widths.Same(2, output => Norm.Layer(input.Data, weight.Data, bias.Data, output.Data, 1, 2, 7f)));
        Assert.Equal([-1.5f, 3f], Widths.Same(2, output => Norm.Layer(input.Data, weight.Data, null, output.Data, 1, 2, 7f)));
        Assert.Equal([-0.75f, 0.75f], Widths.Same(2, output => Norm.Layer(input.Data, null, null, output.Data, 1, 2, 7f)));
    }

    [Fact]
    public void Rows_of_any_length_and_size_are_within_the_bound_in_every_width()
    {
        foreach (int columns in s_lengths)
        {
            foreach ((float size, float mean) in new[] { (1f, 0f), (1e-6f, 0f), (1e15f, 0f), (1f, 1000f) })
            {
                var random = new Random(columns);
                float[] values = [.. Widths.Random(random, 3 * columns, size).Select(value => value + mean)];
                float[] weights = Widths.Random(random, columns), biases = Widths.Random(random, columns);
                using NativeBuffer<float> input = Widths.Buffer(values), weight = Widths.Buffer(weights), bias = Widths.Buffer(biases);
                string what = $"{columns} columns of size {size} around {mean}";

                // The mean itself is off by some units of its last place, which the spread then shows: hence its share in the bound.
                double bound = ((columns / 16) + 8) * Math.Pow(2, -24) * (1 + (mean / size)) * Math.Sqrt(columns);
                float[] rms = Widths.Same(3 * columns, output => Norm.RootMeanSquare(input.Data, weight.Data, output.Data, 3, columns, 1e-6f));
                float[] layer = Widths.Same(3 * columns, output => Norm.Layer(input.Data, weight.Data, bias.Data, output.Data, 3, columns, 1e-6f));
                for (int row = 0; row < 3; row++)
                {
                    double[] exact = [.. values.Skip(row * columns).Take(columns)];
                    double average = exact.Average(), scale = Math.Sqrt(exact.Average(v => v * v) + 1e-6f), spread = Math.Sqrt(exact.Average(v => (v - average) * (v - average)) + 1e-6f);
                    Range at = (row * columns)..((row + 1) * columns);
                    Widths.AssertNear([.. exact.Select((v, c) => v / scale * weights[c])], rms.AsSpan(at), bound, 0, "rms, " + what);
                    Widths.AssertNear([.. exact.Select((v, c) => ((v - average) / spread * weights[c]) + biases[c])], layer.AsSpan(at), bound, 0, "layer, " + what);
                }
            }
        }
    }

    [Fact]
    public void A_row_of_zeros_stays_zero_and_what_is_no_number_stays_in_its_row()
    {
        using NativeBuffer<float> input = Widths.Buffer([.. new float[20], .. Enumerable.Repeat(1f, 19), float.NaN, .. Enumerable.Repeat(2f, 20)]);
        float[] result = Widths.Same(60, output => Norm.RootMeanSquare(input.Data, null, output.Data, 3, 20, 1e-6f));
        Assert.All(result[..20], value => Assert.Equal(0f, value));
        Assert.All(result[20..40], value => Assert.True(float.IsNaN(value)));
        Assert.All(result[40..], value => Assert.Equal(1f, value, 1e-6f));
    }

    [Fact]
    public void A_norm_may_be_written_over_its_input()
    {
        float[] values = Widths.Random(new Random(1), 100);
        using NativeBuffer<float> input = Widths.Buffer(values), weight = Widths.Buffer(Widths.Random(new Random(2), 50));
        float[] apart = Widths.Same(100, output => Norm.Layer(input.Data, weight.Data, weight.Data, output.Data, 2, 50, 1e-5f));
        float[] over = Widths.Same(100, output =>
        {
            values.CopyTo(output.Slice(0, 100));
            Norm.Layer(output.Data, weight.Data, weight.Data, output.Data, 2, 50, 1e-5f);
        });
        Widths.AssertSameBits(apart, over, "in place");
    }
}
