using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Kernels;

/// <summary>Scores as probabilities.</summary>
public static unsafe class Softmax
{
    /// <summary><c>values[r, c] = e^(values[r, c] − largest) / Σ</c>, in place, row by row; within (columns / 16 + 8) · 2^−23, relative.</summary>
    /// <remarks>A value of −∞ gets exactly 0. A row of nothing but −∞, or with +∞ or something that is no number, becomes a row of no numbers, as in PyTorch.
    /// Probabilities below e^−87 are 0.</remarks>
    /// <param name="columns">Values in a row, ≥ 1.</param>
    public static void Apply(float* values, int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        switch (Simd.Family)
        {
            case SimdFamily.Vector512: Apply<Lanes16, Vector512<float>>(values, rows, columns); break;
            case SimdFamily.Vector256: Apply<Lanes8, Vector256<float>>(values, rows, columns); break;
            case SimdFamily.Vector128: Apply<Lanes4, Vector128<float>>(values, rows, columns); break;
            default: Apply<Lanes1, float>(values, rows, columns); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Apply<L, V>(float* values, int rows, int columns)
        where L : struct, ILanes<V>
        where V : struct
    {
        float* sums = stackalloc float[Simd.Lanes];
        int whole = columns & -Simd.Lanes;
        for (int row = 0; row < rows; row++, values += columns)
        {
            float largest = Largest<L, V>(values, columns);
            V largests = L.Create(largest);
            for (int lane = 0; lane < Simd.Lanes; lane += L.Count)
            {
                V sum = L.Create(0f);
                for (int i = lane; i < whole; i += Simd.Lanes)
                {
                    V power = LaneMath.ExpBelow<L, V>(L.Subtract(L.Load(values + i), largests));
                    L.Store(power, values + i);
                    sum = L.Add(sum, power);
                }

                L.Store(sum, sums + lane);
            }

            for (int i = whole; i < columns; i++)
            {
                values[i] = LaneMath.ExpBelow<Lanes1, float>(values[i] - largest);
                sums[i - whole] += values[i];
            }

            float inverse = 1f / LaneMath.Sum(sums);
            V inverses = L.Create(inverse);
            int c = 0;
            for (; c + L.Count <= columns; c += L.Count)
                L.Store(L.Multiply(L.Load(values + c), inverses), values + c);
            for (; c < columns; c++)
                values[c] *= inverse;
        }
    }

    /// <summary>The largest of the values that are numbers: what is none shows in the sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Largest<L, V>(float* values, int count)
        where L : struct, ILanes<V>
        where V : struct
    {
        float* lanes = stackalloc float[Simd.Lanes];
        V largest = L.Create(float.NegativeInfinity);
        int i = 0;
        for (; i + L.Count <= count; i += L.Count)
            largest = L.Max(L.Load(values + i), largest);
        L.Store(largest, lanes);
        for (; i < count; i++)
            lanes[0] = values[i] > lanes[0] ? values[i] : lanes[0];
        float result = lanes[0];
        for (int lane = 1; lane < L.Count; lane++)
            result = lanes[lane] > result ? lanes[lane] : result;
        return result;
    }
}
