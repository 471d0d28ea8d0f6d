using System.Runtime.InteropServices;

namespace Fairlead.Engine.Constraints.Automata;

/// <summary>Numbered expressions: equal ones have equal numbers, and a number never changes its meaning. Bounded in memory and in work.</summary>
internal sealed class NodeTable
{
    /// <summary>The number of the expression that no text satisfies.</summary>
    public const int Never = 0;

    /// <summary>The number of the expression that the empty text alone satisfies.</summary>
    public const int Nothing = 1;

    /// <summary>Expressions that it may not exceed: about 50 MB, met only by constraints built to explode.</summary>
    public const int HardLimit = 262_144;

    /// <summary>Work for the expressions of the grammar itself.</summary>
    private const long CompileEffort = 2_000_000;

    private Node[] _nodes = new Node[256];
    private int[] _options = new int[256];
    private int[] _buckets = new int[512];
    private int _optionCount;

    public NodeTable()
    {
        Array.Fill(_buckets, -1);
        Intern(NodeKind.Never, 0, 0, 0, NodeFlags.None);
        Intern(NodeKind.Nothing, 0, 0, 0, NodeFlags.Nullable);
    }

    /// <summary>Expressions so far.</summary>
    public int Count { get; private set; }

    /// <summary>Expressions there is room for without growing.</summary>
    public int Capacity => _nodes.Length;

    /// <summary>Work done so far, in expressions written and options looked at; about 0.1 µs each.</summary>
    public long Effort { get; private set; }

    /// <summary>Where <see cref="Effort"/> ends with a refusal.</summary>
    public long EffortLimit { get; set; } = CompileEffort;

    /// <summary>Bytes held, roughly, with what an automaton remembers of each expression.</summary>
    public long Bytes => (Count * 160L) + (_optionCount * 4L);

    /// <summary>The expression of that number. Adding another one may move it: what is needed afterwards is copied before.</summary>
    public ref readonly Node this[int number] => ref _nodes[number];

    /// <summary>Whether the empty text satisfies it.</summary>
    public bool MayEnd(int number) => (_nodes[number].Flags & NodeFlags.Nullable) != 0;

    /// <summary>The alternatives of a <see cref="NodeKind.Choice"/>, ascending; the span dies with the next expression that is added.</summary>
    public ReadOnlySpan<int> OptionsOf(int choice) => _options.AsSpan(_nodes[choice].A, _nodes[choice].B);

    /// <summary>Notes what a search has found out.</summary>
    public void Mark(int number, NodeFlags found) => _nodes[number].Flags |= found;

    /// <summary>Counts work.</summary>
    /// <exception cref="ConstraintException">It is more than <see cref="EffortLimit"/> allows.</exception>
    public void Spend(int amount)
    {
        if ((Effort += amount) > EffortLimit)
            throw new ConstraintException(null, "the constraint takes too much time to follow; use fewer nested repetitions and unions");
    }

    /// <summary>The number of an expression that is no choice; <paramref name="flags"/> follow from its parts.</summary>
    /// <exception cref="ConstraintException">There would be more than <see cref="HardLimit"/>, or too much work was done.</exception>
    public int Intern(NodeKind kind, int a, int b, int c, NodeFlags flags)
    {
        Spend(1);
        int hash = HashCode.Combine(kind, a, b, c);
        for (int at = _buckets[hash & (_buckets.Length - 1)]; at >= 0; at = _nodes[at].NextInBucket)
        {
            ref Node node = ref _nodes[at];
            if (node.Hash == hash && node.Kind == kind && node.A == a && node.B == b && node.C == c)
                return at;
        }

        return Append(new Node { Kind = kind, Flags = flags, A = a, B = b, C = c, Hash = hash });
    }

    /// <summary>The number of the choice among <paramref name="options"/>: two or more, ascending, none of them a choice.</summary>
    /// <exception cref="ConstraintException">There would be more than <see cref="HardLimit"/>.</exception>
    public int InternChoice(ReadOnlySpan<int> options)
    {
        HashCode sum = default;
        sum.AddBytes(MemoryMarshal.AsBytes(options));
        int hash = sum.ToHashCode();
        for (int at = _buckets[hash & (_buckets.Length - 1)]; at >= 0; at = _nodes[at].NextInBucket)
        {
            if (_nodes[at].Hash == hash && _nodes[at].Kind == NodeKind.Choice && OptionsOf(at).SequenceEqual(options))
                return at;
        }

        NodeFlags flags = NodeFlags.None;
        foreach (int option in options)
            flags |= _nodes[option].Flags & (NodeFlags.Nullable | NodeFlags.MayBeNever);
        // Four numbers an expression is what real schemas come to; this only ends the ones whose states are choices among thousands.
        if (_optionCount + options.Length > 16 * HardLimit)
            throw TooMany();
        if (_optionCount + options.Length > _options.Length)
            Array.Resize(ref _options, Math.Max(_options.Length * 2, _optionCount + options.Length));
        options.CopyTo(_options.AsSpan(_optionCount));
        _optionCount += options.Length;
        return Append(new Node { Kind = NodeKind.Choice, Flags = flags, A = _optionCount - options.Length, B = options.Length, Hash = hash });
    }

    private int Append(Node node)
    {
        if (Count == HardLimit)
            throw TooMany();
        if (Count == _nodes.Length)
        {
            Array.Resize(ref _nodes, Count * 2);
            _buckets = new int[_nodes.Length * 2];
            Array.Fill(_buckets, -1);
            for (int at = 0; at < Count; at++)
                Link(at);
        }

        _nodes[Count] = node;
        Link(Count);
        return Count++;
    }

    private void Link(int at)
    {
        ref int bucket = ref _buckets[_nodes[at].Hash & (_buckets.Length - 1)];
        _nodes[at].NextInBucket = bucket;
        bucket = at;
    }

    private static ConstraintException TooMany() =>
        new(null, "the constraint needs more states than memory is set aside for; use fewer nested repetitions and unions");
}
