using System.Buffers;

namespace Fairlead.Fleet.Workers;

/// <summary>What a name, a source or an argument must be before it may stand in a command line (security P-05): no shell ever reads one, so all that is left
/// to be mistaken for something else is an option, a response file, and what ends a C string.</summary>
public static class EscapeRules
{
    /// <summary>Longest argument; Linux takes 128 KiB, no path is longer than 4 KiB.</summary>
    public const int MostLength = 4_096;

    private static readonly SearchValues<char> Control = SearchValues.Create([.. Enumerable.Range(0, 0x20).Append(0x7F).Concat(Enumerable.Range(0x80, 0x20)).Select(static c => (char)c), '\u2028', '\u2029']);

    /// <summary>Why this may not be the source of a model; null when it may.</summary>
    public static string? RefuseSource(string source) => Refuse(source, "a model's source");

    /// <summary>Why this may not be the name of a model; null when it may.</summary>
    public static string? RefuseName(string name) => Refuse(name, "a model's name");

    /// <summary>Why this may not be an argument of an engine's command; null when it may. The first is a program, and no option either.</summary>
    public static string? RefuseArgument(string argument, bool first) =>
        first ? Refuse(argument, "the program of an engine's command") : Unprintable(argument, "an argument of an engine's command");

    // An option begins with "-"; "@file" is read in place of itself by parsers that know response files, ours among them.
    private static string? Refuse(string value, string what) => value switch
    {
        "" => $"{what} is empty",
        ['-', ..] => $"{what} cannot begin with \"-\", which programs take for an option",
        ['@', ..] => $"{what} cannot begin with \"@\", which programs take for a file of more arguments",
        _ => Unprintable(value, what),
    };

    private static string? Unprintable(string value, string what)
    {
        if (value.Length > MostLength)
            return $"{what} is {value.Length} characters long, and {MostLength} is the most";
        if (value.AsSpan().IndexOfAny(Control) is >= 0 and int at)
            return $"{what} holds the control character U+{(int)value[at]:X4} at position {at + 1}";
        return HasLoneSurrogate(value) ? $"{what} is no valid Unicode" : null;
    }

    private static bool HasLoneSurrogate(string value)
    {
        for (int i = 0; i < value.Length; i++)
        {
            if (!char.IsSurrogate(value[i]))
                continue;
            if (i + 1 == value.Length || !char.IsSurrogatePair(value[i], value[i + 1]))
                return true;
            i++;
        }
        return false;
    }
}
