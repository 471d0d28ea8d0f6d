using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Values of a panel as bytes, for each 32 inputs eight rows of 64: what kernels read that cannot, or for so many rows need not, take them as they are packed.</summary>
internal static unsafe class PanelValues
{
    /// <summary>What an unsigned value is more than the one that it stands for.</summary>
    public static int CentreOf(PackedFormat format) => format switch { PackedFormat.Eight => 128, PackedFormat.Four => 8, PackedFormat.Six => 32, _ => 0 };

    /// <summary>Writes the values, signed, of a form that has them otherwise; those of <see cref="PackedFormat.Eight"/> are read where they lie.</summary>
    /// <param name="format">The form.</param>
    /// <param name="values">The panel's, behind its scales.</param>
    /// <param name="inputs">Inputs of the matrix.</param>
    /// <param name="bytes">Where they go.</param>
    public static void Expand(PackedFormat format, byte* values, int inputs, sbyte* bytes)
    {
        if (format == PackedFormat.Eight)
            throw new ArgumentOutOfRangeException(nameof(format), format, "needs no expanding");
        Expand(format, values, inputs, (byte*)bytes, (byte)CentreOf(format));
    }

    /// <summary>Writes the values of any integer form, unsigned: <see cref="CentreOf"/> more than what they stand for.</summary>
    /// <inheritdoc cref="Expand(PackedFormat, byte*, int, sbyte*)"/>
    public static void ExpandUnsigned(PackedFormat format, byte* values, int inputs, byte* bytes) => Expand(format, values, inputs, bytes, 0);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Expand(PackedFormat format, byte* values, int inputs, byte* bytes, byte less)
    {
        int groups = inputs / PackedLayout.GroupInputs;
        switch (format)
        {
            case PackedFormat.Eight:
                for (int row = 0; row < groups * 8; row++)
                    (Vector512.Load(values + (row * 64)) ^ Vector512.Create((byte)0x80)).Store(bytes + (row * 64));
                break;
            case PackedFormat.Four or PackedFormat.FourWithMinimum:
                for (int group = 0; group < groups; group++, values += 256, bytes += 512)
                    Nibbles(values, bytes, less);
                break;
            case PackedFormat.FiveWithMinimum:
                for (int group = 0; group < groups; group++, values += 320, bytes += 512)
                    Five(values, bytes);
                break;
            case PackedFormat.Six:
                for (int group = 0; group < groups; group++, values += 384, bytes += 512)
                    Six(values, bytes, less);
                break;
            default: throw new ArgumentOutOfRangeException(nameof(format), format, "no integer form");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Nibbles(byte* values, byte* bytes, byte offset)
    {
        Vector512<byte> mask = Vector512.Create((byte)15), less = Vector512.Create(offset);
        for (int row = 0; row < 4; row++)
        {
            Vector512<byte> both = Vector512.Load(values + (row * 64));
            ((both & mask) - less).Store(bytes + (row * 64));
            ((Vector512.ShiftRightLogical(both.AsUInt16(), 4).AsByte() & mask) - less).Store(bytes + ((row + 4) * 64));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Five(byte* values, byte* bytes)
    {
        Nibbles(values, bytes, 0);
        // Byte i of a row of 64 takes bit i: the word's byte i / 8 is spread over eight bytes, and each of these looks at its own bit.
        Vector512<byte> own = Vector512.Create(0x8040201008040201UL).AsByte();
        for (int row = 0; row < 8; row++)
        {
            Vector512<byte> spread = Spread(((ulong*)(values + 256))[row]) & own;
            Vector512<byte> sixteen = Vector512.Equals(spread, own) & Vector512.Create((byte)16);
            (Vector512.Load(bytes + (row * 64)) | sixteen).Store(bytes + (row * 64));
        }
    }

    /// <summary>Each byte of a word, eight times.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Spread(ulong word)
    {
        Vector128<byte> lower = Vector128.Create((byte)0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
        if (Avx512BW.IsSupported)
        {
            Vector512<byte> all = Vector512.Create(
                Vector256.Create(lower, lower + Vector128.Create((byte)2)), Vector256.Create(lower + Vector128.Create((byte)4), lower + Vector128.Create((byte)6)));
            return Avx512BW.Shuffle(Vector512.Create(word).AsByte(), all);
        }

        Vector128<byte> bytes = Vector128.CreateScalar(word).AsByte();
        Vector256<byte> first = Vector256.Create(Vector128.Shuffle(bytes, lower), Vector128.Shuffle(bytes, lower + Vector128.Create((byte)2)));
        Vector256<byte> second = Vector256.Create(Vector128.Shuffle(bytes, lower + Vector128.Create((byte)4)), Vector128.Shuffle(bytes, lower + Vector128.Create((byte)6)));
        return Vector512.Create(first, second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Six(byte* values, byte* bytes, byte offset)
    {
        Nibbles(values, bytes, 0);
        Vector512<byte> mask = Vector512.Create((byte)0x30), less = Vector512.Create(offset);
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
            byte* at = bytes + (row * 64);
            ((Vector512.Load(at) | (shifted.AsByte() & mask)) - less).Store(at);
        }
    }
}
