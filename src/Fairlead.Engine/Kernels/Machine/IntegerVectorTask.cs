namespace Fairlead.Engine.Kernels.Machine;

/// <summary>What <see cref="IntegerVectorKernel"/> reads: one panel of weights and the first of its rows. Its fields lie as the machine code has them.</summary>
internal unsafe struct IntegerVectorTask
{
    /// <summary>The panel, scales and values as they are packed.</summary>
    public byte* Panel;

    /// <summary>The first row of activations.</summary>
    public sbyte* Inputs;

    /// <summary>The first row's place in <see cref="Packed.QuantizedRows.Scales"/>. All rows are among the same 16.</summary>
    public float* InputScales;

    /// <summary>The first row's sums of 16 bytes.</summary>
    public short* HalfSums;

    /// <summary>Where the first row's first output goes.</summary>
    public float* Output;

    /// <summary>Bytes from one row of outputs to the next.</summary>
    public long OutputStride;
}
