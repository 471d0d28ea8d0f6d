namespace Fairlead.Engine.Constraints.Regexes;

/// <summary>A regular expression as parsed. Groups leave no trace: nothing is captured.</summary>
internal abstract record RegexNode
{
    private RegexNode()
    {
    }

    /// <summary>One character out of a set.</summary>
    public sealed record Character(CodePointRanges Set) : RegexNode;

    /// <summary>One after the other; empty: the empty text.</summary>
    public sealed record Concatenation(IReadOnlyList<RegexNode> Parts) : RegexNode;

    /// <summary>One of several.</summary>
    public sealed record Alternation(IReadOnlyList<RegexNode> Options) : RegexNode;

    /// <summary>Repeated; <paramref name="AtMost"/> is <see cref="Automata.Grammar.Unbounded"/> where there is no upper end.</summary>
    public sealed record Loop(RegexNode Part, int AtLeast, int AtMost) : RegexNode;

    /// <summary><c>^</c> or <c>$</c>, at character <paramref name="At"/> of the expression.</summary>
    public sealed record Anchor(bool IsBegin, int At) : RegexNode;
}
