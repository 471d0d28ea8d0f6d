using System.Globalization;

namespace Fairlead.Engine.Constraints.Regexes;

/// <summary>A range of code points, both ends included.</summary>
internal readonly record struct CodePointRange(int First, int Last);

/// <summary>A set of Unicode code points: ascending ranges with a gap between any two. Surrogates are never in it, for text has none. Immutable.</summary>
/// <remarks>Made for union and complement, of which an automaton's edges are; the tokenizers' <c>CodePointSet</c> answers membership alone, and fast.</remarks>
internal sealed class CodePointRanges
{
    private const int LastCodePoint = 0x10FFFF;

    private static readonly Dictionary<string, CodePointRanges> Categories = [];

    private CodePointRanges(List<CodePointRange> ranges) => Ranges = ranges;

    /// <summary>Every code point that a text can hold.</summary>
    public static CodePointRanges All { get; } = Of(new CodePointRange(0, LastCodePoint));

    /// <summary>The ranges, ascending.</summary>
    public IReadOnlyList<CodePointRange> Ranges { get; }

    /// <summary>The only member, or null where there is none or more than one.</summary>
    public int? Single => Ranges is [{ } only] && only.First == only.Last ? only.First : null;

    /// <summary>The union of <paramref name="ranges"/>, in any order.</summary>
    public static CodePointRanges Of(params ReadOnlySpan<CodePointRange> ranges)
    {
        CodePointRange[] sorted = ranges.ToArray();
        Array.Sort(sorted, static (left, right) => left.First.CompareTo(right.First));
        var merged = new List<CodePointRange>();
        foreach (CodePointRange range in sorted)
        {
            // Surrogates are cut out first, so that no two ranges are joined across them.
            Add(new CodePointRange(range.First, Math.Min(range.Last, 0xD7FF)));
            Add(new CodePointRange(Math.Max(range.First, 0xE000), range.Last));
        }

        return new CodePointRanges(merged);

        void Add(CodePointRange range)
        {
            if (range.First > range.Last)
                return;
            if (merged.Count > 0 && range.First <= merged[^1].Last + 1)
                merged[^1] = merged[^1] with { Last = Math.Max(merged[^1].Last, range.Last) };
            else
                merged.Add(range);
        }
    }

    /// <summary>One code point.</summary>
    public static CodePointRanges Of(int codePoint) => Of(new CodePointRange(codePoint, codePoint));

    /// <summary>Every character of <paramref name="text"/>.</summary>
    public static CodePointRanges OfText(string text) => Of([.. text.EnumerateRunes().Select(static rune => new CodePointRange(rune.Value, rune.Value))]);

    /// <summary>
    /// A general category of Unicode as <c>\p{…}</c> names it (<c>L</c>, <c>Lu</c>, <c>Letter</c>, <c>Uppercase_Letter</c>), from the tables
    /// of the runtime (Unicode 16 in .NET 10; they are there without ICU). Null where there is no such name.
    /// </summary>
    public static CodePointRanges? Category(string name)
    {
        Func<UnicodeCategory, bool>? belongs = Test(name);
        if (belongs is null)
            return null;
        lock (Categories)
        {
            if (!Categories.TryGetValue(name, out CodePointRanges? set))
                Categories.Add(name, set = Scan(belongs));
            return set;
        }
    }

    public static CodePointRanges operator |(CodePointRanges left, CodePointRanges right) => Of([.. left.Ranges, .. right.Ranges]);

    public static CodePointRanges operator ~(CodePointRanges set)
    {
        var gaps = new List<CodePointRange>();
        int next = 0;
        foreach (CodePointRange range in set.Ranges)
        {
            if (range.First > next)
                gaps.Add(new CodePointRange(next, range.First - 1));
            next = range.Last + 1;
        }

        if (next <= LastCodePoint)
            gaps.Add(new CodePointRange(next, LastCodePoint));
        return Of([.. gaps]);
    }

    /// <summary>What is in this set and not in <paramref name="other"/>.</summary>
    public CodePointRanges Without(CodePointRanges other) => ~(~this | other);

