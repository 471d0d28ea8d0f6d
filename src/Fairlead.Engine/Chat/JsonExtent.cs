using System.Globalization;
using System.Text;

namespace Fairlead.Engine.Chat;

/// <summary>Finds the end of a JSON value that arrives in pieces, without reading it.</summary>
internal sealed class JsonExtent
{
    private int _depth;
    private bool _inText;
    private bool _escaped;

    /// <summary>How many characters of <paramref name="text"/> belong to the object or array; <paramref name="complete"/> once it has closed.</summary>
    public int Take(ReadOnlySpan<char> text, out bool complete)
    {
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (_escaped)
                _escaped = false;
            else if (_inText)
                (_escaped, _inText) = (c == '\\', c != '"');
            else if (c == '"')
                _inText = true;
            else if (c is '{' or '[')
                _depth++;
            else if (c is '}' or ']' && --_depth <= 0)
            {
                complete = true;
                return i + 1;
            }
        }

        complete = false;
        return text.Length;
    }

    /// <summary>Reads the text whose opening quote stands at <paramref name="at"/>.</summary>
    public static Match ReadText(ReadOnlySpan<char> text, int at, out string value, out int end)
    {
        value = "";
        end = at;
        if (at >= text.Length)
            return Match.Open;
        if (text[at] != '"')
            return Match.No;
        StringBuilder read = new();
        for (int i = at + 1; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '"':
                    value = read.ToString();
                    end = i + 1;
                    return Match.Yes;
                case '\\':
                    int used = Unescape(text[i..], out string unescaped);
                    if (used <= 0)
                        return used == 0 ? Match.Open : Match.No;
                    read.Append(unescaped);
                    i += used - 1;
                    break;
                default:
                    read.Append(text[i]);
                    break;
            }
        }

        return Match.Open;
    }

    /// <summary>Passes over any JSON value that begins at <paramref name="at"/>. A number needs a character after it.</summary>
    public static Match Skip(ReadOnlySpan<char> text, int at, out int end)
    {
        end = at;
        if (at >= text.Length)
            return Match.Open;
        if (text[at] == '"')
            return ReadText(text, at, out _, out end);
        if (text[at] is '{' or '[')
        {
            end = at + new JsonExtent().Take(text[at..], out bool complete);
            return complete ? Match.Yes : Match.Open;
        }

        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is '-' or '+' or '.'))
            end++;
        return end == text.Length ? Match.Open : end > at ? Match.Yes : Match.No;
    }

    /// <summary>The character or characters of the escape at the beginning; how long it is, 0 where it has not arrived, −1 where it is none.</summary>
    public static int Unescape(ReadOnlySpan<char> text, out string unescaped)
    {
        unescaped = "";
        if (text.Length < 2)
            return 0;
        if (text[1] != 'u')
        {
            unescaped = text[1] switch { 'n' => "\n", 't' => "\t", 'r' => "\r", 'b' => "\b", 'f' => "\f", '"' => "\"", '\\' => "\\", '/' => "/", _ => "" };
            return unescaped.Length > 0 ? 2 : -1;
        }

        if (text.Length < 6)
            return 0;
        if (!ushort.TryParse(text.Slice(2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort unit))
            return -1;
        if (!char.IsSurrogate((char)unit))
        {
            unescaped = ((char)unit).ToString();
            return 6;
        }

        // Both halves of a pair come together, so that no event holds half a character.
        bool mayPair = text[6..] is [] or ['\\'] or ['\\', 'u', ..];
        if (mayPair && text.Length < 12)
            return 0;
        if (mayPair
            && ushort.TryParse(text.Slice(8, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort low)
            && char.IsSurrogatePair((char)unit, (char)low))
        {
            unescaped = new string([(char)unit, (char)low]);
            return 12;
        }

        unescaped = "\uFFFD";
        return 6;
    }
}
