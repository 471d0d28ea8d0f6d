using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Kernels;

/// <summary>Rows brought to a common size: the root mean square norm of decoders and the layer norm of encoders.</summary>
/// <remarks>Within (columns / 16 + 8) · 2^−24 of the exact value, relative to the largest of the row. Output may be the input itself.
/// A row with something that is no number becomes a row of no numbers.</remarks>
public static unsafe class Norm
{
    /// <summary><c>output[r, c] = input[r, c] / √(mean(input[r]²) + epsilon) · weight[c]</c> (Zhang and Sennrich 2019).</summary>
    /// <param name="weight"><c>[columns]</c>, or null for a norm without weights.</param>
    /// <param name="addOne">Multiplies by 1 + weight, as Gemma stores its weights.</param>
    public static void RootMeanSquare(float* input, float* weight, float* output, int rows, int columns, float epsilon, bool addOne = false)
    {
        switch (Simd.Family)
        {
            case SimdFamily.Vector512: RootMeanSquare<Lanes16, Vector512<float>>(input, weight, output, rows, columns, epsilon, addOne); break;
            case SimdFamily.Vector256: RootMeanSquare<Lanes8, Vector256<float>>(input, weight, output, rows, columns, epsilon, addOne); break;
            case SimdFamily.Vector128: RootMeanSquare<Lanes4, Vector128<float>>(input, weight, output, rows, columns, epsilon, addOne); break;
            default: RootMeanSquare<Lanes1, float>(input, weight, output, rows, columns, epsilon, addOne); break;
        }
    }

    /// <summary><c>output[r, c] = (input[r, c] − mean) / √(variance + epsilon) · weight[c] + bias[c]</c> (Ba, Kiros and Hinton 2016).</summary>
    /// <param name="weight"><c>[columns]</c>, or null for a norm without weights.</param>
    /// <param name="bias"><c>[columns]</c>, or null for a norm without a bias.</param>
    public static void Layer(float* input, float* weight, float* bias, float* output, int rows, int columns, float epsilon)
    {
        switch (Simd.Family)
        {
            case SimdFamily.Vector512: Layer<Lanes16, Vector512<float>>(input, weight, bias, output, rows, columns, epsilon); break;
            case SimdFamily.Vector256: Layer<Lanes8, Vector256<float>>(input, weight, bias, output, rows, columns, epsilon); break;
            case SimdFamily.Vector128: Layer<Lanes4, Vector128<float>>(input, weight, bias, output, rows, columns, epsilon); break;
            default: Layer<Lanes1, float>(input, weight, bias, output, rows, columns, epsilon); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RootMeanSquare<L, V>(float* input, float* weight, float* output, int rows, int columns, float epsilon, bool addOne)
        where L : struct, ILanes<V>
        where V : struct
    {
        for (int row = 0; row < rows; row++, input += columns, output += columns)
        {
            float inverse = 1f / MathF.Sqrt((SumOfSquares<L, V>(input, 0f, columns) / columns) + epsilon);
            V inverses = L.Create(inverse), one = L.Create(1f);
            int c = 0;
            for (; c + L.Count <= columns; c += L.Count)
            {
                V value = L.Multiply(L.Load(input + c), inverses);
                if (weight is not null)
                    value = L.Multiply(value, addOne ? L.Add(L.Load(weight + c), one) : L.Load(weight + c));
                L.Store(value, output + c);
            }

            for (; c < columns; c++)
                output[c] = weight is null ? input[c] * inverse : input[c] * inverse * (addOne ? weight[c] + 1f : weight[c]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Layer<L, V>(float* input, float* weight, float* bias, float* output, int rows, int columns, float epsilon)
        where L : struct, ILanes<V>
        where V : struct
    {
        for (int row = 0; row < rows; row++, input += columns, output += columns)
        {
            // Two passes: mean(x²) − mean(x)² would lose everything where the mean is large against the spread.
            float mean = Sum<L, V>(input, columns) / columns;
            float inverse = 1f / MathF.Sqrt((SumOfSquares<L, V>(input, mean, columns) / columns) + epsilon);
            V means = L.Create(mean), inverses = L.Create(inverse);
            int c = 0;
            for (; c + L.Count <= columns; c += L.Count)
            {
                V value = L.Multiply(L.Subtract(L.Load(input + c), means), inverses);
                if (weight is not null)
                    value = L.Multiply(value, L.Load(weight + c));
                if (bias is not null)
                    value = L.Add(value, L.Load(bias + c));
                L.Store(value, output + c);
            }

            for (; c < columns; c++)
            {
                float value = (input[c] - mean) * inverse;
                if (weight is not null)
                    value *= weight[c];
                if (bias is not null)
                    value += bias[c];
                output[c] = value;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Sum<L, V>(float* values, int count)
        where L : struct, ILanes<V>
        where V : struct
    {
        float* sums = stackalloc float[Simd.Lanes];
        int whole = count & -Simd.Lanes;
        for (int lane = 0; lane < Simd.Lanes; lane += L.Count)
        {
            V sum = L.Create(0f);
            for (int i = lane; i < whole; i += Simd.Lanes)
                sum = L.Add(sum, L.Load(values + i));
            L.Store(sum, sums + lane);
        }

        for (int i = whole; i < count; i++)
            sums[i - whole] += values[i];
        return LaneMath.Sum(sums);
    }

    /// <summary>Σ (value − mean)².</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float SumOfSquares<L, V>(float* values, float mean, int count)
        where L : struct, ILanes<V>
        where V : struct
    {
        float* sums = stackalloc float[Simd.Lanes];
        V means = L.Create(mean);
        int whole = count & -Simd.Lanes;
        for (int lane = 0; lane < Simd.Lanes; lane += L.Count)
        {
            V sum = L.Create(0f);
            for (int i = lane; i < whole; i += Simd.Lanes)
            {
                V difference = L.Subtract(L.Load(values + i), means);
                sum = L.MultiplyAdd(difference, difference, sum);
            }

            L.Store(sum, sums + lane);
        }

        for (int i = whole; i < count; i++)
            sums[i - whole] = MathF.FusedMultiplyAdd(values[i] - mean, values[i] - mean, sums[i - whole]);
        return LaneMath.Sum(sums);
    }
}
