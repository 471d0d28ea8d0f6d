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

    private static int Bounded(long length) => length < 10_000 ? (int)length : -1;
}
