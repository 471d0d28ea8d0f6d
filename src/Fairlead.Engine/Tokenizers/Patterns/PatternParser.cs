using System.Buffers;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers.Patterns;

/// <summary>Reads the regular expressions of tokenizer files: Oniguruma's Ruby syntax, as far as split patterns use it.</summary>
/// <remarks>
/// .NET's own <c>Regex</c> sees UTF-16 units (no letter beyond the basic plane is a <c>\p{L}</c>), has neither possessive quantifiers nor set
/// intersection nor script names, and follows other rules in the corners. What is not understood is refused by name.
/// </remarks>
internal sealed class PatternParser
{
    private const int MaxLength = 100_000;

    private static readonly SearchValues<char> s_digitsAndComma = SearchValues.Create("0123456789,");

    private readonly PatternReader _reader;
    private readonly ClassParser _classes;
    private bool _ignoreCase;
    private bool _dotAll;

    private PatternParser(PatternReader reader)
    {
        _reader = reader;
        _classes = new ClassParser(reader);
    }

    /// <summary>Parses <paramref name="source"/>.</summary>
    /// <exception cref="ModelFileException">The pattern is malformed, too long, too deep, or uses what is not supported.</exception>
    public static PatternNode Parse(PatternSource source)
    {
        var reader = new PatternReader(source);
        if (source.Text.Length > MaxLength)
            throw reader.Refusal($"is {source.Text.Length} characters long; at most {MaxLength} are read");
        PatternNode node = new PatternParser(reader).Choice();
        return reader.AtEnd ? node : throw reader.Refusal("closes a group that it did not open");
    }

    /// <summary>The pattern that matches <paramref name="text"/> itself.</summary>
    public static PatternNode Literal(string text) =>
        new PatternNode.Sequence([.. CodePoints.Repaired(text).EnumerateRunes().Select(rune => One(rune.Value, false))]);

    private PatternNode Choice()
    {
        using PatternReader.Level level = _reader.Deeper("groups");
        var options = new List<PatternNode> { Sequence() };
        while (_reader.Take('|'))
            options.Add(Sequence());
        return options.Count == 1 ? options[0] : new PatternNode.Choice(options);
    }

    private PatternNode Sequence()
    {
        var parts = new List<PatternNode>();
        while (!_reader.AtEnd && _reader.Next is not ('|' or ')'))
        {
            if (Atom() is { } atom)
                parts.Add(Quantified(atom));
        }

        return parts.Count == 1 ? parts[0] : new PatternNode.Sequence(parts);
    }

    private PatternNode Quantified(PatternNode atom)
    {
        for (int stacked = 0; !_reader.AtEnd; stacked++)
        {
            if (stacked > 8)
                throw _reader.Refusal("stacks quantifiers");
            bool braces = false;
            (int Min, int Max) bounds;
            if (_reader.Take('*'))
            {
                bounds = (0, -1);
            }
            else if (_reader.Take('+'))
            {
                bounds = (1, -1);
            }
            else if (_reader.Take('?'))
            {
                bounds = (0, 1);
            }
            else if (_reader.Next == '{' && Braces() is { } inBraces)
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
            if (!braces && _reader.Take('+'))
                greed = Greed.Possessive;
            else if ((!braces || bounds.Min != bounds.Max) && _reader.Take('?'))
                greed = Greed.Lazy;
            atom = new PatternNode.Repeat(atom, bounds.Min, bounds.Max, greed);
        }

        return atom;
    }

    // Null, and nothing taken, where the brace is a literal one.
    private (int Min, int Max)? Braces()
    {
        int close = _reader.Rest.IndexOf('}');
        if (close < 0)
            return null;
        ReadOnlySpan<char> inside = _reader.Rest[1..close];
        int comma = inside.IndexOf(',');
        ReadOnlySpan<char> low = comma < 0 ? inside : inside[..comma];
        ReadOnlySpan<char> high = comma < 0 ? inside : inside[(comma + 1)..];
        if (inside is "" or "," || inside.ContainsAnyExcept(s_digitsAndComma) || high.Contains(','))
            return null;
        int min = 0, max = -1;
        if ((low.Length > 0 && !int.TryParse(low, out min)) || (high.Length > 0 && !int.TryParse(high, out max)) || min > 100_000 || max > 100_000)
            throw _reader.Refusal("repeats a part more than 100,000 times");
        if (max >= 0 && max < min)
            (min, max) = (max, min); // as Oniguruma reads {3,1}
        _reader.Skip(close + 1);
        return (min, max);
    }

