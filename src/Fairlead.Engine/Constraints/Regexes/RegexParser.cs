using System.Globalization;
using System.Text;
using Fairlead.Engine.Constraints.Automata;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Constraints.Regexes;

/// <summary>
/// Reads regular expressions as ECMA-262 with the <c>u</c> flag means them, which is what JSON Schema asks for (2020-12 core §6.4): <c>\d</c>
/// and <c>\w</c> are ASCII, characters are code points.
/// </summary>
/// <remarks>
/// What is no regular language, or would change the meaning of what stands around it, is refused by name: look-around, back references, word
/// borders, inline flags, atomic groups and possessive repetition. A lazy repetition accepts what the greedy one does and is read as that.
/// </remarks>
internal sealed class RegexParser
{
    /// <summary>Characters of an expression.</summary>
    public const int MaxLength = 4096;

    /// <summary>Groups inside groups.</summary>
    private const int MaxDepth = 32;

    /// <summary>The largest count in braces.</summary>
    private const int MaxCount = 100_000;

    private static readonly CodePointRanges Digits = CodePointRanges.Of(new CodePointRange('0', '9'));

    private static readonly CodePointRanges WordCharacters =
        CodePointRanges.Of(new('0', '9'), new('A', 'Z'), new('_', '_'), new('a', 'z'));

    // ECMA-262 §12.2 and §12.3: white space and line terminators.
    private static readonly CodePointRanges Spaces = CodePointRanges.Of(
        new(9, 13), new(0x20, 0x20), new(0xA0, 0xA0), new(0x1680, 0x1680), new(0x2000, 0x200A), new(0x2028, 0x2029), new(0x202F, 0x202F),
        new(0x205F, 0x205F), new(0x3000, 0x3000), new(0xFEFF, 0xFEFF));

    private static readonly CodePointRanges AnyButLineEnd = ~CodePointRanges.OfText("\n\r\u2028\u2029");

    private readonly string _pattern;
    private readonly string? _pointer;
    private int _at;
    private int _depth;

    private RegexParser(string pattern, string? pointer) => (_pattern, _pointer) = (pattern, pointer);

    /// <summary>Parses <paramref name="pattern"/>.</summary>
    /// <param name="pointer">Where in a schema it stands; null for an expression on its own.</param>
    /// <exception cref="ConstraintException">It is malformed, too long, or uses what is not supported.</exception>
    public static RegexNode Parse(string pattern, string? pointer)
    {
        var parser = new RegexParser(pattern, pointer);
        if (pattern.Length > MaxLength)
            throw parser.Refuse($"is longer than {MaxLength} characters");
        for (int at = 0; at < pattern.Length; at++)
        {
            if (char.IsSurrogate(pattern[at]) && !Rune.TryGetRuneAt(pattern, at++, out _))
                throw parser.Refuse("holds half of a surrogate pair");
        }

        RegexNode whole = parser.Alternation();
        return parser._at == pattern.Length ? whole : throw parser.Refuse("has a ')' that closes nothing");
    }

    private RegexNode Alternation()
    {
        var options = new List<RegexNode> { Concatenation() };
        while (TryTake('|'))
            options.Add(Concatenation());
        return options.Count == 1 ? options[0] : new RegexNode.Alternation(options);
    }

    private RegexNode Concatenation()
    {
        var parts = new List<RegexNode>();
        while (_at < _pattern.Length && _pattern[_at] is not ('|' or ')'))
            parts.Add(Repeated());
        return parts.Count == 1 ? parts[0] : new RegexNode.Concatenation(parts);
    }

    private RegexNode Repeated()
    {
        RegexNode part = Single();
        if (_at == _pattern.Length)
            return part;
        (int AtLeast, int AtMost)? count = _pattern[_at] switch
        {
            '*' => (0, Grammar.Unbounded),
            '+' => (1, Grammar.Unbounded),
            '?' => (0, 1),
            '{' => Braces(),
            _ => null,
        };
        if (count is not { } counted)
            return part;
        if (part is RegexNode.Anchor)
            throw Refuse("repeats an anchor");
        _at++;
        if (TryTake('+'))
            throw Refuse("uses possessive repetition, which is not supported");
        TryTake('?');
        return new RegexNode.Loop(part, counted.AtLeast, counted.AtMost);
    }

