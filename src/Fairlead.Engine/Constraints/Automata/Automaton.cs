using System.Runtime.CompilerServices;

namespace Fairlead.Engine.Constraints.Automata;

/// <summary>The push-down automaton of a grammar, made state by state as bytes arrive. A state is the number of an expression: what may still follow.</summary>
/// <remarks>
/// The method is Brzozowski's (Derivatives of Regular Expressions, 1964): reading a byte turns the expression "what may follow" into another
/// one. Equal expressions get equal numbers, so transitions are remembered as those of a finite automaton are, and the stack of a push-down
/// automaton is nothing but the tail of a <see cref="NodeKind.Sequence"/>, which states share. Intersection and complement cost nothing extra
/// this way (properties whose names are not among those declared, patterns with a length), and counted repetition is one expression, not a thousand.
/// <para>
/// A state other than <see cref="Never"/> can always be completed: alternatives that lead nowhere are dropped when they are made. That is
/// what guarantees that an answer never runs into a dead end.
/// </para>
/// <para>Not for several threads at once; <see cref="ConstraintMachine"/> guards it.</para>
/// </remarks>
internal sealed class Automaton
{
    /// <summary>The state after a byte that may not come.</summary>
    public const int Never = NodeTable.Never;

    /// <summary>The state in which the text is complete and nothing may follow.</summary>
    public const int Nothing = NodeTable.Nothing;

    /// <summary>States from which a fresh automaton is begun at the next opportunity: about 6 MB.</summary>
    public const int SoftLimit = 32_768;

    private readonly Grammar _grammar;
    private readonly NodeTable _nodes = new();
    private readonly Expressions _expressions;
    private readonly GrammarStates _states;
    private readonly CountClamp _counts;
    private readonly LeastBytes _leastBytes;
    private readonly ByteClassMaps _classMaps = new();
    private Transitions[] _transitions = [];

    /// <summary>An automaton that has read nothing.</summary>
    public Automaton(Grammar grammar)
    {
        _grammar = grammar;
        _expressions = new Expressions(grammar, _nodes, state => Emptiness.IsAlive(this, _nodes, state));
        _states = new GrammarStates(grammar, _expressions);
        _counts = new CountClamp(_nodes, _expressions);
        _leastBytes = new LeastBytes(grammar, _nodes, _states);
    }

    /// <summary>What has been found out of one state: for each byte its class, for each class the next state, −1 where that is still to be derived.</summary>
    private struct Transitions
    {
        public byte[]? ClassOf;
        public int[]? Targets;
    }

    /// <summary>States so far.</summary>
    public int Count => _nodes.Count;

    /// <inheritdoc cref="NodeTable.Effort"/>
    public long Effort => _nodes.Effort;

    /// <inheritdoc cref="NodeTable.EffortLimit"/>
    public long EffortLimit
    {
        get => _nodes.EffortLimit;
        set => _nodes.EffortLimit = value;
    }

    /// <summary>Bytes held, roughly.</summary>
    public long Bytes => _nodes.Bytes;

    /// <summary>The state before the first byte.</summary>
    public int Start => _states.Root();

    /// <inheritdoc cref="GrammarStates.IsNever"/>
    public bool IsNever(int template) => _states.IsNever(template);

    /// <summary>Whether the text may end in <paramref name="state"/>.</summary>
    public bool MayEnd(int state) => _nodes.MayEnd(state);

    /// <summary>What <paramref name="state"/> is; its parts by <see cref="PartsOf"/>.</summary>
    public NodeKind KindOf(int state) => _nodes[state].Kind;

    /// <summary>The numbers A and B of <paramref name="state"/>: for a sequence what comes first and what follows.</summary>
    public (int A, int B) PartsOf(int state) => (_nodes[state].A, _nodes[state].B);

    /// <summary>The alternatives of a <see cref="NodeKind.Choice"/>; the span dies with the next call.</summary>
    public ReadOnlySpan<int> OptionsOf(int state) => _nodes.OptionsOf(state);

    /// <summary>The least number of bytes that complete <paramref name="state"/>; exact but for intersections, where it is a lower bound.</summary>
    public long LeastBytes(int state) => _leastBytes.Of(state);

    /// <inheritdoc cref="CountClamp.Clamp"/>
    public int Clamp(int state, int limit, ref int exactBelow) => _counts.Clamp(state, limit, ref exactBelow);

    /// <summary>The state of this automaton that is <paramref name="state"/> of <paramref name="other"/>, an automaton of the same grammar.</summary>
    public int Adopt(Automaton other, int state) => new Adoption(other._nodes, _expressions).Of(state);

    /// <summary>
    /// A fingerprint of what <paramref name="state"/> accepts, the same in every automaton of every grammar; null where it depends on a rule.
    /// Masks of strings are shared between schemas by it.
    /// </summary>
    public UInt128? Fingerprint(int state) => new Fingerprints(_grammar, _nodes).Of(state);

