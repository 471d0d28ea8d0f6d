namespace Fairlead.Engine.Constraints.Automata;

/// <summary>The kinds of expression: what they accept, with the meaning of their three numbers A, B and C.</summary>
internal enum NodeKind : byte
{
    /// <summary>No text at all.</summary>
    Never,

    /// <summary>The empty text only.</summary>
    Nothing,

    /// <summary>One byte out of set A.</summary>
    Bytes,

    /// <summary>Literal A from its byte B to its end.</summary>
    Literal,

    /// <summary>A, then B.</summary>
    Sequence,

    /// <summary>One of the B children that begin at place A of the list of children.</summary>
    Choice,

    /// <summary>What both A and B accept. Regular expressions only.</summary>
    Both,

    /// <summary>What A does not accept. Regular expressions only.</summary>
    Except,

    /// <summary>A, at least B and at most C times (<see cref="Grammar.Unbounded"/>: without end).</summary>
    Repeat,

    /// <summary>A, kept together: it is the unit for which masks are kept, and intersections live only inside of one.</summary>
    Lexeme,

    /// <summary>A JSON object or array: rule A with room for B more levels of nesting, itself included.</summary>
    Rule,

    /// <summary>Decimal digits whose value is a multiple of divisor A; remainder so far B, digits of the fraction still free C (−1: before the point).</summary>
    Multiple,
}

/// <summary>One expression of a grammar: its parts stand before it in the list.</summary>
/// <param name="HasRule">It contains a <see cref="NodeKind.Rule"/>, so that it depends on how deep the text is nested.</param>
internal readonly record struct Template(NodeKind Kind, int A, int B, int C, bool HasRule);

/// <summary>The nodes from <paramref name="Start"/> to before <paramref name="End"/>, which make up <paramref name="Root"/>.</summary>
internal readonly record struct Segment(int Start, int End, int Root);

/// <summary>A number is a multiple of <paramref name="Units"/> · 10^−<paramref name="FractionDigits"/>.</summary>
internal readonly record struct Divisor(int Units, int FractionDigits);

/// <summary>A compiled constraint, independent of any vocabulary: expressions in a list, rules that name pieces of it. Immutable.</summary>
/// <remarks>
/// JSON objects and arrays are rules and everything else is written out in place, so a rule always begins with a byte of its own and no
/// expression can run into itself without reading. Nesting is part of the language: an object inside 31 others may only hold what needs no
/// further level, which is why a text that this accepts never nests deeper than <see cref="MaxNesting"/>.
/// </remarks>
internal sealed class Grammar
{
    /// <summary>The upper end of a <see cref="NodeKind.Repeat"/> that has none.</summary>
    public const int Unbounded = int.MaxValue;

    /// <summary>Levels of objects and arrays in an answer. System.Text.Json reads 64; nobody has asked for a deeper answer than 32.</summary>
    public const int MaxNesting = 32;

    internal Grammar(GrammarBuilder builder, Segment root)
    {
        Templates = [.. builder.Templates];
        Children = [.. builder.Children];
        Sets = [.. builder.Sets];
        Literals = [.. builder.Literals];
        Divisors = [.. builder.Divisors];
        Rules = [.. builder.Rules];
        Root = root;
        Levels = new int[Rules.Length];
        Levels = LevelsOf(new Automaton(this), out int rootLevels);
        if (rootLevels > MaxNesting)
            throw new ConstraintException(null, $"no text satisfies this constraint within {MaxNesting} levels of nesting");
    }

    public Template[] Templates { get; }

    public int[] Children { get; }

    public ByteSet[] Sets { get; }

    public byte[][] Literals { get; }

    public Divisor[] Divisors { get; }

    public Segment[] Rules { get; }

    public Segment Root { get; }

    /// <summary>For each rule the levels of nesting that its smallest text needs, itself included; above <see cref="MaxNesting"/> where there is none.</summary>
    public int[] Levels { get; }

    /// <summary>
    /// The least number of levels that satisfies each rule. Starts from "impossible" and lets rules become possible until none changes: a list
    /// whose every node requires a next one stays impossible, and is found here and not when the model has nothing left to say.
    /// </summary>
    private int[] LevelsOf(Automaton automaton, out int rootLevels)
    {
        const int Impossible = MaxNesting + 1;
        int[] levels = new int[Rules.Length];
        Array.Fill(levels, Impossible);
        int[] cost = new int[Templates.Length];
        bool changed = true;
        while (changed)
        {
            changed = false;
            for (int rule = 0; rule < Rules.Length; rule++)
            {
                int needed = Math.Min(1 + CostOf(Rules[rule]), Impossible);
                changed |= needed != levels[rule];
                levels[rule] = needed;
            }
        }

        rootLevels = CostOf(Root);
        return levels;

        int CostOf(Segment segment)
        {
            for (int at = segment.Start; at < segment.End; at++)
            {
                Template node = Templates[at];
                cost[at] = node switch
                {
                    { HasRule: false } => automaton.IsNever(at) ? Impossible : 0,
                    { Kind: NodeKind.Rule } => levels[node.A],
                    { Kind: NodeKind.Sequence } => Math.Max(Cost(node.A), Cost(node.B)),
                    { Kind: NodeKind.Repeat } => node.B == 0 ? 0 : Cost(node.A),
                    { Kind: NodeKind.Choice } => Least(node),
                    _ => throw new InvalidOperationException($"a {node.Kind} cannot contain a rule"),
                };
            }

            return Cost(segment.Root);
        }

        int Cost(int at) => Templates[at].HasRule ? cost[at] : automaton.IsNever(at) ? Impossible : 0;

        int Least(Template choice)
        {
            int least = Impossible;
            foreach (int child in Children.AsSpan(choice.A, choice.B))
                least = Math.Min(least, Cost(child));
            return least;
        }
    }
}
