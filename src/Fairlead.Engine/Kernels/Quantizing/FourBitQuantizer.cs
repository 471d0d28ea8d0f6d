using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Kernels.Quantizing;

/// <summary>Blocks of Q4_0.</summary>
/// <remarks>
/// Plain rounding gives the value furthest from zero the quant −8 and all others what follows from it (llama.cpp's reference). Other scales near that one cut the
/// furthest value a little and serve the rest better: of some twenty the quants are taken that a scale fits best, with that scale, unless plain rounding loses less
/// after all. So a block's squared error is never above that of plain rounding. On normally distributed weights the whole is 11 % below.
/// </remarks>
internal static unsafe class FourBitQuantizer
{
    /// <summary>Scales that are tried to either side of the usual one.</summary>
    private const int Steps = 9;

    private const int BlockBytes = 18;

    /// <summary>At most 16 blocks: 32 values each into 18 bytes.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Blocks(float* values, int count, byte* blocks)
    {
        float* lanes = stackalloc float[GroupLanes.Values * GroupLanes.Groups], plain = stackalloc float[GroupLanes.Groups];
        GroupLanes.Read(values, count, lanes);
        Vector512<float> furthest = Furthest(lanes);
        Half* scales = stackalloc Half[GroupLanes.Groups];
        for (int block = 0; block < GroupLanes.Groups; block++)
        {
            scales[block] = (Half)(furthest[block] / -8);
            plain[block] = (float)scales[block];
        }

        Vector512<float> usual = Vector512.Load(plain), usualInverse = Vector512<float>.One / usual;
        (Vector512<float> products, Vector512<float> squares) = Sums(lanes, usualInverse);
        Vector512<float> usualError = usual * ((usual * squares) - (products + products)); // less the squares of the values, which all have in common
        (Vector512<float> inverse, Vector512<float> gain, Vector512<float> scale) = (usualInverse, products * products / squares, products / squares);
        for (int step = -Steps; step <= Steps; step++)
        {
            Vector512<float> tried = Vector512.Create(-(8 + (0.1f * step))) / furthest;
            (products, squares) = Sums(lanes, tried);
            Vector512<float> fitted = products / squares, gained = fitted * products, better = Vector512.GreaterThan(gained, gain);
            gain = Vector512.ConditionalSelect(better, gained, gain);
            inverse = Vector512.ConditionalSelect(better, tried, inverse);
            scale = Vector512.ConditionalSelect(better, fitted, scale);
        }

        (products, squares) = Sums(lanes, inverse);
        float* chosen = stackalloc float[GroupLanes.Groups];
        for (int block = 0; block < GroupLanes.Groups; block++)
        {
            var rounded = (Half)scale[block];
            float error = (float)rounded * (((float)rounded * squares[block]) - (products[block] + products[block]));
            bool isBetter = error < usualError[block] && Half.IsFinite(rounded);
            chosen[block] = isBetter ? inverse[block] : usualInverse[block];
            scales[block] = isBetter ? rounded : scales[block];
        }

        Write(lanes, Vector512.Load(chosen), plain, scales, count, blocks);
    }

    /// <summary>Of each lane the value of largest magnitude; what is no number where there is one.</summary>
    private static Vector512<float> Furthest(float* lanes)
    {
        Vector512<float> most = Vector512.Load(lanes), least = most;
        for (int i = 1; i < GroupLanes.Values; i++)
        {
            var value = Vector512.Load(lanes + (i * GroupLanes.Groups));
            most = Vector512.Max(most, value);
            least = Vector512.Min(least, value);
        }

        return Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(most, -least), most, least);
    }

    /// <summary>Σ value · quant and Σ quant² of each lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> Products, Vector512<float> Squares) Sums(float* lanes, Vector512<float> inverse)
    {
        Vector512<float> products = Vector512<float>.Zero, squares = Vector512<float>.Zero;
        for (int i = 0; i < GroupLanes.Values; i++)
        {
            var value = Vector512.Load(lanes + (i * GroupLanes.Groups));
            Vector512<float> quant = Quant(value, inverse);
            products = Vector512.FusedMultiplyAdd(value, quant, products);
            squares = Vector512.FusedMultiplyAdd(quant, quant, squares);
        }

        return (products, squares);
    }

    /// <summary>−8 to 7.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Quant(Vector512<float> values, Vector512<float> inverse) => QuantLanes.Clamp(QuantLanes.Round(values * inverse), -8, 7);

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Write(float* lanes, Vector512<float> inverse, float* plain, Half* scales, int count, byte* blocks)
    {
        byte* nibbles = stackalloc byte[16 * GroupLanes.Groups];
        var zero = Vector512.Create(8f);
        for (int i = 0; i < 16; i++)
        {
            Vector512<int> low = Vector512.ConvertToInt32(Quant(Vector512.Load(lanes + (i * GroupLanes.Groups)), inverse) + zero);
            Vector512<int> high = Vector512.ConvertToInt32(Quant(Vector512.Load(lanes + ((i + 16) * GroupLanes.Groups)), inverse) + zero);
            QuantLanes.Bytes(low | (high << 4)).Store(nibbles + (i * GroupLanes.Groups));
        }

        for (int block = 0; block < count; block++, blocks += BlockBytes)
        {
            if (plain[block] == 0 || !float.IsFinite(plain[block]))
            {
                // No number times zero is no number; 8 is the quant of zero.
                *(Half*)blocks = (Half)plain[block];
                new Span<byte>(blocks + 2, 16).Fill(0x88);
                continue;
            }

            *(Half*)blocks = scales[block];
            for (int i = 0; i < 16; i++)
                blocks[2 + i] = nibbles[(i * GroupLanes.Groups) + block];
        }
    }
}
