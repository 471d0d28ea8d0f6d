using Fairlead.Engine.Kernels;

namespace Fairlead.Worker;

/// <summary>Which kernels a worker computes with: the fastest that the machine has, unless the environment names others, to compare them or to go around one.</summary>
public static class KernelSwitch
{
    /// <summary>The variable that names them.</summary>
    public const string Variable = "FAIRLEAD_KERNELS";

    /// <summary>Follows the variable's value; to be called once, before a model is loaded.</summary>
    /// <param name="value">Null or empty: the fastest.</param>
    /// <returns>Why it cannot be followed; null where it was.</returns>
    public static string? Follow(string? value)
    {
        if (string.IsNullOrEmpty(value) || KernelChoice.TryUse(value))
            return null;
        return $"{Variable} is '{value}'; this machine can run {string.Join(", ", KernelChoice.Available.Select(static family => family.ToString().ToLowerInvariant()))}. Name one of them, or leave the variable out.";
    }
}
