using System.Buffers;
using System.Globalization;
using System.Text;

namespace Fairlead.Engine.Templates;

/// <summary>What Python's <c>str</c> knows about characters, where .NET answers differently.</summary>
internal static class Characters
{
    private static readonly SearchValues<char> LongerInUpper = SearchValues.Create("ßŉǰﬀﬁﬂﬃﬄﬅﬆ");

    /// <summary>Python's <c>str.isspace</c>: .NET leaves out the four separators U+001C–U+001F.</summary>
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    /// <summary>Python's <c>str.isprintable</c> of one character.</summary>
    public static bool IsPrintable(int codePoint)
    {
        if (codePoint is >= 0xD800 and <= 0xDFFF)
            return false;
        return codePoint == ' ' || CharUnicodeInfo.GetUnicodeCategory(codePoint) is not (UnicodeCategory.Control or UnicodeCategory.Format
            or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
    }

    /// <summary>Upper case with the characters that become several (Unicode's SpecialCasing.txt, the unconditional Latin ones).</summary>
    public static string Upper(string text)
    {
        string upper = text.ToUpperInvariant();
        if (upper.AsSpan().IndexOfAny(LongerInUpper) < 0)
            return upper;
        StringBuilder longer = new(upper.Length + 8);
        foreach (char c in upper)
        {
            _ = c switch
            {
                'ß' => longer.Append("SS"),
                'ŉ' => longer.Append("ʼN"),
                'ǰ' => longer.Append("J̌"),
                'ﬀ' => longer.Append("FF"),
                'ﬁ' => longer.Append("FI"),
                'ﬂ' => longer.Append("FL"),
                'ﬃ' => longer.Append("FFI"),
                'ﬄ' => longer.Append("FFL"),
                'ﬅ' or 'ﬆ' => longer.Append("ST"),
                _ => longer.Append(c),
            };
        }

        return longer.ToString();
    }

    /// <summary>Lower case with the dotted capital I (two characters) and the sigma that ends a word.</summary>
    public static string Lower(string text)
    {
        string lower = text.ToLowerInvariant();
        if (text.AsSpan().IndexOfAny('İ', 'Σ') < 0)
            return lower;
        StringBuilder special = new(lower.Length + 4);
        for (int i = 0; i < text.Length; i++)
        {
            bool endsWord = i > 0 && char.IsLetter(text[i - 1]) && (i + 1 == text.Length || !char.IsLetter(text[i + 1]));
            special.Append(text[i] switch
            {
                'İ' => "i̇",
                'Σ' => endsWord ? "ς" : "σ",
                _ => lower[i].ToString(),
            });
        }

        return special.ToString();
    }

    /// <summary>Python's <c>str.capitalize</c>: the first character large, all others small.</summary>
    public static string Capitalize(string text)
    {
        if (text.Length == 0)
            return text;
        int first = char.IsHighSurrogate(text[0]) && text.Length > 1 ? 2 : 1;
        string head = Upper(text[..first]);
        return (head.Length > first ? head[0] + Lower(head[1..]) : head) + Lower(text[first..]);
    }

    /// <summary>Python's <c>str.title</c>: every first letter after a character that is none.</summary>
    public static string Title(string text)
    {
        StringBuilder title = new(text.Length);
        bool inWord = false;
        foreach (Rune rune in text.EnumerateRunes())
        {
            string one = rune.ToString();
            bool letter = Rune.IsLetter(rune);
            title.Append(!letter ? one : inWord ? Lower(one) : Capitalize(one));
            inWord = letter;
        }

        return title.ToString();
    }
}
