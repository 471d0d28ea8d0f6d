using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Fairlead.Engine.Constraints.Automata;

/// <summary>The push-down automaton of a grammar, made state by state as bytes arrive. A state is the number of an expression: what may still follow.</summary>
/// <remarks>
/// The method is Brzozowski's (Derivatives of Regular Expressions, 1964): reading a byte turns the expression "what may follow" into another
/// one. Equal expressions get equal numbers, so transitions are remembered as those of a finite automaton are, and the stack of a push-down
/// automaton is nothing but the tail of a <see cref="NodeKind.Sequence"/>, which states share. Intersection and complement cost nothing extra
/// this way (properties whose names are not among those declared, patterns with a length), and counted repetition is one node, not a thousand.
/// <para>
/// A state other than <see cref="Never"/> can always be completed: alternatives that lead nowhere are dropped when they are made. That is
/// what guarantees that an answer never runs into a dead end.
/// </para>
/// <para>Not for several threads at once; <see cref="ConstraintMachine"/> guards it.</para>
/// </remarks>
internal sealed class Automaton
{
    /// <summary>The state after a byte that may not come.</summary>
    public const int Never = 0;

    /// <summary>The state in which the text is complete and nothing may follow.</summary>
    public const int Nothing = 1;

    /// <summary>States from which a fresh automaton is begun at the next opportunity: about 6 MB.</summary>
    public const int SoftLimit = 32_768;

    /// <summary>States that a single operation may not exceed: about 50 MB, met only by expressions built to explode.</summary>
    public const int HardLimit = 262_144;

    /// <summary>Work for the expressions of the grammar itself.</summary>
    private const long CompileEffort = 2_000_000;

    /// <summary>States visited to find out whether an intersection is empty. Beyond it, it counts as empty: safe, for nothing false is then said.</summary>
    private const int SearchLimit = 50_000;

    private readonly Grammar _grammar;
    private readonly int[] _shared;
    private readonly int _anyByte;
    private readonly Dictionary<(int Rule, int Room), int> _bodies = [];
    private readonly HashSet<byte[]> _classMaps = new(new ByteClassComparer());
    private readonly HashSet<byte[]>.AlternateLookup<ReadOnlySpan<byte>> _classMapsBySpan;
    private readonly Dictionary<int, long> _leastBytes = [];
    private readonly List<int> _scratch = [];
    private Node[] _nodes = new Node[256];
    private int[] _children = new int[256];
    private int[] _buckets = new int[512];
    private int _childCount;
    private int _count;

    /// <summary>An automaton that has read nothing.</summary>
    public Automaton(Grammar grammar)
    {
        _grammar = grammar;
        _anyByte = Array.IndexOf(grammar.Sets, ByteSet.All);
        _classMapsBySpan = _classMaps.GetAlternateLookup<ReadOnlySpan<byte>>();
        Array.Fill(_buckets, -1);
        Intern(NodeKind.Never, 0, 0, 0, NodeFlags.None);
        Intern(NodeKind.Nothing, 0, 0, 0, NodeFlags.Nullable);
        _shared = new int[grammar.Templates.Length];
        for (int at = 0; at < _shared.Length; at++)
            _shared[at] = grammar.Templates[at].HasRule ? -1 : Write(grammar.Templates[at], _shared, 0, room: 0);
    }

    [Flags]
    private enum NodeFlags : byte
    {
        None = 0,

        /// <summary>The empty text satisfies it.</summary>
        Nullable = 1,

        /// <summary>An intersection or complement inside may leave nothing, which only a search can tell.</summary>
        MayBeNever = 2,

        /// <summary>The search has been made: something satisfies it.</summary>
        Alive = 4,

        /// <summary>The search has been made: nothing satisfies it.</summary>
        Dead = 8,

        /// <summary>A repetition with a count stands on its spine (see <see cref="Clamp"/>).</summary>
        Counts = 16,
    }

