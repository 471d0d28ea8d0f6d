using System.Globalization;
using System.Text;

namespace Fairlead.Engine.Templates;

/// <summary>A text in quotes, with the escapes of Python's string literals.</summary>
internal static class TextLiteral
{
    /// <summary>Reads the literal whose quote stands at the cursor, and moves it behind the closing one.</summary>
    public static string Read(TemplateCursor source)
    {
        char quote = source[source.At];
        StringBuilder text = new();
        int at = source.At + 1;
        while (true)
        {
            if (at >= source.Length)
                throw source.Refuse($"a text is not closed with {quote}");
            char c = source[at++];
            if (c == quote)
                break;
            if (c != '\\' || at >= source.Length)
                text.Append(c);
            else
                at = Escape(source, at, text);
        }

        source.MoveTo(at);
        return text.ToString();
    }

    /// <summary>Reads the escape whose letter stands at <paramref name="at"/>; unknown ones stay as they are.</summary>
    private static int Escape(TemplateCursor source, int at, StringBuilder text)
    {
        char c = source[at++];
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
                return CodePoint(source, at, 2, text);
            case 'u':
                return CodePoint(source, at, 4, text);
            case 'U':
                return CodePoint(source, at, 8, text);
            case >= '0' and <= '7':
                int value = c - '0';
                for (int digits = 1; digits < 3 && at < source.Length && source[at] is >= '0' and <= '7'; digits++)
                    value = (value * 8) + (source[at++] - '0');
                text.Append((char)value);
                break;
            default:
                text.Append('\\').Append(c);
                break;
        }

        return at;
    }

    private static int CodePoint(TemplateCursor source, int at, int digits, StringBuilder text)
    {
        if (at + digits > source.Length
            || !uint.TryParse(source.Span(at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value)
            || value > 0x10FFFF)
        {
            throw source.Refuse($"an escape needs {digits} hexadecimal digits of a character");
        }

        if (value is >= 0xD800 and <= 0xDFFF)
            throw source.Refuse("an escape makes half a surrogate pair, which is no character");
        text.Append(char.ConvertFromUtf32((int)value));
        return at + digits;
    }
}
