using System.Globalization;
using System.Text;
using System.Text.Json;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Tests.Json;

/// <summary>What System.Text.Json says of a text, held to the same rules: no duplicates, no half surrogates, bounded numbers.</summary>
internal static class JsonOracle
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = JsonBounds.Default.Depth };

    /// <summary>The root's members (name and raw value), or null where the text is none we take; empty for a root that is no object.</summary>
    public static List<(string Name, string Value)>? Read(ReadOnlyMemory<byte> text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, Strict);
            int values = 0;
            int members = 0;
            if (!IsTaken(document.RootElement, ref values, ref members))
                return null;
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? [.. document.RootElement.EnumerateObject().Select(static p => (p.Name, p.Value.GetRawText()))]
                : [];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return null; // malformed; a half surrogate or bad UTF-8 shows only when the string is taken out
        }
    }

    /// <summary>What our cursor says of the same text.</summary>
    public static bool CursorTakes(ReadOnlySpan<byte> text)
    {
        if (!System.Text.Unicode.Utf8.IsValid(text))
            return false;
        var cursor = new JsonCursor(text, JsonBounds.Default, new MemberNames());
        bool taken = cursor.Skip() && cursor.AtEnd();
        Assert.Equal(taken, cursor.Fault is null);
        return taken;
    }

    private static bool IsTaken(JsonElement element, ref int values, ref int members)
    {
        if (++values > JsonBounds.Default.Values)
            return false;
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    if (++members > JsonBounds.Default.Members || property.Name is null || !IsTaken(property.Value, ref values, ref members))
                        return false;
                }
                return true;
            case JsonValueKind.Array:
                foreach (JsonElement item in element.EnumerateArray())
                {
                    if (!IsTaken(item, ref values, ref members))
                        return false;
                }
                return true;
            case JsonValueKind.String:
                return Encoding.UTF8.GetByteCount(element.GetString()!) >= 0;
            case JsonValueKind.Number:
                string raw = element.GetRawText();
                return raw.Length <= JsonBounds.Default.NumberLength
                    && (!raw.Contains('e', StringComparison.OrdinalIgnoreCase) || double.IsFinite(double.Parse(raw, CultureInfo.InvariantCulture)));
            default:
                return true;
        }
    }
}
