using Fairlead.Protocols.Json;
using Fairlead.Protocols.Translation;

namespace Fairlead.Protocols.OpenAi;

/// <summary>One of the tool calls of an assistant's message, or its <c>function_call</c> as it was called before; read once, in place.</summary>
internal ref struct ChatCall
{
    /// <summary>It calls a function, and says which.</summary>
    public readonly bool IsFunction => !_otherType && Name is { Exists: true, IsBlank: false };

    public JsonString Id { get; private set; }
    public JsonString Name { get; private set; }

    /// <summary>The arguments as JSON in a string, as they should be.</summary>
    public JsonString Arguments { get; private set; }

    /// <summary>The arguments as an object, as some clients write them; empty when they are not.</summary>
    public ReadOnlySpan<byte> ArgumentsObject { get; private set; }

    /// <summary>The first of its members that says something to nobody else; null when there is none.</summary>
    public string? Unknown { get; private set; }

    private bool _otherType;

    /// <param name="cursor">Stands before an object.</param>
    /// <param name="text">The text that the cursor walks.</param>
    /// <param name="bare">The object is the function itself.</param>
    public static ChatCall Read(scoped ref JsonCursor cursor, ReadOnlySpan<byte> text, bool bare)
    {
        var call = new ChatCall();
        if (bare)
        {
            call.ReadFunction(ref cursor, text);
            return call;
        }
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            JsonKind kind = cursor.Peek();
            if (kind == JsonKind.String && JsonText.Is(name, escaped, "id"u8))
                call.Id = cursor.ReadString(out ReadOnlySpan<byte> id, out bool spelledId) ? new JsonString(id, spelledId) : default;
            else if (kind == JsonKind.String && JsonText.Is(name, escaped, "type"u8))
                call._otherType = cursor.ReadString(out ReadOnlySpan<byte> type, out bool spelled) && !JsonText.Is(type, spelled, "function"u8);
            else if (kind == JsonKind.Object && JsonText.Is(name, escaped, "function"u8))
                call.ReadFunction(ref cursor, text);
            else if (JsonText.Is(name, escaped, "index"u8)) // left from the stream that it came by
                cursor.Skip();
            else
                call.Pass(ref cursor, kind, name, escaped);
        }
        return call;
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
            else if (kind == JsonKind.String && JsonText.Is(name, escaped, "arguments"u8))
                Arguments = cursor.ReadString(out ReadOnlySpan<byte> words, out bool spelledWords) ? new JsonString(words, spelledWords) : default;
            else if (kind == JsonKind.Object && JsonText.Is(name, escaped, "arguments"u8))
                ArgumentsObject = cursor.Skip(out Range range) ? text[range] : default;
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
}
