using Fairlead.Engine.Kernels;

namespace Fairlead.Engine.Tests.Kernels;

[Collection(Widths.Name)]
public sealed unsafe class SoftmaxTests
{
    [Fact]
    public void Rows_of_any_length_become_the_exact_probabilities_within_the_bound()
    {
        foreach (int columns in new[] { 1, 2, 15, 16, 17, 100, 3000 })
        {
            foreach (float size in new[] { 1e-3f, 1f, 50f, 1e30f })
            {
                float[] scores = Widths.Random(new Random(columns), 2 * columns, size);
                float[] result = Of(scores, 2, columns);
                for (int row = 0; row < 2; row++)
                {
                    double[] exact = [.. scores.Skip(row * columns).Take(columns)];
                    double largest = exact.Max(), sum = exact.Sum(v => Math.Exp(v - largest));

                    // Subtracting the largest rounds a score of this size, which the exponential makes a relative error.
                    double relative = (((columns / 16) + 8) * Math.Pow(2, -23)) + (Math.Min(size, 100) * Math.Pow(2, -23));
                    Widths.AssertNear([.. exact.Select(v => Math.Exp(v - largest) / sum)], result.AsSpan(row * columns, columns), 1e-37, relative, $"{columns} columns of {size}");
                }
            }
        }
    }

    [Fact]
    public void A_masked_place_gets_nothing_and_a_row_without_a_place_becomes_no_numbers()
    {
        float no = float.NegativeInfinity;
        float[] result = Of([0f, no, 0f, no, no, no, 1f, float.NaN, 2f], 3, 3);
        Assert.Equal([0.5f, 0f, 0.5f], result[..3]);
        Assert.All(result[3..], value => Assert.True(float.IsNaN(value)));
    }

    private static float[] Of(float[] scores, int rows, int columns) => Widths.Same(scores.Length, output =>
    {
        scores.CopyTo(output.Slice(0, scores.Length));
        Softmax.Apply(output.Data, rows, columns);
    });
}
