using Fairlead.Engine.Kernels.Packed;

namespace Fairlead.Engine.Kernels.Machine;

/// <summary>What <see cref="BrainTileKernel"/> expands, beside what it multiplies, in one block of rows: of each group of a panel the same quarters.</summary>
/// <remarks>A quarter of a group is one row of nibbles, or two rows of bytes that lie four apart, and becomes four rows of a tile. Its fields lie as the machine code has them.</remarks>
internal unsafe struct BrainExpansion
{
    /// <summary>Bytes of this.</summary>
    public const int Bytes = 3 * 8;

    /// <summary>Quarters of a group.</summary>
    public const int Quarters = 4;

    /// <summary>The values of the first quarter of the first group.</summary>
    public byte* Values;

    /// <summary>Of the first group (<see cref="PanelLines"/>).</summary>
    public float* Lines;

    /// <summary>Where the first quarter of the first group goes.</summary>
    public byte* Tiles;

    /// <summary>Whether a form can be expanded like this; the values of others have to be put together first.</summary>
    public static bool Knows(PackedFormat format) => format is PackedFormat.Eight or PackedFormat.Four or PackedFormat.FourWithMinimum;
}
