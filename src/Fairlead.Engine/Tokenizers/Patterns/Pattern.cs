using Fairlead.Engine.Formats;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers.Patterns;

/// <summary>A compiled regular expression of a tokenizer file: finds its matches in a text, code point by code point.</summary>
/// <remarks>
/// Backtracking, since split patterns rely on order of preference and look-ahead, but never without end: work is counted, and a pattern that
/// needs more than <see cref="StepsPerUnit"/> steps a unit of text is refused as the file's fault. Repeated sets, which is what split patterns
/// are made of, run in one loop and leave one entry to come back to. Immutable and safe for any number of threads.
/// </remarks>
internal sealed class Pattern
{
    /// <summary>Steps granted for each unit of text; the real patterns need 5 to 30.</summary>
    public const int StepsPerUnit = 250;

    /// <summary>Steps granted to any text, however short.</summary>
    public const int StepsAtLeast = 1_000_000;

    private readonly PatternSource _source;
    private readonly PatternProgram _program;

    private Pattern(PatternSource source, PatternNode root)
    {
        _source = source;
        _program = PatternProgram.Compile(source, root);
    }

    /// <summary>Compiles the regular expression <paramref name="source"/> of <paramref name="file"/>.</summary>
    /// <exception cref="ModelFileException">It is malformed, too large, or uses what is not supported.</exception>
    public static Pattern Parse(string file, string source)
    {
        var named = new PatternSource(file, source);
        return new Pattern(named, PatternParser.Parse(named));
    }

    /// <summary>A pattern that matches <paramref name="text"/> itself.</summary>
    public static Pattern Literal(string file, string text) => new(new PatternSource(file, text), PatternParser.Literal(text));

    /// <summary>The matches in <paramref name="text"/> from left to right, as the <c>find_iter</c> of Oniguruma gives them.</summary>
    /// <remarks>Look-around and anchors see nothing outside the text. An empty match just behind the one before is passed over.</remarks>
    /// <param name="scratch">What several searches share, for callers that look through many short texts; otherwise the text has its own.</param>
    public MatchFinder Matches(ReadOnlySpan<char> text, Scratch? scratch = null) => new(this, text, scratch ?? new Scratch(text.Length));

    /// <summary>Working memory and steps for one search after the other, never two at once.</summary>
    /// <param name="units">Length of all texts together.</param>
    public sealed class Scratch(int units)
    {
        internal Entry[] Stack { get; set; } = new Entry[16];

        internal int[] Marks { get; set; } = [];

        internal long StepsLeft { get; set; } = StepsAtLeast + (long)StepsPerUnit * units;
    }

    /// <summary>Walks the matches; each call moves to the next one.</summary>
    public ref struct MatchFinder
    {
        private readonly Pattern _pattern;
        private readonly ReadOnlySpan<char> _text;
        private readonly Scratch _scratch;
        private Matcher _matcher;
        private int _from;

        internal MatchFinder(Pattern pattern, ReadOnlySpan<char> text, Scratch scratch)
        {
            _pattern = pattern;
            _text = text;
            _scratch = scratch;
            _matcher = new Matcher(pattern._program, text, scratch);
            End = -1;
        }

        public int Start { get; private set; }

        public int End { get; private set; }

        /// <summary>Finds the next match, or returns false at the end of the text.</summary>
        /// <exception cref="ModelFileException">The pattern took more steps than it is granted.</exception>
        public bool MoveNext()
        {
            while (_from <= _text.Length)
            {
                int end = _matcher.Match(_from);
                _scratch.StepsLeft = _matcher.StepsLeft;
                if (_matcher.StepsLeft <= 0)
                    throw _pattern._source.Refusal($"was stopped in a text of {_text.Length} characters: it took more than {StepsPerUnit} steps a character; a pattern that repeats a repetition can take for ever");
                int length = 1;
                if (_from < _text.Length)
                    CodePoints.At(_text, _from, out length);
                if (end < 0 || (end == _from && end == End))
                {
                    _from += length;
                    continue;
                }

                Start = _from;
                End = end;
                _from = Math.Max(end, _from);
                return true;
            }

            return false;
        }
    }

