using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;

namespace Fairlead.Worker;

/// <summary>What a model's floating-point weights may be quantised to while they are loaded, as people write it.</summary>
public static class Quantizing
{
    /// <summary>The words: of the command line and of the configuration.</summary>
    public static IReadOnlyList<string> Words => QuantizeTarget.Names;

    /// <summary>The type that a word names; null for none.</summary>
    /// <exception cref="ArgumentException">It is none of <see cref="Words"/>.</exception>
    internal static ElementType? TypeOf(string? word) =>
        word is null ? null : QuantizeTarget.TryParse(word, out ElementType type) ? type : throw new ArgumentException($"'{word}' is none of {string.Join(", ", Words)}", nameof(word));
}