    private struct Node
    {
        public NodeKind Kind;
        public NodeFlags Flags;
        public int A;
        public int B;
        public int C;
        public int Hash;
        public int NextInBucket;
        public byte[]? ClassOf;
        public int[]? Targets;
    }

    /// <summary>States so far.</summary>
    public int Count => _count;

    /// <summary>Work done so far, in expressions written and options looked at; about 0.1 µs each.</summary>
    public long Effort { get; private set; }

    /// <summary>Where <see cref="Effort"/> ends with a refusal.</summary>
    public long EffortLimit { get; set; } = CompileEffort;

    /// <summary>Bytes held, roughly.</summary>
    public long Bytes => (_count * 160L) + (_childCount * 4L);

    /// <summary>The state before the first byte.</summary>
    public int Start => Instantiate(_grammar.Root, Grammar.MaxNesting + 1);

    /// <summary>Whether nothing can satisfy expression <paramref name="template"/> of the grammar, which contains no rule.</summary>
    public bool IsNever(int template) => _shared[template] == Never;

    /// <summary>Whether the text may end in <paramref name="state"/>.</summary>
    public bool MayEnd(int state) => (_nodes[state].Flags & NodeFlags.Nullable) != 0;

    /// <summary>What <paramref name="state"/> is; its parts by <see cref="PartsOf"/>.</summary>
    public NodeKind KindOf(int state) => _nodes[state].Kind;

    /// <summary>The numbers A and B of <paramref name="state"/>: for a sequence what comes first and what follows.</summary>
    public (int A, int B) PartsOf(int state) => (_nodes[state].A, _nodes[state].B);

    /// <summary>The alternatives of a <see cref="NodeKind.Choice"/>; the span dies with the next call.</summary>
    public ReadOnlySpan<int> OptionsOf(int state) => _children.AsSpan(_nodes[state].A, _nodes[state].B);

    /// <summary>The state after <paramref name="value"/>; <see cref="Never"/> where it may not come.</summary>
    /// <exception cref="ConstraintException">The automaton would outgrow <see cref="HardLimit"/>.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Step(int state, byte value)
    {
        ref Node node = ref _nodes[state];
        if (node.Targets is { } targets)
        {
            int target = targets[node.ClassOf![value]];
            if (target >= 0)
                return target;
        }

        return StepAndRemember(state, value);
    }

    /// <summary>The least number of bytes that complete <paramref name="state"/>; exact but for intersections, where it is a lower bound.</summary>
    public long LeastBytes(int state) => LeastBytes(state, _leastBytes);

    /// <summary>
    /// The same language as <paramref name="state"/> for texts shorter than <paramref name="exactBelow"/> bytes, with counts beyond
    /// <paramref name="limit"/> forgotten, so that a string with 4,000 characters left shares its mask with one that has 3,999 left.
    /// <paramref name="exactBelow"/> is lowered where a count was forgotten and unchanged where nothing was.
    /// </summary>
    public int Clamp(int state, int limit, ref int exactBelow)
    {
        Node node = _nodes[state];
        if ((node.Flags & NodeFlags.Counts) == 0)
            return state;
        switch (node.Kind)
        {
            case NodeKind.Lexeme:
                return Lexeme(Clamp(node.A, limit, ref exactBelow));
            case NodeKind.Sequence:
                return Sequence(node.A, Clamp(node.B, limit, ref exactBelow));
            case NodeKind.Repeat:
                (int atLeast, int atMost) = (node.B, node.C);
                // A minimum that no token can reach is as good as any other; a maximum that none can reach is as good as none.
                if (atLeast > limit)
                {
                    exactBelow = Math.Min(exactBelow, atLeast);
                    atLeast = Grammar.Unbounded - 1;
                    atMost = Grammar.Unbounded;
                }
                else if (atMost != Grammar.Unbounded && atMost > limit)
                {
                    exactBelow = Math.Min(exactBelow, atMost);
                    atMost = Grammar.Unbounded;
                }

                return Repeat(node.A, atLeast, atMost);
            default:
                return state;
        }
    }

