using Fairlead.Protocols.Json;
using Fairlead.Protocols.Translation;

namespace Fairlead.Protocols.OpenAi;

/// <summary>One of the tools of a request, or of its <c>functions</c> as they were called before; read once, in place.</summary>
internal ref struct ChatTool
{
    /// <summary>It is a function with a name, and not one of the tools that only OpenAI runs or reads.</summary>
    public readonly bool IsFunction => !_otherType && Name is { Exists: true, IsBlank: false };

    public JsonString Name { get; private set; }
    public JsonString Description { get; private set; }

    /// <summary>The schema of its arguments: an object; empty when there is none.</summary>
    public ReadOnlySpan<byte> Parameters { get; private set; }

    public bool Strict { get; private set; }

    /// <summary>A <c>cache_control</c> object in Anthropic's form; empty when there is none.</summary>
    public ReadOnlySpan<byte> CacheControl { get; private set; }

    /// <summary>The first of its members that says something to nobody else; null when there is none.</summary>
    public string? Unknown { get; private set; }

    private bool _otherType;

    /// <param name="cursor">Stands before an object.</param>
    /// <param name="text">The text that the cursor walks.</param>
    /// <param name="bare">The object is the function itself.</param>
    public static ChatTool Read(scoped ref JsonCursor cursor, ReadOnlySpan<byte> text, bool bare)
    {
        var tool = new ChatTool();
        if (bare)
        {
            tool.ReadFunction(ref cursor, text);
            return tool;
        }
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            JsonKind kind = cursor.Peek();
            if (JsonText.Is(name, escaped, "type"u8))
            {
                tool._otherType = kind != JsonKind.String || (cursor.ReadString(out ReadOnlySpan<byte> type, out bool spelled) && !JsonText.Is(type, spelled, "function"u8));
                if (kind != JsonKind.String)
                    cursor.Skip();
            }
            else if (JsonText.Is(name, escaped, "function"u8) && kind == JsonKind.Object)
            {
                tool.ReadFunction(ref cursor, text);
            }
            else if (JsonText.Is(name, escaped, "cache_control"u8) && kind == JsonKind.Object)
            {
                tool.CacheControl = Value(ref cursor, text);
            }
            else
            {
                tool.Pass(ref cursor, kind, name, escaped);
            }
        }
        return tool;
    }

    private void ReadFunction(scoped ref JsonCursor cursor, ReadOnlySpan<byte> text)
    {
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            JsonKind kind = cursor.Peek();
            if (kind == JsonKind.String && JsonText.Is(name, escaped, "name"u8))
                Name = cursor.ReadString(out ReadOnlySpan<byte> raw, out bool spelled) ? new JsonString(raw, spelled) : default;
            else if (kind == JsonKind.String && JsonText.Is(name, escaped, "description"u8))
                Description = cursor.ReadString(out ReadOnlySpan<byte> words, out bool spelledWords) ? new JsonString(words, spelledWords) : default;
            else if (kind == JsonKind.Object && JsonText.Is(name, escaped, "parameters"u8))
                Parameters = Value(ref cursor, text);
            else if (kind == JsonKind.Object && JsonText.Is(name, escaped, "cache_control"u8))
                CacheControl = Value(ref cursor, text);
            else if (kind is JsonKind.True or JsonKind.False && JsonText.Is(name, escaped, "strict"u8))
                (Strict, _) = (kind == JsonKind.True, cursor.Skip());
            else
                Pass(ref cursor, kind, name, escaped);
        }
    }

    private void Pass(scoped ref JsonCursor cursor, JsonKind kind, scoped ReadOnlySpan<byte> name, bool escaped)
    {
        if (kind != JsonKind.Null && cursor.Fault is null)
            Unknown ??= JsonText.Unescape(name, escaped);
        cursor.Skip();
    }

    private static ReadOnlySpan<byte> Value(scoped ref JsonCursor cursor, ReadOnlySpan<byte> text) => cursor.Skip(out Range range) ? text[range] : default;
}
