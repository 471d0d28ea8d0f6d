using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Kernels;

/// <summary>Rotary positions (Su et al. 2021) in the half-split layout of Hugging Face files: value i turns together with value i + rotated / 2.</summary>
public static unsafe class Rope
{
    /// <summary>Turns the first <paramref name="rotated"/> values of each head, in place; the others stay.</summary>
    /// <param name="heads"><c>[headCount × dimension]</c>, the queries or keys of one position.</param>
    /// <param name="rotated">Even, ≤ <paramref name="dimension"/>; less than it where only a part of a head carries the position.</param>
    /// <param name="cosines"><c>[rotated / 2]</c> for this position, with whatever scaling the model asks for.</param>
    /// <param name="sines"><c>[rotated / 2]</c>.</param>
    public static void Apply(float* heads, int headCount, int dimension, int rotated, float* cosines, float* sines)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rotated, dimension);
        ArgumentOutOfRangeException.ThrowIfNotEqual(rotated % 2, 0);
        switch (Simd.Family)
        {
            case SimdFamily.Vector512: Apply<Lanes16, Vector512<float>>(heads, headCount, dimension, rotated / 2, cosines, sines); break;
            case SimdFamily.Vector256: Apply<Lanes8, Vector256<float>>(heads, headCount, dimension, rotated / 2, cosines, sines); break;
            case SimdFamily.Vector128: Apply<Lanes4, Vector128<float>>(heads, headCount, dimension, rotated / 2, cosines, sines); break;
            default: Apply<Lanes1, float>(heads, headCount, dimension, rotated / 2, cosines, sines); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Apply<L, V>(float* heads, int headCount, int dimension, int half, float* cosines, float* sines)
        where L : struct, ILanes<V>
        where V : struct
    {
        for (int head = 0; head < headCount; head++, heads += dimension)
        {
            int i = 0;
            for (; i + L.Count <= half; i += L.Count)
                Turn<L, V>(heads + i, heads + half + i, cosines + i, sines + i);
            for (; i < half; i++)
                Turn<Lanes1, float>(heads + i, heads + half + i, cosines + i, sines + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn<L, V>(float* first, float* second, float* cosines, float* sines)
        where L : struct, ILanes<V>
        where V : struct
    {
        V a = L.Load(first), b = L.Load(second), cosine = L.Load(cosines), sine = L.Load(sines);
        L.Store(L.MultiplyAdd(a, cosine, L.Multiply(L.Subtract(L.Create(0f), b), sine)), first);
        L.Store(L.MultiplyAdd(b, cosine, L.Multiply(a, sine)), second);
    }
}
