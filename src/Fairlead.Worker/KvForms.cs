using Fairlead.Engine.Generation;

namespace Fairlead.Worker;

/// <summary>In what forms a model that writes can keep keys and values, as people write them.</summary>
public static class KvForms
{
    /// <summary>The words, those of <see cref="KvType"/> in small letters: of the command line and of the configuration.</summary>
    public static IReadOnlyList<string> Words { get; } = [.. Enum.GetNames<KvType>().Select(static name => name.ToLowerInvariant())];

    /// <summary>The word of the form that is kept where nobody says otherwise.</summary>
    public static string Default { get; } = Words[(int)new LanguageModelOptions().Kv];

    /// <summary>The form that a word names; null for none.</summary>
    /// <exception cref="ArgumentException">It is none of <see cref="Words"/>.</exception>
    internal static KvType? TypeOf(string? word) => word is null
        ? null
        : Words.Contains(word, StringComparer.Ordinal) ? Enum.Parse<KvType>(word, ignoreCase: true) : throw new ArgumentException($"'{word}' is none of {string.Join(", ", Words)}", nameof(word));
}
