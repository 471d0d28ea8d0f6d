namespace Fairlead.Engine.Kernels.Machine;

/// <summary>How the weights lie that <see cref="BrainTileKernel"/> multiplies. A step is 32 inputs of a panel.</summary>
internal enum BrainWeights
{
    /// <summary>A tile a step (<see cref="Packed.PackedFormat.BrainTiles"/>).</summary>
    One,

    /// <summary>Two tiles a step, what the first leaves in the second (<see cref="Packed.PackedFormat.BrainPairTiles"/>).</summary>
    Pair,

    /// <summary>Halves (<see cref="Packed.PackedFormat.HalfTiles"/>), of which pairs are made in room for two steps.</summary>
    Half,

    /// <summary>Halves, of which pairs are made in room for all steps, to be multiplied again as <see cref="Decoded"/>.</summary>
    HalfKept,

    /// <summary>What <see cref="HalfKept"/> has made: pairs, those of two panels side by side.</summary>
    Decoded,

    /// <summary>A tile a step, made of the weights of an integer form (<see cref="Packed.PanelBrains"/>) and multiplied with activations that are rounded as well.</summary>
    Expanded,

    /// <summary>The same, where so many rows are multiplied that the next panels have time to come.</summary>
    ExpandedForMany,

    /// <summary>Two tiles a step as in <see cref="Pair"/>, made of keys (<see cref="Attending.BrainPiece"/>) and multiplied with queries that are cut into two parts.</summary>
    Keys,
}
