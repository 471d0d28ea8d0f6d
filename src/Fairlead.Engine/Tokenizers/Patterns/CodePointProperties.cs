using System.Globalization;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers.Patterns;

/// <summary>The properties of code points that a pattern can name, as Oniguruma understands them.</summary>
internal static class CodePointProperties
{
    /// <summary>The set of a general category (<c>L</c>, <c>Lu</c>, <c>LC</c>), script (<c>Han</c>), POSIX class or binary property; null where the name is unknown.</summary>
    public static Func<int, bool>? Named(string name)
    {
        string plain = name.Trim().Replace("_", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal)
            .Replace("-", "", StringComparison.Ordinal).ToUpperInvariant();
        foreach (string key in (ReadOnlySpan<string>)["SCRIPT=", "SC=", "GENERALCATEGORY=", "GC="])
        {
            if (plain.StartsWith(key, StringComparison.Ordinal))
                plain = plain[key.Length..];
        }

        Func<int, bool>? property = plain switch
        {
            "ANY" => static _ => true,
            "ASSIGNED" => static c => CodePoints.Category(c) != UnicodeCategory.OtherNotAssigned,
            "ASCII" => static c => c < 128,
            "SPACE" or "WHITESPACE" => CodePoints.IsWhiteSpace,
            "WORD" => Word,
            "ALNUM" => static c => Alphabetic(c) || CodePoints.Category(c) == UnicodeCategory.DecimalDigitNumber,
            "ALPHA" or "ALPHABETIC" => Alphabetic,
            "DIGIT" => static c => CodePoints.Category(c) == UnicodeCategory.DecimalDigitNumber,
            "XDIGIT" or "ASCIIHEXDIGIT" => static c => c < 128 && char.IsAsciiHexDigit((char)c),
            "UPPER" or "UPPERCASE" => static c => CodePoints.Category(c) == UnicodeCategory.UppercaseLetter || c is (>= 0x2160 and <= 0x216F) or (>= 0x24B6 and <= 0x24CF),
            "LOWER" or "LOWERCASE" => static c => CodePoints.Category(c) == UnicodeCategory.LowercaseLetter || c is 0xAA or 0xBA or (>= 0x2170 and <= 0x217F) or (>= 0x24D0 and <= 0x24E9),
            "PUNCT" => CodePoints.IsPunctuation,
            "CNTRL" => static c => CodePoints.Category(c) == UnicodeCategory.Control,
            "BLANK" => static c => c == '\t' || CodePoints.Category(c) == UnicodeCategory.SpaceSeparator,
            "GRAPH" => static c => !CodePoints.IsWhiteSpace(c) && CodePoints.Category(c) is not (UnicodeCategory.Control or UnicodeCategory.OtherNotAssigned or UnicodeCategory.Surrogate),
            "PRINT" => static c => CodePoints.Category(c) is not (UnicodeCategory.Control or UnicodeCategory.OtherNotAssigned or UnicodeCategory.Surrogate),
            _ => null,
        };
        if (property is not null)
            return property;
        if ((plain == "L&" ? GeneralCategories.Named("LC") : GeneralCategories.NamedLoosely(plain)) is { } categories)
            return categories.Contains;
        int script = UnicodeTables.ScriptNamed(plain);
        return script < 0 ? null : codePoint => UnicodeTables.ScriptOf(codePoint) == script;
    }

    /// <summary><c>\w</c> of Oniguruma: alphabetic, marks, decimal digits, connectors; no join controls.</summary>
    public static bool Word(int codePoint) => CodePoints.IsWord(codePoint) && codePoint is not (0x200C or 0x200D);

    private static bool Alphabetic(int codePoint) =>
        Word(codePoint) && CodePoints.Category(codePoint) is not (UnicodeCategory.DecimalDigitNumber or UnicodeCategory.ConnectorPunctuation
            or UnicodeCategory.EnclosingMark);
}
