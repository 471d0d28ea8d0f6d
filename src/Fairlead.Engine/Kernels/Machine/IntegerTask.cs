namespace Fairlead.Engine.Kernels.Machine;

/// <summary>What an integer kernel in machine code reads: one panel of weights and some rows of activations. Its fields lie as the code has them.</summary>
internal unsafe struct IntegerTask
{
    /// <summary>The panel's values: signed bytes, for each 32 inputs eight rows of 64.</summary>
    public sbyte* Weights;

    /// <summary>The panel's scales: for each group 16 singles, and 16 minimums behind them where the form has some.</summary>
    public float* Scales;

    /// <summary>The first row of activations.</summary>
    public sbyte* Inputs;

    /// <summary>Bytes from one row of activations to the next.</summary>
    public long InputStride;

    /// <summary>For each block of 32 inputs the scales of 16 rows, then their sums: <see cref="Packed.QuantizedRows.Scales"/> of these rows.</summary>
    public float* InputScales;

    /// <summary>Bytes from the scales of 16 rows to those of the next 16.</summary>
    public long InputScalesStride;

    /// <summary>Where the first row's first output goes.</summary>
    public float* Output;

    /// <summary>Bytes from one row of outputs to the next.</summary>
    public long OutputStride;

    /// <summary><see cref="IntegerTileKernel.ScratchBytes"/>, aligned to 64.</summary>
    public byte* Scratch;

    /// <summary>64 bytes that shape the tiles.</summary>
    public byte* Configuration;

    /// <summary>How often all rows of the kernel are computed, each time for the next rows: ≥ 1.</summary>
    public long Blocks;

    /// <summary>Turns of the loop, of four groups each: <see cref="IntegerTileKernel.TurnsFor"/>.</summary>
    public long Turns;
}
