using System.Globalization;
using System.Text;
using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Templates;

internal enum TokenKind
{
    /// <summary>Text outside of all marks.</summary>
    Data,

    /// <summary><c>{%</c>; <see cref="BlockEnd"/> is <c>%}</c>.</summary>
    BlockBegin,
    BlockEnd,

    /// <summary><c>{{</c>; <see cref="OutputEnd"/> is <c>}}</c>.</summary>
    OutputBegin,
    OutputEnd,
    Name,
    Text,
    Whole,
    Real,
    Operator,
    End,
}

/// <summary>One token: for a text its content, for an operator or name its characters, for a number its digits.</summary>
internal readonly record struct Token(TokenKind Kind, string Text, int Line, int Offset)
{
    public bool Is(string sign) => Kind == TokenKind.Operator && Text == sign;

    public bool IsName(string name) => Kind == TokenKind.Name && Text == name;
}

/// <summary>Cuts a template into tokens, with the white-space rules that chat templates are written for.</summary>
/// <remarks>
/// <c>trim_blocks</c>: the line end after a block or comment belongs to it. <c>lstrip_blocks</c>: so do the blanks before it where it stands
/// first in its line. A minus at a mark takes all white space on that side, a plus keeps it. Reference: Jinja2 3.1, lexer.py.
/// </remarks>
internal sealed class Lexer
{
    private static readonly string[] Operators =
        ["//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"];

    private readonly string _file;
    private readonly string _source;
    private readonly List<Token> _tokens = [];
    private int _at;
    private int _line = 1;

    private Lexer(string file, string source)
    {
        _file = file;
        // One line end, and the last one does not count: both are Jinja2's defaults.
        string text = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        _source = text.EndsWith('\n') ? text[..^1] : text;
    }

    /// <summary>All tokens, <see cref="TokenKind.End"/> last.</summary>
    public static List<Token> Read(string file, string source)
    {
        Lexer lexer = new(file, source);
        lexer.ReadAll();
        return lexer._tokens;
    }

    private void ReadAll()
    {
        bool startsLine = true;
        while (_at < _source.Length)
        {
            int mark = NextMark();
            char keep = mark < _source.Length && mark + 2 < _source.Length ? _source[mark + 2] : ' ';
            bool isOutput = mark < _source.Length && _source[mark + 1] == '{';
            AddData(mark, keep, isOutput, startsLine);
            if (mark == _source.Length)
                break;

            Advance(mark + (keep is '-' or '+' ? 3 : 2));
            switch (_source[mark + 1])
            {
                case '#':
                    SkipComment();
                    break;
                case '%' when TryBeginRaw():
                    ReadRaw(startsLine);
                    break;
                default:
                    ReadCode(isOutput, mark);
                    break;
            }

            startsLine = _at > 0 && _source[_at - 1] == '\n';
        }

        Add(TokenKind.End, "");
    }

    /// <summary>Where the next <c>{{</c>, <c>{%</c> or <c>{#</c> stands, or the end.</summary>
    private int NextMark()
    {
        for (int at = _at; ;)
        {
            int found = _source.AsSpan(at).IndexOf('{');
            if (found < 0 || at + found + 1 >= _source.Length)
                return _source.Length;
            at += found;
            if (_source[at + 1] is '{' or '%' or '#')
                return at;
            at++;
        }
    }

    private void AddData(int end, char keep, bool isOutput, bool startsLine)
    {
        ReadOnlySpan<char> data = _source.AsSpan(_at, end - _at);
        if (end < _source.Length)
        {
            if (keep == '-')
                data = TrimEnd(data);
            else if (keep != '+' && !isOutput)
                data = WithoutIndent(data, startsLine);
        }

        if (data.Length > 0)
            Add(TokenKind.Data, data.ToString());
        Advance(end);
    }

    private static ReadOnlySpan<char> TrimEnd(ReadOnlySpan<char> data)
    {
        while (data.Length > 0 && Characters.IsSpace(data[^1]))
            data = data[..^1];
        return data;
    }

    /// <summary>Without the white space after the last line end, where nothing else stands there.</summary>
    private static ReadOnlySpan<char> WithoutIndent(ReadOnlySpan<char> data, bool startsLine)
    {
        int line = data.LastIndexOf('\n') + 1;
        if (line == 0 && !startsLine)
            return data;
        return TrimEnd(data[line..]).Length == 0 ? data[..line] : data;
    }