    /// <summary>The state of this automaton that is <paramref name="state"/> of <paramref name="other"/>, an automaton of the same grammar.</summary>
    public int Adopt(Automaton other, int state) => Adopt(other, state, []);

    /// <summary>
    /// A fingerprint of what <paramref name="state"/> accepts, the same in every automaton of every grammar; null where it depends on a rule.
    /// Masks of strings are shared between schemas by it.
    /// </summary>
    public UInt128? Fingerprint(int state) => Fingerprint(state, []);

    private UInt128? Fingerprint(int state, Dictionary<int, UInt128?> known)
    {
        if (known.TryGetValue(state, out UInt128? print))
            return print;
        Node node = _nodes[state];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData([(byte)node.Kind]);
        bool complete = true;
        switch (node.Kind)
        {
            case NodeKind.Bytes:
                hash.AppendData(MemoryMarshal.AsBytes(new ReadOnlySpan<ByteSet>(in _grammar.Sets[node.A])));
                break;
            case NodeKind.Literal:
                hash.AppendData(_grammar.Literals[node.A].AsSpan(node.B));
                break;
            case NodeKind.Multiple:
                hash.AppendData(MemoryMarshal.AsBytes<int>([_grammar.Divisors[node.A].Units, _grammar.Divisors[node.A].FractionDigits, node.B, node.C]));
                break;
            case NodeKind.Choice:
                // Options stand in the order of their numbers, which is another one in another automaton.
                UInt128[] options = new UInt128[node.B];
                for (int at = 0; complete && at < node.B; at++)
                {
                    UInt128? option = Fingerprint(_children[node.A + at], known);
                    complete = option is not null;
                    options[at] = option.GetValueOrDefault();
                }

                Array.Sort(options);
                hash.AppendData(MemoryMarshal.AsBytes(options.AsSpan()));
                break;
            case NodeKind.Sequence or NodeKind.Both:
                UInt128? left = Fingerprint(node.A, known);
                UInt128? right = Fingerprint(node.B, known);
                complete = left is not null && right is not null;
                UInt128[] both = [left.GetValueOrDefault(), right.GetValueOrDefault()];
                if (node.Kind == NodeKind.Both)
                    Array.Sort(both);
                hash.AppendData(MemoryMarshal.AsBytes(both.AsSpan()));
                break;
            case NodeKind.Repeat or NodeKind.Except or NodeKind.Lexeme:
                UInt128? part = Fingerprint(node.A, known);
                complete = part is not null;
                hash.AppendData(MemoryMarshal.AsBytes<UInt128>([part.GetValueOrDefault()]));
                hash.AppendData(MemoryMarshal.AsBytes<int>([node.B, node.C]));
                break;
            default:
                complete = node.Kind != NodeKind.Rule;
                break;
        }

        print = complete ? MemoryMarshal.Read<UInt128>(hash.GetHashAndReset()) : null;
        known.Add(state, print);
        return print;
    }

    private int StepAndRemember(int state, byte value)
    {
        if (state is Never or Nothing)
            return Never;
        if (_nodes[state].Targets is null)
        {
            var classes = new ByteClasses(stackalloc byte[256], stackalloc ushort[256]);
            Separate(state, ref classes);
            int[] targets = new int[classes.Count];
            Array.Fill(targets, -1);
            if (!_classMapsBySpan.TryGetValue(classes.ClassOf, out byte[]? map))
                _classMaps.Add(map = classes.ClassOf.ToArray());
            _nodes[state].ClassOf = map;
            _nodes[state].Targets = targets;
        }

        int target = Derive(state, value);
        _nodes[state].Targets![_nodes[state].ClassOf![value]] = target;
        return target;
    }

