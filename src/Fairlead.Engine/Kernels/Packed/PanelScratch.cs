namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Where a thread expands a panel: scales as singles, values as bytes, and outputs of a panel that is not full.</summary>
internal readonly unsafe struct PanelScratch(byte* memory, int mostInputs)
{
    /// <summary>For each group 16 scales, and 16 minimums behind them where the form has some.</summary>
    public float* Scales => (float*)memory;

    /// <summary>For each 32 inputs eight rows of 64 signed bytes.</summary>
    public sbyte* Values => (sbyte*)(memory + ScaleBytes(mostInputs));

    /// <summary><c>[rows × 16]</c>.</summary>
    public float* Outputs => (float*)(memory + ScaleBytes(mostInputs) + ValueBytes(mostInputs));

    /// <summary>Bytes for rows and inputs, a multiple of 64.</summary>
    public static long BytesFor(int rows, int inputs) => ScaleBytes(inputs) + ValueBytes(inputs) + (rows * (long)PackedLayout.PanelOutputs * sizeof(float));

    // 16 inputs have at most 16 scales, 32 at most 16 scales and 16 minimums: the same.
    private static long ScaleBytes(int inputs) => (inputs + 31L) / 32 * 128;

    private static long ValueBytes(int inputs) => (inputs + 31L) / 32 * 512;
}
