using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Reads what providers send although it is no strict JSON: <c>NaN</c> and infinities in log probabilities, and characters whose two halves
/// come in two events.</summary>
internal sealed class OddJson
{
    private string _highHalf = "";

    /// <summary>The object, or null when it cannot be read at all.</summary>
    public JsonObject? Parse(ReadOnlySpan<byte> data)
    {
        string text = Encoding.UTF8.GetString(data); // invalid UTF-8 becomes U+FFFD here (fault U-26)
        if (text.Contains("Infinity", StringComparison.Ordinal) || text.Contains("NaN", StringComparison.Ordinal))
            text = WithoutNonNumbers(text);
        if (text.Contains("\\ud", StringComparison.OrdinalIgnoreCase))
            text = JoinHalves(text);
        try
        {
            return JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { MaxDepth = 64 }) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
        catch (ArgumentException)
        {
            return null; // two members of one name
        }
    }

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

    /// <summary>Keeps the high half of a surrogate pair that ends a string until the low half begins one; a half that stays alone becomes U+FFFD.</summary>
    private string JoinHalves(string text)
    {
        var output = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\' || i + 1 >= text.Length)
            {
                output.Append(text[i]);
                continue;
            }
            if (text[i + 1] != 'u' || i + 6 > text.Length || !ushort.TryParse(text.AsSpan(i + 2, 4), System.Globalization.NumberStyles.HexNumber, null, out ushort unit))
            {
                output.Append(text[i]).Append(text[++i]);
                continue;
            }
            string escape = text.Substring(i, 6);
            i += 5;
            if (char.IsHighSurrogate((char)unit))
            {
                bool pair = i + 6 < text.Length && text[i + 1] == '\\' && text[i + 2] == 'u'
                    && ushort.TryParse(text.AsSpan(i + 3, 4), System.Globalization.NumberStyles.HexNumber, null, out ushort low) && char.IsLowSurrogate((char)low);
                if (pair)
                {
                    output.Append(escape).Append(text, i + 1, 6);
                    i += 6;
                }
                else if (i + 1 < text.Length && text[i + 1] == '"')
                {
                    _highHalf = escape;
                }
                else
                {
                    output.Append('\uFFFD');
                }
            }
            else if (char.IsLowSurrogate((char)unit))
            {
                output.Append(_highHalf.Length > 0 ? _highHalf + escape : "\uFFFD");
                _highHalf = "";
            }
            else
            {
                output.Append(escape);
            }
        }
        return output.ToString();
    }
}
