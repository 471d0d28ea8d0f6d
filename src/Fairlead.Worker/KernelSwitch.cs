using Fairlead.Engine.Kernels;

namespace Fairlead.Worker;

/// <summary>Which kernels a worker computes with: the fastest that the machine has, unless the environment names others, to compare them or to go around one.</summary>
public static class KernelSwitch
{
    /// <summary>The variable that names them.</summary>
    public const string Variable = "FAIRLEAD_KERNELS";

    /// <summary>The names that this machine can run, slowest first.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. KernelChoice.Available.Select(NameOf)];

    /// <summary>The name of those that a worker with this value of the variable computes with; null where it cannot be followed.</summary>
    /// <param name="value">Null or empty: the fastest.</param>
    public static string? Meant(string? value) => string.IsNullOrEmpty(value) ? NameOf(KernelChoice.Best) : KernelChoice.TryFind(value, out KernelFamily family) ? NameOf(family) : null;

    /// <summary>Why the variable's value cannot be followed; null where it can be. Changes nothing.</summary>
    /// <param name="value">Null or empty: the fastest.</param>
    public static string? Refusal(string? value) => Meant(value) is not null
        ? null
        : $"{Variable} is '{(value!.Length <= 60 ? value : value[..60] + "…")}'; this machine can run {string.Join(", ", Names)}. Name one of them, or leave the variable out.";

    /// <summary>Follows the variable's value; to be called once, before a model is loaded.</summary>
    /// <param name="value">Null or empty: the fastest.</param>
    /// <returns>Why it cannot be followed; null where it was.</returns>
    public static string? Follow(string? value)
    {
        if (!string.IsNullOrEmpty(value))
            KernelChoice.TryUse(value);
        return Refusal(value);
    }

    private static string NameOf(KernelFamily family) => family.ToString().ToLowerInvariant();
}
