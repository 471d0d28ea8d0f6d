using System.Buffers;
using System.Globalization;
using System.Text;

namespace Fairlead.Engine.Tokenizers.Unicode;

/// <summary>Code points of UTF-16 text, and the properties of them that tokenizers ask for.</summary>
internal static class CodePoints
{
    private static readonly SearchValues<char> s_surrogates =
        SearchValues.Create(Enumerable.Range(0xD800, 0x800).Select(unit => (char)unit).ToArray());

    /// <summary>The text with U+FFFD for every half of a surrogate pair that stands alone: what any encoder to UTF-8 would make of it.</summary>
    public static string Repaired(string text)
    {
        int at = text.AsSpan().IndexOfAny(s_surrogates);
        if (at < 0)
            return text;
        char[]? repaired = null;
        for (; at < text.Length; at++)
        {
            if (!char.IsSurrogate(text[at]))
                continue;
            if (at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]))
            {
                at++;
                continue;
            }

            repaired ??= text.ToCharArray();
            repaired[at] = '\uFFFD';
        }

        return repaired is null ? text : new string(repaired);
    }

    /// <summary>Whether any code point of the text takes two units.</summary>
    public static bool HasSurrogates(ReadOnlySpan<char> text) => text.IndexOfAny(s_surrogates) >= 0;

    /// <summary>The code point that begins at <paramref name="at"/> and its length in units. A surrogate that stands alone is U+FFFD.</summary>
    public static int At(ReadOnlySpan<char> text, int at, out int length)
    {
        char unit = text[at];
        length = 1;
        if (!char.IsSurrogate(unit))
            return unit;
        if (char.IsHighSurrogate(unit) && (uint)(at + 1) < (uint)text.Length && char.IsLowSurrogate(text[at + 1]))
        {
            length = 2;
            return char.ConvertToUtf32(unit, text[at + 1]);
        }

        return 0xFFFD;
    }

    /// <summary>The code point that ends just before <paramref name="end"/> &gt; 0 and its length in units.</summary>
    public static int Before(ReadOnlySpan<char> text, int end, out int length) =>
        At(text, end - (end > 1 && char.IsLowSurrogate(text[end - 1]) && char.IsHighSurrogate(text[end - 2]) ? 2 : 1), out length);

    /// <summary>How many code points the text has.</summary>
    public static int Count(ReadOnlySpan<char> text)
    {
        int count = text.Length;
        if (!HasSurrogates(text))
            return count;
        foreach (char unit in text)
            count -= char.IsLowSurrogate(unit) ? 1 : 0;
        return count;
    }

    public static UnicodeCategory Category(int codePoint) => CharUnicodeInfo.GetUnicodeCategory(codePoint);

    /// <summary>The White_Space property.</summary>
    public static bool IsWhiteSpace(int codePoint) => codePoint <= 0xFFFF && char.IsWhiteSpace((char)codePoint);

    /// <summary>Nd, Nl or No.</summary>
    public static bool IsNumeric(int codePoint) =>
        Category(codePoint) is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    /// <summary>Punctuation of any kind, and the ASCII symbols that BERT counts as such: <c>$+&lt;=&gt;^`|~</c>.</summary>
    public static bool IsPunctuation(int codePoint) => codePoint < 128
        ? char.IsPunctuation((char)codePoint) || char.IsSymbol((char)codePoint)
        : Category(codePoint) is >= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherPunctuation;

    /// <summary>A mark of any kind: Mn, Mc or Me.</summary>
    public static bool IsMark(int codePoint) =>
        Category(codePoint) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;

    /// <summary>A word character as UTS #18 defines <c>\w</c>: alphabetic, mark, decimal digit, connector, join control.</summary>
    public static bool IsWord(int codePoint) => Category(codePoint) switch
    {
        <= UnicodeCategory.LetterNumber => true, // letters, marks, decimal digits and letter-like numbers come first in the enumeration
        UnicodeCategory.ConnectorPunctuation => true,
        UnicodeCategory.Format => codePoint is 0x200C or 0x200D,
        // Other_Alphabetic reaches beyond letters and marks only for the circled and squared Latin letters.
        UnicodeCategory.OtherSymbol => codePoint is (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149)
            or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189),
        _ => false,
    };

    /// <summary>Lower case, one code point to one; U+0130 alone lengthens, which <see cref="Normalizers.Lowercase"/> adds.</summary>
    public static int ToLower(int codePoint) => codePoint < 128
        ? codePoint is >= 'A' and <= 'Z' ? codePoint | 0x20 : codePoint
        : Rune.ToLowerInvariant(new Rune(codePoint)).Value;

    /// <summary>The key under which letters that differ only by case meet (simple folding, so that also K and the Kelvin sign meet).</summary>
    public static int Fold(int codePoint) => codePoint < 128
        ? codePoint is >= 'A' and <= 'Z' ? codePoint | 0x20 : codePoint
        : codePoint == 0x17F ? 's' // the long s, which .NET leaves alone so that ASCII stays among itself
        : Rune.ToLowerInvariant(Rune.ToUpperInvariant(new Rune(codePoint))).Value;
}