    /// <summary>The state after <paramref name="value"/>; <see cref="Never"/> where it may not come.</summary>
    /// <exception cref="ConstraintException">The automaton would outgrow <see cref="NodeTable.HardLimit"/>, or takes more work than it may.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Step(int state, byte value)
    {
        Transitions[] transitions = _transitions;
        if ((uint)state < (uint)transitions.Length)
        {
            ref Transitions known = ref transitions[state];
            if (known.Targets is { } targets)
            {
                int target = targets[known.ClassOf![value]];
                if (target >= 0)
                    return target;
            }
        }

        return StepAndRemember(state, value);
    }

    /// <summary>The class of each byte as the next one after <paramref name="state"/>: bytes of one class lead to the same state.</summary>
    public ReadOnlySpan<byte> ClassesOf(int state) => TransitionsOf(state).ClassOf;

    private int StepAndRemember(int state, byte value)
    {
        if (state is Never or Nothing)
            return Never;
        // Both arrays stay what they are while the derivative is made, although the list of states grows meanwhile.
        Transitions known = TransitionsOf(state);
        int target = Derive(state, value);
        known.Targets![known.ClassOf![value]] = target;
        return target;
    }

    private Transitions TransitionsOf(int state)
    {
        if (state >= _transitions.Length)
            Array.Resize(ref _transitions, _nodes.Capacity);
        if (_transitions[state].Targets is null)
        {
            // Telling the bytes apart may lengthen the list: the place is looked up afterwards.
            Transitions underived = Underived(state);
            _transitions[state] = underived;
        }

        return _transitions[state];
    }

    // Apart from its caller because of the room on the stack, which is cleared whenever a method that has it is entered.
    private Transitions Underived(int state)
    {
        var classes = new ByteClasses(stackalloc byte[256], stackalloc ushort[256]);
        Separate(state, ref classes);
        int[] targets = new int[classes.Count];
        Array.Fill(targets, -1);
        return new Transitions { ClassOf = _classMaps.Shared(classes.ClassOf), Targets = targets };
    }

    /// <summary>Tells apart the bytes that <paramref name="state"/> can tell apart as the next one.</summary>
    private void Separate(int state, ref ByteClasses classes)
    {
        while (true)
        {
            _nodes.Spend(1);
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
                        Separate(_nodes.OptionsOf(state)[at], ref classes);
                    return;
                case NodeKind.Both:
                    Separate(node.A, ref classes);
                    state = node.B;
                    continue;
                case NodeKind.Except or NodeKind.Repeat or NodeKind.Lexeme:
                    state = node.A;
                    continue;
                case NodeKind.Rule:
                    state = _states.Body(node.A, node.B);
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
                return _grammar.Literals[node.A][node.B] == value ? _expressions.Literal(node.A, node.B + 1) : Never;
            case NodeKind.Sequence:
                return DeriveSequence(state, value);
            case NodeKind.Choice:
                // By place and not by span: the list of options grows while they are derived.
                Expressions.OpenChoice choice = _expressions.Choice();
                for (int at = 0; at < node.B; at++)
                    choice.Add(Step(_nodes.OptionsOf(state)[at], value));
                return choice.End();
            case NodeKind.Both:
                return _expressions.Both(Step(node.A, value), Step(node.B, value));
            case NodeKind.Except:
                return _expressions.Except(Step(node.A, value));
            case NodeKind.Repeat:
                // The rest may be had less often by one, whether or not what is repeated can be empty: Repeat() has then set the minimum to 0.
                int once = Step(node.A, value);
                return once == Never
                    ? Never
                    : _expressions.Sequence(once, _expressions.Repeat(node.A, Math.Max(node.B - 1, 0), node.C == Grammar.Unbounded ? Grammar.Unbounded : node.C - 1));
            case NodeKind.Lexeme:
                return _expressions.Lexeme(Step(node.A, value));
            case NodeKind.Rule:
                return Step(_states.Body(node.A, node.B), value);
            case NodeKind.Multiple:
                return DeriveMultiple(node, value);
            default:
                return Never;
        }
    }

    private int DeriveSequence(int state, byte value)
    {
        Expressions.OpenChoice choice = _expressions.Choice();
        while (_nodes[state].Kind == NodeKind.Sequence)
        {
            (int first, int then) = PartsOf(state);
            choice.Add(_expressions.Sequence(Step(first, value), then));
            if (!MayEnd(first))
                return choice.End();
            state = then;
        }

        choice.Add(Step(state, value));
        return choice.End();
    }

    private int DeriveMultiple(Node node, byte value)
    {
        Divisor divisor = _grammar.Divisors[node.A];
        if (value == (byte)'.' && node.C == -1 && divisor.FractionDigits > 0)
            return _expressions.Multiple(node.A, node.B, divisor.FractionDigits);
        if (value is < (byte)'0' or > (byte)'9' || node.C == 0)
            return Never;
        int remainder = (int)(((node.B * 10L) + (value - (byte)'0')) % divisor.Units);
        return _expressions.Multiple(node.A, remainder, node.C == -1 ? -1 : node.C - 1);
    }
}
