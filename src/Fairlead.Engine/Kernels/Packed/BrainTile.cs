namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Sizes of a tile of brain floats: 16 rows of 64 bytes.</summary>
internal static class BrainTile
{
    /// <summary>Rows of activations, or pairs of inputs of weights.</summary>
    internal const int Rows = 16;

    /// <summary>Inputs that a product of two tiles adds up.</summary>
    internal const int Inputs = 32;

    /// <summary>Bytes of a tile.</summary>
    internal const int Bytes = 1024;
}
