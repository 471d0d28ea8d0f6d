using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Constraints.Regexes;

/// <summary>A range of code points, both ends included.</summary>
internal readonly record struct CodePointRange(int First, int Last);

/// <summary>A set of Unicode code points: ascending ranges with a gap between any two. Surrogates are never in it, for text has none. Immutable.</summary>
/// <remarks>Made for union and complement, of which an automaton's edges are; the tokenizers' <c>CodePointSet</c> answers membership alone, and fast.</remarks>
internal sealed class CodePointRanges
{
    private const int LastCodePoint = 0x10FFFF;

    private static readonly Dictionary<GeneralCategories, CodePointRanges> Categories = [];

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

    /// <summary>Every character of these categories. Worked out once: it takes a look at every code point there is.</summary>
    public static CodePointRanges Of(GeneralCategories categories)
    {
        lock (Categories)
        {
            if (!Categories.TryGetValue(categories, out CodePointRanges? set))
                Categories.Add(categories, set = Scan(categories));
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

    private static CodePointRanges Scan(GeneralCategories categories)
    {
        var ranges = new List<CodePointRange>();
        for (int codePoint = 0; codePoint <= LastCodePoint; codePoint++)
        {
            if (!categories.Contains(codePoint))
                continue;
            if (ranges.Count > 0 && ranges[^1].Last == codePoint - 1)
                ranges[^1] = ranges[^1] with { Last = codePoint };
            else
                ranges.Add(new CodePointRange(codePoint, codePoint));
        }

        return Of([.. ranges]);
    }
}