    /// <summary>Whether <paramref name="codePoint"/> is in the set.</summary>
    public bool Contains(int codePoint) => Ranges.Any(range => codePoint >= range.First && codePoint <= range.Last);

    private static CodePointRanges Scan(Func<UnicodeCategory, bool> belongs)
    {
        var ranges = new List<CodePointRange>();
        for (int codePoint = 0; codePoint <= LastCodePoint; codePoint++)
        {
            if (!belongs(CharUnicodeInfo.GetUnicodeCategory(codePoint)))
                continue;
            if (ranges.Count > 0 && ranges[^1].Last == codePoint - 1)
                ranges[^1] = ranges[^1] with { Last = codePoint };
            else
                ranges.Add(new CodePointRange(codePoint, codePoint));
        }

        return Of([.. ranges]);
    }

    private static Func<UnicodeCategory, bool>? Test(string name) => name switch
    {
        "L" or "Letter" => static c => c <= UnicodeCategory.OtherLetter,
        "Lu" or "Uppercase_Letter" => static c => c == UnicodeCategory.UppercaseLetter,
        "Ll" or "Lowercase_Letter" => static c => c == UnicodeCategory.LowercaseLetter,
        "Lt" or "Titlecase_Letter" => static c => c == UnicodeCategory.TitlecaseLetter,
        "Lm" or "Modifier_Letter" => static c => c == UnicodeCategory.ModifierLetter,
        "Lo" or "Other_Letter" => static c => c == UnicodeCategory.OtherLetter,
        "M" or "Mark" => static c => c is >= UnicodeCategory.NonSpacingMark and <= UnicodeCategory.EnclosingMark,
        "Mn" or "Nonspacing_Mark" => static c => c == UnicodeCategory.NonSpacingMark,
        "Mc" or "Spacing_Mark" => static c => c == UnicodeCategory.SpacingCombiningMark,
        "Me" or "Enclosing_Mark" => static c => c == UnicodeCategory.EnclosingMark,
        "N" or "Number" => static c => c is >= UnicodeCategory.DecimalDigitNumber and <= UnicodeCategory.OtherNumber,
        "Nd" or "Decimal_Number" => static c => c == UnicodeCategory.DecimalDigitNumber,
        "Nl" or "Letter_Number" => static c => c == UnicodeCategory.LetterNumber,
        "No" or "Other_Number" => static c => c == UnicodeCategory.OtherNumber,
        "P" or "Punctuation" => static c => c is >= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherPunctuation,
        "Pc" or "Connector_Punctuation" => static c => c == UnicodeCategory.ConnectorPunctuation,
        "Pd" or "Dash_Punctuation" => static c => c == UnicodeCategory.DashPunctuation,
        "Ps" or "Open_Punctuation" => static c => c == UnicodeCategory.OpenPunctuation,
        "Pe" or "Close_Punctuation" => static c => c == UnicodeCategory.ClosePunctuation,
        "Pi" or "Initial_Punctuation" => static c => c == UnicodeCategory.InitialQuotePunctuation,
        "Pf" or "Final_Punctuation" => static c => c == UnicodeCategory.FinalQuotePunctuation,
        "Po" or "Other_Punctuation" => static c => c == UnicodeCategory.OtherPunctuation,
        "S" or "Symbol" => static c => c is >= UnicodeCategory.MathSymbol and <= UnicodeCategory.OtherSymbol,
        "Sm" or "Math_Symbol" => static c => c == UnicodeCategory.MathSymbol,
        "Sc" or "Currency_Symbol" => static c => c == UnicodeCategory.CurrencySymbol,
        "Sk" or "Modifier_Symbol" => static c => c == UnicodeCategory.ModifierSymbol,
        "So" or "Other_Symbol" => static c => c == UnicodeCategory.OtherSymbol,
        "Z" or "Separator" => static c => c is >= UnicodeCategory.SpaceSeparator and <= UnicodeCategory.ParagraphSeparator,
        "Zs" or "Space_Separator" => static c => c == UnicodeCategory.SpaceSeparator,
        _ => null,
    };
}
