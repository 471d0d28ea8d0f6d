using System.Text;

namespace Fairlead.Upstreams.Http;

/// <summary>What a body is, by its label or by its first bytes.</summary>
internal static class BodySniff
{
    /// <summary><see cref="BodyKind.Other"/> when the label says nothing (F055, F056).</summary>
    public static BodyKind ByContentType(ReadOnlySpan<byte> contentType)
    {
        int semicolon = contentType.IndexOf((byte)';');
        ReadOnlySpan<byte> type = (semicolon < 0 ? contentType : contentType[..semicolon]).TrimEnd(" \t"u8);
        if (Ascii.EqualsIgnoreCase(type, "text/event-stream"u8))
            return BodyKind.EventStream;
        if (Ascii.EqualsIgnoreCase(type, "application/x-ndjson"u8) || Ascii.EqualsIgnoreCase(type, "application/ndjson"u8) || Ascii.EqualsIgnoreCase(type, "application/jsonl"u8))
            return BodyKind.NdJson;
        if (Ascii.EqualsIgnoreCase(type, "application/json"u8) || (type.Length > 5 && Ascii.EqualsIgnoreCase(type[^5..], "+json"u8)))
            return BodyKind.Json;
        return Ascii.EqualsIgnoreCase(type, "text/html"u8) || Ascii.EqualsIgnoreCase(type, "application/xhtml+xml"u8) ? BodyKind.Html : BodyKind.Other;
    }

    public static BodyKind ByFirstBytes(ReadOnlyMemory<byte> bytes) => ByFirstBytes(bytes.Span);

    /// <summary><see cref="BodyKind.Other"/> when these bytes say nothing, perhaps because they are too few.</summary>
    public static BodyKind ByFirstBytes(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith("\uFEFF"u8))
            bytes = bytes[3..];
        bytes = bytes.TrimStart(" \t\r\n"u8);
        if (bytes.Length == 0)
            return BodyKind.Other;
        return bytes[0] switch
        {
            (byte)'{' or (byte)'[' => BodyKind.Json,
            (byte)'<' => BodyKind.Html,
            (byte)':' => BodyKind.EventStream,
            _ when bytes.StartsWith("data:"u8) || bytes.StartsWith("event:"u8) || bytes.StartsWith("id:"u8) || bytes.StartsWith("retry:"u8) => BodyKind.EventStream,
            _ => BodyKind.Other,
        };
    }
}
