using Fairlead.Protocols.Json;
using Fairlead.Protocols.Translation;

namespace Fairlead.Protocols.OpenAi;

/// <summary>How far a caller lets the model choose among the tools.</summary>
internal enum ToolChoiceMode : byte
{
    /// <summary>Nothing was said.</summary>
    Unsaid = 0,
    Auto,
    None,

    /// <summary>One of them must be called.</summary>
    Required,

    /// <summary>This one must be called.</summary>
    Named,

    /// <summary>Something that only OpenAI understands.</summary>
    Other,
}

/// <summary>A request's <c>tool_choice</c>, or its <c>function_call</c> as it was called before.</summary>
internal ref struct ChatToolChoice
{
    public ToolChoiceMode Mode { get; private set; }

    /// <summary>The function that must be called, where the mode is <see cref="ToolChoiceMode.Named"/>.</summary>
    public JsonString Name { get; private set; }

    /// <summary>The tools to which the choice is limited: an array; empty when all are allowed.</summary>
    public ReadOnlySpan<byte> Allowed { get; private set; }

    public readonly bool Forces => Mode is ToolChoiceMode.Required or ToolChoiceMode.Named;

    /// <param name="value">JSON; empty when nothing is said.</param>
    public static ChatToolChoice Read(ReadOnlySpan<byte> value)
    {
        var choice = new ChatToolChoice();
        if (value.IsEmpty)
            return choice;
        var cursor = new JsonCursor(value, JsonBounds.Scanned);
        switch (cursor.Peek())
        {
            case JsonKind.Null:
                break;
            case JsonKind.String:
                choice.Mode = cursor.ReadString(out ReadOnlySpan<byte> raw, out bool escaped) ? ModeOf(new JsonString(raw, escaped)) : ToolChoiceMode.Other;
                break;
            case JsonKind.Object:
                choice.ReadObject(ref cursor, value);
                break;
            default:
                choice.Mode = ToolChoiceMode.Other;
                break;
        }
        return choice;
    }

    /// <summary>Whether a tool is among those that the choice is limited to.</summary>
    public readonly bool Allows(JsonString name)
    {
        if (Allowed.IsEmpty)
            return true;
        string wanted = name.ToString();
        var cursor = new JsonCursor(Allowed, JsonBounds.Scanned);
        cursor.Enter();
        bool first = true;
        while (cursor.NextElement(ref first))
        {
            if (cursor.Peek() != JsonKind.Object)
                cursor.Skip();
            else if (ChatTool.Read(ref cursor, Allowed, bare: false) is { IsFunction: true } tool && tool.Name.ToString() == wanted)
                return true;
        }
        return false;
    }

    private static ToolChoiceMode ModeOf(JsonString word) =>
        word.Is("auto"u8) ? ToolChoiceMode.Auto
        : word.Is("none"u8) ? ToolChoiceMode.None
        : word.Is("required"u8) || word.Is("any"u8) ? ToolChoiceMode.Required
        : ToolChoiceMode.Other;

    private void ReadObject(scoped ref JsonCursor cursor, ReadOnlySpan<byte> value)
    {
        bool function = true;
        bool allowedTools = false;
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            JsonKind kind = cursor.Peek();
            if (kind == JsonKind.String && JsonText.Is(name, escaped, "type"u8) && cursor.ReadString(out ReadOnlySpan<byte> raw, out bool spelled))
            {
                var type = new JsonString(raw, spelled);
                allowedTools = type.Is("allowed_tools"u8);
                function = type.Is("function"u8);
            }
            else if (kind == JsonKind.Object && JsonText.Is(name, escaped, "function"u8))
            {
                ReadName(ref cursor);
            }
            else if (kind == JsonKind.String && JsonText.Is(name, escaped, "name"u8)) // a function_call
            {
                Name = cursor.ReadString(out ReadOnlySpan<byte> raw2, out bool spelled2) ? new JsonString(raw2, spelled2) : default;
            }
            else if (kind == JsonKind.Object && JsonText.Is(name, escaped, "allowed_tools"u8))
            {
                ReadAllowed(ref cursor, value);
            }
            else
            {
                cursor.Skip();
            }
        }
        if (allowedTools)
        {
            Name = default;
            Mode = Allowed.IsEmpty || Mode is ToolChoiceMode.Other or ToolChoiceMode.None ? ToolChoiceMode.Other : Mode == ToolChoiceMode.Unsaid ? ToolChoiceMode.Auto : Mode;
            return;
        }
        Allowed = default;
        Mode = function && Name.Exists ? ToolChoiceMode.Named : ToolChoiceMode.Other;
    }

    private void ReadName(scoped ref JsonCursor cursor)
    {
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            if (cursor.Peek() == JsonKind.String && JsonText.Is(name, escaped, "name"u8))
                Name = cursor.ReadString(out ReadOnlySpan<byte> raw, out bool spelled) ? new JsonString(raw, spelled) : default;
            else
                cursor.Skip();
        }
    }

    private void ReadAllowed(scoped ref JsonCursor cursor, ReadOnlySpan<byte> value)
    {
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            JsonKind kind = cursor.Peek();
            if (kind == JsonKind.String && JsonText.Is(name, escaped, "mode"u8))
                Mode = cursor.ReadString(out ReadOnlySpan<byte> raw, out bool spelled) ? ModeOf(new JsonString(raw, spelled)) : ToolChoiceMode.Other;
            else if (kind == JsonKind.Array && JsonText.Is(name, escaped, "tools"u8))
                Allowed = cursor.Skip(out Range range) ? value[range] : default;
            else
                cursor.Skip();
        }
    }
}
