namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Where a thread expands panels: scales as singles, values as bytes or weights as brain floats, and outputs of a panel that is not full.</summary>
internal readonly unsafe struct PanelScratch(byte* memory, int mostInputs)
{
    /// <summary>All of it.</summary>
    public byte* Memory => memory;

    /// <summary>For each group 16 scales, and 16 minimums behind them where the form has some.</summary>
    public float* Scales => (float*)memory;

    /// <summary>For each 32 inputs eight rows of 64 signed bytes.</summary>
    public sbyte* Values => (sbyte*)(memory + ScaleBytes(mostInputs));

    /// <summary><c>[rows × 16]</c>.</summary>
    public float* Outputs => (float*)(memory + ScaleBytes(mostInputs) + ValueBytes(mostInputs));

    /// <summary>The lines of two panels (<see cref="PanelLines"/>), those of the second at <see cref="LineSingles"/>. In the place of all above.</summary>
    public float* Lines => (float*)memory;

    /// <summary>Singles that the lines of a panel take at most.</summary>
    public int LineSingles => (int)(LineBytes(mostInputs) / sizeof(float));

    /// <summary>Two panels as <see cref="PackedFormat.BrainTiles"/>, behind the lines: one side is multiplied while the other is made.</summary>
    /// <param name="side">0 or 1.</param>
    public byte* Brains(int side) => memory + (2 * LineBytes(mostInputs)) + (side * 2 * PackedLayout.ValueBytes(PackedFormat.BrainTiles, mostInputs));

    /// <summary>Bytes for rows and inputs, a multiple of 64.</summary>
    public static long BytesFor(int rows, int inputs) => Math.Max(
        BlockPanels.ScratchBytes(rows),
        Math.Max(
            ScaleBytes(inputs) + ValueBytes(inputs) + (rows * (long)PackedLayout.PanelOutputs * sizeof(float)),
            (2 * LineBytes(inputs)) + (4 * PackedLayout.ValueBytes(PackedFormat.BrainTiles, inputs))));

    // 16 inputs have at most 16 scales, 32 at most 16 scales and 16 minimums: the same.
    private static long ScaleBytes(int inputs) => (inputs + 31L) / 32 * 128;

    private static long LineBytes(int inputs) => (inputs + 31L) / 32 * 2 * PanelLines.Singles * sizeof(float);

    private static long ValueBytes(int inputs) => (inputs + 31L) / 32 * 512;
}
