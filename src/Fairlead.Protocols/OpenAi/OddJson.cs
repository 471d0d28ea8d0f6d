using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Reads what providers send although it is no strict JSON: <c>NaN</c> and infinities in log probabilities, characters whose two halves
/// come in two events, invalid UTF-8, a name that stands twice.</summary>
internal static class OddJson
{
    /// <summary>The object, or null when it cannot be read at all.</summary>
    /// <param name="data">UTF-8; invalid bytes become U+FFFD (fault U-26).</param>
    /// <param name="halves">True when a text member ends or begins with half a surrogate pair; it then holds the half in the form that
    /// <see cref="Unmark"/> takes back.</param>
    public static JsonObject? Parse(ReadOnlySpan<byte> data, out bool halves) => Parse(data, joins: true, out halves);

    /// <summary>The same where nothing follows: half a character is U+FFFD at once.</summary>
    public static JsonObject? Parse(ReadOnlySpan<byte> data) => Parse(data, joins: false, out _);

    private static JsonObject? Parse(ReadOnlySpan<byte> data, bool joins, out bool halves)
    {
        halves = false;
        string text = Encoding.UTF8.GetString(data);
        if (text.Contains("Infinity", StringComparison.Ordinal) || text.Contains("NaN", StringComparison.Ordinal))
            text = WithoutNonNumbers(text);
        if (text.Contains("\\ud", StringComparison.OrdinalIgnoreCase))
            text = MarkHalves(text, joins, out halves);
        return LooseJson.ParseObject(text);
    }

    /// <summary>The text with its halves as UTF-16 has them.</summary>
    public static string Unmark(string text)
    {
        var output = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] is '\uDBFE' or '\uDBFF' && i + 1 < text.Length && char.ConvertToUtf32(text[i], text[i + 1]) is >= FirstMark and var mark)
            {
                output.Append((char)(0xD800 + mark - FirstMark));
                i++;
                continue;
            }
            output.Append(text[i]);
        }
        return output.ToString();
    }

    // A half cannot stand in a tree of JSON. It is carried as one of the last 2048 code points (private use), only through events that hold a half.
    private const int FirstMark = 0x10F800;

    /// <summary>Outside strings the words become -9999.0, OpenAI's own stand-in for a log probability of nothing.</summary>
    private static string WithoutNonNumbers(string text)
    {
        var output = new StringBuilder(text.Length);
        bool inString = false;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (inString && c == '\\' && i + 1 < text.Length)
            {
                output.Append(c).Append(text[++i]);
                continue;
            }
            if (c == '"')
                inString = !inString;
            string? word = inString ? null
                : string.CompareOrdinal(text, i, "-Infinity", 0, 9) == 0 ? "-Infinity"
                : string.CompareOrdinal(text, i, "Infinity", 0, 8) == 0 ? "Infinity"
                : string.CompareOrdinal(text, i, "NaN", 0, 3) == 0 ? "NaN"
                : null;
            if (word is null)
            {
                output.Append(c);
                continue;
            }
            output.Append("-9999.0");
            i += word.Length - 1;
        }
        return output.ToString();
    }

    private static string MarkHalves(string text, bool joins, out bool halves)
    {
        halves = false;
        var output = new StringBuilder(text.Length);
        string name = "";
        for (int i = 0; i < text.Length; i++)
        {
            output.Append(text[i]);
            if (text[i] != '"')
                continue;
            int end = EndOfString(text, i + 1);
            int behind = end + 1;
            while (behind < text.Length && char.IsWhiteSpace(text[behind]))
                behind++;
            ReadOnlySpan<char> value = text.AsSpan(i + 1, Math.Max(0, end - i - 1));
            bool isName = behind < text.Length && text[behind] == ':';
            halves |= AppendString(output, value, joins && !isName && IsText(name));
            if (isName)
                name = value.ToString();
            if (end < text.Length)
                output.Append('"');
            i = end;
        }
        return output.ToString();
    }

    /// <summary>Members whose pieces the caller puts together, so that halves of two events meet again; elsewhere a half is U+FFFD.</summary>
    private static bool IsText(string name) => name is "content" or "reasoning_content" or "reasoning" or "refusal" or "text" or "arguments" or "thinking";

    private static int EndOfString(string text, int at)
    {
        while (at < text.Length && text[at] != '"')
            at += text[at] == '\\' ? 2 : 1;
        return Math.Min(at, text.Length);
    }

    /// <returns>True when a half was marked.</returns>
    private static bool AppendString(StringBuilder output, ReadOnlySpan<char> value, bool joins)
    {
        bool marked = false;
        for (int i = 0; i < value.Length; i++)
        {
            if (value[i] != '\\' || i + 1 >= value.Length || !TryUnit(value, i, out char unit) || !char.IsSurrogate(unit))
            {
                output.Append(value[i]);
                if (value[i] == '\\' && i + 1 < value.Length)
                    output.Append(value[++i]);
                continue;
            }
            if (char.IsHighSurrogate(unit) && TryUnit(value, i + 6, out char low) && char.IsLowSurrogate(low))
            {
                output.Append(value.Slice(i, 12));
                i += 11;
                continue;
            }
            bool atEdge = char.IsHighSurrogate(unit) ? i + 6 == value.Length : i == 0;
            if (joins && atEdge)
            {
                output.Append(char.ConvertFromUtf32(FirstMark + unit - 0xD800));
                marked = true;
            }
            else
            {
                output.Append('\uFFFD');
            }
            i += 5;
        }
        return marked;
    }

    private static bool TryUnit(ReadOnlySpan<char> value, int at, out char unit)
    {
        unit = default;
        if (at + 6 > value.Length || value[at] != '\\' || value[at + 1] != 'u' || !ushort.TryParse(value.Slice(at + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort number))
            return false;
        unit = (char)number;
        return true;
    }
}
