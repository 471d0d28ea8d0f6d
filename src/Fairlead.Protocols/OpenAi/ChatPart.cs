using Fairlead.Protocols.Json;
using Fairlead.Protocols.Translation;

namespace Fairlead.Protocols.OpenAi;

/// <summary>What a part of a message's content is.</summary>
internal enum ChatPartKind : byte
{
    /// <summary>Nothing that any other dialect knows: audio, video, what is to come.</summary>
    Other = 0,
    Text,
    Image,
    File,

    /// <summary>Reasoning among the content (Mistral).</summary>
    Thinking,
}

/// <summary>One part of a message's content, read once, in place.</summary>
internal ref struct ChatPart
{
    public ChatPartKind Kind { get; private set; }

    /// <summary>The text, or the words of a refusal.</summary>
    public JsonString Text { get; private set; }

    /// <summary>An image's address, be it its data.</summary>
    public JsonString Url { get; private set; }

    /// <summary>The whole value of <c>image_url</c>; empty when there is none.</summary>
    public ReadOnlySpan<byte> ImageValue { get; private set; }

    /// <summary>The type says that it is an image, or an <c>image_url</c> is there.</summary>
    public bool CountsAsImage { get; private set; }

    /// <summary>How closely an image is to be looked at, where it is not left to the provider.</summary>
    public bool WishesDetail { get; private set; }

    public JsonString FileData { get; private set; }
    public JsonString FileId { get; private set; }
    public JsonString FileUrl { get; private set; }
    public JsonString FileName { get; private set; }

    /// <summary>A <c>cache_control</c> object in Anthropic's form; empty when there is none.</summary>
    public ReadOnlySpan<byte> CacheControl { get; private set; }

    /// <summary>A <c>prompt_cache_breakpoint</c>: what comes before is to be kept.</summary>
    public bool Breakpoint { get; private set; }

    /// <summary>The breakpoint asks for 12 hours.</summary>
    public bool KeptTwelveHours { get; private set; }

    /// <summary>Its <c>type</c>; null when it says none.</summary>
    public string? Type { get; private set; }

    /// <summary>The first of its members that nobody knows; null when there is none.</summary>
    public string? Unknown { get; private set; }

    /// <summary>A text that stands for itself, where a string is taken for a part.</summary>
    public static ChatPart Of(JsonString text) => new() { Kind = ChatPartKind.Text, Text = text };

    /// <summary>Asks for what comes before it to be kept.</summary>
    public readonly bool IsMarked => Breakpoint || !CacheControl.IsEmpty;

    /// <summary>Reads the object that begins here. Some engines take a part without <c>type</c> for what its members say.</summary>
    /// <param name="cursor">Stands before an object.</param>
    /// <param name="text">The text that the cursor walks.</param>
    public static ChatPart Read(scoped ref JsonCursor cursor, ReadOnlySpan<byte> text)
    {
        var part = new ChatPart();
        var typed = ChatPartKind.Other;
        bool known = true;
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            JsonKind kind = cursor.Peek();
            if (JsonText.Is(name, escaped, "type"u8) && kind == JsonKind.String)
            {
                if (!cursor.ReadString(out ReadOnlySpan<byte> raw, out bool spelled))
                    return part;
                typed = KindOf(new JsonString(raw, spelled), ref part, out known);
            }
            else if ((JsonText.Is(name, escaped, "text"u8) || JsonText.Is(name, escaped, "refusal"u8)) && kind == JsonKind.String)
            {
                part.Text = ReadText(ref cursor);
            }
            else if (JsonText.Is(name, escaped, "image_url"u8) && kind != JsonKind.Null)
            {
                part.CountsAsImage = true;
                part.ReadImage(ref cursor, text);
            }
            else if ((JsonText.Is(name, escaped, "file"u8) || JsonText.Is(name, escaped, "input_file"u8)) && kind == JsonKind.Object)
            {
                part.ReadFile(ref cursor);
            }
            else if (JsonText.Is(name, escaped, "cache_control"u8) && kind == JsonKind.Object)
            {
                cursor.Skip(out Range range);
                part.CacheControl = cursor.Fault is null ? text[range] : default;
            }
            else if (JsonText.Is(name, escaped, "prompt_cache_breakpoint"u8) && kind == JsonKind.Object)
            {
                part.ReadBreakpoint(ref cursor);
            }
            else
            {
                if (kind != JsonKind.Null && cursor.Fault is null)
                    part.Unknown ??= JsonText.Unescape(name, escaped);
                cursor.Skip();
            }
            if (cursor.Fault is not null)
                return part;
        }
        part.Kind = part.Type is null ? part.Guess() : typed;
        if (!known || (part.CountsAsImage && part.Kind != ChatPartKind.Image))
            part.Kind = ChatPartKind.Other;
        return part;
    }

    private static ChatPartKind KindOf(JsonString type, ref ChatPart part, out bool known)
    {
        known = true;
        if (type.Is("text"u8))
        {
            part.Type = "text";
            return ChatPartKind.Text;
        }
        if (type.Is("image_url"u8))
        {
            part.Type = "image_url";
            part.CountsAsImage = true;
            return ChatPartKind.Image;
        }
        part.Type = type.ToString();
        switch (part.Type)
        {
            case "refusal" or "input_text" or "output_text":
                return ChatPartKind.Text;
            case "input_image" or "image":
                part.CountsAsImage = true;
                return ChatPartKind.Image;
            case "file" or "input_file":
                return ChatPartKind.File;
            case "thinking" or "reasoning":
                return ChatPartKind.Thinking;
            default:
                known = false;
                return ChatPartKind.Other;
        }
    }

    private readonly ChatPartKind Guess() =>
        CountsAsImage ? ChatPartKind.Image
        : Text.Exists ? ChatPartKind.Text
        : FileData.Exists || FileUrl.Exists || FileId.Exists ? ChatPartKind.File
        : ChatPartKind.Other;

    private static JsonString ReadText(scoped ref JsonCursor cursor) =>
        cursor.ReadString(out ReadOnlySpan<byte> raw, out bool escaped) ? new JsonString(raw, escaped) : default;

    /// <summary>The address stands in an object with <c>detail</c>, or by itself.</summary>
    private void ReadImage(scoped ref JsonCursor cursor, ReadOnlySpan<byte> text)
    {
        int start = cursor.Position;
        if (cursor.Peek() == JsonKind.String)
        {
            Url = ReadText(ref cursor);
        }
        else if (cursor.Peek() != JsonKind.Object)
        {
            cursor.Skip();
        }
        else
        {
            cursor.Enter();
            bool first = true;
            while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
            {
                bool isText = cursor.Peek() == JsonKind.String;
                if (isText && JsonText.Is(name, escaped, "url"u8))
                    Url = ReadText(ref cursor);
                else if (isText && JsonText.Is(name, escaped, "detail"u8))
                    WishesDetail = ReadText(ref cursor) is { Exists: true } detail && !detail.Is("auto"u8);
                else
                    cursor.Skip();
            }
        }
        if (cursor.Fault is null)
            ImageValue = text[start..cursor.Position];
    }

    private void ReadFile(scoped ref JsonCursor cursor)
    {
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            if (cursor.Peek() != JsonKind.String)
                cursor.Skip();
            else if (JsonText.Is(name, escaped, "file_data"u8))
                FileData = ReadText(ref cursor);
            else if (JsonText.Is(name, escaped, "file_id"u8))
                FileId = ReadText(ref cursor);
            else if (JsonText.Is(name, escaped, "file_url"u8))
                FileUrl = ReadText(ref cursor);
            else if (JsonText.Is(name, escaped, "filename"u8))
                FileName = ReadText(ref cursor);
            else
                cursor.Skip();
        }
    }

    private void ReadBreakpoint(scoped ref JsonCursor cursor)
    {
        Breakpoint = true;
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            if (JsonText.Is(name, escaped, "ttl"u8) && cursor.Peek() == JsonKind.String)
                KeptTwelveHours = ReadText(ref cursor).Is("12h"u8);
            else
                cursor.Skip();
        }
    }
}
