using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

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
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Row(float* input, int inputs, QuantizedRows room, int row)
    {
        sbyte* values = room.Values + ((long)row * QuantizedRows.StrideOf(inputs));
        float* scales = room.ScalesOfRow(row, inputs);
        short* halfSums = room.HalfSums + ((long)row * (inputs / 16)), pairSums = room.PairSums + ((long)row * (inputs / 8));
        bool inPairs = KernelChoice.Family == KernelFamily.Avx2;
        for (int block = 0; block < inputs / PackedLayout.GroupInputs; block++, input += 32, values += 32, scales += QuantizedRows.BlockScales, halfSums += 2)
        {
            scales[0] = Block(input, values, out int lower, out int upper);
            scales[QuantizedRows.TileRows] = scales[0] * (lower + upper);
            (halfSums[0], halfSums[1]) = ((short)lower, (short)upper);
            if (inPairs)
                PairSums(values).Store(pairSums + (block * 4));
        }
    }

    /// <summary>Quantises row <paramref name="row"/> for <see cref="RowBlocks"/> that are multiplied with weights of that form.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Row(float* input, int inputs, in RowBlocks blocks, int row, PackedFormat format)
    {
        int within = row % RowBlocks.Rows, centre = PanelValues.CentreOf(format);
        bool halfGroups = format == PackedFormat.Six;
        byte* group = blocks.Block(row / RowBlocks.Rows) + (within * sizeof(float));
        sbyte* values = (sbyte*)group + (within * (PackedLayout.GroupInputs - sizeof(float)));
        for (int block = 0; block < inputs / PackedLayout.GroupInputs; block++, input += 32, values += RowBlocks.GroupBytes, group += RowBlocks.GroupBytes)
        {
            float scale = Block(input, values, out int lower, out int upper);
            *(float*)(group + RowBlocks.Scales) = scale;
            *(float*)(group + RowBlocks.Sums) = scale * (lower + upper);
            *(int*)(group + RowBlocks.ExcessOf(0)) = -centre * (halfGroups ? lower : lower + upper);
            *(int*)(group + RowBlocks.ExcessOf(1)) = -centre * upper;
        }
    }

    /// <summary>32 values: their bytes, the sums of the first and the last 16, and the scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Block(float* input, sbyte* values, out int lower, out int upper)
    {
        int largest = Largest(input);
        if (largest is < SmallestBits or >= InfinityBits)
        {
            new Span<sbyte>(values, 32).Clear();
            lower = upper = 0;
            return largest < InfinityBits ? 0 : float.NaN;
        }

        float magnitude = BitConverter.Int32BitsToSingle(largest);
        if (Avx512F.IsSupported)
        {
            (lower, upper) = Round(input, 127 / magnitude, values);
        }
        else
        {
            lower = RoundHalf(input, 127 / magnitude, values);
            upper = RoundHalf(input + 16, 127 / magnitude, values + 16);
        }

        return magnitude / 127;
    }

    /// <summary>See <see cref="QuantizedRows.PairSums"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector64<short> PairSums(sbyte* values)
    {
        Vector256<int> one = Avx2.MultiplyAddAdjacent(Vector256.Create((byte)1), Vector256.Load(values)).AsInt32();
        Vector256<int> two = (one.AsInt16() + Avx2.Shuffle(one, 0b01_00_11_10).AsInt16()).AsInt32();
        Vector256<int> four = (two.AsInt16() + Avx2.Shuffle(two, 0b10_11_00_01).AsInt16()).AsInt32();
        return Vector64.Create(four.ToScalar(), four.GetUpper().ToScalar()).AsInt16();
    }

    /// <summary>The bits of the largest magnitude of 32. As whole numbers they are in the order of what they stand for, infinities and what is no number above all.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Largest(float* input)
    {
        if (Vector256.IsHardwareAccelerated)
        {
            Vector512<int> magnitude = Vector512.Create(int.MaxValue), most32 = Vector512.Max(Vector512.Load((int*)input) & magnitude, Vector512.Load((int*)input + 16) & magnitude);
            Vector256<int> most = Vector256.Max(most32.GetLower(), most32.GetUpper());
            Vector128<int> half = Vector128.Max(most.GetLower(), most.GetUpper());
            half = Vector128.Max(half, Vector128.Shuffle(half, Vector128.Create(2, 3, 0, 1)));
            return Vector128.Max(half, Vector128.Shuffle(half, Vector128.Create(1, 0, 3, 2))).ToScalar();
        }

        int largest = 0;
        for (int i = 0; i < 32; i++)
            largest = Math.Max(largest, ((int*)input)[i] & int.MaxValue);
        return largest;
    }

    /// <summary>32 values, and the sums of the bytes of each half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (int Lower, int Upper) Round(float* input, float factor, sbyte* values)
    {
        // The last byte of a rounded sum is the value's: those of the rounder are zeros.
        Vector512<float> factors = Vector512.Create(factor), rounder = Vector512.Create(Rounder);
        Vector128<sbyte> lower = Avx512F.ConvertToVector128SByte(((Vector512.Load(input) * factors) + rounder).AsInt32());
        Vector128<sbyte> upper = Avx512F.ConvertToVector128SByte(((Vector512.Load(input + 16) * factors) + rounder).AsInt32());
        Vector256<sbyte> bytes = Vector256.Create(lower, upper);
        bytes.Store(values);

        // Bytes that are 128 more are added up in eights.
        Vector256<int> eights = Avx2.SumAbsoluteDifferences(bytes.AsByte() ^ Vector256.Create((byte)0x80), Vector256<byte>.Zero).AsInt32();
        Vector256<int> sums = eights + Avx2.Shuffle(eights, 0b01_00_11_10) - Vector256.Create(16 * 128);
        return (sums.ToScalar(), sums.GetUpper().ToScalar());
    }

    /// <summary>16 values, and the sum of their bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int RoundHalf(float* input, float factor, sbyte* values)
    {
        if (Vector256.IsHardwareAccelerated)
        {
            var factors = Vector256.Create(factor);
            var rounder = Vector256.Create(Rounder);
            Vector256<int> zero = rounder.AsInt32();
            Vector256<int> a = ((Vector256.Load(input) * factors) + rounder).AsInt32() - zero;
            Vector256<int> b = ((Vector256.Load(input + 8) * factors) + rounder).AsInt32() - zero;
            Vector128.Narrow(Vector128.Narrow(a.GetLower(), a.GetUpper()), Vector128.Narrow(b.GetLower(), b.GetUpper())).Store(values);
            return Vector256.Sum(a + b);
        }

        int total = 0;
        for (int i = 0; i < 16; i++)
        {
            int rounded = BitConverter.SingleToInt32Bits((input[i] * factor) + Rounder) - BitConverter.SingleToInt32Bits(Rounder);
            values[i] = (sbyte)rounded;
            total += rounded;
        }

        return total;
    }
}