    /// <summary>Tells apart the bytes that <paramref name="state"/> can tell apart as the next one.</summary>
    private void Separate(int state, ref ByteClasses classes)
    {
        while (true)
        {
            Spend(1);
            Node node = _nodes[state];
            switch (node.Kind)
            {
                case NodeKind.Bytes:
                    classes.Separate(_grammar.Sets[node.A]);
                    return;
                case NodeKind.Literal:
                    classes.Separate(_grammar.Literals[node.A][node.B]);
                    return;
                case NodeKind.Multiple:
                    for (byte digit = (byte)'0'; digit <= (byte)'9'; digit++)
                        classes.Separate(digit);
                    classes.Separate((byte)'.');
                    return;
                case NodeKind.Sequence:
                    if (!MayEnd(node.A))
                    {
                        state = node.A;
                        continue;
                    }

                    Separate(node.A, ref classes);
                    state = node.B;
                    continue;
                case NodeKind.Choice:
                    for (int at = 0; at < node.B; at++)
                        Separate(_children[node.A + at], ref classes);
                    return;
                case NodeKind.Both:
                    Separate(node.A, ref classes);
                    state = node.B;
                    continue;
                case NodeKind.Except or NodeKind.Repeat or NodeKind.Lexeme:
                    state = node.A;
                    continue;
                case NodeKind.Rule:
                    state = Body(node.A, node.B);
                    continue;
                default:
                    return;
            }
        }
    }

    private int Derive(int state, byte value)
    {
        Node node = _nodes[state];
        switch (node.Kind)
        {
            case NodeKind.Bytes:
                return _grammar.Sets[node.A].Contains(value) ? Nothing : Never;
            case NodeKind.Literal:
                byte[] text = _grammar.Literals[node.A];
                return text[node.B] != value ? Never : node.B + 1 == text.Length ? Nothing : Intern(NodeKind.Literal, node.A, node.B + 1, 0, NodeFlags.None);
            case NodeKind.Sequence:
                return DeriveSequence(state, value);
            case NodeKind.Choice:
                int mark = _scratch.Count;
                for (int at = 0; at < node.B; at++)
                    AddOption(Step(_children[node.A + at], value));
                return ChoiceSince(mark);
            case NodeKind.Both:
                return Both(Step(node.A, value), Step(node.B, value));
            case NodeKind.Except:
                return Except(Step(node.A, value));
            case NodeKind.Repeat:
                // The rest may be had less often by one, whether or not what is repeated can be empty: Repeat() has then set the minimum to 0.
                int once = Step(node.A, value);
                return once == Never
                    ? Never
                    : Sequence(once, Repeat(node.A, Math.Max(node.B - 1, 0), node.C == Grammar.Unbounded ? Grammar.Unbounded : node.C - 1));
            case NodeKind.Lexeme:
                return Lexeme(Step(node.A, value));
            case NodeKind.Rule:
                return Step(Body(node.A, node.B), value);
            case NodeKind.Multiple:
                return DeriveMultiple(node, value);
            default:
                return Never;
        }
    }

    private int DeriveSequence(int state, byte value)
    {
        int mark = _scratch.Count;
        while (_nodes[state].Kind == NodeKind.Sequence)
        {
            (int first, int then) = PartsOf(state);
            AddOption(Sequence(Step(first, value), then));
            if (!MayEnd(first))
                return ChoiceSince(mark);
            state = then;
        }

        AddOption(Step(state, value));
        return ChoiceSince(mark);
    }

    private int DeriveMultiple(Node node, byte value)
    {
        Divisor divisor = _grammar.Divisors[node.A];
        if (value == (byte)'.' && node.C == -1 && divisor.FractionDigits > 0)
            return Multiple(node.A, node.B, divisor.FractionDigits);
        if (value is < (byte)'0' or > (byte)'9' || node.C == 0)
            return Never;
        int remainder = (int)(((node.B * 10L) + (value - (byte)'0')) % divisor.Units);
        return Multiple(node.A, remainder, node.C == -1 ? -1 : node.C - 1);
    }

