using System.Text;

namespace Fairlead.Protocols.Tests.Json;

/// <summary>Random JSON and random damage to it, from a seed alone.</summary>
internal sealed class RandomJson(Random random)
{
    private static readonly string[] TopNames =
    [
        "model", "messages", "stream", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stream_options", "tools", "tool_choice", "response_format",
        "seed", "stop", "n", "prompt", "input", "user", "models", "provider", "store", "x", "y", "ключ", "a b", "", "mo\\u0064el", "\\ud83d\\ude00",
    ];

    private static readonly string[] Texts =
        ["", "a", "hello world", "\\n", "\\\"", "\\\\", "\\/", "\\u00e9", "é", "漢字", "\\ud83d\\ude00", "😀", "\\u0000", "role", "content", "data:image/png;base64,AAAA", "\u2028", "\u007f"];

    private static readonly string[] Numbers =
        ["0", "-0", "1", "-1", "12", "0.5", "1e5", "1E-5", "1.25e+3", "-0.0", "123456789012345678901234567890", "9007199254740993", "1e308", "1e-400", "16.0"];

    private static readonly string[] Damage =
    [
        "\"", "\\", "{", "}", "[", "]", ",", ":", "//", "/**/", "NaN", "Infinity", "-", "+1", "01", "1.", ".5", "1e", "1e400", "tru", "nul", "'", "\0", "\t", "\n", "\u0001",
        "\\u12", "\\ud800", "\\udc00", "\\x41", "\uFEFF", "\u00a0", " ", "\"a\":1,", ",,", "\"model\":\"b\",",
    ];

    private static readonly byte[][] BadUtf8 = [[0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xFF], [0x80], [0xC3], [0xF0, 0x9F]];

    /// <summary>A request-like object; valid but for what its fields mean, and for duplicates that chance makes.</summary>
    public string Body()
    {
        var text = new StringBuilder();
        Space(text);
        text.Append('{');
        int count = random.Next(8);
        for (int i = 0; i < count; i++)
        {
            if (i > 0)
                text.Append(',');
            Space(text);
            text.Append('"').Append(Pick(TopNames)).Append('"');
            Space(text);
            text.Append(':');
            Value(text, 0);
        }
        Space(text);
        text.Append('}');
        Space(text);
        return text.ToString();
    }

    /// <summary>One to three small changes: a byte replaced, cut out or inserted, a piece of syntax inserted, the end cut off, a slice repeated.</summary>
    public byte[] Mutate(byte[] body)
    {
        List<byte> bytes = [.. body];
        for (int change = random.Next(1, 4); change > 0; change--)
        {
            int at = random.Next(bytes.Count + 1);
            switch (random.Next(7))
            {
                case 0 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1 when at < bytes.Count:
                    bytes.RemoveAt(at);
                    break;
                case 2:
                    bytes.Insert(at, (byte)random.Next(128));
                    break;
                case 3:
                    bytes.InsertRange(at, Encoding.UTF8.GetBytes(Pick(Damage)));
                    break;
                case 4:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 5:
                    bytes.InsertRange(at, BadUtf8[random.Next(BadUtf8.Length)]);
                    break;
                default:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 24), bytes.Count - at)));
                    break;
            }
        }
        return [.. bytes];
    }

    public void Value(StringBuilder text, int depth)
    {
        Space(text);
        switch (random.Next(depth > 5 ? 5 : 8))
        {
            case 0:
                text.Append(Pick(Numbers));
                break;
            case 1:
                text.Append(Pick(["true", "false", "null"]));
                break;
            case 2 or 3 or 4:
                text.Append('"').Append(Pick(Texts)).Append(random.Next(3) == 0 ? Pick(Texts) : "").Append('"');
                break;
            case 5:
                text.Append('[');
                for (int i = random.Next(4); i > 0; i--)
                {
                    Value(text, depth + 1);
                    text.Append(i > 1 ? "," : "");
                }
                Space(text);
                text.Append(']');
                break;
            default:
                text.Append('{');
                int count = random.Next(4);
                for (int i = 0; i < count; i++)
                {
                    Space(text);
                    text.Append(i > 0 ? "," : "").Append('"').Append(random.Next(12) == 0 ? "dup" : $"k{i}").Append('"');
                    Space(text);
                    text.Append(':');
                    Value(text, depth + 1);
                }
                Space(text);
                text.Append('}');
                break;
        }
        Space(text);
    }

    private void Space(StringBuilder text)
    {
        if (random.Next(4) == 0)
            text.Append(Pick([" ", "\n", "\t", "\r\n", "  "]));
    }

    private T Pick<T>(T[] of) => of[random.Next(of.Length)];
}
