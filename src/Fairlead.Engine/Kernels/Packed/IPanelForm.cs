using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>How the scales of a panel lie.</summary>
internal enum ScaleForm
{
    /// <summary>For each group 16 halves.</summary>
    Halves,

    /// <summary>For each 256 inputs 16 halves, and 16 more for minimums; then for each group 16 signed bytes that are to be multiplied with them, and for minimums behind all of these 16 more.</summary>
    Factors,

    /// <summary>For each group 16 singles, and 16 more for minimums.</summary>
    Singles,
}

/// <summary>How vectors of 256 bits read a panel as it is packed: a struct for each of the integer forms (<see cref="PackedFormat"/>), so that each is compiled into a kernel of its own.</summary>
internal unsafe interface IPanelForm
{
    static abstract PackedFormat Format { get; }

    /// <summary>Bytes of values for 32 inputs.</summary>
    static abstract int ValueBytes { get; }

    /// <summary>Largest of the weights that are given, 127 where they are signed.</summary>
    static abstract int Largest { get; }

    /// <summary>What the weights that are given have too much.</summary>
    static abstract int Excess { get; }

    static abstract ScaleForm Scales { get; }

    /// <summary>Groups of 32 inputs: 2 where 16 have a scale.</summary>
    static abstract int Groups { get; }

    static abstract bool HasMinimums { get; }

    /// <summary>Four inputs of eight outputs.</summary>
    /// <param name="values">Of 32 inputs.</param>
    /// <param name="line">Which four: 0 to 7.</param>
    /// <param name="half">Outputs 0 to 7, or 8 to 15.</param>
    static abstract Vector256<byte> Weights(byte* values, int line, int half);
}

/// <inheritdoc cref="PackedFormat.Eight"/>
internal readonly unsafe struct EightForm : IPanelForm
{
    public static PackedFormat Format => PackedFormat.Eight;

    public static int ValueBytes => 512;

    public static int Largest => 255;

    public static int Excess => 128;

    public static ScaleForm Scales => ScaleForm.Halves;

    public static int Groups => 1;

    public static bool HasMinimums => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Weights(byte* values, int line, int half) => Vector256.Load(values + (line * 64) + (half * 32)) ^ Vector256.Create((byte)128);
}

/// <summary><see cref="PackedFormat.Eight"/> with weights that stay signed.</summary>
internal readonly unsafe struct SignedEightForm : IPanelForm
{
    public static PackedFormat Format => PackedFormat.Eight;

    public static int ValueBytes => 512;

    public static int Largest => 127;

    public static int Excess => 0;

    public static ScaleForm Scales => ScaleForm.Halves;

    public static int Groups => 1;

    public static bool HasMinimums => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Weights(byte* values, int line, int half) => Vector256.Load(values + (line * 64) + (half * 32));
}

/// <inheritdoc cref="PackedFormat.Four"/>
internal readonly unsafe struct FourForm : IPanelForm
{
    public static PackedFormat Format => PackedFormat.Four;

    public static int ValueBytes => 256;

    public static int Largest => 15;

    public static int Excess => 8;

    public static ScaleForm Scales => ScaleForm.Halves;

    public static int Groups => 1;

    public static bool HasMinimums => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Weights(byte* values, int line, int half) => Nibbles(values, line, half);

    /// <summary>The lower half of a byte of the first four lines, the upper one of the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Nibbles(byte* values, int line, int half)
    {
        Vector256<byte> both = Vector256.Load(values + (line % 4 * 64) + (half * 32));
        return (line < 4 ? both : Vector256.ShiftRightLogical(both.AsUInt16(), 4).AsByte()) & Vector256.Create((byte)15);
    }
}

/// <inheritdoc cref="PackedFormat.FourWithMinimum"/>
internal readonly unsafe struct FourWithMinimumForm : IPanelForm
{
    public static PackedFormat Format => PackedFormat.FourWithMinimum;

    public static int ValueBytes => 256;

    public static int Largest => 15;

    public static int Excess => 0;

    public static ScaleForm Scales => ScaleForm.Factors;

    public static int Groups => 1;

    public static bool HasMinimums => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Weights(byte* values, int line, int half) => FourForm.Nibbles(values, line, half);
}

/// <inheritdoc cref="PackedFormat.FiveWithMinimum"/>
internal readonly unsafe struct FiveWithMinimumForm : IPanelForm
{
    public static PackedFormat Format => PackedFormat.FiveWithMinimum;

    public static int ValueBytes => 320;

    public static int Largest => 31;

    public static int Excess => 0;

    public static ScaleForm Scales => ScaleForm.Factors;

    public static int Groups => 1;

    public static bool HasMinimums => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Weights(byte* values, int line, int half)
    {
        // Byte i takes bit i: of the 32 bits in every lane the byte i / 8 is spread over eight bytes, and each of these looks at its own bit.
        Vector256<byte> bits = Vector256.Create(((uint*)(values + 256))[(line * 2) + half]).AsByte();
        Vector256<byte> own = Vector256.Create(0x8040201008040201UL).AsByte();
        Vector256<byte> spread = Vector256.Create(0UL, 0x0101010101010101UL, 0x0202020202020202UL, 0x0303030303030303UL).AsByte();
        Vector256<byte> isSet = Vector256.Equals(Avx2.Shuffle(bits, spread) & own, own);
        return FourForm.Nibbles(values, line, half) | (isSet & Vector256.Create((byte)16));
    }
}

/// <inheritdoc cref="PackedFormat.Six"/>
internal readonly unsafe struct SixForm : IPanelForm
{
    public static PackedFormat Format => PackedFormat.Six;

    public static int ValueBytes => 384;

    public static int Largest => 63;

    public static int Excess => 32;

    public static ScaleForm Scales => ScaleForm.Factors;

    public static int Groups => 2;

    public static bool HasMinimums => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Weights(byte* values, int line, int half)
    {
        Vector256<ushort> pairs = Vector256.Load(values + 256 + (line % 2 * 64) + (half * 32)).AsUInt16();
        Vector256<ushort> moved = (line / 2) switch
        {
            0 => Vector256.ShiftLeft(pairs, 4),
            1 => Vector256.ShiftLeft(pairs, 2),
            2 => pairs,
            _ => Vector256.ShiftRightLogical(pairs, 2),
        };
        return FourForm.Nibbles(values, line, half) | (moved.AsByte() & Vector256.Create((byte)0x30));
    }
}

/// <summary>A panel of <typeparamref name="F"/> with a byte for every weight and scales as singles.</summary>
internal readonly unsafe struct UnpackedForm<F> : IPanelForm
    where F : struct, IPanelForm
{
    public static PackedFormat Format => F.Format;

    public static int ValueBytes => 512;

    public static int Largest => F.Largest;

    public static int Excess => F.Excess;

    public static ScaleForm Scales => ScaleForm.Singles;

    public static int Groups => F.Groups;

    public static bool HasMinimums => F.HasMinimums;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Weights(byte* values, int line, int half) => Vector256.Load(values + (line * 64) + (half * 32));
}
