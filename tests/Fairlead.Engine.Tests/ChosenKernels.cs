using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tests;

[assembly: AssemblyFixture(typeof(ChosenKernels))]

namespace Fairlead.Engine.Tests;

/// <summary>The whole run computes with the kernels that <c>FAIRLEAD_KERNELS</c> names, as a worker does; tests/kernels.sh runs it with each family in turn.</summary>
public sealed class ChosenKernels
{
    public ChosenKernels()
    {
        string? name = Environment.GetEnvironmentVariable("FAIRLEAD_KERNELS");
        if (!string.IsNullOrEmpty(name) && !KernelChoice.TryUse(name))
            throw new InvalidOperationException($"FAIRLEAD_KERNELS is '{name}'; this machine can run {string.Join(", ", KernelChoice.Available)}.");
    }
}
