namespace Fairlead.Engine.Templates;

/// <summary>Cuts a template into tokens, with the white-space rules that chat templates are written for.</summary>
/// <remarks>
/// <c>trim_blocks</c>: the line end after a block or comment belongs to it. <c>lstrip_blocks</c>: so do the blanks before it where it stands
/// first in its line. A minus at a mark takes all white space on that side, a plus keeps it. Reference: Jinja2 3.1, lexer.py.
/// </remarks>
internal sealed class Lexer
{
    private readonly TemplateCursor _source;
    private readonly List<Token> _tokens = [];

    private Lexer(TemplateCursor source) => _source = source;

    /// <summary>All tokens, <see cref="TokenKind.End"/> last.</summary>
    public static List<Token> Read(string file, string source)
    {
        Lexer lexer = new(new TemplateCursor(file, source));
        lexer.ReadAll();
        return lexer._tokens;
    }

    private void ReadAll()
    {
        bool startsLine = true;
        while (!_source.IsAtEnd)
        {
            int mark = NextMark();
            char keep = _source.Peek(mark + 2);
            bool isOutput = _source.Peek(mark + 1) == '{';
            AddData(mark, keep, isOutput, startsLine);
            if (mark == _source.Length)
                break;

            _source.MoveTo(mark + (keep is '-' or '+' ? 3 : 2));
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

            startsLine = _source.At > 0 && _source[_source.At - 1] == '\n';
        }

        Add(TokenKind.End, "");
    }

    /// <summary>Where the next <c>{{</c>, <c>{%</c> or <c>{#</c> stands, or the end.</summary>
    private int NextMark()
    {
        for (int at = _source.At; (at = _source.Find("{", at)) >= 0 && at + 1 < _source.Length; at++)
        {
            if (_source[at + 1] is '{' or '%' or '#')
                return at;
        }

        return _source.Length;
    }

    private void AddData(int end, char keep, bool isOutput, bool startsLine)
    {
        ReadOnlySpan<char> data = _source.Span(_source.At, end - _source.At);
        if (end < _source.Length)
        {
            if (keep == '-')
                data = TrimEnd(data);
            else if (keep != '+' && !isOutput)
                data = WithoutIndent(data, startsLine);
        }

        if (data.Length > 0)
            Add(TokenKind.Data, data.ToString());
        _source.MoveTo(end);
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
        int end = _source.Find("#}", _source.At);
        if (end < 0)
            throw _source.Refuse("a comment is not closed with #}");
        char sign = end > _source.At ? _source[end - 1] : ' ';
        _source.MoveTo(end + 2);
        EndMark(sign);
    }

    private bool TryBeginRaw()
    {
        int at = _source.SkipSpace(_source.At);
        if (!_source.Has("raw", at))
            return false;
        at = _source.SkipSpace(at + 3);
        bool minus = _source.Peek(at) == '-';
        int close = minus ? at + 1 : at;
        if (!_source.Has("%}", close))
            return false;
        _source.MoveTo(minus ? _source.SkipSpace(close + 2) : close + 2);
        return true;
    }

    private void ReadRaw(bool startsLine)
    {
        for (int open = _source.At; (open = _source.Find("{%", open)) >= 0; open += 2)
        {
            char keep = _source.Peek(open + 2);
            int at = _source.SkipSpace(open + (keep is '-' or '+' ? 3 : 2));
            if (!_source.Has("endraw", at))
                continue;
            at = _source.SkipSpace(at + 6);
            char sign = _source.Peek(at);
            int close = sign is '-' or '+' ? at + 1 : at;
            if (!_source.Has("%}", close))
                continue;
            AddData(open, keep, isOutput: false, startsLine);
            _source.MoveTo(close + 2);
            EndMark(sign);
            return;
        }

        throw _source.Refuse("a raw block is not closed with {% endraw %}");
    }

    private void ReadCode(bool isOutput, int mark)
    {
        Add(isOutput ? TokenKind.OutputBegin : TokenKind.BlockBegin, "");
        CodeLexer.Read(_source, isOutput, mark, _tokens);
        Add(isOutput ? TokenKind.OutputEnd : TokenKind.BlockEnd, "");
        char sign = _source[_source.At];
        _source.MoveTo(_source.At + (CodeLexer.IsSign(sign, isOutput) ? 3 : 2));
        if (sign == '-' || !isOutput)
            EndMark(sign);
    }

    /// <summary>After the end of a block or comment: a minus takes all white space, nothing takes one line end, a plus takes none.</summary>
    private void EndMark(char sign)
    {
        if (sign == '-')
            _source.MoveTo(_source.SkipSpace(_source.At));
        else if (sign != '+' && _source.Peek(_source.At) == '\n')
            _source.MoveTo(_source.At + 1);
    }

    private void Add(TokenKind kind, string text) => _tokens.Add(new Token(kind, text, _source.Line, _source.At));
}