    private void SkipComment()
    {
        // Where the comment opens with a plus or minus, that sign has been taken; "{#-#}" still closes.
        int end = _source.IndexOf("#}", _at, StringComparison.Ordinal);
        if (end < 0)
            throw Refuse("a comment is not closed with #}");
        char sign = end > _at ? _source[end - 1] : ' ';
        Advance(end + 2);
        EndMark(sign);
    }

    private bool TryBeginRaw()
    {
        int at = SkipSpace(_at);
        if (string.CompareOrdinal(_source, at, "raw", 0, 3) != 0)
            return false;
        at = SkipSpace(at + 3);
        bool minus = at < _source.Length && _source[at] == '-';
        int close = minus ? at + 1 : at;
        if (string.CompareOrdinal(_source, close, "%}", 0, 2) != 0)
            return false;
        Advance(minus ? SkipSpace(close + 2) : close + 2);
        return true;
    }

    private void ReadRaw(bool startsLine)
    {
        for (int open = _at; (open = _source.IndexOf("{%", open, StringComparison.Ordinal)) >= 0; open += 2)
        {
            char keep = open + 2 < _source.Length ? _source[open + 2] : ' ';
            int at = SkipSpace(open + (keep is '-' or '+' ? 3 : 2));
            if (string.CompareOrdinal(_source, at, "endraw", 0, 6) != 0)
                continue;
            at = SkipSpace(at + 6);
            char sign = at < _source.Length ? _source[at] : ' ';
            int close = sign is '-' or '+' ? at + 1 : at;
            if (string.CompareOrdinal(_source, close, "%}", 0, 2) != 0)
                continue;
            AddData(open, keep, isOutput: false, startsLine);
            Advance(close + 2);
            EndMark(sign);
            return;
        }

        throw Refuse("a raw block is not closed with {% endraw %}");
    }

    /// <summary>After the end of a block or comment: a minus takes all white space, nothing takes one line end, a plus takes none.</summary>
    private void EndMark(char sign)
    {
        if (sign == '-')
            Advance(SkipSpace(_at));
        else if (sign != '+' && _at < _source.Length && _source[_at] == '\n')
            Advance(_at + 1);
    }

