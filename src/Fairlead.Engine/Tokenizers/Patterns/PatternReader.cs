using System.Globalization;
using System.Text;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers.Patterns;

/// <summary>The text of a pattern with a place in it, and how deep in groups and classes that place is.</summary>
internal sealed class PatternReader(PatternSource source)
{
    private const int MaxDepth = 60;

    private readonly string _text = source.Text;
    private int _at;
    private int _depth;

    public bool AtEnd => _at >= _text.Length;

    /// <summary>The next unit; there is one.</summary>
    public char Next => _text[_at];

    /// <summary>What has not been read.</summary>
    public ReadOnlySpan<char> Rest => _text.AsSpan(_at);

    public bool Take(char wanted)
    {
        if (AtEnd || Next != wanted)
            return false;
        _at++;
        return true;
    }

    public bool Take(string wanted)
    {
        if (!Rest.StartsWith(wanted, StringComparison.Ordinal))
            return false;
        _at += wanted.Length;
        return true;
    }

    public void Skip(int units) => _at += units;

    /// <summary>The text before the next <paramref name="end"/>, and the place behind it.</summary>
    /// <param name="unclosed">What the pattern does where there is none.</param>
    public string Until(char end, string unclosed)
    {
        int length = Rest.IndexOf(end);
        if (length < 0)
            throw Refusal(unclosed);
        string taken = Rest[..length].ToString();
        _at += length + 1;
        return taken;
    }

    public int CodePoint()
    {
        if (AtEnd)
            throw Refusal("ends too early");
        int codePoint = CodePoints.At(_text, _at, out int length);
        _at += length;
        return codePoint;
    }

    /// <summary>The code point that an escape names, behind its backslash.</summary>
    public int EscapedCodePoint()
    {
        int codePoint = CodePoint();
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
                int digits = Rest.IndexOf('}');
                if (digits is < 1 or > 8)
                    throw Refusal("does not close \\x{…}");
                int value = Hexadecimal(digits);
                _at++;
                return value;
            case 'x':
                return Hexadecimal(_at + 1 < _text.Length && char.IsAsciiHexDigit(_text[_at + 1]) ? 2 : 1);
            case 'u':
                return Hexadecimal(4);
            default:
                return codePoint < 128 && char.IsAsciiLetterOrDigit((char)codePoint)
                    ? throw Refusal($"uses \\{(char)codePoint}, which is not supported")
                    : codePoint;
        }
    }

    /// <summary>One level of nesting more, of <paramref name="what"/>, until disposed.</summary>
    public Level Deeper(string what) => ++_depth > MaxDepth ? throw Refusal($"nests more than {MaxDepth} {what}") : new Level(this);

    public ModelFileException Refusal(string what) => source.Refusal($"{what} (at its character {_at})");

    private int Hexadecimal(int digits)
    {
        if (digits > Rest.Length || !int.TryParse(Rest[..digits], NumberStyles.AllowHexSpecifier, null, out int value) || !Rune.IsValid(value))
            throw Refusal("names a character by a number that is none");
        _at += digits;
        return value;
    }

    public readonly struct Level(PatternReader reader) : IDisposable
    {
        public void Dispose() => reader._depth--;
    }
}
