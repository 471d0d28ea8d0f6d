using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Kernels;

[Collection(Widths.Name)]
public sealed unsafe class RopeTests
{
    [Fact]
    public void A_quarter_turn_carries_the_first_half_into_the_second_and_leaves_the_rest_of_the_head()
    {
        using NativeBuffer<float> cosines = Widths.Buffer([0f, 1f]), sines = Widths.Buffer([1f, 0f]);
        float[] result = Widths.Same(12, output =>
        {
            new float[] { 1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60 }.CopyTo(output.Slice(0, 12));
            Rope.Apply(output.Data, 2, dimension: 6, rotated: 4, cosines.Data, sines.Data);
        });
        Assert.Equal([-3, 2, 1, 4, 5, 6, -30, 20, 10, 40, 50, 60], result);
    }

    [Fact]
    public void Heads_of_any_size_turn_by_the_exact_angle_within_three_roundings()
    {
        foreach ((int dimension, int rotated) in new[] { (2, 2), (16, 16), (64, 64), (80, 32), (36, 36), (100, 50) })
        {
            var random = new Random(dimension);
            float[] heads = Widths.Random(random, 3 * dimension, 10f);
            double[] angles = [.. Enumerable.Range(0, rotated / 2).Select(_ => random.NextDouble() * 1000)];
            float[] cosine = [.. angles.Select(angle => (float)Math.Cos(angle))], sine = [.. angles.Select(angle => (float)Math.Sin(angle))];
            using NativeBuffer<float> cosines = Widths.Buffer(cosine), sines = Widths.Buffer(sine);
            float[] result = Widths.Same(heads.Length, output =>
            {
                heads.CopyTo(output.Slice(0, heads.Length));
                Rope.Apply(output.Data, 3, dimension, rotated, cosines.Data, sines.Data);
            });
            double[] exact = [.. heads];
            for (int at = 0; at < exact.Length; at += dimension)
            {
                for (int i = 0; i < rotated / 2; i++)
                {
                    (double a, double b) = (heads[at + i], heads[at + i + (rotated / 2)]);
                    (exact[at + i], exact[at + i + (rotated / 2)]) = ((a * cosine[i]) - (b * sine[i]), (b * cosine[i]) + (a * sine[i]));
                }
            }

            Widths.AssertNear(exact, result, 10 * 3 * Math.Pow(2, -24), 0, $"{rotated} of {dimension}");
        }
    }
}
