using System.Text.Json;
using System.Text.Unicode;

namespace Fairlead.Engine.Formats;

/// <summary>JSON from strangers: strict UTF-8, no comments, no key twice in one object, 64 levels, every string readable.</summary>
internal static class StrictJson
{
    /// <summary>Levels of nesting; the deepest real file (a tokenizer.json) has 8.</summary>
    public const int MaxDepth = 64;

    /// <summary>The whole document, detached: it lives as long as it is referenced.</summary>
    /// <exception cref="ModelFileException">It is no such JSON.</exception>
    public static JsonElement Parse(string file, ReadOnlyMemory<byte> utf8)
    {
        CheckText(file, utf8.Span);
        try
        {
            return JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false }).RootElement;
        }
        catch (JsonException e)
        {
            throw Refusal(file, utf8.Span, 0, e);
        }
    }

    /// <summary>As <see cref="Parse"/>, and it must be an object.</summary>
    public static JsonElement ParseObject(string file, ReadOnlyMemory<byte> utf8)
    {
        JsonElement root = Parse(file, utf8);
        return root.ValueKind == JsonValueKind.Object ? root : throw new ModelFileException(file, 0, $"a JSON object is wanted, this is {Kind(root)}");
    }

    /// <summary>The exception for what a JSON reader did not like in <paramref name="utf8"/>, which begins at byte <paramref name="start"/> of the file.</summary>
    public static ModelFileException Refusal(string file, ReadOnlySpan<byte> utf8, long start, JsonException e)
    {
        // the reader counts lines; we name bytes, as everywhere in this folder
        long at = 0;
        for (long line = e.LineNumber ?? 0; line > 0; line--)
        {
            int end = utf8[(int)at..].IndexOf((byte)'\n');
            if (end < 0)
                break;
            at += end + 1;
        }

        at = Math.Min(at + (e.BytePositionInLine ?? 0), utf8.Length);
        int tail = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return new ModelFileException(file, start + at, $"not the JSON that is wanted here: {(tail < 0 ? e.Message : e.Message[..tail])}", e);
    }

    /// <summary>The kind of a value in the words of an error message.</summary>
    public static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "true or false",
        _ => "null",
    };

    // Done before the document is built: there, half a surrogate pair in an escape would surface only when somebody asks for that text.
    private static void CheckText(string file, ReadOnlySpan<byte> utf8)
    {
        if (!Utf8.IsValid(utf8))
            throw new ModelFileException(file, null, "not valid UTF-8");
        Utf8JsonReader reader = new(utf8, new JsonReaderOptions { MaxDepth = MaxDepth });
        try
        {
            while (reader.Read())
            {
                if (reader.ValueIsEscaped)
                    _ = reader.GetString();
            }
        }
        catch (JsonException e)
        {
            throw Refusal(file, utf8, 0, e);
        }
        catch (InvalidOperationException e)
        {
            throw new ModelFileException(file, reader.TokenStartIndex, "half a surrogate pair in a text", e);
        }
    }
}
