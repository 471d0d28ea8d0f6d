using Fairlead.Engine.Kernels.Packed;

namespace Fairlead.Engine.Kernels.Machine;

/// <summary>What an <see cref="IntegerVectorKernel"/> is made for.</summary>
/// <param name="Format">An integer form.</param>
/// <param name="Inputs">Inputs of the matrix, a multiple of what the form scales together.</param>
/// <param name="Rows">1 to <see cref="IntegerVectorKernel.MostRows"/>.</param>
internal readonly record struct IntegerVectorShape(PackedFormat Format, int Inputs, int Rows)
{
    /// <summary>Cheap, since every panel of every product is looked up by it.</summary>
    public override int GetHashCode() => (Inputs << 8) ^ ((int)Format << 4) ^ Rows;
}
