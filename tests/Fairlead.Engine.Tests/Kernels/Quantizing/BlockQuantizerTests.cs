using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Quantizing;
using Fairlead.Engine.Tensors;
using Fairlead.Engine.Tests.LlamaCpp;

namespace Fairlead.Engine.Tests.Kernels.Quantizing;

/// <summary>What quantising loses, against the stated bounds and against plain rounding.</summary>
public sealed unsafe class BlockQuantizerTests(ITestOutputHelper output)
{
    private const int Count = 1 << 16;

    public static TheoryData<ElementType> Types => [ElementType.Q8_0, ElementType.Q4_0, ElementType.Q4_K];

    /// <summary>Sizes of weights: usual ones, those whose scale is a subnormal half, and those near the largest scale.</summary>
    public static TheoryData<double> Sizes => [0.02, 1, 1e-5, 3e-7, 1e-9, 1e5];

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Eight_bits_are_within_half_a_scale_of_every_value(double size)
    {
        float[] values = Normal(1, size), read = RoundTrip(ElementType.Q8_0, values, out byte[] blocks);
        for (int i = 0; i < Count; i++)
        {
            double scale = (double)BitConverter.ToHalf(blocks, i / 32 * 34);
            Assert.True(Math.Abs(read[i] - (double)values[i]) <= scale * EightBitQuantizer.Bound, $"value {i} is {values[i]:r} and became {read[i]:r}, with scale {scale:r}");
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Four_bits_lose_no_more_of_any_block_than_plain_rounding(double size)
    {
        float[] values = Normal(2, size), read = RoundTrip(ElementType.Q4_0, values, out _), plain = Read(ElementType.Q4_0, Quantizer.Encode(ElementType.Q4_0, values));
        double all = 0, allPlain = 0;
        for (int block = 0; block < Count; block += 32)
        {
            double error = Squared(values, read, block, 32), usual = Squared(values, plain, block, 32), power = Squared(values, new float[Count], block, 32);
            Assert.True(error <= usual + (1e-5 * power), $"block {block / 32}: {error:r} and plainly {usual:r}");
            (all, allPlain) = (all + error, allPlain + usual);
        }

        output.WriteLine($"{all / allPlain:0.000} of the squared error of plain rounding");
        if (size is 0.02 or 1)
            Assert.InRange(all / allPlain, 0.5, 0.95);
    }

    [Theory]
    [InlineData(0.02)]
    [InlineData(1)]
    [InlineData(1e5)]
    public void Four_bits_in_groups_lose_no_more_than_the_usual_search(double size)
    {
        float[] values = Normal(3, size);
        for (int i = 0; i < Count; i++)
            values[i] += i / 256 % 3 * 0.01f * (float)size; // some groups lie to one side of zero
        float[] read = RoundTrip(ElementType.Q4_K, values, out _), plain = Read(ElementType.Q4_K, Quantizer.Encode(ElementType.Q4_K, values));
        double searched = 0, error = 0, usual = 0;
        for (int group = 0; group < Count; group += 32)
        {
            searched += UsualSearch.WeightedError(values.AsSpan(group, 32));
            error += UsualSearch.WeightedError(values.AsSpan(group, 32), read.AsSpan(group, 32));
            usual += UsualSearch.WeightedError(values.AsSpan(group, 32), plain.AsSpan(group, 32));
        }

        output.WriteLine($"{error / searched:0.000} of the search without 6-bit scales, {error / usual:0.000} of plain rounding");
        Assert.InRange(error / usual, 0.5, 0.95);

        // The search's own figure is for scales that are not rounded to 6 bits; that costs some percent.
        Assert.InRange(error / searched, 1, 1.1);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void What_is_no_number_infinite_or_too_large_never_passes_for_a_number(ElementType type)
    {
        int block = BlockLayout.Of(type).Values;
        foreach (float odd in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity, 3e38f, -3e38f])
        {
            float[] values = [.. Normal(4, 1).AsSpan(0, 3 * block)];
            values[block + 7] = odd;
            float[] read = RoundTrip(type, values, out _);
            Assert.False(float.IsFinite(read[block + 7]), $"{odd} became {read[block + 7]}");
            Assert.All(read[..block], static value => Assert.True(float.IsFinite(value)));
            Assert.All(read[(2 * block)..], static value => Assert.True(float.IsFinite(value)));
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Zeros_stay_zeros(ElementType type) => Assert.All(RoundTrip(type, new float[512], out _), static value => Assert.Equal(0, value));

    [Theory]
    [MemberData(nameof(Types))]
    public void A_block_does_not_depend_on_its_neighbours(ElementType type)
    {
        BlockLayout layout = BlockLayout.Of(type);
        float[] values = Normal(5, 0.02).AsSpan(0, 8 * layout.Values).ToArray();
        RoundTrip(type, values, out byte[] together);
        for (int block = 0; block < 8; block++)
        {
            RoundTrip(type, values.AsSpan(block * layout.Values, layout.Values).ToArray(), out byte[] alone);
            Assert.Equal(alone, together.AsSpan(block * layout.Bytes, layout.Bytes).ToArray());
        }
    }

    private static float[] RoundTrip(ElementType type, float[] values, out byte[] blocks)
    {
        blocks = new byte[BlockLayout.Of(type).SizeOf(values.Length)];
        fixed (float* from = values)
        {
            fixed (byte* to = blocks)
                BlockQuantizer.Row(type, from, values.Length, to);
        }

        return Read(type, blocks);
    }

    private static float[] Read(ElementType type, byte[] blocks)
    {
        float[] values = new float[blocks.Length / BlockLayout.Of(type).Bytes * BlockLayout.Of(type).Values];
        fixed (byte* from = blocks)
            Dequantize.Row(type, from, values);
        return values;
    }

    private static double Squared(float[] values, float[] read, int first, int count)
    {
        double sum = 0;
        for (int i = first; i < first + count; i++)
            sum += Math.Pow(values[i] - (double)read[i], 2);
        return sum;
    }

    private static float[] Normal(int seed, double size)
    {
        var random = new Random(seed);
        float[] values = new float[Count];
        for (int i = 0; i < Count; i++)
            values[i] = (float)(size * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        return values;
    }

    /// <summary>The reference search for one group of Q4_K, plainly and in double precision: what a scale and a minimum that are not rounded would lose.</summary>
    private static class UsualSearch
    {
        public static double WeightedError(ReadOnlySpan<float> values)
        {
            double least = 0, most = double.NegativeInfinity;
            foreach (float value in values)
                (least, most) = (Math.Min(least, value), Math.Max(most, value));
            double best = Error(values, 15 / (most - least), least, (most - least) / 15, least);
            for (int step = 0; step <= 20; step++)
            {
                double inverse = (14 + (0.1 * step)) / (most - least);
                (double w, double l, double l2, double x, double xl) = (0, 0, 0, 0, 0);
                for (int i = 0; i < values.Length; i++)
                {
                    double weight = Weight(values, i), quant = Quant(values[i], inverse, least);
                    (w, l, l2, x, xl) = (w + weight, l + (weight * quant), l2 + (weight * quant * quant), x + (weight * values[i]), xl + (weight * values[i] * quant));
                }

                double determinant = (w * l2) - (l * l), scale = ((w * xl) - (x * l)) / determinant, minimum = ((l2 * x) - (l * xl)) / determinant;
                if (minimum > 0)
                    (scale, minimum) = (xl / l2, 0);
                best = Math.Min(best, Error(values, inverse, least, scale, minimum));
            }

            return best;
        }

        public static double WeightedError(ReadOnlySpan<float> values, ReadOnlySpan<float> read)
        {
            double sum = 0;
            for (int i = 0; i < values.Length; i++)
                sum += Weight(values, i) * Math.Pow(values[i] - (double)read[i], 2);
            return sum;
        }

        private static double Error(ReadOnlySpan<float> values, double inverse, double least, double scale, double minimum)
        {
            double sum = 0;
            for (int i = 0; i < values.Length; i++)
                sum += Weight(values, i) * Math.Pow((scale * Quant(values[i], inverse, least)) + minimum - values[i], 2);
            return sum;
        }

        private static double Quant(float value, double inverse, double least) => Math.Clamp(Math.Round((value - least) * inverse), 0, 15);

        private static double Weight(ReadOnlySpan<float> values, int index)
        {
            double squares = 0;
            foreach (float value in values)
                squares += (double)value * value;
            return Math.Sqrt(squares / 32) + Math.Abs(values[index]);
        }
    }
}
