namespace Fairlead.Engine.Kernels.Machine;

/// <summary>What <see cref="IntegerVectorKernel"/> reads: a run of panels and the first of its rows. Its fields lie as the machine code has them, which changes some of them.</summary>
internal unsafe struct IntegerVectorTask
{
    /// <summary>The first panel, scales and values as they are packed; the others follow it.</summary>
    public byte* Panel;

    /// <summary>How many: ≥ 1. None are left afterwards.</summary>
    public long Panels;

    /// <summary>The first row of activations.</summary>
    public sbyte* Inputs;

    /// <summary>The first row's place in <see cref="Packed.QuantizedRows.Scales"/>. All rows are among the same 16.</summary>
    public float* InputScales;

    /// <summary>The first row's sums of 16 bytes.</summary>
    public short* HalfSums;

    /// <summary>Where the first row's first output goes; afterwards, where the next panel's would.</summary>
    public float* Output;

    /// <summary>Bytes from one row of outputs to the next.</summary>
    public long OutputStride;
}
