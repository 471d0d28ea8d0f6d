namespace Fairlead.Engine.Tokenizers.Patterns;

/// <summary>How often a part is tried before what follows: as often as possible, as seldom as possible, or as often as possible for good.</summary>
internal enum Greed
{
    Greedy,
    Lazy,
    Possessive,
}

/// <summary>Places rather than characters.</summary>
internal enum Place
{
    LineStart,
    LineEnd,
    TextStart,
    TextEnd,
    TextEndOrLastNewline,
    WordBorder,
    NoWordBorder,
}

/// <summary>A pattern as <see cref="PatternParser"/> read it.</summary>
internal abstract record PatternNode
{
    /// <summary>One character of the set.</summary>
    public sealed record One(CodePointSet Set) : PatternNode;

    public sealed record At(Place Place) : PatternNode;

    /// <summary>All, one after the other; none of them: the empty text.</summary>
    public sealed record Sequence(IReadOnlyList<PatternNode> Parts) : PatternNode;

    /// <summary>The first that leads to a match.</summary>
    public sealed record Choice(IReadOnlyList<PatternNode> Options) : PatternNode;

    /// <summary><paramref name="Max"/> −1: without end.</summary>
    public sealed record Repeat(PatternNode Part, int Min, int Max, Greed Greed) : PatternNode;

    /// <summary>Once matched, never tried otherwise.</summary>
    public sealed record Atomic(PatternNode Part) : PatternNode;

    public sealed record Look(PatternNode Part, bool Behind, bool Negative) : PatternNode;

    /// <summary>How many characters the part always takes; −1 where that depends on the text.</summary>
    public int FixedLength() => this switch
    {
        One => 1,
        At or Look => 0,
        Atomic atomic => atomic.Part.FixedLength(),
        Sequence sequence => sequence.Parts.Aggregate(0, (sum, part) => sum < 0 || part.FixedLength() is not (>= 0 and < 10_000 and var length) ? -1 : Bounded(sum + length)),
        Choice choice => choice.Options.Select(option => option.FixedLength()).Distinct().ToArray() is [var only] ? only : -1,
        Repeat repeat when repeat.Min == repeat.Max && repeat.Part.FixedLength() is >= 0 and < 10_000 and var length => Bounded((long)length * repeat.Min),
        _ => -1,
    };

    /// <summary>Whether the part can match without taking a character.</summary>
    public bool MayBeEmpty() => this switch
    {
        One => false,
        Sequence sequence => sequence.Parts.All(part => part.MayBeEmpty()),
        Choice choice => choice.Options.Any(option => option.MayBeEmpty()),
        Repeat repeat => repeat.Min == 0 || repeat.Part.MayBeEmpty(),
        Atomic atomic => atomic.Part.MayBeEmpty(),
        _ => true,
    };

    /// <summary>The characters that a match of the part can begin with; null where it may be empty, so that anything may stand there.</summary>
    public CodePointSet? First() => this switch
    {
        One one => one.Set,
        Atomic atomic => atomic.Part.First(),
        Repeat { Min: > 0 } repeat => repeat.Part.First(),
        Choice choice => Union([.. choice.Options.Select(option => option.First())]),
        Sequence sequence => FirstOf(sequence.Parts),
        _ => null,
    };

    // Up to the first part that takes a character for certain; places and look-around before it take none and are left out of account.
    private static CodePointSet? FirstOf(IReadOnlyList<PatternNode> parts)
    {
        var sets = new List<CodePointSet?>();
        foreach (PatternNode part in parts)
        {
            if (part is At or Look)
                continue;
            sets.Add(part is Repeat { Min: 0 } optional ? optional.Part.First() : part.First());
            if (!part.MayBeEmpty())
                return Union(sets);
        }

        return null;
    }

    private static CodePointSet? Union(List<CodePointSet?> sets)
    {
        if (sets.Count == 1)
            return sets[0];
        CodePointSet[] known = [.. sets.OfType<CodePointSet>()];
        return known.Length == sets.Count ? new CodePointSet(codePoint => Array.Exists(known, set => set.Contains(codePoint))) : null;
    }

    private static int Bounded(long length) => length < 10_000 ? (int)length : -1;
}
