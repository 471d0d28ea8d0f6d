using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Kernels.Quantizing;

/// <summary>Blocks of Q4_0.</summary>
/// <remarks>
/// Plain rounding gives the value furthest from zero the quant −8 and all others what follows from it (llama.cpp's reference). Other scales near that one cut the
/// furthest value a little and serve the rest better: of some twenty the one of least squared error is taken, each with the scale that fits its quants best. Plain
/// rounding is among them, so a block's squared error is never above its. On normally distributed weights the whole is 11 % below.
/// </remarks>
internal static unsafe class FourBitQuantizer
{
    /// <summary>Scales that are tried to either side of the usual one.</summary>
    private const int Steps = 9;

    /// <summary>32 values into 18 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Block(float* values, byte* block)
    {
        Vector512<float> a = Vector512.Load(values), b = Vector512.Load(values + 16);
        float most = QuantLanes.Max(Vector512.Max(a, b)), least = -QuantLanes.Max(Vector512.Max(-a, -b));
        float furthest = most >= -least ? most : least;
        var usual = (Half)(furthest / -8);
        if (usual == Half.Zero || !Half.IsFinite(usual))
        {
            // No number times zero is no number; 8 is the quant of zero.
            *(Half*)block = usual;
            new Span<byte>(block + 2, 16).Fill(0x88);
            return;
        }

        (Half best, Vector512<float> low, Vector512<float> high) = (usual, Quants(a, 1 / (float)usual), Quants(b, 1 / (float)usual));
        float leastError = Error(usual, a, b, low, high);
        for (int step = -Steps; step <= Steps; step++)
        {
            float inverse = -(8 + (0.1f * step)) / furthest;
            Vector512<float> first = Quants(a, inverse), second = Quants(b, inverse);
            float products = QuantLanes.Sum((a * first) + (b * second)), squares = QuantLanes.Sum((first * first) + (second * second));
            var scale = (Half)(products / squares);
            float error = (float)scale * (((float)scale * squares) - (2 * products)); // less the sum of the values' squares, which all have in common
            if (error < leastError && Half.IsFinite(scale))
                (leastError, best, low, high) = (error, scale, first, second);
        }

        *(Half*)block = best;
        var zero = Vector512.Create(8f);
        Vector512<int> nibbles = Vector512.ConvertToInt32(low + zero) | (Vector512.ConvertToInt32(high + zero) << 4);
        QuantLanes.Bytes(nibbles).Store(block + 2);
    }

    /// <summary>−8 to 7.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Quants(Vector512<float> values, float inverse) => QuantLanes.Clamp(QuantLanes.Round(values * inverse), -8, 7);

    private static float Error(Half scale, Vector512<float> a, Vector512<float> b, Vector512<float> low, Vector512<float> high) =>
        (float)scale * (((float)scale * QuantLanes.Sum((low * low) + (high * high))) - (2 * QuantLanes.Sum((a * low) + (b * high))));
}
