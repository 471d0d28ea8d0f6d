using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels;

/// <summary><see cref="Dequantize"/> as fast as a matrix product needs it, with the same result in every bit.</summary>
/// <remarks>Quants are first spread to one byte each, 16 at a time, then widened and scaled in the kernel's own width.</remarks>
internal static unsafe class BlockDecoder
{
    /// <summary>Decodes <paramref name="count"/> values, a whole number of blocks.</summary>
    internal static void Row(ElementType type, byte* source, float* target, int count)
    {
        BlockLayout layout = BlockLayout.Of(type);
        int whole = layout.Values > 1 ? count : count & -Simd.Lanes;
        switch (Simd.Family)
        {
            case SimdFamily.Vector512: Decode<Lanes16, Vector512<float>>(type, source, target, whole); break;
            case SimdFamily.Vector256: Decode<Lanes8, Vector256<float>>(type, source, target, whole); break;
            case SimdFamily.Vector128: Decode<Lanes4, Vector128<float>>(type, source, target, whole); break;
            default: Decode<Lanes1, float>(type, source, target, whole); break;
        }

        if (whole < count)
            Dequantize.Row(type, source + layout.SizeOf(whole), new Span<float>(target + whole, count - whole));
    }

    /// <summary>Decodes <paramref name="count"/> values, a whole number of blocks; of the plain types a multiple of 16.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Decode<L, V>(ElementType type, byte* source, float* target, int count)
        where L : struct, ILanes<V>
        where V : struct
    {
        sbyte* quants = stackalloc sbyte[256];
        float* halves = HalfTable.Values;
        float* end = target + count;
        switch (type)
        {
            case ElementType.F32:
                Unsafe.CopyBlockUnaligned(target, source, (uint)count * sizeof(float));
                break;
            case ElementType.F16:
                for (; target < end; target += L.Count, source += 2 * L.Count)
                    L.Store(L.LoadHalf((ushort*)source), target);
                break;
            case ElementType.BF16:
                for (; target < end; target += L.Count, source += 2 * L.Count)
                    L.Store(L.LoadBrain((ushort*)source), target);
                break;
            case ElementType.Q4_0:
                for (; target < end; target += 32, source += 18)
                {
                    SpreadFourBits(Vector128.Load(source + 2), Vector128.Create((sbyte)-8), quants, quants + 16);
                    Scale<L, V>(quants, 32, halves[*(ushort*)source], target);
                }

                break;
            case ElementType.Q4_1:
                for (; target < end; target += 32, source += 20)
                {
                    SpreadFourBits(Vector128.Load(source + 4), Vector128<sbyte>.Zero, quants, quants + 16);
                    ScaleAndAdd<L, V>(quants, 32, halves[*(ushort*)source], halves[*(ushort*)(source + 2)], target);
                }

                break;
            case ElementType.Q5_0:
                for (; target < end; target += 32, source += 22)
                {
                    SpreadFiveBits(source + 2, Vector128.Create((sbyte)-16), quants);
                    Scale<L, V>(quants, 32, halves[*(ushort*)source], target);
                }

                break;
            case ElementType.Q5_1:
                for (; target < end; target += 32, source += 24)
                {
                    SpreadFiveBits(source + 4, Vector128<sbyte>.Zero, quants);
                    ScaleAndAdd<L, V>(quants, 32, halves[*(ushort*)source], halves[*(ushort*)(source + 2)], target);
                }

                break;
            case ElementType.Q8_0:
                for (; target < end; target += 32, source += 34)
                    Scale<L, V>((sbyte*)source + 2, 32, halves[*(ushort*)source], target);
                break;
            case ElementType.Q4_K:
                for (; target < end; target += 256, source += 144)
                {
                    for (int pair = 0; pair < 4; pair++)
                    {
                        SpreadFourBits(Vector128.Load(source + 16 + (32 * pair)), Vector128<sbyte>.Zero, quants + (64 * pair), quants + (64 * pair) + 32);
                        SpreadFourBits(Vector128.Load(source + 32 + (32 * pair)), Vector128<sbyte>.Zero, quants + (64 * pair) + 16, quants + (64 * pair) + 48);
                    }

                    ScaleGroups<L, V>(source, quants, halves, target);
                }

                break;
            case ElementType.Q5_K:
                for (; target < end; target += 256, source += 176)
                {
                    SpreadFiveBitGroups(source, quants);
                    ScaleGroups<L, V>(source, quants, halves, target);
                }

                break;
            case ElementType.Q6_K:
                for (; target < end; target += 256, source += 210)
                {
                    SpreadSixBitGroups(source, quants);
                    float scale = halves[*(ushort*)(source + 208)];
                    for (int group = 0; group < 16; group++)
                        Scale<L, V>(quants + (16 * group), 16, scale * (sbyte)source[192 + group], target + (16 * group));
                }

                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "no such element type");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scale<L, V>(sbyte* quants, int count, float scale, float* target)
        where L : struct, ILanes<V>
        where V : struct
    {
        V scales = L.Create(scale);
        for (int i = 0; i < count; i += L.Count)
            L.Store(L.Multiply(L.LoadInt8(quants + i), scales), target + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScaleAndAdd<L, V>(sbyte* quants, int count, float scale, float minimum, float* target)
        where L : struct, ILanes<V>
        where V : struct
    {
        V scales = L.Create(scale), minima = L.Create(minimum);
        for (int i = 0; i < count; i += L.Count)
            L.Store(L.MultiplyAdd(L.LoadInt8(quants + i), scales, minima), target + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScaleGroups<L, V>(byte* block, sbyte* quants, float* halves, float* target)
        where L : struct, ILanes<V>
        where V : struct
    {
        float scale = halves[*(ushort*)block], minimumScale = halves[*(ushort*)(block + 2)];
        (ulong scales, ulong minima) = UnpackScales(block + 4);
        for (int group = 0; group < 8; group++)
        {
            float groupScale = scale * (int)((scales >> (8 * group)) & 63), groupMinimum = minimumScale * (int)((minima >> (8 * group)) & 63);
            ScaleAndAdd<L, V>(quants + (32 * group), 32, groupScale, -groupMinimum, target + (32 * group));
        }
    }

    /// <summary>The eight 6-bit scales and minima of a block of Q4_K or Q5_K, a byte each: <see cref="Dequantize.ScaleAndMinimum"/> for all groups at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static (ulong Scales, ulong Minima) UnpackScales(byte* packed)
    {
        uint first = Unsafe.ReadUnaligned<uint>(packed), second = Unsafe.ReadUnaligned<uint>(packed + 4), third = Unsafe.ReadUnaligned<uint>(packed + 8);
        return (
            (first & 0x3f3f3f3f) | ((ulong)((third & 0x0f0f0f0f) | ((first >> 2) & 0x30303030)) << 32),
            (second & 0x3f3f3f3f) | ((ulong)(((third >> 4) & 0x0f0f0f0f) | ((second >> 2) & 0x30303030)) << 32));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SpreadFourBits(Vector128<byte> packed, Vector128<sbyte> offset, sbyte* lower, sbyte* upper)
    {
        ((packed & Vector128.Create((byte)15)).AsSByte() + offset).Store(lower);
        (Vector128.ShiftRightLogical(packed, 4).AsSByte() + offset).Store(upper);
    }

    /// <summary>The quants of a block of Q5_K, from 0 to 31.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void SpreadFiveBitGroups(byte* block, sbyte* quants)
    {
        Vector128<byte> fifthLow = Vector128.Load(block + 16), fifthHigh = Vector128.Load(block + 32);
        for (int pair = 0; pair < 4; pair++)
        {
            sbyte* at = quants + (64 * pair);
            SpreadFiveBits(Vector128.Load(block + 48 + (32 * pair)), fifthLow, 2 * pair, at, at + 32);
            SpreadFiveBits(Vector128.Load(block + 64 + (32 * pair)), fifthHigh, 2 * pair, at + 16, at + 48);
        }
    }

    /// <summary>The quants of a block of Q6_K, from −32 to 31.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void SpreadSixBitGroups(byte* block, sbyte* quants)
    {
        for (int at = 0; at < 32; at += 16)
        {
            SpreadSixBits(Vector128.Load(block + at), Vector128.Load(block + 32 + at), Vector128.Load(block + 128 + at), quants + at);
            SpreadSixBits(Vector128.Load(block + 64 + at), Vector128.Load(block + 96 + at), Vector128.Load(block + 160 + at), quants + 128 + at);
        }
    }

    /// <summary>The fifth bit is bit <paramref name="bit"/> of <paramref name="fifth"/> for the lower halves and the next one for the upper halves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SpreadFiveBits(Vector128<byte> packed, Vector128<byte> fifth, int bit, sbyte* lower, sbyte* upper)
    {
        Vector128<byte> first = Vector128.Create((byte)(1 << bit)), second = Vector128.Create((byte)(2 << bit)), sixteen = Vector128.Create((byte)16);
        ((packed & Vector128.Create((byte)15)) | (Vector128.Equals(fifth & first, first) & sixteen)).AsSByte().Store(lower);
        (Vector128.ShiftRightLogical(packed, 4) | (Vector128.Equals(fifth & second, second) & sixteen)).AsSByte().Store(upper);
    }

    /// <summary>Four bytes with the fifth bits of 32 values, then 16 bytes with the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void SpreadFiveBits(byte* source, Vector128<sbyte> offset, sbyte* quants)
    {
        Vector128<byte> packed = Vector128.Load(source + 4), sixteen = Vector128.Create((byte)16);
        Vector128<byte> bit = Vector128.Create(0x8040201008040201UL).AsByte(); // in byte i the bit i mod 8
        Vector128<byte> low = Vector128.Create(Repeated(source[0]), Repeated(source[1])).AsByte() & bit;
        Vector128<byte> high = Vector128.Create(Repeated(source[2]), Repeated(source[3])).AsByte() & bit;
        (((packed & Vector128.Create((byte)15)) | (Vector128.Equals(low, bit) & sixteen)).AsSByte() + offset).Store(quants);
        ((Vector128.ShiftRightLogical(packed, 4) | (Vector128.Equals(high, bit) & sixteen)).AsSByte() + offset).Store(quants + 16);
    }

    private static ulong Repeated(byte value) => value * 0x0101010101010101UL;

    /// <summary>16 of each of the four quarters of a half block of Q6_K, to places 0, 32, 64 and 96.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SpreadSixBits(Vector128<byte> lowA, Vector128<byte> lowB, Vector128<byte> high, sbyte* quants)
    {
        Vector128<byte> four = Vector128.Create((byte)15), two = Vector128.Create((byte)0x30);
        Vector128<sbyte> offset = Vector128.Create((sbyte)-32);
        (((lowA & four) | (Vector128.ShiftLeft(high, 4) & two)).AsSByte() + offset).Store(quants);
        (((lowB & four) | (Vector128.ShiftLeft(high, 2) & two)).AsSByte() + offset).Store(quants + 32);
        ((Vector128.ShiftRightLogical(lowA, 4) | (high & two)).AsSByte() + offset).Store(quants + 64);
        ((Vector128.ShiftRightLogical(lowB, 4) | (Vector128.ShiftRightLogical(high, 2) & two)).AsSByte() + offset).Store(quants + 96);
    }
}
