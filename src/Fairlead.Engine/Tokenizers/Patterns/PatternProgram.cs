namespace Fairlead.Engine.Tokenizers.Patterns;

/// <summary>A pattern as a list of instructions for <see cref="Pattern"/>.</summary>
internal sealed class PatternProgram
{
    private const int MostInstructions = 50_000;

    private readonly List<Instruction> _code = [];
    private readonly PatternSource _source;
    private int _visits;

    private PatternProgram(PatternSource source) => _source = source;

    public enum Kind
    {
        /// <summary>The whole pattern, or the part that is run on its own, has matched.</summary>
        Accept,
        One,
        Jump,

        /// <summary>Go on at A; if that fails, at B. With a set, at B at once where the next character is not in it.</summary>
        Split,

        /// <summary>The set, A to B times, as often as possible.</summary>
        RunGreedy,

        /// <summary>The set, A to B times, as seldom as possible.</summary>
        RunLazy,

        /// <summary>The part at A, once and for all; then B.</summary>
        Atomic,

        /// <summary>The part at A (not) ahead; then B.</summary>
        Look,

        /// <summary>The part at A, Length characters long, (not) behind; then B.</summary>
        LookBehind,

        /// <summary>Remembers the place under number A.</summary>
        Mark,

        /// <summary>Goes on if the place has changed since mark A, else at B.</summary>
        Advanced,
        At,
    }

    public Instruction[] Code { get; private set; } = [];

    /// <summary>How many marks the instructions use.</summary>
    public int MarkCount { get; private set; }

    public static PatternProgram Compile(PatternSource source, PatternNode root)
    {
        var program = new PatternProgram(source);
        program.Emit(root);
        program.Add(new Instruction { Kind = Kind.Accept });
        program.Code = [.. program._code];
        return program;
    }

    private int Add(Instruction instruction)
    {
        if (_code.Count >= MostInstructions)
            throw _source.Refusal($"grows beyond {MostInstructions} instructions");
        _code.Add(instruction);
        return _code.Count - 1;
    }

    private void Emit(PatternNode node)
    {
        // Parts that emit nothing can still be repeated a hundred thousand times a hundred thousand times.
        if (++_visits > 4 * MostInstructions)
            throw _source.Refusal("repeats too much");
        switch (node)
        {
            case PatternNode.One one:
                Add(new Instruction { Kind = Kind.One, Set = one.Set });
                break;
            case PatternNode.At at:
                Add(new Instruction { Kind = Kind.At, Place = at.Place });
                break;
            case PatternNode.Sequence sequence:
                foreach (PatternNode part in sequence.Parts)
                    Emit(part);
                break;
            case PatternNode.Choice choice:
                EmitChoice(choice.Options, Emit, isAhead: true);
                break;
            case PatternNode.Atomic atomic:
                EmitPart(new Instruction { Kind = Kind.Atomic }, atomic.Part);
                break;
            case PatternNode.Look { Behind: false } look:
                EmitPart(new Instruction { Kind = Kind.Look, Negative = look.Negative }, look.Part);
                break;
            case PatternNode.Look look:
                EmitLookBehind(look);
                break;
            case PatternNode.Repeat repeat:
                EmitRepeat(repeat);
                break;
        }
    }

    // What lies behind says nothing about the next character, so such options are not guarded by what they begin with.
    private void EmitChoice(IReadOnlyList<PatternNode> options, Action<PatternNode> emit, bool isAhead)
    {
        var jumps = new List<int>();
        for (int i = 0; i < options.Count - 1; i++)
        {
            int split = Add(default);
            emit(options[i]);
            jumps.Add(Add(default));
            _code[split] = new Instruction { Kind = Kind.Split, A = split + 1, B = _code.Count, Set = isAhead ? options[i].First() : null };
        }

        emit(options[^1]);
        foreach (int jump in jumps)
            _code[jump] = new Instruction { Kind = Kind.Jump, A = _code.Count };
    }

    // A part that is run on its own: its instructions stand behind the one that calls it.
    private void EmitPart(Instruction caller, PatternNode part)
    {
        int at = Add(default);
        Emit(part);
        Add(new Instruction { Kind = Kind.Accept });
        _code[at] = caller with { A = at + 1, B = _code.Count };
    }

    private void EmitLookBehind(PatternNode.Look look)
    {
        // As in Oniguruma, the options at the top may differ in length, each of them must have one.
        IReadOnlyList<PatternNode> options = look.Part is PatternNode.Choice choice ? choice.Options : [look.Part];
        if (options.Any(option => option.FixedLength() < 0))
            throw _source.Refusal("looks behind for a part of no fixed length, which is not supported");
        if (look.Negative)
        {
            // Behind is none of them: each must fail, one after the other.
            foreach (PatternNode option in options)
                EmitPart(new Instruction { Kind = Kind.LookBehind, Negative = true, Length = option.FixedLength() }, option);
            return;
        }

        EmitChoice(options, option => EmitPart(new Instruction { Kind = Kind.LookBehind, Length = option.FixedLength() }, option), isAhead: false);
    }

    private void EmitRepeat(PatternNode.Repeat repeat)
    {
        if (repeat is { Part: PatternNode.One one })
        {
            Add(new Instruction
            {
                Kind = repeat.Greed == Greed.Lazy ? Kind.RunLazy : Kind.RunGreedy,
                Set = one.Set,
                A = repeat.Min,
                B = repeat.Max,
                Possessive = repeat.Greed == Greed.Possessive,
            });
            return;
        }

        if (repeat.Greed == Greed.Possessive)
        {
            EmitPart(new Instruction { Kind = Kind.Atomic }, repeat with { Greed = Greed.Greedy });
            return;
        }

        // Counted turns are written out; the bound on instructions is the bound on them.
        for (int i = 0; i < repeat.Min; i++)
            Emit(repeat.Part);
        if (repeat.Max < 0)
        {
            EmitLoop(repeat);
            return;
        }

        var splits = new List<int>();
        for (int i = repeat.Min; i < repeat.Max; i++)
        {
            splits.Add(Add(default));
            Emit(repeat.Part);
        }

        foreach (int split in splits)
            _code[split] = SplitTo(split + 1, _code.Count, repeat.Greed);
    }

    private void EmitLoop(PatternNode.Repeat repeat)
    {
        int split = Add(default);
        bool mayBeEmpty = repeat.Part.MayBeEmpty();
        int mark = mayBeEmpty ? MarkCount++ : -1;
        if (mayBeEmpty)
            Add(new Instruction { Kind = Kind.Mark, A = mark });
        Emit(repeat.Part);
        int check = mayBeEmpty ? Add(default) : -1;
        Add(new Instruction { Kind = Kind.Jump, A = split });
        if (mayBeEmpty)
            _code[check] = new Instruction { Kind = Kind.Advanced, A = mark, B = _code.Count };
        _code[split] = SplitTo(split + 1, _code.Count, repeat.Greed);
    }

    private static Instruction SplitTo(int inside, int behind, Greed greed) => greed == Greed.Lazy
        ? new Instruction { Kind = Kind.Split, A = behind, B = inside }
        : new Instruction { Kind = Kind.Split, A = inside, B = behind };

    public readonly record struct Instruction
    {
        public Kind Kind { get; init; }
        public int A { get; init; }
        public int B { get; init; }
        public int Length { get; init; }
        public bool Negative { get; init; }
        public bool Possessive { get; init; }
        public Place Place { get; init; }
        public CodePointSet? Set { get; init; }
    }
}
