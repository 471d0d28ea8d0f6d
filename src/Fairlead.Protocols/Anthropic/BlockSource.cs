using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Anthropic;

/// <summary>How an image or a document is given.</summary>
internal enum SourceKind : byte
{
    /// <summary>It has no <c>type</c>, or none that is a string.</summary>
    Untyped = 0,

    /// <summary>A type that is not known here.</summary>
    Unknown,

    Base64,
    Url,

    /// <summary>A file that lies with the provider.</summary>
    File,

    /// <summary>Plain text as it is.</summary>
    Text,

    /// <summary>A string or blocks of its own.</summary>
    Content,
}

/// <summary>The <c>source</c> of an image or a document, its members found and not yet judged; each as written, empty where it is not there.</summary>
internal readonly ref struct BlockSource
{
    /// <summary>Reads an object that has been checked as JSON.</summary>
    public BlockSource(ReadOnlySpan<byte> value)
    {
        ReadOnlySpan<byte> type = default;
        var members = new JsonMembers(value);
        while (members.Next(out ReadOnlySpan<byte> name, out bool escaped, out ReadOnlySpan<byte> member))
        {
            if (JsonText.Is(name, escaped, "type"u8))
                type = member;
            else if (JsonText.Is(name, escaped, "media_type"u8))
                MediaType = member;
            else if (JsonText.Is(name, escaped, "data"u8))
                Data = member;
            else if (JsonText.Is(name, escaped, "url"u8))
                Url = member;
            else if (JsonText.Is(name, escaped, "file_id"u8))
                FileId = member;
            else if (JsonText.Is(name, escaped, "content"u8))
                Content = member;
        }
        Kind = !JsonSpan.IsString(type) ? SourceKind.Untyped
            : JsonSpan.Is(type, "base64"u8) ? SourceKind.Base64
            : JsonSpan.Is(type, "url"u8) ? SourceKind.Url
            : JsonSpan.Is(type, "file"u8) ? SourceKind.File
            : JsonSpan.Is(type, "text"u8) ? SourceKind.Text
            : JsonSpan.Is(type, "content"u8) ? SourceKind.Content
            : SourceKind.Unknown;
    }

    public SourceKind Kind { get; }
    public ReadOnlySpan<byte> MediaType { get; }
    public ReadOnlySpan<byte> Data { get; }
    public ReadOnlySpan<byte> Url { get; }
    public ReadOnlySpan<byte> FileId { get; }
    public ReadOnlySpan<byte> Content { get; }
}