    /// <summary>Tries the program at one place of the text after the other.</summary>
    private ref struct Matcher
    {
        private readonly PatternProgram.Instruction[] _code;
        private readonly ReadOnlySpan<char> _text;
        private readonly Scratch _scratch;
        private readonly int[] _marks;
        private Entry[] _stack;
        private int _depth;

        public Matcher(PatternProgram program, ReadOnlySpan<char> text, Scratch scratch)
        {
            if (scratch.Marks.Length < program.MarkCount)
                scratch.Marks = new int[program.MarkCount];
            _code = program.Code;
            _text = text;
            _scratch = scratch;
            _marks = scratch.Marks;
            _stack = scratch.Stack;
            StepsLeft = scratch.StepsLeft;
        }

        /// <summary>Not above 0: the pattern has used up what it was granted, and no result counts.</summary>
        public long StepsLeft { get; private set; }

        /// <summary>End of the match that begins at <paramref name="start"/>; −1 for none.</summary>
        public int Match(int start)
        {
            _depth = 0;
            return Run(0, start);
        }

        // Returns where the part that begins at instruction `pc` ends, −1 for no match. Parts in parts recurse as deep as the pattern nests.
        private int Run(int pc, int at)
        {
            int floor = _depth;
            while (true)
            {
                if (--StepsLeft <= 0)
                    return -1;
                ref readonly PatternProgram.Instruction now = ref _code[pc];
                bool holds;
                switch (now.Kind)
                {
                    case PatternProgram.Kind.Accept:
                        _depth = floor; // what was left to try is dropped: a part, once matched, stands
                        return at;
                    case PatternProgram.Kind.One:
                        holds = at < _text.Length && TryOne(now.Set!, ref at);
                        pc++;
                        break;
                    case PatternProgram.Kind.Jump:
                        pc = now.A;
                        continue;
                    case PatternProgram.Kind.Split when now.Set is { } first && !IsNext(first, at):
                        pc = now.B;
                        continue;
                    case PatternProgram.Kind.Split:
                        Push(new Entry(EntryKind.Try, now.B, at, 0));
                        pc = now.A;
                        continue;
                    case PatternProgram.Kind.RunGreedy:
                        holds = RunGreedy(now, pc, ref at);
                        pc++;
                        break;
                    case PatternProgram.Kind.RunLazy:
                        holds = RunLazy(now, pc, ref at);
                        pc++;
                        break;
                    case PatternProgram.Kind.Atomic:
                        int end = Run(now.A, at);
                        holds = end >= 0;
                        at = holds ? end : at;
                        pc = now.B;
                        break;
                    case PatternProgram.Kind.Look:
                        holds = (Run(now.A, at) >= 0) != now.Negative;
                        pc = now.B;
                        break;
                    case PatternProgram.Kind.LookBehind:
                        holds = LooksBehind(now.A, at, now.Length) != now.Negative;
                        pc = now.B;
                        break;
                    case PatternProgram.Kind.Mark:
                        Push(new Entry(EntryKind.Restore, now.A, _marks[now.A], 0));
                        _marks[now.A] = at;
                        pc++;
                        continue;
                    case PatternProgram.Kind.Advanced:
                        holds = _marks[now.A] != at; // a turn of a loop that took nothing would go on for ever
                        pc = holds ? pc + 1 : now.B;
                        continue;
                    default:
                        holds = IsAt(now.Place, at);
                        pc++;
                        break;
                }

                if (StepsLeft <= 0)
                    return -1;
                if (!holds && !Back(floor, ref pc, ref at))
                    return -1;
            }
        }

        private readonly bool IsNext(CodePointSet set, int at) => at < _text.Length && set.Contains(CodePoints.At(_text, at, out _));

        private readonly bool TryOne(CodePointSet set, ref int at)
        {
            int codePoint = CodePoints.At(_text, at, out int length);
            if (!set.Contains(codePoint))
                return false;
            at += length;
            return true;
        }

        private bool RunGreedy(in PatternProgram.Instruction run, int pc, ref int at)
        {
            int count = 0;
            int fewest = at; // where the run may not be shortened below
            int start = at;
            while (at < _text.Length && (run.B < 0 || count < run.B) && TryOne(run.Set!, ref at))
            {
                if (++count == run.A)
                    fewest = at;
            }

            StepsLeft -= (at - start) >> 2; // a unit of a run costs a fraction of a step
            if (count < run.A)
                return false;
            if (!run.Possessive && at > fewest)
                Push(new Entry(EntryKind.Shorten, pc + 1, at, fewest));
            return true;
        }

        private bool RunLazy(in PatternProgram.Instruction run, int pc, ref int at)
        {
            for (int count = 0; count < run.A; count++)
            {
                if (at >= _text.Length || !TryOne(run.Set!, ref at))
                    return false;
            }

            Push(new Entry(EntryKind.Lengthen, pc, at, run.B < 0 ? int.MaxValue : run.B - run.A));
            return true;
        }

        private bool LooksBehind(int pc, int at, int length)
        {
            int from = at;
            for (; length > 0; length--)
            {
                if (from == 0)
                    return false;
                CodePoints.Before(_text, from, out int units);
                from -= units;
            }

            return Run(pc, from) == at;
        }

        private bool Back(int floor, ref int pc, ref int at)
        {
            while (_depth > floor)
            {
                ref Entry entry = ref _stack[_depth - 1];
                switch (entry.Kind)
                {
                    case EntryKind.Restore:
                        _marks[entry.Pc] = entry.At;
                        _depth--;
                        continue;
                    case EntryKind.Try:
                        (pc, at) = (entry.Pc, entry.At);
                        _depth--;
                        return true;
                    case EntryKind.Shorten:
                        CodePoints.Before(_text, entry.At, out int units);
                        entry.At -= units;
                        (pc, at) = (entry.Pc, entry.At);
                        if (entry.At <= entry.Limit)
                            _depth--;
                        return true;
                    default:
                        if (entry.Limit > 0 && entry.At < _text.Length && TryOne(_code[entry.Pc].Set!, ref entry.At))
                        {
                            entry.Limit--;
                            (pc, at) = (entry.Pc + 1, entry.At);
                            return true;
                        }

                        _depth--;
                        continue;
                }
            }

            return false;
        }

        private void Push(Entry entry)
        {
            // Each step pushes one entry at most, but 4 million of them (64 MB) are as many as any text is worth.
            if (_depth == _stack.Length)
            {
                if (_depth >= 1 << 22)
                {
                    StepsLeft = 0;
                    return;
                }

                Array.Resize(ref _stack, _depth * 2);
                _scratch.Stack = _stack;
            }

            _stack[_depth++] = entry;
        }

        private readonly bool IsAt(Place place, int at) => place switch
        {
            Place.LineStart => at == 0 || (_text[at - 1] == '\n' && at < _text.Length),
            Place.LineEnd => at == _text.Length || _text[at] == '\n',
            Place.TextStart => at == 0,
            Place.TextEnd => at == _text.Length,
            Place.TextEndOrLastNewline => at == _text.Length || (at == _text.Length - 1 && _text[at] == '\n'),
            Place.WordBorder => IsWordBorder(at),
            _ => !IsWordBorder(at),
        };

        private readonly bool IsWordBorder(int at)
        {
            bool before = at > 0 && CodePointProperties.Word(CodePoints.Before(_text, at, out _));
            bool after = at < _text.Length && CodePointProperties.Word(CodePoints.At(_text, at, out _));
            return before != after;
        }
    }

    internal enum EntryKind
    {
        /// <summary>Go on at Pc from At.</summary>
        Try,

        /// <summary>Mark Pc was At before.</summary>
        Restore,

        /// <summary>A greedy run gives its last character back and goes on at Pc, down to Limit.</summary>
        Shorten,

        /// <summary>The lazy run at Pc takes one more, Limit times at most.</summary>
        Lengthen,
    }

    /// <summary>A choice to come back to.</summary>
    internal struct Entry(EntryKind kind, int pc, int at, int limit)
    {
        public EntryKind Kind = kind;
        public int Pc = pc;
        public int At = at;
        public int Limit = limit;
    }
}
