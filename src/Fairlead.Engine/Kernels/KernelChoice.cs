using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Fairlead.Engine.Kernels.Machine;

namespace Fairlead.Engine.Kernels;

/// <summary>Which kernels this process computes with, chosen once.</summary>
public static class KernelChoice
{
    /// <summary>The families that this processor and system can run, slowest first.</summary>
    public static IReadOnlyList<KernelFamily> Available { get; } = [.. Enum.GetValues<KernelFamily>().Where(IsAvailable)];

    /// <summary>The fastest of them.</summary>
    public static KernelFamily Best => Available[^1];

    /// <summary>The family that is used from now on; <see cref="Best"/> unless somebody says otherwise before a model is loaded.</summary>
    public static KernelFamily Family { get; internal set; } = Best;

    /// <summary>
    /// Uses the family of that name, in any case, from now on, and no wider vectors than the family's wherever their width is chosen (<see cref="Simd"/>); to be called before a model is loaded.
    /// </summary>
    /// <returns>False where there is none of that name, or this machine cannot run it: then nothing has changed.</returns>
    public static bool TryUse(string name)
    {
        if (!TryFind(name, out KernelFamily family))
            return false;
        Family = family;
        Simd.Family = (SimdFamily)Math.Min((int)Simd.Best, (int)WidthOf(family));
        return true;
    }

    /// <summary>The family of that name, in any case, where this machine can run it.</summary>
    public static bool TryFind(string name, out KernelFamily family)
    {
        foreach (KernelFamily one in Available)
        {
            if (one.ToString().Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                family = one;
                return true;
            }
        }

        family = default;
        return false;
    }

    private static SimdFamily WidthOf(KernelFamily family) => family switch
    {
        KernelFamily.Scalar => SimdFamily.Scalar,
        KernelFamily.Neon => SimdFamily.Vector128,
        KernelFamily.Avx2 or KernelFamily.AvxVnni => SimdFamily.Vector256,
        _ => SimdFamily.Vector512,
    };

    private static bool IsAvailable(KernelFamily family) => family switch
    {
        KernelFamily.Scalar => true,
        KernelFamily.Neon => Dp.IsSupported,
        KernelFamily.Avx2 => Avx2.IsSupported && Fma.IsSupported,
        KernelFamily.AvxVnni => Avx2.IsSupported && Fma.IsSupported && AvxVnni.IsSupported,
        KernelFamily.Avx512 => MachineSupport.HasVnni,
        KernelFamily.Amx => MachineSupport.HasTiles,
        _ => false,
    };
}