    // What follows makes expressions, simplified just enough that equal languages mostly get equal numbers.

    private int Sequence(int first, int then)
    {
        if (first == Never || then == Never)
            return Never;
        if (first == Nothing)
            return then;
        if (then == Nothing)
            return first;
        // The stack must lean to one side only, or the same stack would have many numbers. No recursion: it may be long.
        int mark = _scratch.Count;
        for (; _nodes[first].Kind == NodeKind.Sequence; first = _nodes[first].B)
            _scratch.Add(_nodes[first].A);
        then = Pair(first, then);
        for (int at = _scratch.Count - 1; at >= mark; at--)
            then = Pair(_scratch[at], then);
        _scratch.RemoveRange(mark, _scratch.Count - mark);
        return then;
    }

    private int Pair(int first, int then)
    {
        NodeFlags flags = _nodes[first].Flags & _nodes[then].Flags & NodeFlags.Nullable;
        flags |= (_nodes[first].Flags | _nodes[then].Flags) & NodeFlags.MayBeNever;
        flags |= (_nodes[first].Flags | _nodes[then].Flags) & NodeFlags.Counts;
        return Intern(NodeKind.Sequence, first, then, 0, flags);
    }

    private void AddOption(int option)
    {
        if (_nodes[option].Kind != NodeKind.Choice)
        {
            if (option != Never)
                _scratch.Add(option);
            return;
        }

        foreach (int inner in OptionsOf(option))
            _scratch.Add(inner);
    }

    /// <summary>The choice among what was added to the scratch list since it was <paramref name="mark"/> long.</summary>
    private int ChoiceSince(int mark)
    {
        Span<int> options = CollectionsMarshal.AsSpan(_scratch)[mark..];
        Spend(options.Length);
        options.Sort();
        int kept = 0;
        bool nullable = false;
        for (int at = 0; at < options.Length; at++)
        {
            if (kept > 0 && options[kept - 1] == options[at])
                continue;
            options[kept++] = options[at];
            nullable |= options[at] != Nothing && MayEnd(options[at]);
        }

        // Another option that may be empty makes the empty one superfluous; Nothing sorts before all other options.
        options = options[(nullable && options[0] == Nothing ? 1 : 0)..kept];
        int choice = options.Length switch { 0 => Never, 1 => options[0], _ => InternChoice([.. options]) };
        _scratch.RemoveRange(mark, _scratch.Count - mark);
        return choice;
    }

    private int Both(int left, int right)
    {
        if (left == Never || right == Never)
            return Never;
        if (left == right || IsEverything(right))
            return left;
        if (IsEverything(left))
            return right;
        if (left == Nothing || right == Nothing)
            return MayEnd(left) && MayEnd(right) ? Nothing : Never;
        NodeFlags flags = (_nodes[left].Flags & _nodes[right].Flags & NodeFlags.Nullable) | NodeFlags.MayBeNever;
        return Intern(NodeKind.Both, Math.Min(left, right), Math.Max(left, right), 0, flags);
    }

    private int Except(int part)
    {
        if (IsEverything(part))
            return Never;
        if (_nodes[part].Kind == NodeKind.Except)
            return _nodes[part].A;
        if (part == Never)
            return Repeat(Intern(NodeKind.Bytes, _anyByte, 0, 0, NodeFlags.None), 0, Grammar.Unbounded);
        return Intern(NodeKind.Except, part, 0, 0, (~_nodes[part].Flags & NodeFlags.Nullable) | NodeFlags.MayBeNever);
    }

    private bool IsEverything(int state) =>
        _nodes[state] is { Kind: NodeKind.Repeat, B: 0, C: Grammar.Unbounded } repeat
        && _nodes[repeat.A] is { Kind: NodeKind.Bytes } part && part.A == _anyByte;

