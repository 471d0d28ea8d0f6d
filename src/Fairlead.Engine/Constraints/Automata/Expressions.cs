using System.Runtime.InteropServices;

namespace Fairlead.Engine.Constraints.Automata;

/// <summary>Makes expressions of expressions, simplified just enough that equal languages mostly get equal numbers.</summary>
/// <param name="isAlive">Whether some text satisfies an expression; asked before one becomes a lexeme.</param>
internal sealed class Expressions(Grammar grammar, NodeTable nodes, Func<int, bool> isAlive)
{
    private readonly int _anyByte = Array.IndexOf(grammar.Sets, ByteSet.All);

    // Used like a stack: whoever adds takes away again what is above the length found.
    private readonly List<int> _scratch = [];

    /// <summary>One byte of a set of the grammar.</summary>
    public int Bytes(int set) => nodes.Intern(NodeKind.Bytes, set, 0, 0, NodeFlags.None);

    /// <summary>A literal of the grammar from its byte <paramref name="from"/>.</summary>
    public int Literal(int literal, int from) =>
        from == grammar.Literals[literal].Length ? NodeTable.Nothing : nodes.Intern(NodeKind.Literal, literal, from, 0, NodeFlags.None);

    /// <summary>One after the other.</summary>
    public int Sequence(int first, int then)
    {
        if (first == NodeTable.Never || then == NodeTable.Never)
            return NodeTable.Never;
        if (first == NodeTable.Nothing)
            return then;
        if (then == NodeTable.Nothing)
            return first;
        // The stack must lean to one side only, or the same stack would have many numbers. No recursion: it may be long.
        int mark = _scratch.Count;
        for (; nodes[first].Kind == NodeKind.Sequence; first = nodes[first].B)
            _scratch.Add(nodes[first].A);
        then = Pair(first, then);
        for (int at = _scratch.Count - 1; at >= mark; at--)
            then = Pair(_scratch[at], then);
        _scratch.RemoveRange(mark, _scratch.Count - mark);
        return then;
    }

    private int Pair(int first, int then)
    {
        NodeFlags flags = nodes[first].Flags & nodes[then].Flags & NodeFlags.Nullable;
        flags |= (nodes[first].Flags | nodes[then].Flags) & (NodeFlags.MayBeNever | NodeFlags.Counts);
        return nodes.Intern(NodeKind.Sequence, first, then, 0, flags);
    }

    /// <summary>Begins a choice. Others may be begun and ended before it is.</summary>
    public OpenChoice Choice() => new(this, _scratch.Count);

    /// <summary>A choice to which alternatives are still added.</summary>
    internal readonly ref struct OpenChoice(Expressions expressions, int mark)
    {
        public void Add(int option) => expressions.AddOption(option);

        /// <summary>The choice among what was added; <see cref="NodeTable.Never"/> where nothing was.</summary>
        public int End() => expressions.ChoiceSince(mark);
    }

    private void AddOption(int option)
    {
        if (nodes[option].Kind != NodeKind.Choice)
        {
            if (option != NodeTable.Never)
                _scratch.Add(option);
            return;
        }

        foreach (int inner in nodes.OptionsOf(option))
            _scratch.Add(inner);
    }

    private int ChoiceSince(int mark)
    {
        Span<int> options = CollectionsMarshal.AsSpan(_scratch)[mark..];
        nodes.Spend(options.Length);
        options.Sort();
        int kept = 0;
        bool nullable = false;
        for (int at = 0; at < options.Length; at++)
        {
            if (kept > 0 && options[kept - 1] == options[at])
                continue;
            options[kept++] = options[at];
            nullable |= options[at] != NodeTable.Nothing && nodes.MayEnd(options[at]);
        }

        // Another option that may be empty makes the empty one superfluous; Nothing sorts before all other options.
        options = options[(nullable && options[0] == NodeTable.Nothing ? 1 : 0)..kept];
        int choice = options.Length switch { 0 => NodeTable.Never, 1 => options[0], _ => nodes.InternChoice(options) };
        _scratch.RemoveRange(mark, _scratch.Count - mark);
        return choice;
    }

    /// <summary>What both accept.</summary>
    public int Both(int left, int right)
    {
        if (left == NodeTable.Never || right == NodeTable.Never)
            return NodeTable.Never;
        if (left == right || IsEverything(right))
            return left;
        if (IsEverything(left))
            return right;
        if (left == NodeTable.Nothing || right == NodeTable.Nothing)
            return nodes.MayEnd(left) && nodes.MayEnd(right) ? NodeTable.Nothing : NodeTable.Never;
        NodeFlags flags = (nodes[left].Flags & nodes[right].Flags & NodeFlags.Nullable) | NodeFlags.MayBeNever;
        return nodes.Intern(NodeKind.Both, Math.Min(left, right), Math.Max(left, right), 0, flags);
    }

