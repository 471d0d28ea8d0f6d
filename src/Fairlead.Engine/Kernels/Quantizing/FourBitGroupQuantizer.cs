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

    /// <summary>256 values into 144 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Block(float* values, byte* block)
    {
        float* scales = stackalloc float[8], minimums = stackalloc float[8];
        float largestScale = 0, largestMinimum = 0;
        for (int group = 0; group < 8; group++)
        {
            (scales[group], minimums[group]) = Fit(values + (32 * group));
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

    /// <summary>The scale and the minimum (what is taken away, ≥ 0) that lose least of 32 values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (float Scale, float Minimum) Fit(float* values)
    {
        Vector512<float> a = Vector512.Load(values), b = Vector512.Load(values + 16);
        float least = MathF.Min(-QuantLanes.Max(Vector512.Max(-a, -b)), 0), most = QuantLanes.Max(Vector512.Max(a, b));
        float range = most - least;
        if (range == 0 || !float.IsFinite(range))
            return (range, -least);
        float level = MathF.Sqrt(QuantLanes.Sum((a * a) + (b * b)) / 32);
        Vector512<float> weightA = Vector512.Abs(a) + Vector512.Create(level), weightB = Vector512.Abs(b) + Vector512.Create(level);
        Vector512<float> weightedA = weightA * a, weightedB = weightB * b;
        float weights = QuantLanes.Sum(weightA + weightB), sum = QuantLanes.Sum(weightedA + weightedB);
        var lowest = Vector512.Create(least);
        (float scale, float minimum, float leastError) = (range / Levels, -least, float.PositiveInfinity);
        for (int step = -1; step <= Steps; step++)
        {
            // The first is the range as it is, with the quants that follow from it; the others are fitted.
            var inverse = Vector512.Create((step < 0 ? Levels : Levels - 1 + (0.1f * step)) / range);
            Vector512<float> quantA = QuantLanes.Clamp(QuantLanes.Round((a - lowest) * inverse), 0, Levels), quantB = QuantLanes.Clamp(QuantLanes.Round((b - lowest) * inverse), 0, Levels);
            Vector512<float> countedA = weightA * quantA, countedB = weightB * quantB;
            float quants = QuantLanes.Sum(countedA + countedB), squares = QuantLanes.Sum((countedA * quantA) + (countedB * quantB));
            float products = QuantLanes.Sum((weightedA * quantA) + (weightedB * quantB));
            (float tried, float shift) = step < 0 ? (scale, least) : LeastSquares(weights, quants, squares, sum, products);

            // Σ w (tried · q + shift − x)², less Σ w x², which all have in common.
            float error = (tried * ((tried * squares) + (2 * ((shift * quants) - products)))) + (shift * ((shift * weights) - (2 * sum)));
            if (error < leastError && tried > 0)
                (leastError, scale, minimum) = (error, tried, -shift);
        }

        return (scale, minimum);
    }

    /// <summary>The line through quants and values; through the origin where it would begin above it, for a minimum is only taken away.</summary>
    private static (float Scale, float Shift) LeastSquares(float weights, float quants, float squares, float sum, float products)
    {
        float determinant = (weights * squares) - (quants * quants);
        if (determinant > 0)
        {
            float shift = ((squares * sum) - (quants * products)) / determinant;
            if (shift <= 0)
                return (((weights * products) - (sum * quants)) / determinant, shift);
        }

        return (squares > 0 ? products / squares : 0, 0);
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
