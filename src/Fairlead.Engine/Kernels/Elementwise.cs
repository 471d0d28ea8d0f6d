using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Kernels;

/// <summary>Sums and multiples of whole rows: residuals, biases, multipliers, the mixture of experts.</summary>
public static unsafe class Elementwise
{
    /// <summary><c>target[i] += source[i]</c>.</summary>
    public static void Add(float* target, float* source, long count) => AddScaled(target, source, 1f, count);

    /// <summary><c>target[i] += source[i] · factor</c>, rounded once.</summary>
    public static void AddScaled(float* target, float* source, float factor, long count)
    {
        switch (Simd.Family)
        {
            case SimdFamily.Vector512: AddScaled<Lanes16, Vector512<float>>(target, source, factor, count); break;
            case SimdFamily.Vector256: AddScaled<Lanes8, Vector256<float>>(target, source, factor, count); break;
            case SimdFamily.Vector128: AddScaled<Lanes4, Vector128<float>>(target, source, factor, count); break;
            default: AddScaled<Lanes1, float>(target, source, factor, count); break;
        }
    }

    /// <summary><c>target[r, c] += bias[c]</c>.</summary>
    public static void AddToRows(float* target, float* bias, int rows, int columns)
    {
        for (int row = 0; row < rows; row++)
            Add(target + ((long)row * columns), bias, columns);
    }

    /// <summary><c>values[i] *= factor</c>.</summary>
    public static void Scale(float* values, float factor, long count)
    {
        switch (Simd.Family)
        {
            case SimdFamily.Vector512: Scale<Lanes16, Vector512<float>>(values, factor, count); break;
            case SimdFamily.Vector256: Scale<Lanes8, Vector256<float>>(values, factor, count); break;
            case SimdFamily.Vector128: Scale<Lanes4, Vector128<float>>(values, factor, count); break;
            default: Scale<Lanes1, float>(values, factor, count); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddScaled<L, V>(float* target, float* source, float factor, long count)
        where L : struct, ILanes<V>
        where V : struct
    {
        V factors = L.Create(factor);
        long i = 0;
        for (; i + L.Count <= count; i += L.Count)
            L.Store(L.MultiplyAdd(L.Load(source + i), factors, L.Load(target + i)), target + i);
        for (; i < count; i++)
            target[i] = MathF.FusedMultiplyAdd(source[i], factor, target[i]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scale<L, V>(float* values, float factor, long count)
        where L : struct, ILanes<V>
        where V : struct
    {
        V factors = L.Create(factor);
        long i = 0;
        for (; i + L.Count <= count; i += L.Count)
            L.Store(L.Multiply(L.Load(values + i), factors), values + i);
        for (; i < count; i++)
            values[i] *= factor;
    }
}
