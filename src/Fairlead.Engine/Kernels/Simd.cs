using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Kernels;

/// <summary>Widths in which the kernels exist. All of them give the same bits: see <see cref="Simd"/>.</summary>
public enum SimdFamily
{
    /// <summary>One number at a time, on any machine.</summary>
    Scalar = 1,

    /// <summary>128 bits: NEON, SSE.</summary>
    Vector128 = 4,

    /// <summary>256 bits: AVX2.</summary>
    Vector256 = 8,

    /// <summary>512 bits: AVX-512.</summary>
    Vector512 = 16,
}

/// <summary>Which vectors this process computes with, chosen once.</summary>
/// <remarks>
/// The kernels are written so that the width changes the speed and no bit of the result. A sum over a row runs in <see cref="Lanes"/> partial sums,
/// value i going to sum i mod 16 by a fused multiply-add, and these are added pairwise in a fixed order, whether a vector holds 16, 8, 4
/// or 1 of them; everything else is computed value by value. So an answer can be replayed on another machine,
/// and what a test proves for one width is comparable for all.
/// </remarks>
public static class Simd
{
    /// <summary>Partial sums of every sum over a row.</summary>
    internal const int Lanes = 16;

    /// <summary>The widest family that this processor runs at full speed.</summary>
    public static SimdFamily Best { get; } =
        Vector512.IsHardwareAccelerated ? SimdFamily.Vector512
        : Vector256.IsHardwareAccelerated ? SimdFamily.Vector256
        : Vector128.IsHardwareAccelerated ? SimdFamily.Vector128
        : SimdFamily.Scalar;

    /// <summary>The family that kernels use from now on; <see cref="Best"/> unless <see cref="KernelChoice.TryUse"/> or a test says otherwise.</summary>
    public static SimdFamily Family { get; internal set; } = Best;
}