    private void ReadCode(bool isOutput, int mark)
    {
        string close = isOutput ? "}}" : "%}";
        Add(isOutput ? TokenKind.OutputBegin : TokenKind.BlockBegin, "");
        Stack<char> open = new();
        while (true)
        {
            Advance(SkipSpace(_at));
            if (_at >= _source.Length)
                throw Refuse($"{(isOutput ? "{{" : "{%")} of byte {Encoding.UTF8.GetByteCount(_source.AsSpan(0, mark))} is not closed with {close}");
            char c = _source[_at];
            // Inside brackets "}}" closes two of them, not the output.
            if (open.Count == 0 && TryClose(close, isOutput))
                return;
            if (c is '\'' or '"')
                ReadText(c);
            else if (char.IsAsciiDigit(c))
                ReadNumber();
            else if (c == '_' || char.IsLetter(c))
                ReadName();
            else
                ReadOperator(open);
        }
    }

    private bool TryClose(string close, bool isOutput)
    {
        char sign = _source[_at];
        int at = sign is '-' || (sign is '+' && !isOutput) ? _at + 1 : _at;
        if (string.CompareOrdinal(_source, at, close, 0, 2) != 0)
            return false;
        Add(isOutput ? TokenKind.OutputEnd : TokenKind.BlockEnd, "");
        Advance(at + 2);
        if (sign == '-' || !isOutput)
            EndMark(sign);
        return true;
    }

    private void ReadName()
    {
        int end = _at;
        while (end < _source.Length && (_source[end] == '_' || char.IsLetterOrDigit(_source[end])))
            end++;
        Add(TokenKind.Name, _source[_at..end]);
        Advance(end);
    }

    private void ReadNumber()
    {
        int end = Digits(_at);
        bool isReal = false;
        // "1.x" and "x.0.1" are member accesses: the point belongs to the number only between digits.
        bool afterPoint = _at > 0 && _source[_at - 1] == '.';
        if (!afterPoint && end + 1 < _source.Length && _source[end] == '.' && char.IsAsciiDigit(_source[end + 1]))
        {
            end = Digits(end + 1);
            isReal = true;
        }

        if (!afterPoint && end < _source.Length && _source[end] is 'e' or 'E')
        {
            int exponent = end + 1 < _source.Length && _source[end + 1] is '+' or '-' ? end + 2 : end + 1;
            if (exponent < _source.Length && char.IsAsciiDigit(_source[exponent]))
            {
                end = Digits(exponent);
                isReal = true;
            }
        }

        Add(isReal ? TokenKind.Real : TokenKind.Whole, _source[_at..end].Replace("_", "", StringComparison.Ordinal));
        Advance(end);
    }

    private int Digits(int at)
    {
        while (at < _source.Length && (char.IsAsciiDigit(_source[at]) || (_source[at] == '_' && at + 1 < _source.Length && char.IsAsciiDigit(_source[at + 1]))))
            at++;
        return at;
    }

    private void ReadOperator(Stack<char> open)
    {
        foreach (string sign in Operators)
        {
            if (string.CompareOrdinal(_source, _at, sign, 0, sign.Length) != 0)
                continue;
            switch (sign)
            {
                case "(" or "[" or "{":
                    open.Push(sign[0] == '(' ? ')' : sign[0] == '[' ? ']' : '}');
                    break;
                case ")" or "]" or "}" when open.Count == 0 || open.Pop() != sign[0]:
                    throw Refuse($"'{sign}' closes nothing here");
            }

            Add(TokenKind.Operator, sign);
            Advance(_at + sign.Length);
            return;
        }

        throw Refuse($"'{_source[_at]}' means nothing here");
    }

    private void ReadText(char quote)
    {
        StringBuilder text = new();
        int at = _at + 1;
        while (true)
        {
            if (at >= _source.Length)
                throw Refuse($"a text is not closed with {quote}");
            char c = _source[at++];
            if (c == quote)
                break;
            if (c != '\\' || at >= _source.Length)
                text.Append(c);
            else
                at = Escape(at, text);
        }

        Add(TokenKind.Text, text.ToString());
        Advance(at);
    }

    /// <summary>Reads the escape whose letter stands at <paramref name="at"/>; Python's rules, unknown ones stay as they are.</summary>
    private int Escape(int at, StringBuilder text)
    {
        char c = _source[at++];
        switch (c)
        {
            case '\n':
                break;
            case '\\' or '\'' or '"':
                text.Append(c);
                break;
            case 'n':
                text.Append('\n');
                break;
            case 't':
                text.Append('\t');
                break;
            case 'r':
                text.Append('\r');
                break;
            case 'a':
                text.Append('\a');
                break;
            case 'b':
                text.Append('\b');
                break;
            case 'f':
                text.Append('\f');
                break;
            case 'v':
                text.Append('\v');
                break;
            case 'x':
                return CodePoint(at, 2, text);
            case 'u':
                return CodePoint(at, 4, text);
            case 'U':
                return CodePoint(at, 8, text);
            case >= '0' and <= '7':
                int value = c - '0';
                for (int digits = 1; digits < 3 && at < _source.Length && _source[at] is >= '0' and <= '7'; digits++)
                    value = (value * 8) + (_source[at++] - '0');
                text.Append((char)value);
                break;
            default:
                text.Append('\\').Append(c);
                break;
        }

        return at;
    }

    private int CodePoint(int at, int digits, StringBuilder text)
    {
        if (at + digits > _source.Length
            || !uint.TryParse(_source.AsSpan(at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value)
            || value > 0x10FFFF)
        {
            throw Refuse($"an escape needs {digits} hexadecimal digits of a character");
        }

        if (value is >= 0xD800 and <= 0xDFFF)
            throw Refuse("an escape makes half a surrogate pair, which is no character");
        text.Append(char.ConvertFromUtf32((int)value));
        return at + digits;
    }

    private int SkipSpace(int at)
    {
        while (at < _source.Length && Characters.IsSpace(_source[at]))
            at++;
        return at;
    }

    private void Advance(int to)
    {
        _line += _source.AsSpan(_at, to - _at).Count('\n');
        _at = to;
    }

    private void Add(TokenKind kind, string text) => _tokens.Add(new Token(kind, text, _line, _at));

    private ModelFileException Refuse(string reason) => new(_file, null, $"line {_line}: {reason}");
}