    /// <summary>What <paramref name="part"/> does not accept.</summary>
    public int Except(int part)
    {
        if (IsEverything(part))
            return NodeTable.Never;
        if (nodes[part].Kind == NodeKind.Except)
            return nodes[part].A;
        if (part == NodeTable.Never)
            return Repeat(Bytes(_anyByte), 0, Grammar.Unbounded);
        return nodes.Intern(NodeKind.Except, part, 0, 0, (~nodes[part].Flags & NodeFlags.Nullable) | NodeFlags.MayBeNever);
    }

    private bool IsEverything(int state) =>
        nodes[state] is { Kind: NodeKind.Repeat, B: 0, C: Grammar.Unbounded } repeat
        && nodes[repeat.A] is { Kind: NodeKind.Bytes } part && part.A == _anyByte;

    /// <summary>At least and at most so often; <see cref="Grammar.Unbounded"/> for no end.</summary>
    public int Repeat(int part, int atLeast, int atMost)
    {
        if (nodes.MayEnd(part))
            atLeast = 0;
        if (atMost == 0 || part == NodeTable.Nothing)
            return NodeTable.Nothing;
        if (part == NodeTable.Never)
            return atLeast == 0 ? NodeTable.Nothing : NodeTable.Never;
        if (atLeast == 1 && atMost == 1)
            return part;
        // (x{0,p}){n,m} is x{0,p·m}: written out it would be a choice of p·m expressions.
        if (nodes[part] is { Kind: NodeKind.Repeat, B: <= 1 } inner)
        {
            bool unbounded = inner.C == Grammar.Unbounded || atMost == Grammar.Unbounded || (long)inner.C * atMost >= Grammar.Unbounded;
            return Repeat(inner.A, inner.B * atLeast, unbounded ? Grammar.Unbounded : inner.C * atMost);
        }

        NodeFlags flags = atLeast == 0 ? NodeFlags.Nullable : NodeFlags.None;
        flags |= nodes[part].Flags & NodeFlags.MayBeNever;
        if (atLeast > 0 || atMost != Grammar.Unbounded)
            flags |= NodeFlags.Counts;
        return nodes.Intern(NodeKind.Repeat, part, atLeast, atMost, flags);
    }

    /// <summary>The part kept together. One that nothing satisfies becomes <see cref="NodeTable.Never"/> here, so that nothing outside of it has to be searched.</summary>
    public int Lexeme(int part)
    {
        if (part is NodeTable.Never or NodeTable.Nothing || nodes[part].Kind == NodeKind.Lexeme)
            return part;
        if (!isAlive(part))
            return NodeTable.Never;
        return nodes.Intern(NodeKind.Lexeme, part, 0, 0, nodes[part].Flags & (NodeFlags.Nullable | NodeFlags.Counts));
    }

    /// <summary>Digits that complete a multiple of a divisor of the grammar; <paramref name="place"/> digits of the fraction are free, −1 before the point.</summary>
    public int Multiple(int divisor, int remainder, int place)
    {
        Divisor by = grammar.Divisors[divisor];
        long scaled = remainder;
        for (int missing = place == -1 ? by.FractionDigits : place; missing > 0; missing--)
            scaled = scaled * 10 % by.Units;
        // Behind the point the digits that are left may not suffice; before it there is always room for those that do.
        NodeFlags flags = (scaled == 0 ? NodeFlags.Nullable : NodeFlags.None) | (place == -1 ? NodeFlags.None : NodeFlags.MayBeNever);
        return nodes.Intern(NodeKind.Multiple, divisor, remainder, place, flags);
    }

    /// <summary>A rule of the grammar with room for that many levels of nesting, its own included; <see cref="NodeTable.Never"/> where it needs more.</summary>
    public int Rule(int rule, int room) => room < grammar.Levels[rule] ? NodeTable.Never : nodes.Intern(NodeKind.Rule, rule, room, 0, NodeFlags.None);

    /// <summary>A leaf of another automaton of the same grammar: leaves name things of the grammar, which both share.</summary>
    public int Leaf(Node node) => nodes.Intern(node.Kind, node.A, node.B, node.C, node.Flags & (NodeFlags.Nullable | NodeFlags.MayBeNever));
}
