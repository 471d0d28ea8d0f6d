using System.Text;

namespace Fairlead.Protocols.Translation;

/// <summary>What a <c>data:</c> URI holds, as far as both dialects can say it.</summary>
internal enum MediaType : byte
{
    Other = 0,
    Jpeg,
    Png,
    Gif,
    Webp,
    Pdf,

    /// <summary>Words: <c>text/…</c> and <c>application/json</c>.</summary>
    Text,
}

/// <summary>A <c>data:</c> URI in base 64 (RFC 2397), as it stands in a JSON string.</summary>
internal readonly ref struct DataUri
{
    /// <summary>Bytes within which the head must end: <c>data:application/vnd.…;charset=utf-8;base64,</c> and room.</summary>
    private const int LongestHead = 256;

    public MediaType Type { get; private init; }

    /// <summary>The base-64 text, escapes as written.</summary>
    public JsonString Data { get; private init; }

    /// <summary>False when it is none, or one that is not in base 64.</summary>
    public static bool TryRead(JsonString text, out DataUri uri)
    {
        uri = default;
        ReadOnlySpan<byte> raw = text.Raw;
        int comma = raw[..Math.Min(raw.Length, LongestHead)].IndexOf((byte)',');
        if (comma < 0 || !IsData(text))
            return false;
        Span<byte> head = stackalloc byte[LongestHead];
        head = head[..new JsonString(raw[..comma], text.Escaped).Unescape(head)]["data:".Length..];
        int parameters = head.IndexOf((byte)';');
        if (parameters < 0 || !EndsWith(head, ";base64"u8))
            return false;
        uri = new DataUri { Type = TypeOf(head[..parameters]), Data = new JsonString(raw[(comma + 1)..], text.Escaped) };
        return true;
    }

    /// <summary>Begins with <c>data:</c>.</summary>
    public static bool IsData(JsonString text) => StartsWith(text, "data:"u8);

    /// <summary>Is an address on the web.</summary>
    public static bool IsWeb(JsonString text) => StartsWith(text, "https:"u8) || StartsWith(text, "http:"u8);

    private static MediaType TypeOf(ReadOnlySpan<byte> name)
    {
        if (Is(name, "image/jpeg"u8) || Is(name, "image/jpg"u8)) // the second is no type, and often written
            return MediaType.Jpeg;
        if (Is(name, "image/png"u8))
            return MediaType.Png;
        if (Is(name, "image/gif"u8))
            return MediaType.Gif;
        if (Is(name, "image/webp"u8))
            return MediaType.Webp;
        if (Is(name, "application/pdf"u8))
            return MediaType.Pdf;
        bool words = Is(name, "application/json"u8) || (name.Length > 5 && Is(name[..5], "text/"u8));
        return words ? MediaType.Text : MediaType.Other;
    }

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> known) => Ascii.EqualsIgnoreCase(name, known);

    private static bool EndsWith(ReadOnlySpan<byte> text, ReadOnlySpan<byte> end) => text.Length >= end.Length && Is(text[^end.Length..], end);

    private static bool StartsWith(JsonString text, ReadOnlySpan<byte> start) => text.Raw.Length >= start.Length && Is(text.Raw[..start.Length], start);
}