    private int Repeat(int part, int atLeast, int atMost)
    {
        if (MayEnd(part))
            atLeast = 0;
        if (atMost == 0 || part == Nothing)
            return Nothing;
        if (part == Never)
            return atLeast == 0 ? Nothing : Never;
        if (atLeast == 1 && atMost == 1)
            return part;
        // (x{0,p}){n,m} is x{0,p·m}: written out it would be a choice of p·m expressions.
        if (_nodes[part] is { Kind: NodeKind.Repeat, B: <= 1 } inner)
        {
            bool unbounded = inner.C == Grammar.Unbounded || atMost == Grammar.Unbounded || (long)inner.C * atMost >= Grammar.Unbounded;
            return Repeat(inner.A, inner.B * atLeast, unbounded ? Grammar.Unbounded : inner.C * atMost);
        }

        NodeFlags flags = atLeast == 0 ? NodeFlags.Nullable : NodeFlags.None;
        flags |= _nodes[part].Flags & NodeFlags.MayBeNever;
        if (atLeast > 0 || atMost != Grammar.Unbounded)
            flags |= NodeFlags.Counts;
        return Intern(NodeKind.Repeat, part, atLeast, atMost, flags);
    }

    private int Lexeme(int part)
    {
        if (part is Never or Nothing || _nodes[part].Kind == NodeKind.Lexeme)
            return part;
        if (!IsAlive(part))
            return Never;
        return Intern(NodeKind.Lexeme, part, 0, 0, _nodes[part].Flags & (NodeFlags.Nullable | NodeFlags.Counts));
    }

    private int Multiple(int divisor, int remainder, int place)
    {
        Divisor by = _grammar.Divisors[divisor];
        long scaled = remainder;
        for (int missing = place == -1 ? by.FractionDigits : place; missing > 0; missing--)
            scaled = scaled * 10 % by.Units;
        // Behind the point the digits that are left may not suffice; before it there is always room for those that do.
        return Intern(NodeKind.Multiple, divisor, remainder, place, (scaled == 0 ? NodeFlags.Nullable : NodeFlags.None) | (place == -1 ? NodeFlags.None : NodeFlags.MayBeNever));
    }

    private int Rule(int rule, int room) => room < _grammar.Levels[rule] ? Never : Intern(NodeKind.Rule, rule, room, 0, NodeFlags.None);

    private int Body(int rule, int room)
    {
        if (!_bodies.TryGetValue((rule, room), out int body))
            _bodies.Add((rule, room), body = Instantiate(_grammar.Rules[rule], room));
        return body;
    }

    /// <summary>A segment of the grammar as a state, its rules having room for one level of nesting less than <paramref name="room"/>.</summary>
    private int Instantiate(Segment segment, int room)
    {
        int[] written = ArrayPool<int>.Shared.Rent(segment.End - segment.Start + 1);
        for (int at = segment.Start; at < segment.End; at++)
        {
            Template template = _grammar.Templates[at];
            written[at - segment.Start] = template.HasRule ? Write(template, written, segment.Start, room) : _shared[at];
        }

        int root = segment.Root >= segment.Start && segment.Root < segment.End ? written[segment.Root - segment.Start] : _shared[segment.Root];
        ArrayPool<int>.Shared.Return(written);
        return root;
    }

