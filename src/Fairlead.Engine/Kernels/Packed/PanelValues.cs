using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Values of a panel as signed bytes, for each 32 inputs eight rows of 64: what tiles and kernels for many rows read.</summary>
internal static unsafe class PanelValues
{
    /// <summary>Writes the values of a form that has them otherwise; those of <see cref="PackedFormat.Eight"/> are read where they lie.</summary>
    /// <param name="format">The form.</param>
    /// <param name="values">The panel's, behind its scales.</param>
    /// <param name="inputs">Inputs of the matrix.</param>
    /// <param name="bytes">Where they go.</param>
    public static void Expand(PackedFormat format, byte* values, int inputs, sbyte* bytes)
    {
        int groups = inputs / PackedLayout.GroupInputs;
        switch (format)
        {
            case PackedFormat.Four:
                for (int group = 0; group < groups; group++, values += 256, bytes += 512)
                    Nibbles(values, bytes, 8);
                break;
            case PackedFormat.FourWithMinimum:
                for (int group = 0; group < groups; group++, values += 256, bytes += 512)
                    Nibbles(values, bytes, 0);
                break;
            case PackedFormat.FiveWithMinimum:
                for (int group = 0; group < groups; group++, values += 320, bytes += 512)
                    Five(values, bytes);
                break;
            case PackedFormat.Six:
                for (int group = 0; group < groups; group++, values += 384, bytes += 512)
                    Six(values, bytes);
                break;
            default: throw new ArgumentOutOfRangeException(nameof(format), format, "needs no expanding");
        }
    }

    private static void Nibbles(byte* values, sbyte* bytes, byte offset)
    {
        Vector512<byte> mask = Vector512.Create((byte)15), less = Vector512.Create(offset);
        for (int row = 0; row < 4; row++)
        {
            Vector512<byte> both = Vector512.Load(values + (row * 64));
            ((both & mask) - less).AsSByte().Store(bytes + (row * 64));
            ((Vector512.ShiftRightLogical(both.AsUInt16(), 4).AsByte() & mask) - less).AsSByte().Store(bytes + ((row + 4) * 64));
        }
    }

    private static void Five(byte* values, sbyte* bytes)
    {
        Nibbles(values, bytes, 0);
        // Byte i of a row of 64 takes bit i: the word's byte i / 8 is spread over eight bytes, and each of these looks at its own bit.
        Vector512<byte> own = Vector512.Create(0x8040201008040201UL).AsByte();
        Vector128<byte> lower = Vector128.Create((byte)0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
        for (int row = 0; row < 8; row++)
        {
            Vector128<byte> word = Vector128.CreateScalar(((ulong*)(values + 256))[row]).AsByte();
            Vector256<byte> first = Vector256.Create(Vector128.Shuffle(word, lower), Vector128.Shuffle(word, lower + Vector128.Create((byte)2)));
            Vector256<byte> second = Vector256.Create(Vector128.Shuffle(word, lower + Vector128.Create((byte)4)), Vector128.Shuffle(word, lower + Vector128.Create((byte)6)));
            Vector512<byte> spread = Vector512.Create(first, second) & own;
            Vector512<byte> sixteen = Vector512.Equals(spread, own) & Vector512.Create((byte)16);
            (Vector512.Load((byte*)bytes + (row * 64)) | sixteen).Store((byte*)bytes + (row * 64));
        }
    }

    private static void Six(byte* values, sbyte* bytes)
    {
        Nibbles(values, bytes, 0);
        Vector512<byte> mask = Vector512.Create((byte)0x30), less = Vector512.Create((byte)32);
        for (int row = 0; row < 2; row++)
        {
            Vector512<ushort> pairs = Vector512.Load(values + 256 + (row * 64)).AsUInt16();
            Add(row, Vector512.ShiftLeft(pairs, 4));
            Add(row + 2, Vector512.ShiftLeft(pairs, 2));
            Add(row + 4, pairs);
            Add(row + 6, Vector512.ShiftRightLogical(pairs, 2));
        }

        void Add(int row, Vector512<ushort> shifted)
        {
            byte* at = (byte*)bytes + (row * 64);
            ((Vector512.Load(at) | (shifted.AsByte() & mask)) - less).Store(at);
        }
    }
}
