using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Fairlead.Engine.Kernels.Attending;

/// <summary>Four rows as columns: one number at a time is a tenth of the attention of a short text.</summary>
internal static unsafe class Turned
{
    /// <summary>Rows that are turned together.</summary>
    internal const int Rows = 4;

    /// <summary><c>to[d · toStride + r] = from[r · stride + d] · factor</c>.</summary>
    /// <param name="count">Numbers of a row.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Put(float* from, long stride, int count, float factor, float* to, int toStride)
    {
        float* a = from, b = a + stride, c = b + stride, e = c + stride;
        int d = 0;
        if (Sse.IsSupported)
        {
            Vector128<float> factors = Vector128.Create(factor);
            for (; d + 4 <= count; d += 4)
            {
                Vector128<float> first = Vector128.Load(a + d) * factors, second = Vector128.Load(b + d) * factors, third = Vector128.Load(c + d) * factors, fourth = Vector128.Load(e + d) * factors;
                Vector128<float> ab = Sse.UnpackLow(first, second), ce = Sse.UnpackLow(third, fourth), ab2 = Sse.UnpackHigh(first, second), ce2 = Sse.UnpackHigh(third, fourth);
                float* at = to + ((long)d * toStride);
                Sse.MoveLowToHigh(ab, ce).Store(at);
                Sse.MoveHighToLow(ce, ab).Store(at + toStride);
                Sse.MoveLowToHigh(ab2, ce2).Store(at + (2 * toStride));
                Sse.MoveHighToLow(ce2, ab2).Store(at + (3 * toStride));
            }
        }

        for (; d < count; d++)
        {
            float* at = to + ((long)d * toStride);
            (at[0], at[1], at[2], at[3]) = (a[d] * factor, b[d] * factor, c[d] * factor, e[d] * factor);
        }
    }
}