    private int Write(Template template, int[] written, int start, int room)
    {
        switch (template.Kind)
        {
            case NodeKind.Never:
                return Never;
            case NodeKind.Nothing:
                return Nothing;
            case NodeKind.Bytes:
                return Intern(NodeKind.Bytes, template.A, 0, 0, NodeFlags.None);
            case NodeKind.Literal:
                return Intern(NodeKind.Literal, template.A, 0, 0, NodeFlags.None);
            case NodeKind.Sequence:
                return Sequence(Part(template.A), Part(template.B));
            case NodeKind.Choice:
                int mark = _scratch.Count;
                foreach (int child in _grammar.Children.AsSpan(template.A, template.B))
                    AddOption(Part(child));
                return ChoiceSince(mark);
            case NodeKind.Both:
                return Both(Part(template.A), Part(template.B));
            case NodeKind.Except:
                return Except(Part(template.A));
            case NodeKind.Repeat:
                return Repeat(Part(template.A), template.B, template.C);
            case NodeKind.Lexeme:
                return Lexeme(Part(template.A));
            case NodeKind.Multiple:
                return Multiple(template.A, 0, -1);
            case NodeKind.Rule:
                return Rule(template.A, room - 1);
            default:
                throw new InvalidOperationException($"{template.Kind} has no state");
        }

        int Part(int at) => _grammar.Templates[at].HasRule || start == 0 ? written[at - start] : _shared[at];
    }

    /// <summary>Whether some text satisfies <paramref name="start"/>: a search along its derivatives where intersections leave that open.</summary>
    private bool IsAlive(int start)
    {
        if ((_nodes[start].Flags & NodeFlags.MayBeNever) == 0 || (_nodes[start].Flags & NodeFlags.Alive) != 0)
            return true;
        if ((_nodes[start].Flags & NodeFlags.Dead) != 0)
            return false;
        var cameFrom = new Dictionary<int, int> { [start] = -1 };
        var open = new Stack<int>();
        open.Push(start);
        Span<bool> tried = stackalloc bool[256];
        while (open.TryPop(out int state))
        {
            if (MayEnd(state) || (_nodes[state].Flags & (NodeFlags.MayBeNever | NodeFlags.Alive)) != NodeFlags.MayBeNever)
            {
                for (int at = state; at != -1; at = cameFrom[at])
                    _nodes[at].Flags |= NodeFlags.Alive;
                return true;
            }

            // Step() makes the classes; the first byte of each class speaks for it. Descending, so that the smallest is looked at first.
            Step(state, 0);
            byte[] classOf = _nodes[state].ClassOf!;
            tried.Clear();
            for (int value = 255; value >= 0; value--)
            {
                if (tried[classOf[value]])
                    continue;
                tried[classOf[value]] = true;
                int next = Step(state, (byte)value);
                if (next == Never || (_nodes[next].Flags & NodeFlags.Dead) != 0 || cameFrom.ContainsKey(next))
                    continue;
                if (cameFrom.Count == SearchLimit)
                    return false;
                cameFrom.Add(next, state);
                open.Push(next);
            }
        }

        foreach (int state in cameFrom.Keys)
            _nodes[state].Flags |= NodeFlags.Dead;
        return false;
    }

    private long LeastBytes(int state, Dictionary<int, long> known)
    {
        if (known.TryGetValue(state, out long least))
            return least;
        Node node = _nodes[state];
        switch (node.Kind)
        {
            case NodeKind.Bytes:
                least = 1;
                break;
            case NodeKind.Literal:
                least = _grammar.Literals[node.A].Length - node.B;
                break;
            case NodeKind.Sequence:
                for (int rest = state; ;)
                {
                    if (_nodes[rest].Kind != NodeKind.Sequence)
                    {
                        least += LeastBytes(rest, known);
                        break;
                    }

                    least += LeastBytes(_nodes[rest].A, known);
                    rest = _nodes[rest].B;
                }

                break;
            case NodeKind.Choice:
                least = long.MaxValue;
                for (int at = 0; at < node.B; at++)
                    least = Math.Min(least, LeastBytes(_children[node.A + at], known));
                break;
            case NodeKind.Both:
                least = Math.Max(LeastBytes(node.A, known), LeastBytes(node.B, known));
                break;
            case NodeKind.Repeat:
                least = node.B == 0 ? 0 : node.B * Math.Min(LeastBytes(node.A, known), int.MaxValue);
                break;
            case NodeKind.Lexeme:
                least = LeastBytes(node.A, known);
                break;
            case NodeKind.Rule:
                least = LeastBytes(Body(node.A, node.B), known);
                break;
            default:
                least = MayEnd(state) ? 0 : 1;
                break;
        }

        return known[state] = Math.Min(least, 1L << 40);
    }