    /// <summary>The counts of <c>{n}</c>, <c>{n,}</c> or <c>{n,m}</c>; leaves the place at the closing brace.</summary>
    private (int AtLeast, int AtMost) Braces()
    {
        int close = _pattern.IndexOf('}', _at);
        string[] ends = close < 0 ? [] : _pattern[(_at + 1)..close].Split(',');
        if (ends.Length is not (1 or 2) || !TryCount(ends[0], out int atLeast))
            throw Refuse("has a '{' that begins no count; write \\{ for the character");
        int atMost = atLeast;
        if (ends.Length == 2 && ends[1].Length == 0)
            atMost = Grammar.Unbounded;
        else if (ends.Length == 2 && !TryCount(ends[1], out atMost))
            throw Refuse("has a '{' that begins no count; write \\{ for the character");
        if (atLeast > MaxCount || (atMost != Grammar.Unbounded && atMost > MaxCount))
            throw Refuse($"repeats more than {MaxCount} times");
        if (atMost < atLeast)
            throw Refuse("has a count whose upper end lies below the lower one");
        _at = close;
        return (atLeast, atMost);
    }

    private static bool TryCount(string text, out int count) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count);

    private RegexNode Single()
    {
        char next = _pattern[_at];
        switch (next)
        {
            case '^' or '$':
                return new RegexNode.Anchor(next == '^', _at++);
            case '(':
                return Group();
            case '[':
                _at++;
                return new RegexNode.Character(Class());
            case '.':
                _at++;
                return new RegexNode.Character(AnyButLineEnd);
            case '\\':
                return new RegexNode.Character(Escape(inClass: false));
            case '*' or '+' or '?' or '{': // also what is repeated twice, as in a**
                throw Refuse($"has a '{next}' with nothing to repeat");
            default:
                return new RegexNode.Character(CodePointRanges.Of(TakeCodePoint()));
        }
    }

    private RegexNode Group()
    {
        if (++_depth > MaxDepth)
            throw Refuse($"nests groups more than {MaxDepth} deep");
        _at++;
        if (TryTake('?'))
        {
            if (Rest.StartsWith("=") || Rest.StartsWith("!") || Rest.StartsWith("<=") || Rest.StartsWith("<!"))
            {
                throw Refuse("uses look-around, which is not supported");
            }
            else if (Rest.StartsWith("<") || Rest.StartsWith("P<"))
            {
                int close = _pattern.IndexOf('>', _at);
                if (close < 0)
                    throw Refuse("has a group name without end");
                _at = close + 1;
            }
            else if (!TryTake(':'))
            {
                throw Refuse("uses a kind of group that is not supported; (…), (?:…) and (?<name>…) are");
            }
        }

        RegexNode inner = Alternation();
        if (!TryTake(')'))
            throw Refuse("has a '(' that is never closed");
        _depth--;
        return inner;
    }

    private ReadOnlySpan<char> Rest => _pattern.AsSpan(_at);

    private CodePointRanges Class()
    {
        bool negated = TryTake('^');
        var ranges = new List<CodePointRange>();
        while (true)
        {
            if (_at == _pattern.Length)
                throw Refuse("has a '[' that is never closed");
            if (TryTake(']'))
            {
                CodePointRanges set = CodePointRanges.Of([.. ranges]);
                return negated ? ~set : set;
            }

            if (Rest.StartsWith("[:"))
                throw Refuse("uses a POSIX class, which is not supported");
            CodePointRanges low = ClassMember();
            if (!Rest.StartsWith("-") || Rest.StartsWith("-]"))
            {
                ranges.AddRange(low.Ranges);
                continue;
            }

            _at++;
            if (_at == _pattern.Length)
                throw Refuse("has a '[' that is never closed");
            CodePointRanges high = ClassMember();
            if (low.Single is not { } first || high.Single is not { } last)
                throw Refuse("has a range whose ends are not single characters");
            if (first > last)
                throw Refuse("has a range whose ends are in the wrong order");
            ranges.Add(new CodePointRange(first, last));
        }
    }

    private CodePointRanges ClassMember() => _pattern[_at] == '\\' ? Escape(inClass: true) : CodePointRanges.Of(TakeCodePoint());

    private CodePointRanges Escape(bool inClass)
    {
        int start = _at++;
        if (_at == _pattern.Length)
            throw Refuse("ends with a backslash");
        char kind = _pattern[_at++];
        switch (kind)
        {
            case 'd': return Digits;
            case 'D': return ~Digits;
            case 'w': return WordCharacters;
            case 'W': return ~WordCharacters;
            case 's': return Spaces;
            case 'S': return ~Spaces;
            case 't': return CodePointRanges.Of('\t');
            case 'n': return CodePointRanges.Of('\n');
            case 'r': return CodePointRanges.Of('\r');
            case 'v': return CodePointRanges.Of('\v');
            case 'f': return CodePointRanges.Of('\f');
            case '0' when _at == _pattern.Length || !char.IsAsciiDigit(_pattern[_at]): return CodePointRanges.Of(0);
            case 'b' when inClass: return CodePointRanges.Of('\b');
            case 'x': return CodePointRanges.Of(Hex(2));
            case 'u': return CodePointRanges.Of(UnicodeEscape());
            case 'p' or 'P': return Property(kind == 'P');
            case 'b' or 'B':
                _at = start;
                throw Refuse("uses word borders, which are not supported");
            case 'k' or (>= '1' and <= '9'):
                _at = start;
                throw Refuse("uses back references, which no automaton can follow");
            case 'A' or 'Z' or 'z':
                _at = start;
                throw Refuse($"uses \\{kind}; write {(kind == 'A' ? '^' : '$')}");
            default:
                // Letters are kept for meanings to come; everything else stands for itself.
                if (char.IsAsciiLetterOrDigit(kind))
                {
                    _at = start;
                    throw Refuse($"uses \\{kind}, which is not supported");
                }

                _at--;
                return CodePointRanges.Of(TakeCodePoint());
        }
    }

    private int UnicodeEscape()
    {
        if (TryTake('{'))
        {
            int close = _pattern.IndexOf('}', _at);
            if (close < 0 || !int.TryParse(_pattern.AsSpan(_at..close), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int codePoint) || !Rune.IsValid(codePoint))
                throw Refuse("has a \\u{…} that is no code point");
            _at = close + 1;
            return codePoint;
        }

        int first = Hex(4);
        if (!char.IsSurrogate((char)first))
            return first;
        if (char.IsHighSurrogate((char)first) && Rest.StartsWith("\\u"))
        {
            _at += 2;
            int second = Hex(4);
            if (char.IsLowSurrogate((char)second))
                return char.ConvertToUtf32((char)first, (char)second);
        }

        throw Refuse("holds half of a surrogate pair");
    }

    private int Hex(int digits)
    {
        if (_at + digits > _pattern.Length || !int.TryParse(_pattern.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value))
            throw Refuse($"needs {digits} hexadecimal digits");
        _at += digits;
        return value;
    }

    private CodePointRanges Property(bool negated)
    {
        int close = Rest.StartsWith("{") ? _pattern.IndexOf('}', _at) : -1;
        if (close < 0)
            throw Refuse("has a \\p without {…}");
        string name = _pattern[(_at + 1)..close];
        if (GeneralCategories.Named(name.StartsWith("gc=", StringComparison.Ordinal) ? name[3..] : name) is not { } categories)
            throw Refuse($"asks for the Unicode property '{name}'; only general categories are supported");
        _at = close + 1;
        var set = CodePointRanges.Of(categories);
        return negated ? ~set : set;
    }

    private int TakeCodePoint()
    {
        Rune rune = Rune.GetRuneAt(_pattern, _at);
        _at += rune.Utf16SequenceLength;
        return rune.Value;
    }

    private bool TryTake(char expected)
    {
        if (_at == _pattern.Length || _pattern[_at] != expected)
            return false;
        _at++;
        return true;
    }

    private ConstraintException Refuse(string why) =>
        _pointer is null
            ? new ConstraintException($"character {_at}", $"the regular expression {why}")
            : new ConstraintException(_pointer, $"the pattern {why} (character {_at})");
}
