using System.Buffers.Text;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Whether a JSON object or array that comes in pieces has come to its end: a count of brackets outside strings.</summary>
internal struct JsonBalance
{
    private int _depth;
    private bool _inString;
    private bool _escaped;

    public bool HasAny { get; private set; }

    public readonly bool IsWhole => HasAny && !IsOpen;

    public readonly bool IsOpen => _depth > 0 || _inString;

    /// <summary>An object or array has begun and ended: what comes behind it is no part of it.</summary>
    public bool IsClosed { get; private set; }

    public void Feed(ReadOnlySpan<char> piece)
    {
        foreach (char c in piece)
            Feed(c);
    }

    /// <summary>The same from the inside of a JSON string that holds the piece, escapes as written.</summary>
    public void FeedEscaped(ReadOnlySpan<byte> piece)
    {
        for (int i = 0; i < piece.Length; i++)
        {
            byte b = piece[i];
            if (b != (byte)'\\' || i + 1 == piece.Length)
            {
                Feed((char)b); // bytes of longer characters are no brackets, quotes or backslashes
                continue;
            }
            byte escape = piece[++i];
            if (escape != (byte)'u')
            {
                Feed(escape is (byte)'"' or (byte)'\\' or (byte)'/' ? (char)escape : ' ');
            }
            else if (i + 4 < piece.Length && Utf8Parser.TryParse(piece.Slice(i + 1, 4), out uint unit, out int digits, 'x') && digits == 4)
            {
                Feed((char)unit);
                i += 4;
            }
        }
    }

    private void Feed(char c)
    {
        HasAny = true;
        if (_escaped)
        {
            _escaped = false;
        }
        else if (_inString)
        {
            _escaped = c == '\\';
            _inString = c != '"';
        }
        else if (c is '{' or '[')
        {
            _depth++;
        }
        else if (c is '}' or ']')
        {
            _depth--;
            IsClosed |= _depth == 0;
        }
        else
        {
            _inString = c == '"';
        }
    }
}
