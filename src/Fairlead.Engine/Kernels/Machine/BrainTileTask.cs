namespace Fairlead.Engine.Kernels.Machine;

/// <summary>What <see cref="BrainTileKernel"/> reads: up to 32 rows of activations and one or two panels of weights, and what comes after them. Its fields lie as the machine code has them.</summary>
internal unsafe struct BrainTileTask
{
    /// <summary>Times everything, each time as much further as the next three say: ≥ 1. Overwritten, as are the places of inputs, weights and outputs.</summary>
    public long Blocks;

    /// <summary>Bytes from the inputs of a block to those of the next.</summary>
    public long InputsBlock;

    /// <summary>Bytes from the weights of a block to those of the next.</summary>
    public long WeightsBlock;

    /// <summary>Bytes from the outputs of a block to those of the next.</summary>
    public long OutputBlock;

    /// <summary>Rows 0 to 15: for each 32 inputs a tile for each part.</summary>
    public byte* Inputs;

    /// <summary>Rows 16 to 31 likewise.</summary>
    public byte* SecondInputs;

    /// <summary>The first panel.</summary>
    public byte* Weights;

    /// <summary>The second panel.</summary>
    public byte* SecondWeights;

    /// <summary>Weights that come next: <see cref="BrainTileKernel.LinesAhead"/> lines of each of two panels are asked for with every step.</summary>
    public byte* Ahead;

    /// <summary>The second panel of those.</summary>
    public byte* SecondAhead;

    /// <summary>Where pairs are made of halves: <see cref="BrainTileKernel.DecodedBytes"/> for each of two steps (<see cref="BrainWeights.Half"/>) or of all (<see cref="BrainWeights.HalfKept"/>), aligned to 64 bytes.</summary>
    public byte* Decoded;

    /// <summary>What is expanded meanwhile, one for each block; where the kernel expands.</summary>
    public BrainExpansion* Expansions;

    /// <summary>Times 32 inputs, ≥ 1.</summary>
    public long Steps;

    /// <summary>Where row 0's first output goes; where the kernel goes on with sums, it finds them there.</summary>
    public float* Output;

    /// <summary>Bytes from one row of outputs to the next.</summary>
    public long OutputStride;

    /// <summary>64 bytes that shape the tiles, see <see cref="BrainTileKernel.Configure"/>.</summary>
    public byte* Configuration;
}
