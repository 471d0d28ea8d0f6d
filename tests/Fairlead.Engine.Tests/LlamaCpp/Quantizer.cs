using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.LlamaCpp;

/// <summary>Singles as blocks of any type, by plain rounding: for files of a usual distribution, not for the least loss.</summary>
internal static class Quantizer
{
    /// <summary>Encodes values, a whole number of blocks.</summary>
    public static byte[] Encode(ElementType type, ReadOnlySpan<float> values)
    {
        BlockLayout layout = BlockLayout.Of(type);
        byte[] bytes = new byte[layout.SizeOf(values.Length)];
        for (int block = 0; block < values.Length / layout.Values; block++)
            Encode(type, values.Slice(block * layout.Values, layout.Values), bytes.AsSpan(block * layout.Bytes, layout.Bytes));
        return bytes;
    }

    private static void Encode(ElementType type, ReadOnlySpan<float> values, Span<byte> block)
    {
        switch (type)
        {
            case ElementType.F32: MemoryMarshal.Write(block, values[0]); break;
            case ElementType.F16: MemoryMarshal.Write(block, (Half)values[0]); break;
            case ElementType.BF16: BinaryPrimitives.WriteUInt16LittleEndian(block, (ushort)(BitConverter.SingleToUInt32Bits(values[0]) >> 16)); break;
            case ElementType.Q4_0: Symmetric(values, 8, block, block[2..], default); break;
            case ElementType.Q4_1: WithMinimum(values, 15, block, block[4..], default); break;
            case ElementType.Q5_0: Symmetric(values, 16, block, block[6..], block.Slice(2, 4)); break;
            case ElementType.Q5_1: WithMinimum(values, 31, block, block[8..], block.Slice(4, 4)); break;
            case ElementType.Q8_0: EightBits(values, block); break;
            case ElementType.Q4_K: Groups(values, 15, block, block[16..], default); break;
            case ElementType.Q5_K: Groups(values, 31, block, block[48..], block.Slice(16, 32)); break;
            case ElementType.Q6_K: SixBits(values, block); break;
            default: throw new ArgumentOutOfRangeException(nameof(type), type, null);
        }
    }

    /// <summary>The value furthest from 0 becomes −half, so that the other side reaches half − 1.</summary>
    private static void Symmetric(ReadOnlySpan<float> values, int half, Span<byte> scaleAt, Span<byte> quants, Span<byte> fifths)
    {
        float furthest = 0;
        foreach (float value in values)
            furthest = MathF.Abs(value) > MathF.Abs(furthest) ? value : furthest;
        float scale = WriteHalf(scaleAt, -furthest / half);
        for (int i = 0; i < 32; i++)
            Pack(i, Rounded(values[i], scale, half, (2 * half) - 1), quants, fifths);
    }

    private static void WithMinimum(ReadOnlySpan<float> values, int levels, Span<byte> scaleAt, Span<byte> quants, Span<byte> fifths)
    {
        (float least, float most) = Range(values);
        float scale = WriteHalf(scaleAt, (most - least) / levels), minimum = WriteHalf(scaleAt[2..], least);
        for (int i = 0; i < 32; i++)
            Pack(i, Rounded(values[i] - minimum, scale, 0, levels), quants, fifths);
    }

    private static void Pack(int i, int quant, Span<byte> quants, Span<byte> fifths)
    {
        quants[i % 16] |= (byte)((quant & 15) << (i / 16 * 4));
        if (quant >= 16)
            fifths[i / 8] |= (byte)(1 << (i % 8));
    }

    private static void EightBits(ReadOnlySpan<float> values, Span<byte> block)
    {
        (float least, float most) = Range(values);
        float scale = WriteHalf(block, MathF.Max(most, -least) / 127);
        for (int i = 0; i < 32; i++)
            block[2 + i] = (byte)(sbyte)(Rounded(values[i], scale, 127, 254) - 127);
    }

    private static void Groups(ReadOnlySpan<float> values, int levels, Span<byte> block, Span<byte> quants, Span<byte> fifths)
    {
        Span<float> scales = stackalloc float[8], minima = stackalloc float[8];
        for (int group = 0; group < 8; group++)
        {
            (float least, float most) = Range(values.Slice(group * 32, 32));
            least = MathF.Min(least, 0);
            (scales[group], minima[group]) = ((most - least) / levels, -least);
        }

        float scale = WriteHalf(block, Range(scales).Most / 63), minimum = WriteHalf(block[2..], Range(minima).Most / 63);
        for (int group = 0; group < 8; group++)
        {
            int groupScale = Rounded(scales[group], scale, 0, 63), groupMinimum = Rounded(minima[group], minimum, 0, 63);
            PackScale(block[4..16], group, groupScale, groupMinimum);
            for (int i = 0; i < 32; i++)
            {
                int quant = Rounded(values[(group * 32) + i] + (minimum * groupMinimum), scale * groupScale, 0, levels);
                quants[(group / 2 * 32) + i] |= (byte)((quant & 15) << (group % 2 * 4));
                if (quant >= 16)
                    fifths[i] |= (byte)(1 << group);
            }
        }
    }

    private static void PackScale(Span<byte> packed, int group, int scale, int minimum)
    {
        if (group < 4)
        {
            packed[group] |= (byte)scale;
            packed[group + 4] |= (byte)minimum;
            return;
        }

        packed[group + 4] = (byte)((scale & 15) | (minimum << 4));
        packed[group - 4] |= (byte)(scale >> 4 << 6);
        packed[group] |= (byte)(minimum >> 4 << 6);
    }

    private static void SixBits(ReadOnlySpan<float> values, Span<byte> block)
    {
        Span<float> scales = stackalloc float[16];
        for (int group = 0; group < 16; group++)
        {
            (float least, float most) = Range(values.Slice(group * 16, 16));
            scales[group] = (most > -least ? most : least) / -32;
        }

        (float smallest, float largest) = Range(scales);
        float scale = WriteHalf(block[208..], MathF.Max(largest, -smallest) / 127);
        for (int i = 0; i < 256; i++)
        {
            int groupScale = Rounded(scales[i / 16], scale, 127, 254) - 127;
            block[192 + (i / 16)] = (byte)(sbyte)groupScale;
            int quant = Rounded(values[i], scale * groupScale, 32, 63), half = i / 128, quarter = i % 128 / 32, at = i % 32;
            block[(half * 64) + (quarter % 2 * 32) + at] |= (byte)((quant & 15) << (quarter / 2 * 4));
            block[128 + (half * 32) + at] |= (byte)(quant >> 4 << (quarter * 2));
        }
    }

    private static (float Least, float Most) Range(ReadOnlySpan<float> values)
    {
        float least = values[0], most = values[0];
        foreach (float value in values)
            (least, most) = (MathF.Min(least, value), MathF.Max(most, value));
        return (least, most);
    }

    private static int Rounded(float value, float scale, int zero, int highest) =>
        scale == 0 ? zero : Math.Clamp((int)MathF.Round(value / scale) + zero, 0, highest);

    private static float WriteHalf(Span<byte> at, float value)
    {
        BinaryPrimitives.WriteHalfLittleEndian(at, (Half)value);
        return (float)(Half)value;
    }
}
