namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Puts blocks as GGUF stores them (ggml-common.h) into panels of the integer forms. Nothing is rounded: every value stays what it was.</summary>
internal static unsafe class IntegerPacker
{
    private const uint LowNibbles = 0x0f0f0f0f;

    /// <summary>One output of a panel.</summary>
    /// <param name="format">The form.</param>
    /// <param name="source">The output's row of weights, of the type that the form is for.</param>
    /// <param name="inputs">Values in it: whole blocks.</param>
    /// <param name="panel">The panel.</param>
    /// <param name="output">Which of its 16 outputs.</param>
    public static void Output(PackedFormat format, byte* source, int inputs, byte* panel, int output)
    {
        byte* values = panel + PackedLayout.ScaleBytes(format, inputs);
        switch (format)
        {
            case PackedFormat.Eight: Eight(source, inputs, (ushort*)panel + output, values + (output * 4)); break;
            case PackedFormat.Four: Four(source, inputs, (ushort*)panel + output, values + (output * 4)); break;
            case PackedFormat.FourWithMinimum: FourWithMinimum(source, inputs, panel, values, output); break;
            case PackedFormat.FiveWithMinimum: FiveWithMinimum(source, inputs, panel, values, output); break;
            case PackedFormat.Six: Six(source, inputs, panel, values, output); break;
            default: throw new ArgumentOutOfRangeException(nameof(format), format, "no integer form");
        }
    }

    /// <summary>Blocks of a half and 32 bytes.</summary>
    private static void Eight(byte* source, int inputs, ushort* scales, byte* values)
    {
        for (int group = 0; group < inputs / 32; group++, source += 34, scales += 16, values += 512)
        {
            *scales = *(ushort*)source;
            for (int row = 0; row < 8; row++)
                *(uint*)(values + (row * 64)) = *(uint*)(source + 2 + (row * 4));
        }
    }

    /// <summary>Blocks of a half and 16 bytes: byte i holds value i below and value i + 16 above, as the packed form has it.</summary>
    private static void Four(byte* source, int inputs, ushort* scales, byte* values)
    {
        for (int group = 0; group < inputs / 32; group++, source += 18, scales += 16, values += 256)
        {
            *scales = *(ushort*)source;
            for (int row = 0; row < 4; row++)
                *(uint*)(values + (row * 64)) = *(uint*)(source + 2 + (row * 4));
        }
    }

    private static void FourWithMinimum(byte* source, int inputs, byte* scales, byte* values, int output)
    {
        for (int block = 0; block < inputs / 256; block++, source += 144, scales += 320, values += 8 * 256)
        {
            Minimums(source, scales, output);
            for (int group = 0; group < 8; group++)
                Nibbles(source + 16 + (group / 2 * 32), group % 2 * 4, values + (group * 256) + (output * 4));
        }
    }

    private static void FiveWithMinimum(byte* source, int inputs, byte* scales, byte* values, int output)
    {
        for (int block = 0; block < inputs / 256; block++, source += 176, scales += 320, values += 8 * 320)
        {
            Minimums(source, scales, output);
            for (int group = 0; group < 8; group++)
            {
                byte* packed = values + (group * 320);
                Nibbles(source + 48 + (group / 2 * 32), group % 2 * 4, packed + (output * 4));
                for (int row = 0; row < 8; row++)
                {
                    ulong bits = 0;
                    for (int i = 0; i < 4; i++)
                        bits |= (ulong)((source[16 + (row * 4) + i] >> group) & 1) << i;
                    ref ulong word = ref ((ulong*)(packed + 256))[row];
                    word = (word & ~(15UL << (output * 4))) | (bits << (output * 4));
                }
            }
        }
    }

    private static void Six(byte* source, int inputs, byte* scales, byte* values, int output)
    {
        for (int block = 0; block < inputs / 256; block++, source += 210, scales += 288, values += 8 * 384)
        {
            ((ushort*)scales)[output] = *(ushort*)(source + 208);
            for (int half = 0; half < 16; half++)
                scales[32 + (half * 16) + output] = source[192 + half];
            for (int group = 0; group < 8; group++)
            {
                int part = group / 4, quarter = group % 4;
                byte* packed = values + (group * 384);
                Nibbles(source + (part * 64) + (quarter % 2 * 32), quarter / 2 * 4, packed + (output * 4));
                byte* pairs = source + 128 + (part * 32);
                for (int row = 0; row < 2; row++)
                {
                    uint word = 0;
                    for (int i = 0; i < 4; i++)
                        word |= ((*(uint*)(pairs + ((row + (2 * i)) * 4)) >> (quarter * 2)) & 0x03030303) << (2 * i);
                    *(uint*)(packed + 256 + (row * 64) + (output * 4)) = word;
                }
            }
        }
    }

    /// <summary>d, m, and the scales and minimums of eight groups.</summary>
    private static void Minimums(byte* source, byte* scales, int output)
    {
        ((ushort*)scales)[output] = *(ushort*)source;
        ((ushort*)scales)[16 + output] = *(ushort*)(source + 2);
        for (int group = 0; group < 8; group++)
        {
            (int scale, int minimum) = Dequantize.ScaleAndMinimum(new ReadOnlySpan<byte>(source + 4, 12), group);
            scales[64 + (group * 16) + output] = (byte)scale;
            scales[192 + (group * 16) + output] = (byte)minimum;
        }
    }

    /// <summary>32 nibbles, of which the source has one in each byte, <paramref name="shift"/> bits up.</summary>
    private static void Nibbles(byte* source, int shift, byte* values)
    {
        for (int row = 0; row < 4; row++)
        {
            uint low = (*(uint*)(source + (row * 4)) >> shift) & LowNibbles, high = (*(uint*)(source + 16 + (row * 4)) >> shift) & LowNibbles;
            *(uint*)(values + (row * 64)) = low | (high << 4);
        }
    }
}
