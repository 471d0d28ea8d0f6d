using Fairlead.Engine.Kernels.Packed;

namespace Fairlead.Engine.Tests.Kernels;

/// <summary>One weight of a packed matrix, read from its panel by what <see cref="PackedFormat"/> says of the form, and by nothing that the packers or the kernels use.</summary>
/// <param name="Value">Scale times quant, or the number itself; exact.</param>
/// <param name="Minimum">What is subtracted from it; 0 in forms without.</param>
internal readonly record struct PanelReading(double Value, double Minimum = 0)
{
    /// <summary>The weight that the form stands for.</summary>
    public double Weight => Value - Minimum;

    /// <summary>Weight <paramref name="input"/> of output <paramref name="output"/>, which may be one of those with which the last panel is filled up.</summary>
    public static unsafe PanelReading Of(in PackedMatrix matrix, int output, int input)
    {
        byte* panel = (byte*)matrix.Data + (output / 16 * PanelBytes(matrix.Format, matrix.Inputs)), values = panel + ScaleBytes(matrix.Format, matrix.Inputs);
        int o = output % 16, group = input / 32, row = input % 32 / 4, block = input / 256, at = (o * 4) + (input % 4);
        byte* scales = panel + (block * (matrix.Format == PackedFormat.Six ? 288 : 320));
        switch (matrix.Format)
        {
            case PackedFormat.Eight:
                return new(Half(panel, (group * 16) + o) * ((sbyte*)values)[(group * 512) + (row * 64) + at]);
            case PackedFormat.Four:
                return new(Half(panel, (group * 16) + o) * (Nibble(values + (group * 256), row, at) - 8));
            case PackedFormat.FourWithMinimum:
                return Grouped(scales, input, o, Nibble(values + (group * 256), row, at));
            case PackedFormat.FiveWithMinimum:
                byte* five = values + (group * 320);
                return Grouped(scales, input, o, Nibble(five, row, at) + (((five[256 + (row * 8) + (at / 8)] >> (at % 8)) & 1) * 16));
            case PackedFormat.Six:
                byte* six = values + (group * 384);
                int upper = (six[256 + (row % 2 * 64) + at] >> (row / 2 * 2)) & 3;
                return new(Half(scales, o) * ((sbyte*)scales)[32 + (input % 256 / 16 * 16) + o] * (Nibble(six, row, at) + (upper * 16) - 32));
            case PackedFormat.Single:
                return new(((float*)values)[(input * 16) + o]);
            case PackedFormat.Half:
                return new(Half(values, (input * 16) + o));
            case PackedFormat.Brain:
                return new(Brain(values, (input * 16) + o));
            case PackedFormat.BrainTiles:
                return new(Brain(values + (group * 1024), TilePlace(o, input)));
            case PackedFormat.BrainPairTiles:
                return new((double)Brain(values + (group * 2048), TilePlace(o, input)) + Brain(values + (group * 2048) + 1024, TilePlace(o, input)));
            case PackedFormat.HalfTiles:
                return new(Half(values + (group * 1024), (input % 16 * 32) + (input % 32 / 16 * 16) + o));
            default:
                throw new ArgumentOutOfRangeException(nameof(matrix), matrix.Format, "no such form");
        }
    }

    private static unsafe PanelReading Grouped(byte* scales, int input, int o, int quant)
    {
        int group = input % 256 / 32;
        return new(Half(scales, o) * scales[64 + (group * 16) + o] * quant, Half(scales, 16 + o) * scales[192 + (group * 16) + o]);
    }

    private static unsafe int Nibble(byte* group, int row, int at) => (group[(row % 4 * 64) + at] >> (row < 4 ? 0 : 4)) & 15;

    private static unsafe double Half(byte* from, int index) => (double)((Half*)from)[index];

    private static unsafe float Brain(byte* from, int index) => BitConverter.UInt32BitsToSingle((uint)((ushort*)from)[index] << 16);

    /// <summary>Inputs r and r + 16 of an output stand side by side in row r.</summary>
    private static int TilePlace(int o, int input) => (input % 16 * 32) + (o * 2) + (input % 32 / 16);

    private static long PanelBytes(PackedFormat format, int inputs) => ScaleBytes(format, inputs) + Whole(format switch
    {
        PackedFormat.Eight => inputs / 32 * 512L,
        PackedFormat.Four or PackedFormat.FourWithMinimum => inputs / 32 * 256L,
        PackedFormat.FiveWithMinimum => inputs / 32 * (256L + 64),
        PackedFormat.Six => inputs / 32 * (256L + 128),
        PackedFormat.Single => inputs * 64L,
        PackedFormat.Half or PackedFormat.Brain => inputs * 32L,
        PackedFormat.BrainTiles or PackedFormat.HalfTiles => (inputs + 31) / 32 * 1024L,
        _ => (inputs + 31) / 32 * 2048L,
    });

    private static long ScaleBytes(PackedFormat format, int inputs) => Whole(format switch
    {
        PackedFormat.Eight or PackedFormat.Four => inputs / 32 * 32L,
        PackedFormat.FourWithMinimum or PackedFormat.FiveWithMinimum => inputs / 256 * 320L,
        PackedFormat.Six => inputs / 256 * 288L,
        _ => 0,
    });

    /// <summary>A panel, and the values in it, begin at a multiple of 64 bytes.</summary>
    private static long Whole(long bytes) => (bytes + 63) / 64 * 64;
}
