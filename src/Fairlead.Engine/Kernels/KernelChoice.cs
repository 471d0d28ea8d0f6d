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

    /// <summary>Uses the family of that name, in any case, from now on; to be called before a model is loaded.</summary>
    /// <returns>False where there is none of that name, or this machine cannot run it: then nothing has changed.</returns>
    public static bool TryUse(string name)
    {
        foreach (KernelFamily family in Available)
        {
            if (family.ToString().Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                Family = family;
                return true;
            }
        }

        return false;
    }

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