    private PatternNode? Atom()
    {
        switch (_reader.Next)
        {
            case '(':
                _reader.Skip(1);
                return Group();
            case '[':
                _reader.Skip(1);
                return new PatternNode.One(new CodePointSet(_classes.Read(_ignoreCase)));
            case '.':
                _reader.Skip(1);
                bool dotAll = _dotAll;
                return new PatternNode.One(new CodePointSet(codePoint => dotAll || codePoint != '\n'));
            case '^':
                _reader.Skip(1);
                return new PatternNode.At(Place.LineStart);
            case '$':
                _reader.Skip(1);
                return new PatternNode.At(Place.LineEnd);
            case '\\':
                _reader.Skip(1);
                return Escape();
            case '*' or '+' or '?':
                throw _reader.Refusal("repeats nothing");
            default:
                return One(_reader.CodePoint(), _ignoreCase);
        }
    }

    private PatternNode? Group()
    {
        if (!_reader.Take('?'))
            return Closed(Choice(), _ignoreCase, _dotAll);
        bool ignoreCase = _ignoreCase, dotAll = _dotAll;
        if (_reader.Take(':'))
            return Closed(Choice(), ignoreCase, dotAll);
        if (_reader.Take('>'))
            return new PatternNode.Atomic(Closed(Choice(), ignoreCase, dotAll));
        if (_reader.Take('='))
            return new PatternNode.Look(Closed(Choice(), ignoreCase, dotAll), Behind: false, Negative: false);
        if (_reader.Take('!'))
            return new PatternNode.Look(Closed(Choice(), ignoreCase, dotAll), Behind: false, Negative: true);
        if (_reader.Take("<="))
            return new PatternNode.Look(Closed(Choice(), ignoreCase, dotAll), Behind: true, Negative: false);
        if (_reader.Take("<!"))
            return new PatternNode.Look(Closed(Choice(), ignoreCase, dotAll), Behind: true, Negative: true);
        if (_reader.Take('#'))
        {
            _reader.Until(')', "does not close a comment");
            return null;
        }

        if (_reader.Take("P<") || _reader.Take('<'))
        {
            // A name is as good as none: nobody asks for the parts of a match.
            _reader.Until('>', "does not close a group's name");
            return Closed(Choice(), ignoreCase, dotAll);
        }

        for (bool on = true; ;)
        {
            switch (_reader.CodePoint())
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
                    throw _reader.Refusal($"uses the group (?{char.ConvertFromUtf32(other)}…), which is not supported");
            }
        }
    }

    private PatternNode Closed(PatternNode node, bool ignoreCase, bool dotAll)
    {
        if (!_reader.Take(')'))
            throw _reader.Refusal("does not close a group");
        _ignoreCase = ignoreCase;
        _dotAll = dotAll;
        return node;
    }

    private PatternNode Escape()
    {
        if (_reader.AtEnd)
            throw _reader.Refusal("ends with a backslash");
        Place? place = _reader.Next switch
        {
            'b' => Place.WordBorder,
            'B' => Place.NoWordBorder,
            'A' => Place.TextStart,
            'z' => Place.TextEnd,
            'Z' => Place.TextEndOrLastNewline,
            _ => null,
        };
        if (place is { } found)
        {
            _reader.Skip(1);
            return new PatternNode.At(found);
        }

        if (_reader.Take('R'))
            return Newline();
        if (_reader.Next is (>= '1' and <= '9') or 'k' or 'g' or 'K' or 'G' or 'X')
            throw _reader.Refusal($"uses \\{_reader.Next}, which is not supported");
        return _classes.Escape() is { } set ? new PatternNode.One(new CodePointSet(set)) : One(_reader.EscapedCodePoint(), _ignoreCase);
    }

    // Once and for all: no match ends between \r and \n.
    private static PatternNode.Atomic Newline()
    {
        var single = new PatternNode.One(new CodePointSet(static c => c is (>= '\n' and <= '\r') or 0x85 or 0x2028 or 0x2029));
        return new PatternNode.Atomic(new PatternNode.Choice([new PatternNode.Sequence([One('\r', false), One('\n', false)]), single]));
    }

    private static PatternNode.One One(int codePoint, bool ignoreCase)
    {
        int folded = CodePoints.Fold(codePoint);
        return new PatternNode.One(ignoreCase
            ? new CodePointSet(other => CodePoints.Fold(other) == folded)
            : new CodePointSet(other => other == codePoint));
    }
}
