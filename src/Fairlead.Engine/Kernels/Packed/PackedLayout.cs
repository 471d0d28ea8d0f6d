using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Sizes of the packed forms, and which form a type of weights takes.</summary>
public static class PackedLayout
{
    /// <summary>
    /// Raised by whoever changes a byte of what is packed from the same file: a form, the rounding of a quantiser, the order into which the reader of a file puts its rows. Packed forms that
    /// an earlier version has left on disk are then made anew.
    /// </summary>
    public const int Version = 1;

    /// <summary>Outputs of a panel.</summary>
    public const int PanelOutputs = 16;

    /// <summary>Inputs of a group of the integer forms, and of a block of quantised activations.</summary>
    public const int GroupInputs = 32;

    /// <summary>The form in which a matrix of that type and number of inputs is multiplied fastest by <paramref name="family"/>; null where it stays as it is stored.</summary>
    public static PackedFormat? FormatFor(ElementType type, int inputs, KernelFamily family) => type switch
    {
        ElementType.F32 when family == KernelFamily.Amx => PackedFormat.BrainPairTiles,
        ElementType.BF16 when family == KernelFamily.Amx => PackedFormat.BrainTiles,
        ElementType.F16 when family == KernelFamily.Amx => PackedFormat.HalfTiles,
        ElementType.F32 => PackedFormat.Single,
        ElementType.F16 => PackedFormat.Half,
        ElementType.BF16 => PackedFormat.Brain,
        ElementType.Q8_0 => PackedFormat.Eight,
        ElementType.Q4_0 => PackedFormat.Four,
        ElementType.Q4_K => PackedFormat.FourWithMinimum,
        ElementType.Q5_K => PackedFormat.FiveWithMinimum,
        ElementType.Q6_K => PackedFormat.Six,
        _ => null,
    };

    /// <summary>Bytes of a panel: scales, filled up to 64, and values.</summary>
    public static long PanelBytes(PackedFormat format, int inputs) => ScaleBytes(format, inputs) + ValueBytes(format, inputs);

    /// <summary>Bytes of a whole matrix.</summary>
    public static long BytesFor(PackedFormat format, int outputs, int inputs) =>
        checked((outputs + PanelOutputs - 1L) / PanelOutputs * PanelBytes(format, inputs));

    /// <summary>Bytes at the head of a panel that scale its values.</summary>
    public static long ScaleBytes(PackedFormat format, int inputs) => format switch
    {
        PackedFormat.Eight or PackedFormat.Four => Whole(inputs / GroupInputs * 32L),
        PackedFormat.FourWithMinimum or PackedFormat.FiveWithMinimum => inputs / 256 * 320L,
        PackedFormat.Six => Whole(inputs / 256 * 288L),
        _ => 0,
    };

    /// <summary>Bytes of a panel's values.</summary>
    public static long ValueBytes(PackedFormat format, int inputs) => format switch
    {
        PackedFormat.Eight => inputs / GroupInputs * 512L,
        PackedFormat.Four or PackedFormat.FourWithMinimum => inputs / GroupInputs * 256L,
        PackedFormat.FiveWithMinimum => inputs / GroupInputs * 320L,
        PackedFormat.Six => inputs / GroupInputs * 384L,
        PackedFormat.Single => inputs * 64L,
        PackedFormat.Half or PackedFormat.Brain => Whole(inputs * 32L),
        PackedFormat.BrainTiles or PackedFormat.HalfTiles => (inputs + 31) / 32 * 1024L,
        PackedFormat.BrainPairTiles => (inputs + 31) / 32 * 2048L,
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "no such form"),
    };

    private static long Whole(long bytes) => (bytes + 63) & ~63L;
}
