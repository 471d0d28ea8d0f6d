using Fairlead.Engine.Kernels.Quantizing;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Loading;

/// <summary>What floating-point weights may be quantised to while they are loaded, by the names that people write.</summary>
public static class QuantizeTarget
{
    /// <summary>The names.</summary>
    public static IReadOnlyList<string> Names { get; } = ["q8_0", "q4_0", "q4_k"];

    /// <summary>The type of that name.</summary>
    public static bool TryParse(string name, out ElementType type)
    {
        (bool isKnown, type) = name switch
        {
            "q8_0" => (true, ElementType.Q8_0),
            "q4_0" => (true, ElementType.Q4_0),
            "q4_k" => (true, ElementType.Q4_K),
            _ => (false, default),
        };
        return isKnown;
    }

    /// <exception cref="ArgumentOutOfRangeException">It is another type.</exception>
    internal static void Check(ElementType? target)
    {
        if (target is { } type && !BlockQuantizer.CanWrite(type))
            throw new ArgumentOutOfRangeException(nameof(target), type, "weights are quantised to Q8_0, Q4_0 or Q4_K");
    }
}
