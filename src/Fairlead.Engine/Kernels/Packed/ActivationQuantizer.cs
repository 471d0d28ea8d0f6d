using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Turns activations into bytes: see <see cref="QuantizedRows"/>.</summary>
internal static unsafe class ActivationQuantizer
{
    /// <summary>2^−120: below it 127 / a would leave the range of a single.</summary>
    private const int SmallestBits = 7 << 23;

    private const int InfinityBits = 0xff << 23;

    /// <summary>Added and taken away again it rounds to whole numbers, to nearest, ties to even.</summary>
    private const float Rounder = 12582912; // 1.5 · 2^23

    /// <summary>Quantises one row of <paramref name="inputs"/> values, a multiple of 32.</summary>
    public static void Row(float* input, int inputs, QuantizedRows room, int row)
    {
        sbyte* values = room.Values + ((long)row * QuantizedRows.StrideOf(inputs));
        float* scales = room.ScalesOfRow(row, inputs);
        short* halfSums = room.HalfSums + ((long)row * (inputs / 16));
        for (int block = 0; block < inputs / PackedLayout.GroupInputs; block++, input += 32, values += 32, scales += QuantizedRows.BlockScales, halfSums += 2)
        {
            int largest = Largest(input);
            if (largest is < SmallestBits or >= InfinityBits)
            {
                new Span<sbyte>(values, 32).Clear();
                scales[0] = largest < InfinityBits ? 0 : float.NaN;
                scales[QuantizedRows.TileRows] = scales[0];
                halfSums[0] = halfSums[1] = 0;
                continue;
            }

            float magnitude = BitConverter.Int32BitsToSingle(largest), scale = magnitude / 127;
            Round(input, 127 / magnitude, values, halfSums);
            Round(input + 16, 127 / magnitude, values + 16, halfSums + 1);
            scales[0] = scale;
            scales[QuantizedRows.TileRows] = scale * (halfSums[0] + halfSums[1]);
        }
    }

    /// <summary>The bits of the largest magnitude of 32. As whole numbers they are in the order of what they stand for, infinities and what is no number above all.</summary>
    private static int Largest(float* input)
    {
        if (Vector256.IsHardwareAccelerated)
        {
            var magnitude = Vector256.Create(int.MaxValue);
            Vector256<int> a = Vector256.Load((int*)input) & magnitude, b = Vector256.Load((int*)input + 8) & magnitude;
            Vector256<int> c = Vector256.Load((int*)input + 16) & magnitude, d = Vector256.Load((int*)input + 24) & magnitude;
            Vector256<int> most = Vector256.Max(Vector256.Max(a, b), Vector256.Max(c, d));
            Vector128<int> half = Vector128.Max(most.GetLower(), most.GetUpper());
            half = Vector128.Max(half, Vector128.Shuffle(half, Vector128.Create(2, 3, 0, 1)));
            return Vector128.Max(half, Vector128.Shuffle(half, Vector128.Create(1, 0, 3, 2))).ToScalar();
        }

        int largest = 0;
        for (int i = 0; i < 32; i++)
            largest = Math.Max(largest, ((int*)input)[i] & int.MaxValue);
        return largest;
    }

    /// <summary>16 values, and the sum of their bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(float* input, float factor, sbyte* values, short* sum)
    {
        if (Vector256.IsHardwareAccelerated)
        {
            var factors = Vector256.Create(factor);
            var rounder = Vector256.Create(Rounder);
            Vector256<int> zero = rounder.AsInt32();
            Vector256<int> a = ((Vector256.Load(input) * factors) + rounder).AsInt32() - zero;
            Vector256<int> b = ((Vector256.Load(input + 8) * factors) + rounder).AsInt32() - zero;
            *sum = (short)Vector256.Sum(a + b);
            Vector128.Narrow(Vector128.Narrow(a.GetLower(), a.GetUpper()), Vector128.Narrow(b.GetLower(), b.GetUpper())).Store(values);
            return;
        }

        int total = 0;
        for (int i = 0; i < 16; i++)
        {
            int rounded = BitConverter.SingleToInt32Bits((input[i] * factor) + Rounder) - BitConverter.SingleToInt32Bits(Rounder);
            values[i] = (sbyte)rounded;
            total += rounded;
        }

        *sum = (short)total;
    }
}
