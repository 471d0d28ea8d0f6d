namespace Fairlead.Engine.Kernels;

/// <summary>Sets of kernels, by what they need of the processor. The order is that of speed: a later one that is there is faster.</summary>
public enum KernelFamily
{
    /// <summary>Plain code on any machine: the reference for all others.</summary>
    Scalar,

    /// <summary>Arm's 128-bit vectors with the dot product of bytes (Armv8.2 DotProd). No Arm machine has run it yet: its loop is tested with another dot product.</summary>
    Neon,

    /// <summary>256-bit vectors with fused multiply-adds (AVX2, FMA).</summary>
    Avx2,

    /// <summary>256-bit vectors with the dot product of bytes (AVX-VNNI).</summary>
    AvxVnni,

    /// <summary>512-bit vectors with the dot product of bytes (AVX-512 F, BW, VL, VNNI), in machine code of our own: .NET 10 has no name for the last.</summary>
    Avx512,

    /// <summary>Tiles of 16 × 64 bytes (AMX-INT8, AMX-BF16) beside 512-bit vectors, in machine code of our own.</summary>
    Amx,
}
