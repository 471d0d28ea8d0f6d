using System.Globalization;
using System.Text;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers.Patterns;

/// <summary>Reads what stands for one character out of several: classes in brackets, and escapes such as <c>\s</c> and <c>\p{L}</c>.</summary>
internal sealed class ClassParser(PatternReader reader)
{
    /// <summary>A class in brackets, behind the opening one and up to and with the closing one.</summary>
    /// <exception cref="ModelFileException">It is malformed or names what is not known.</exception>
    public Func<int, bool> Read(bool ignoreCase)
    {
        using PatternReader.Level level = reader.Deeper("classes");
        bool negative = reader.Take('^');
        var members = new List<Func<int, bool>>();
        var intersected = new List<Func<int, bool>>();
        for (bool first = true; ; first = false)
        {
            if (reader.AtEnd)
                throw reader.Refusal("does not close a class");
            // A bracket that closes at once would leave nothing; it stands for itself.
            if (!first && reader.Take(']'))
                break;
            if (reader.Take("&&"))
            {
                intersected.Add(Union(members));
                members = [];
            }
            else
            {
                ReadMember(members, ignoreCase);
            }
        }

        intersected.Add(Union(members));
        Func<int, bool>[] all = [.. intersected];
        return Negated(negative, all.Length == 1 ? all[0] : codePoint => Array.TrueForAll(all, set => set(codePoint)));
    }

    /// <summary>A set behind a backslash; null, with nothing taken, where none is named.</summary>
    /// <exception cref="ModelFileException">It names a property that is not known.</exception>
    public Func<int, bool>? Escape()
    {
        char letter = reader.Next;
        if (!"sSdDwWhHpP".Contains(letter))
            return null;
        reader.Skip(1);
        bool negative = char.IsAsciiLetterUpper(letter);
        switch (letter)
        {
            case 's' or 'S':
                return Negated(negative, CodePoints.IsWhiteSpace);
            case 'd' or 'D':
                return Negated(negative, static c => CodePoints.Category(c) == UnicodeCategory.DecimalDigitNumber);
            case 'w' or 'W':
                return Negated(negative, CodePointProperties.Word);
            case 'h' or 'H':
                return Negated(negative, static c => c < 128 && char.IsAsciiHexDigit((char)c));
            default:
                bool inBraces = reader.Take('{');
                bool negated = inBraces && reader.Take('^');
                string name = inBraces ? reader.Until('}', "does not close a property's name") : char.ConvertFromUtf32(reader.CodePoint());
                return Negated(negative != negated, CodePointProperties.Named(name) ?? throw reader.Refusal($"names the property {name}, which is not known"));
        }
    }

    private void ReadMember(List<Func<int, bool>> members, bool ignoreCase)
    {
        if (reader.Take('['))
        {
            members.Add(Posix() ?? Read(ignoreCase));
            return;
        }

        if (Character(out Func<int, bool>? set) is not { } low)
        {
            members.Add(set!);
            return;
        }

        if (reader.Rest is not ['-', not (']' or '['), ..])
        {
            members.Add(Range(low, low, ignoreCase));
            return;
        }

        reader.Skip(1);
        if (Character(out set) is { } high)
        {
            members.Add(high >= low ? Range(low, high, ignoreCase) : throw reader.Refusal("has a range that runs backwards"));
            return;
        }

        // [a-\s]: no range ends with a set, so the dash stands for itself.
        members.AddRange([Range(low, low, ignoreCase), static c => c == '-', set!]);
    }

    // One character; null where an escape names a set of them.
    private int? Character(out Func<int, bool>? set)
    {
        set = null;
        if (!reader.Take('\\'))
            return reader.CodePoint();
        if (reader.AtEnd)
            throw reader.Refusal("ends with a backslash");
        set = Escape();
        return set is not null ? null : reader.Take('b') ? '\b' : reader.EscapedCodePoint();
    }

    // [:alpha:] behind its opening bracket; null with nothing taken where it is an ordinary class.
    private Func<int, bool>? Posix()
    {
        ReadOnlySpan<char> rest = reader.Rest;
        if (rest is not [':', .. var inside] || inside.IndexOf(":]") is not (>= 0 and < 20 and var length))
            return null;
        bool negative = inside[0] == '^';
        string name = inside[(negative ? 1 : 0)..length].ToString();
        Func<int, bool> set = CodePointProperties.Named(name) ?? throw reader.Refusal($"names the class [:{name}:], which is not known");
        reader.Skip(length + 3);
        return Negated(negative, set);
    }

    private static Func<int, bool> Negated(bool negative, Func<int, bool> set) => negative ? codePoint => !set(codePoint) : set;

    private static Func<int, bool> Union(List<Func<int, bool>> sets)
    {
        Func<int, bool>[] all = [.. sets];
        return all.Length == 1 ? all[0] : codePoint => Array.Exists(all, set => set(codePoint));
    }

    private static Func<int, bool> Range(int low, int high, bool ignoreCase)
    {
        if (!ignoreCase)
            return codePoint => codePoint >= low && codePoint <= high;
        return codePoint => (codePoint >= low && codePoint <= high) || Variants(codePoint).Any(other => other >= low && other <= high);
    }

    private static IEnumerable<int> Variants(int codePoint) =>
        [CodePoints.Fold(codePoint), CodePoints.ToLower(codePoint), Rune.ToUpperInvariant(new Rune(codePoint)).Value];
}
