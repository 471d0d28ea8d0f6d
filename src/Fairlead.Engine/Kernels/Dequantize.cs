using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels;

/// <summary>Stored values as single precision. The truth that every faster kernel is held against.</summary>
/// <remarks>
/// The layouts are those of ggml-common.h and the formulas those of ggml-quants.c. Every product of a scale and a quant fits the 24 bits of a
/// single, so a value is rounded at most once, where a minimum is subtracted: there is one right answer.
/// A scale that is infinite or no number makes its values infinite or no numbers; nothing is refused here.
/// </remarks>
public static unsafe class Dequantize
{
    /// <summary>Decodes <paramref name="row"/>.Length values of <paramref name="type"/> from <paramref name="source"/>.</summary>
    /// <exception cref="ArgumentException">The length is no whole number of blocks.</exception>
    public static void Row(ElementType type, byte* source, Span<float> row)
    {
        BlockLayout layout = BlockLayout.Of(type);
        var bytes = new ReadOnlySpan<byte>(source, checked((int)layout.SizeOf(row.Length)));
        if (type == ElementType.F32)
        {
            MemoryMarshal.Cast<byte, float>(bytes).CopyTo(row);
            return;
        }

        for (int block = 0; block < row.Length / layout.Values; block++)
            Block(type, bytes.Slice(block * layout.Bytes, layout.Bytes), row.Slice(block * layout.Values, layout.Values));
    }

    private static void Block(ElementType type, ReadOnlySpan<byte> block, Span<float> values)
    {
        switch (type)
        {
            case ElementType.F16: values[0] = Half(block); break;
            case ElementType.BF16: values[0] = BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(block) << 16); break;
            case ElementType.Q4_0: FourBits(Half(block), -8, -0f, block[2..], values); break;
            case ElementType.Q4_1: FourBits(Half(block), 0, Half(block[2..]), block[4..], values); break;
            case ElementType.Q5_0: FiveBits(Half(block), -16, -0f, block[2..], values); break;
            case ElementType.Q5_1: FiveBits(Half(block), 0, Half(block[2..]), block[4..], values); break;
            case ElementType.Q8_0: EightBits(Half(block), block[2..], values); break;
            case ElementType.Q4_K: FourBitGroups(block, values); break;
            case ElementType.Q5_K: FiveBitGroups(block, values); break;
            case ElementType.Q6_K: SixBitGroups(block, values); break;
            default: throw new ArgumentOutOfRangeException(nameof(type), type, "no such element type");
        }
    }

    private static float Half(ReadOnlySpan<byte> bytes) => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes);

    /// <summary>32 quants: byte i holds value i in its lower half and value i + 16 in its upper one. A minimum of −0 changes nothing, not even another −0.</summary>
    private static void FourBits(float scale, int offset, float minimum, ReadOnlySpan<byte> quants, Span<float> values)
    {
        for (int i = 0; i < 16; i++)
        {
            values[i] = (((quants[i] & 15) + offset) * scale) + minimum;
            values[i + 16] = (((quants[i] >> 4) + offset) * scale) + minimum;
        }
    }

    /// <summary>As <see cref="FourBits"/>, and bit i of the four bytes before it is the fifth bit of value i.</summary>
    private static void FiveBits(float scale, int offset, float minimum, ReadOnlySpan<byte> quants, Span<float> values)
    {
        uint fifth = BinaryPrimitives.ReadUInt32LittleEndian(quants);
        quants = quants[4..];
        for (int i = 0; i < 16; i++)
        {
            values[i] = (((quants[i] & 15) + (int)(((fifth >> i) & 1) << 4) + offset) * scale) + minimum;
            values[i + 16] = (((quants[i] >> 4) + (int)(((fifth >> (i + 16)) & 1) << 4) + offset) * scale) + minimum;
        }
    }

    private static void EightBits(float scale, ReadOnlySpan<byte> quants, Span<float> values)
    {
        for (int i = 0; i < 32; i++)
            values[i] = (sbyte)quants[i] * scale;
    }

    /// <summary>Scale, scale of the minima, 12 bytes of 6-bit scales and minima, 128 bytes of quants: 32 bytes hold group 2j below and group 2j + 1 above.</summary>
    private static void FourBitGroups(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Half(block), minimumScale = Half(block[2..]);
        for (int i = 0; i < 256; i++)
        {
            (int groupScale, int groupMinimum) = ScaleAndMinimum(block[4..], i / 32);
            int quant = (block[16 + (i / 64 * 32) + (i % 32)] >> (i / 32 % 2 * 4)) & 15;
            values[i] = (scale * groupScale * quant) - (minimumScale * groupMinimum);
        }
    }

    /// <summary>As <see cref="FourBitGroups"/>, with 32 bytes before the quants: bit j of byte i is the fifth bit of value i of group j.</summary>
    private static void FiveBitGroups(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Half(block), minimumScale = Half(block[2..]);
        for (int i = 0; i < 256; i++)
        {
            (int groupScale, int groupMinimum) = ScaleAndMinimum(block[4..], i / 32);
            int quant = ((block[48 + (i / 64 * 32) + (i % 32)] >> (i / 32 % 2 * 4)) & 15) + (((block[16 + (i % 32)] >> (i / 32)) & 1) << 4);
            values[i] = (scale * groupScale * quant) - (minimumScale * groupMinimum);
        }
    }

    /// <summary>128 bytes of lower halves, 64 bytes of upper pairs of bits, 16 signed scales, the scale of the scales.</summary>
    private static void SixBitGroups(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Half(block[208..]);
        for (int i = 0; i < 256; i++)
        {
            int half = i / 128, quarter = i % 128 / 32, at = i % 32;
            int low = (block[(half * 64) + (quarter % 2 * 32) + at] >> (quarter / 2 * 4)) & 15;
            int high = (block[128 + (half * 32) + at] >> (quarter * 2)) & 3;
            values[i] = scale * (sbyte)block[192 + (i / 16)] * ((low | (high << 4)) - 32);
        }
    }

    /// <summary>The 6-bit scale and minimum of group 0 to 7: the first four lie in the lower six bits of bytes 0–3 and 4–7; the others take their
    /// lower four bits from bytes 8–11 and their upper two from what the first four left.</summary>
    internal static (int Scale, int Minimum) ScaleAndMinimum(ReadOnlySpan<byte> packed, int group) => group < 4
        ? (packed[group] & 63, packed[group + 4] & 63)
        : ((packed[group + 4] & 15) | (packed[group - 4] >> 6 << 4), (packed[group + 4] >> 4) | (packed[group] >> 6 << 4));
}