    private int Adopt(Automaton other, int state, Dictionary<int, int> adopted)
    {
        if (adopted.TryGetValue(state, out int here))
            return here;
        Node node = other._nodes[state];
        switch (node.Kind)
        {
            case NodeKind.Never or NodeKind.Nothing:
                return state;
            case NodeKind.Sequence:
                // The stack may be long: along it there is no recursion.
                var spine = new List<int>();
                int at = state;
                for (; other._nodes[at].Kind == NodeKind.Sequence; at = other._nodes[at].B)
                    spine.Add(other._nodes[at].A);
                here = Adopt(other, at, adopted);
                for (int part = spine.Count - 1; part >= 0; part--)
                    here = Sequence(Adopt(other, spine[part], adopted), here);
                break;
            case NodeKind.Choice:
                int[] options = other.OptionsOf(state).ToArray();
                for (int option = 0; option < options.Length; option++)
                    options[option] = Adopt(other, options[option], adopted);
                int mark = _scratch.Count;
                foreach (int option in options)
                    AddOption(option);
                here = ChoiceSince(mark);
                break;
            case NodeKind.Both:
                here = Both(Adopt(other, node.A, adopted), Adopt(other, node.B, adopted));
                break;
            case NodeKind.Except:
                here = Except(Adopt(other, node.A, adopted));
                break;
            case NodeKind.Repeat:
                here = Repeat(Adopt(other, node.A, adopted), node.B, node.C);
                break;
            case NodeKind.Lexeme:
                here = Lexeme(Adopt(other, node.A, adopted));
                break;
            default:
                // Leaves name things of the grammar, which both automata share.
                here = Intern(node.Kind, node.A, node.B, node.C, node.Flags & (NodeFlags.Nullable | NodeFlags.MayBeNever));
                break;
        }

        adopted.Add(state, here);
        return here;
    }

    private void Spend(int amount)
    {
        if ((Effort += amount) > EffortLimit)
            throw new ConstraintException(null, "the constraint takes too much time to follow; use fewer nested repetitions and unions");
    }

    private int Intern(NodeKind kind, int a, int b, int c, NodeFlags flags)
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

    private int InternChoice(ReadOnlySpan<int> options)
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
        // Four numbers a state is what real schemas come to; this only ends the ones whose states are choices among thousands.
        if (_childCount + options.Length > 16 * HardLimit)
            throw TooManyStates();
        if (_childCount + options.Length > _children.Length)
            Array.Resize(ref _children, Math.Max(_children.Length * 2, _childCount + options.Length));
        options.CopyTo(_children.AsSpan(_childCount));
        _childCount += options.Length;
        return Append(new Node { Kind = NodeKind.Choice, Flags = flags, A = _childCount - options.Length, B = options.Length, Hash = hash });
    }

    private int Append(Node node)
    {
        if (_count == HardLimit)
            throw TooManyStates();
        if (_count == _nodes.Length)
        {
            Array.Resize(ref _nodes, _count * 2);
            _buckets = new int[_nodes.Length * 2];
            Array.Fill(_buckets, -1);
            for (int at = 0; at < _count; at++)
                Link(at);
        }

        _nodes[_count] = node;
        Link(_count);
        return _count++;
    }

    private void Link(int at)
    {
        ref int bucket = ref _buckets[_nodes[at].Hash & (_buckets.Length - 1)];
        _nodes[at].NextInBucket = bucket;
        bucket = at;
    }

    private static ConstraintException TooManyStates() =>
        new(null, "the constraint needs more states than memory is set aside for; use fewer nested repetitions and unions");
}
