using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Kernels;

/// <summary>Functions of one vector, the same bits in every width.</summary>
internal static unsafe class LaneMath
{
    /// <summary>Below this, e^x would be subnormal: 0 is returned.</summary>
    private const float SmallestExponent = -87.33654f;

    /// <summary>Above this, 2^n would need n = 128: infinity is returned, a little early (the largest single is e^88.72).</summary>
    private const float LargestExponent = 88.37626f;

    private static readonly float[] s_counts = [.. Enumerable.Range(0, Simd.Lanes)];

    /// <summary>e^x within 2 units of the last place between −87.3 and 88.3. Cody and Waite's reduction, the polynomial of Cephes' expf.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Exp<L, V>(V x)
        where L : struct, ILanes<V>
        where V : struct
        => L.IfLess(L.Create(LargestExponent), x, L.Create(float.PositiveInfinity), ExpBelow<L, V>(x));

    /// <summary>The same where x is at most 88, or no number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V ExpBelow<L, V>(V x)
        where L : struct, ILanes<V>
        where V : struct
    {
        V magic = L.Create(12582912f); // 1.5 · 2^23: adding it rounds to an integer and leaves that in the low bits
        V shifted = L.MultiplyAdd(x, L.Create(1.44269504f), magic);
        V n = L.Subtract(shifted, magic);
        V r = L.MultiplyAdd(n, L.Create(-0.693359375f), x);
        r = L.MultiplyAdd(n, L.Create(2.12194440e-4f), r);
        V p = L.Create(1.9875691500e-4f);
        p = L.MultiplyAdd(p, r, L.Create(1.3981999507e-3f));
        p = L.MultiplyAdd(p, r, L.Create(8.3334519073e-3f));
        p = L.MultiplyAdd(p, r, L.Create(4.1665795894e-2f));
        p = L.MultiplyAdd(p, r, L.Create(1.6666665459e-1f));
        p = L.MultiplyAdd(p, r, L.Create(5.0000001201e-1f));
        p = L.Add(L.MultiplyAdd(p, L.Multiply(r, r), r), L.Create(1f));
        V result = L.Multiply(p, L.PowerOfTwo(shifted));
        return L.IfLess(x, L.Create(SmallestExponent), L.Create(0f), result);
    }

    /// <summary>1 / (1 + e^−x), within 3e-7.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Sigmoid<L, V>(V x)
        where L : struct, ILanes<V>
        where V : struct
        => L.Divide(L.Create(1f), L.Add(L.Create(1f), Exp<L, V>(L.Subtract(L.Create(0f), x))));

    /// <summary>tanh x = 1 − 2 / (e^2x + 1), within 3e-7 (absolute: near 0 the relative error grows).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Tanh<L, V>(V x)
        where L : struct, ILanes<V>
        where V : struct
        => L.Subtract(L.Create(1f), L.Divide(L.Create(2f), L.Add(Exp<L, V>(L.Add(x, x)), L.Create(1f))));

    /// <summary>cap · tanh(x / cap).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V SoftCap<L, V>(V x, V cap)
        where L : struct, ILanes<V>
        where V : struct
        => L.Multiply(cap, Tanh<L, V>(L.Divide(x, cap)));

    /// <summary>erf x within 5e-7: a rational function of degree 13 over 8 between −4 and 4 (the coefficients of Eigen's single-precision erf).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Erf<L, V>(V x)
        where L : struct, ILanes<V>
        where V : struct
    {
        x = L.Max(L.Create(-4f), L.Min(L.Create(4f), x)); // in this order what is no number stays so
        V square = L.Multiply(x, x);
        V p = L.Create(-2.72614225801306e-10f);
        p = L.MultiplyAdd(p, square, L.Create(2.77068142495902e-08f));
        p = L.MultiplyAdd(p, square, L.Create(-2.10102402082508e-06f));
        p = L.MultiplyAdd(p, square, L.Create(-5.69250639462346e-05f));
        p = L.MultiplyAdd(p, square, L.Create(-7.34990630326855e-04f));
        p = L.MultiplyAdd(p, square, L.Create(-2.95459980854025e-03f));
        p = L.MultiplyAdd(p, square, L.Create(-1.60960333262415e-02f));
        V q = L.Create(-1.45660718464996e-05f);
        q = L.MultiplyAdd(q, square, L.Create(-2.13374055278905e-04f));
        q = L.MultiplyAdd(q, square, L.Create(-1.68282697438203e-03f));
        q = L.MultiplyAdd(q, square, L.Create(-7.37332916720468e-03f));
        q = L.MultiplyAdd(q, square, L.Create(-1.42647390514189e-02f));
        return L.Divide(L.Multiply(x, p), q);
    }

    /// <summary>The sum of the 16 partial sums at <paramref name="lanes"/>: i with i + 8, then + 4, + 2, + 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static float Sum(float* lanes)
    {
        Vector128<float> four = (Vector128.Load(lanes) + Vector128.Load(lanes + 8)) + (Vector128.Load(lanes + 4) + Vector128.Load(lanes + 12));
        return (four[0] + four[2]) + (four[1] + four[3]);
    }

    /// <summary>The largest of the 16 numbers at <paramref name="lanes"/>, of which all are numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static float Largest(float* lanes)
    {
        Vector128<float> four = Vector128.MaxNative(
            Vector128.MaxNative(Vector128.Load(lanes), Vector128.Load(lanes + 8)), Vector128.MaxNative(Vector128.Load(lanes + 4), Vector128.Load(lanes + 12)));
        float a = four[0] > four[2] ? four[0] : four[2], b = four[1] > four[3] ? four[1] : four[3];
        return a > b ? a : b;
    }

    /// <summary><paramref name="first"/> and the numbers that follow it, as many as there are lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V CountUp<L, V>(int first)
        where L : struct, ILanes<V>
        where V : struct
    {
        fixed (float* counts = s_counts)
            return L.Add(L.Create(first), L.Load(counts));
    }
}
