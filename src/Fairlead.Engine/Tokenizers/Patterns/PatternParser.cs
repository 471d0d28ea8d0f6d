using System.Buffers;
using System.Globalization;
using System.Text;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers.Patterns;

/// <summary>Reads the regular expressions of tokenizer files: Oniguruma's Ruby syntax, as far as split patterns use it.</summary>
/// <remarks>
/// .NET's own <c>Regex</c> sees UTF-16 units (no letter beyond the basic plane is a <c>\p{L}</c>), has neither possessive quantifiers nor set
/// intersection nor script names, and follows other rules in the corners. What is not understood is refused by name.
/// </remarks>
internal ref struct PatternParser
{
    private const int MaxDepth = 60;
    private const int MaxLength = 100_000;

    private static readonly SearchValues<char> s_digitsAndComma = SearchValues.Create("0123456789,");

    private readonly string _file;
    private readonly string _source;
    private int _at;
    private int _depth;
    private bool _ignoreCase;
    private bool _dotAll;

    private PatternParser(string file, string source)
    {
        _file = file;
        _source = source;
    }

    /// <summary>Parses <paramref name="source"/>, a pattern of <paramref name="file"/>.</summary>
    /// <exception cref="ModelFileException">The pattern is malformed, too long, too deep, or uses what is not supported.</exception>
    public static PatternNode Parse(string file, string source)
    {
        var parser = new PatternParser(file, source);
        if (source.Length > MaxLength)
            throw parser.Refusal($"is {source.Length} characters long; at most {MaxLength} are read");
        PatternNode node = parser.Choice();
        return parser._at == source.Length ? node : throw parser.Refusal("closes a group that it did not open");
    }

    /// <summary>The pattern that matches <paramref name="text"/> itself.</summary>
    public static PatternNode Literal(string text) =>
        new PatternNode.Sequence([.. CodePoints.Repaired(text).EnumerateRunes().Select(rune => One(rune.Value, false))]);

    private readonly bool AtEnd => _at >= _source.Length;

    private readonly char Peek => _source[_at];

    private bool Take(char wanted)
    {
        if (AtEnd || Peek != wanted)
            return false;
        _at++;
        return true;
    }

    private bool Take(string wanted)
    {
        if (!_source.AsSpan(_at).StartsWith(wanted, StringComparison.Ordinal))
            return false;
        _at += wanted.Length;
        return true;
    }

    private int NextCodePoint()
    {
        if (AtEnd)
            throw Refusal("ends too early");
        int codePoint = CodePoints.At(_source, _at, out int length);
        _at += length;
        return codePoint;
    }

    private PatternNode Choice()
    {
        if (++_depth > MaxDepth)
            throw Refusal($"nests more than {MaxDepth} groups");
        var options = new List<PatternNode> { Sequence() };
        while (Take('|'))
            options.Add(Sequence());
        _depth--;
        return options.Count == 1 ? options[0] : new PatternNode.Choice(options);
    }

    private PatternNode Sequence()
    {
        var parts = new List<PatternNode>();
        while (!AtEnd && Peek is not ('|' or ')'))
        {
            if (Atom() is { } atom)
                parts.Add(Quantified(atom));
        }

        return parts.Count == 1 ? parts[0] : new PatternNode.Sequence(parts);
    }

    private PatternNode Quantified(PatternNode atom)
    {
        for (int stacked = 0; !AtEnd; stacked++)
        {
            if (stacked > 8)
                throw Refusal("stacks quantifiers");
            bool braces = false;
            (int Min, int Max) bounds;
            if (Take('*'))
            {
                bounds = (0, -1);
            }
            else if (Take('+'))
            {
                bounds = (1, -1);
            }
            else if (Take('?'))
            {
                bounds = (0, 1);
            }
            else if (Peek == '{' && Braces() is { } inBraces)
            {
                bounds = inBraces;
                braces = true;
            }
            else
            {
                return atom;
            }

            // In Ruby's syntax {n,m}+ repeats the repetition, and {n}? makes it optional; only the short quantifiers take both suffixes.
            Greed greed = Greed.Greedy;
            if (!braces && Take('+'))
                greed = Greed.Possessive;
            else if ((!braces || bounds.Min != bounds.Max) && Take('?'))
                greed = Greed.Lazy;
            atom = new PatternNode.Repeat(atom, bounds.Min, bounds.Max, greed);
        }

        return atom;
    }

    // Null, and nothing taken, where the brace is a literal one.
    private (int Min, int Max)? Braces()
    {
        int close = _source.IndexOf('}', _at);
        if (close < 0)
            return null;
        ReadOnlySpan<char> inside = _source.AsSpan(_at + 1, close - _at - 1);
        int comma = inside.IndexOf(',');
        ReadOnlySpan<char> low = comma < 0 ? inside : inside[..comma];
        ReadOnlySpan<char> high = comma < 0 ? inside : inside[(comma + 1)..];
        if (inside is "" or "," || inside.ContainsAnyExcept(s_digitsAndComma) || high.Contains(','))
            return null;
        int min = 0, max = -1;
        if ((low.Length > 0 && !int.TryParse(low, out min)) || (high.Length > 0 && !int.TryParse(high, out max)) || min > 100_000 || max > 100_000)
            throw Refusal("repeats a part more than 100,000 times");
        if (max >= 0 && max < min)
            (min, max) = (max, min); // as Oniguruma reads {3,1}
        _at = close + 1;
        return (min, max);
    }

    private PatternNode? Atom()
    {
        switch (Peek)
        {
            case '(':
                _at++;
                return Group();
            case '[':
                _at++;
                return new PatternNode.One(new CodePointSet(Class()));
            case '.':
                _at++;
                bool dotAll = _dotAll;
                return new PatternNode.One(new CodePointSet(codePoint => dotAll || codePoint != '\n'));
            case '^':
                _at++;
                return new PatternNode.At(Place.LineStart);
            case '$':
                _at++;
                return new PatternNode.At(Place.LineEnd);
            case '\\':
                _at++;
                return Escape();
            case '*' or '+' or '?':
                throw Refusal("repeats nothing");
            default:
                return One(NextCodePoint(), _ignoreCase);
        }
    }

    private PatternNode? Group()
    {
        if (!Take('?'))
            return Closed(Choice(), _ignoreCase, _dotAll);
        bool ignoreCase = _ignoreCase, dotAll = _dotAll;
        if (Take(':'))
            return Closed(Choice(), ignoreCase, dotAll);
        if (Take('>'))
            return new PatternNode.Atomic(Closed(Choice(), ignoreCase, dotAll));
        if (Take('='))
            return new PatternNode.Look(Closed(Choice(), ignoreCase, dotAll), Behind: false, Negative: false);
        if (Take('!'))
            return new PatternNode.Look(Closed(Choice(), ignoreCase, dotAll), Behind: false, Negative: true);
        if (Take("<="))
            return new PatternNode.Look(Closed(Choice(), ignoreCase, dotAll), Behind: true, Negative: false);
        if (Take("<!"))
            return new PatternNode.Look(Closed(Choice(), ignoreCase, dotAll), Behind: true, Negative: true);
        if (Take('#'))
        {
            _at = _source.IndexOf(')', _at) is >= 0 and var close ? close + 1 : throw Refusal("does not close a comment");
            return null;
        }

        if (Take("P<") || Take('<'))
        {
            // A name is as good as none: nobody asks for the parts of a match.
            _at = _source.IndexOf('>', _at) is >= 0 and var close ? close + 1 : throw Refusal("does not close a group's name");
            return Closed(Choice(), ignoreCase, dotAll);
        }

        for (bool on = true; ;)
        {
            switch (NextCodePoint())
            {
                case '-':
                    on = false;
                    break;
                case 'i':
                    _ignoreCase = on;
                    break;
                case 'm' or 's':
                    _dotAll = on; // Ruby's (?m) is what others call (?s)
                    break;
                case ':':
                    return Closed(Choice(), ignoreCase, dotAll);
                case ')':
                    return Choice(); // Ruby: a(?i)b|c is a(?i:b|c); the group around it restores what was before
                case var other:
                    throw Refusal($"uses the group (?{char.ConvertFromUtf32(other)}…), which is not supported");
            }
        }
    }

    private PatternNode Closed(PatternNode node, bool ignoreCase, bool dotAll)
    {
        if (!Take(')'))
            throw Refusal("does not close a group");
        _ignoreCase = ignoreCase;
        _dotAll = dotAll;
        return node;
    }

    private PatternNode Escape()
    {
        if (AtEnd)
            throw Refusal("ends with a backslash");
        switch (Peek)
        {
            case 'b':
                _at++;
                return new PatternNode.At(Place.WordBorder);
            case 'B':
                _at++;
                return new PatternNode.At(Place.NoWordBorder);
            case 'A':
                _at++;
                return new PatternNode.At(Place.TextStart);
            case 'z':
                _at++;
                return new PatternNode.At(Place.TextEnd);
            case 'Z':
                _at++;
                return new PatternNode.At(Place.TextEndOrLastNewline);
            case 'R':
                _at++;
                PatternNode newline = new PatternNode.One(new CodePointSet(static c => c is (>= '\n' and <= '\r') or 0x85 or 0x2028 or 0x2029));
                return new PatternNode.Atomic(new PatternNode.Choice([new PatternNode.Sequence([One('\r', false), One('\n', false)]), newline]));
            case >= '1' and <= '9' or 'k' or 'g' or 'K' or 'G' or 'X':
                throw Refusal($"uses \\{Peek}, which is not supported");
        }

        return ClassEscape() is { } set ? new PatternNode.One(new CodePointSet(set)) : One(EscapedCodePoint(), _ignoreCase);
    }

    // A set behind a backslash, or null with nothing taken.
    private Func<int, bool>? ClassEscape()
    {
        char letter = Peek;
        Func<int, bool>? set = letter switch
        {
            's' or 'S' => CodePoints.IsWhiteSpace,
            'd' or 'D' => static c => CodePoints.Category(c) == UnicodeCategory.DecimalDigitNumber,
            'w' or 'W' => CodePointSet.Word,
            'h' or 'H' => static c => c < 128 && char.IsAsciiHexDigit((char)c),
            'p' or 'P' => static _ => false,
            _ => null,
        };
        if (set is null)
            return null;
        _at++;
        bool negative = char.IsAsciiLetterUpper(letter);
        if (letter is 'p' or 'P')
        {
            string name;
            if (Take('{'))
            {
                int close = _source.IndexOf('}', _at);
                if (close < 0)
                    throw Refusal("does not close a property's name");
                if (Take('^'))
                    negative = !negative;
                name = _source[_at..close];
                _at = close + 1;
            }
            else
            {
                name = char.ConvertFromUtf32(NextCodePoint());
            }

            set = CodePointSet.Named(name) ?? throw Refusal($"names the property {name}, which is not known");
        }

        return negative ? codePoint => !set(codePoint) : set;
    }

    private int EscapedCodePoint()
    {
        int codePoint = NextCodePoint();
        switch (codePoint)
        {
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'f':
                return '\f';
            case 'v':
                return '\v';
            case 'a':
                return '\a';
            case 'e':
                return 0x1B;
            case '0':
                return 0;
            case 'x' when Take('{'):
                int close = _source.IndexOf('}', _at);
                if (close < 0 || close - _at is < 1 or > 8)
                    throw Refusal("does not close \\x{…}");
                int value = Hex(close - _at);
                _at++;
                return value;
            case 'x':
                return Hex(_at + 1 < _source.Length && char.IsAsciiHexDigit(_source[_at + 1]) ? 2 : 1);
            case 'u':
                return Hex(4);
            default:
                return codePoint < 128 && char.IsAsciiLetterOrDigit((char)codePoint)
                    ? throw Refusal($"uses \\{(char)codePoint}, which is not supported")
                    : codePoint;
        }
    }

    private int Hex(int digits)
    {
        if (_at + digits > _source.Length || !int.TryParse(_source.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, null, out int value) || !Rune.IsValid(value))
            throw Refusal("names a character by a number that is none");
        _at += digits;
        return value;
    }

    // Behind the opening bracket, up to and with the closing one.
    private Func<int, bool> Class()
    {
        if (++_depth > MaxDepth)
            throw Refusal($"nests more than {MaxDepth} classes");
        bool negative = Take('^');
        var union = new List<Func<int, bool>>();
        List<Func<int, bool>>? intersection = null;
        for (bool first = true; ; first = false)
        {
            if (AtEnd)
                throw Refusal("does not close a class");
            if (Peek == ']' && !first)
            {
                _at++;
                break;
            }

            if (Take("&&"))
            {
                (intersection ??= []).Add(Union(union));
                union = [];
                continue;
            }

            if (Peek == '[')
            {
                _at++;
                union.Add(Posix() ?? Class());
                continue;
            }

            int low;
            if (Take('\\'))
            {
                if (AtEnd)
                    throw Refusal("ends with a backslash");
                if (ClassEscape() is { } set)
                {
                    union.Add(set);
                    continue;
                }

                low = Take('b') ? '\b' : EscapedCodePoint();
            }
            else
            {
                low = NextCodePoint();
            }

            int high = low;
            if (!AtEnd && Peek == '-' && _at + 1 < _source.Length && _source[_at + 1] is not (']' or '['))
            {
                int dash = _at++;
                if (!Take('\\'))
                    high = NextCodePoint();
                else if (!AtEnd && ClassEscape() is null)
                    high = Take('b') ? '\b' : EscapedCodePoint();
                else
                    _at = dash; // [a-\s]: the dash stands for itself, the set is read next
                if (high < low)
                    throw Refusal("has a range that runs backwards");
                if (_at == dash)
                {
                    _at++;
                    union.Add(static c => c == '-');
                }
            }

            union.Add(Range(low, high, _ignoreCase));
        }

        _depth--;
        Func<int, bool> members = Union(union);
        if (intersection is not null)
        {
            Func<int, bool>[] all = [.. intersection, members];
            members = codePoint => Array.TrueForAll(all, set => set(codePoint));
        }

        return negative ? codePoint => !members(codePoint) : members;
    }

    // [:alpha:] behind its opening bracket; null with nothing taken where it is an ordinary class.
    private Func<int, bool>? Posix()
    {
        if (AtEnd || Peek != ':')
            return null;
        int close = _source.IndexOf(":]", _at + 1, StringComparison.Ordinal);
        if (close < 0 || close - _at > 20)
            return null;
        bool negative = _source[_at + 1] == '^';
        string name = _source[(_at + (negative ? 2 : 1))..close];
        Func<int, bool> set = CodePointSet.Named(name) ?? throw Refusal($"names the class [:{name}:], which is not known");
        _at = close + 2;
        return negative ? codePoint => !set(codePoint) : set;
    }

    private static Func<int, bool> Union(List<Func<int, bool>> sets)
    {
        Func<int, bool>[] all = [.. sets];
        return all.Length == 1 ? all[0] : codePoint => Array.Exists(all, set => set(codePoint));
    }

    private static Func<int, bool> Range(int low, int high, bool ignoreCase)
    {
        if (!ignoreCase)
            return codePoint => codePoint >= low && codePoint <= high;
        return codePoint => (codePoint >= low && codePoint <= high) || Variants(codePoint).Any(other => other >= low && other <= high);
    }

    private static IEnumerable<int> Variants(int codePoint) =>
        [CodePoints.Fold(codePoint), CodePoints.ToLower(codePoint), Rune.ToUpperInvariant(new Rune(codePoint)).Value];

    private static PatternNode.One One(int codePoint, bool ignoreCase)
    {
        int folded = CodePoints.Fold(codePoint);
        return new PatternNode.One(ignoreCase
            ? new CodePointSet(other => CodePoints.Fold(other) == folded)
            : new CodePointSet(other => other == codePoint));
    }

    private readonly ModelFileException Refusal(string reason) =>
        new(_file, null, $"the pattern {Shortened(_source)} {reason} (at its character {_at})");

    /// <summary>The pattern for a message: a stranger's file does not fill a log.</summary>
    internal static string Shortened(string source) => source.Length <= 120 ? $"'{source}'" : $"'{source[..120]}…'";
}
