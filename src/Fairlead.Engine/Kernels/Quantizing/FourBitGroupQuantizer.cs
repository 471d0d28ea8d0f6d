using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Kernels.Quantizing;

/// <summary>Blocks of Q4_K.</summary>
/// <remarks>
/// For each group of 32 the scale and the minimum are those of least weighted squared error among some twenty ranges near the group's own, each fitted to its quants
/// by least squares; a value weighs its magnitude and the group's root mean square, as in llama.cpp's reference: large weights matter more. Then the scales are
/// rounded to 6 bits of the largest, and the values to the scales that this leaves.
/// </remarks>
internal static unsafe class FourBitGroupQuantizer
{
    private const int Levels = 15;
    private const int SixBits = 63;

    /// <summary>Ranges that are tried: (14 … 16) / range, as in the reference.</summary>
    private const int Steps = 20;

    private const int BlockValues = 256;
    private const int BlockBytes = 144;

    /// <summary>One block or two: 256 values each into 144 bytes.</summary>
    [SkipLocalsInit]
    public static void Blocks(float* values, int count, byte* blocks)
    {
        float* lanes = stackalloc float[GroupLanes.Values * GroupLanes.Groups], scales = stackalloc float[GroupLanes.Groups], minimums = stackalloc float[GroupLanes.Groups];
        GroupLanes.Read(values, 8 * count, lanes);
        Fit(lanes, scales, minimums);
        for (int block = 0; block < count; block++)
            Write(values + (block * BlockValues), scales + (8 * block), minimums + (8 * block), blocks + (block * BlockBytes));
    }

    /// <summary>A block whose groups have the scales and minimums that fit them best.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Write(float* values, float* scales, float* minimums, byte* block)
    {
        float largestScale = 0, largestMinimum = 0;
        for (int group = 0; group < 8; group++)
        {
            largestScale = MathF.Max(largestScale, scales[group]); // what is no number stays
            largestMinimum = MathF.Max(largestMinimum, minimums[group]);
        }

        new Span<byte>(block, 144).Clear();
        Half scale = (Half)(largestScale / SixBits), minimum = (Half)(largestMinimum / SixBits);
        (((Half*)block)[0], ((Half*)block)[1]) = (scale, minimum);
        if (!Half.IsFinite(scale) || !Half.IsFinite(minimum))
        {
            ((Half*)block)[0] = Half.NaN;
            return; // no number times zero is no number
        }

        for (int group = 0; group < 8; group++)
        {
            int groupScale = SixBit(scales[group], (float)scale), groupMinimum = SixBit(minimums[group], (float)minimum);
            PutScale(block + 4, group, groupScale, groupMinimum);
            float step = (float)scale * groupScale, shift = (float)minimum * groupMinimum;
            if (step == 0)
                continue;
            byte* quants = block + 16 + (group / 2 * 32);
            for (int half = 0; half < 2; half++)
            {
                Vector512<float> shifted = Vector512.Load(values + (32 * group) + (16 * half)) + Vector512.Create(shift);
                Vector128<byte> bytes = QuantLanes.Bytes(Vector512.ConvertToInt32(QuantLanes.Clamp(QuantLanes.Round(shifted / Vector512.Create(step)), 0, Levels)));
                (Vector128.Load(quants + (16 * half)) | (bytes << (group % 2 * 4))).Store(quants + (16 * half));
            }
        }
    }

    /// <summary>For each lane the scale and the minimum (what is taken away, ≥ 0) that lose least of its 32 values; what is no number where it holds one.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fit(float* lanes, float* scales, float* minimums)
    {
        const int Lanes = GroupLanes.Groups;
        float* weights = stackalloc float[GroupLanes.Values * Lanes], weighted = stackalloc float[GroupLanes.Values * Lanes], above = stackalloc float[GroupLanes.Values * Lanes];
        Vector512<float> least = Vector512<float>.Zero, most = Vector512.Load(lanes), power = Vector512<float>.Zero;
        for (int i = 0; i < GroupLanes.Values; i++)
        {
            var value = Vector512.Load(lanes + (i * Lanes));
            least = Vector512.Min(least, value);
            most = Vector512.Max(most, value);
            power = Vector512.FusedMultiplyAdd(value, value, power);
        }

        Vector512<float> level = Vector512.Sqrt(power / Vector512.Create(32f)), allWeights = Vector512<float>.Zero, sum = Vector512<float>.Zero;
        for (int i = 0; i < GroupLanes.Values; i++)
        {
            var value = Vector512.Load(lanes + (i * Lanes));
            Vector512<float> weight = Vector512.Abs(value) + level;
            weight.Store(weights + (i * Lanes));
            (weight * value).Store(weighted + (i * Lanes));
            (value - least).Store(above + (i * Lanes));
            allWeights += weight;
            sum += weight * value;
        }

        Vector512<float> range = most - least, scale = range / Vector512.Create((float)Levels), shift = least, leastError = Vector512.Create(float.PositiveInfinity);
        for (int step = -1; step <= Steps; step++)
        {
            // The first is the range as it is, with the quants that follow from it; the others are fitted.
            Vector512<float> inverse = Vector512.Create(step < 0 ? Levels : Levels - 1 + (0.1f * step)) / range;
            Vector512<float> quants = Vector512<float>.Zero, squares = quants, products = quants;
            for (int i = 0; i < GroupLanes.Values; i++)
            {
                Vector512<float> quant = Vector512.MinNative(QuantLanes.Round(Vector512.Load(above + (i * Lanes)) * inverse), Vector512.Create((float)Levels));
                Vector512<float> counted = Vector512.Load(weights + (i * Lanes)) * quant;
                quants += counted;
                squares = Vector512.FusedMultiplyAdd(counted, quant, squares);
                products = Vector512.FusedMultiplyAdd(Vector512.Load(weighted + (i * Lanes)), quant, products);
            }

            (Vector512<float> tried, Vector512<float> from) = step < 0 ? (scale, least) : LeastSquares(allWeights, quants, squares, sum, products);

            // Σ weight · (tried · quant + from − value)², less Σ weight · value², which all have in common.
            Vector512<float> between = (from * quants) - products, rest = (from * allWeights) - (sum + sum);
            Vector512<float> error = (tried * ((tried * squares) + (between + between))) + (from * rest);
            Vector512<float> better = Vector512.LessThan(error, leastError) & Vector512.GreaterThan(tried, Vector512<float>.Zero);
            leastError = Vector512.ConditionalSelect(better, error, leastError);
            scale = Vector512.ConditionalSelect(better, tried, scale);
            shift = Vector512.ConditionalSelect(better, from, shift);
        }

        // Equal values have the range 0, and what is no number or too large has none: nothing above holds of them.
        Vector512<float> isUsual = Vector512.GreaterThan(range, Vector512<float>.Zero) & Vector512.LessThan(range, Vector512.Create(float.PositiveInfinity));
        Vector512.ConditionalSelect(isUsual, scale, range).Store(scales);
        (-Vector512.ConditionalSelect(isUsual, shift, least)).Store(minimums);
    }

    /// <summary>The line through quants and values; through the origin where it would begin above it, for a minimum is only taken away.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> Scale, Vector512<float> Shift) LeastSquares(
        Vector512<float> weights, Vector512<float> quants, Vector512<float> squares, Vector512<float> sum, Vector512<float> products)
    {
        Vector512<float> determinant = (weights * squares) - (quants * quants), shift = ((squares * sum) - (quants * products)) / determinant;
        Vector512<float> isLine = Vector512.GreaterThan(determinant, Vector512<float>.Zero) & Vector512.LessThanOrEqual(shift, Vector512<float>.Zero);
        return (Vector512.ConditionalSelect(isLine, ((weights * products) - (sum * quants)) / determinant, products / squares), Vector512.ConditionalSelect(isLine, shift, Vector512<float>.Zero));
    }

    private static int SixBit(float value, float scale) => scale == 0 ? 0 : Math.Min(SixBits, (int)MathF.Round(value / scale));

    /// <summary>As <see cref="Dequantize.ScaleAndMinimum"/> reads them.</summary>
    private static void PutScale(byte* packed, int group, int scale, int minimum)
    {
        if (group < 4)
        {
            packed[group] |= (byte)scale;
            packed[group + 4] |= (byte)minimum;
            return;
        }

        packed[group + 4] = (byte)((scale & 15) | (minimum << 4));
        packed[group - 4] |= (byte)(scale >> 4 << 6);
        packed[group] |= (byte)(minimum >> 4 << 6);
    }
}
