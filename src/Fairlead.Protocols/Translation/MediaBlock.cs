using System.Buffers;
using System.Buffers.Text;
using System.Text.Unicode;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Translation;

/// <summary>Images and files of a chat as the blocks that Anthropic takes.</summary>
internal static class MediaBlock
{
    /// <summary>How a PDF begins in base 64 (<c>%PDF-</c>): some clients send one without saying what it is.</summary>
    private static ReadOnlySpan<byte> PdfHead => "JVBERi0"u8;

    /// <summary>Whether Anthropic has a block for a part. Thinking among the content is dropped, so it stands in nobody's way.</summary>
    public static bool CanSay(scoped ref ChatPart part) => part.Kind switch
    {
        ChatPartKind.Text => part.Text.Exists,
        ChatPartKind.Image => DataUri.IsWeb(part.Url) || (DataUri.TryRead(part.Url, out DataUri uri) && IsImage(uri.Type)),
        ChatPartKind.File => FormOf(ref part, out _) != FileForm.None,
        ChatPartKind.Thinking => true,
        _ => false,
    };

    private static bool IsImage(MediaType type) => type is MediaType.Jpeg or MediaType.Png or MediaType.Gif or MediaType.Webp;

    /// <summary>How a file goes over: by the first of its members that says something. What that says and Anthropic does not take is not passed over for the next.</summary>
    /// <param name="part">The file.</param>
    /// <param name="uri">Its data, for <see cref="FileForm.Pdf"/> and <see cref="FileForm.Words"/>.</param>
    private static FileForm FormOf(scoped ref ChatPart part, out DataUri uri)
    {
        if (DataUri.TryRead(part.FileData, out uri))
            return uri.Type switch { MediaType.Pdf => FileForm.Pdf, MediaType.Text => FileForm.Words, _ => FileForm.None };
        if (!part.FileData.IsBlank)
            return DataUri.IsWeb(part.FileData) ? FileForm.WebData : part.FileData.Raw.StartsWith(PdfHead) ? FileForm.BarePdf : FileForm.None;
        if (!part.FileUrl.IsBlank)
            return DataUri.IsWeb(part.FileUrl) ? FileForm.Web : FileForm.None;
        return IsAnthropicFile(part.FileId) ? FileForm.Id : FileForm.None;
    }

    /// <summary>Anthropic's ids of files begin like this; OpenAI's with <c>file-</c>.</summary>
    private static bool IsAnthropicFile(JsonString id) => id.Raw.StartsWith("file_"u8);

    /// <summary>Writes the members of an image's or a document's block but for <c>cache_control</c>.</summary>
    /// <param name="part">One that can be said.</param>
    /// <param name="json">Stands within an object.</param>
    public static void Write(scoped ref ChatPart part, JsonSink json)
    {
        if (part.Kind == ChatPartKind.Image)
            WriteImage(part.Url, json);
        else
            WriteDocument(ref part, json);
    }

    private static void WriteImage(JsonString url, JsonSink json)
    {
        json.Literal("type"u8, "image"u8);
        json.Open("source"u8);
        if (!DataUri.TryRead(url, out DataUri uri))
        {
            WriteUrl(url, json);
            return;
        }
        json.Literal("type"u8, "base64"u8);
        json.Literal("media_type"u8, uri.Type switch
        {
            MediaType.Png => "image/png"u8,
            MediaType.Gif => "image/gif"u8,
            MediaType.Webp => "image/webp"u8,
            _ => "image/jpeg"u8,
        });
        json.Text("data"u8, uri.Data);
        json.Close();
    }

    private static void WriteDocument(scoped ref ChatPart part, JsonSink json)
    {
        json.Literal("type"u8, "document"u8);
        if (part.FileName is { Exists: true, IsBlank: false })
            json.Text("title"u8, part.FileName);
        json.Open("source"u8);
        switch (FormOf(ref part, out DataUri uri))
        {
            case FileForm.Words:
                if (!TryWriteWords(uri.Data, json))
                    WriteBase64(uri.Data, "text/plain"u8, json);
                break;
            case FileForm.Pdf:
                WriteBase64(uri.Data, "application/pdf"u8, json);
                break;
            case FileForm.BarePdf:
                WriteBase64(part.FileData, "application/pdf"u8, json);
                break;
            case FileForm.WebData:
                WriteUrl(part.FileData, json);
                break;
            case FileForm.Web:
                WriteUrl(part.FileUrl, json);
                break;
            default:
                json.Literal("type"u8, "file"u8);
                json.Text("file_id"u8, part.FileId);
                json.Close();
                break;
        }
    }

    private static void WriteUrl(JsonString url, JsonSink json)
    {
        json.Literal("type"u8, "url"u8);
        json.Text("url"u8, url);
        json.Close();
    }

    private static void WriteBase64(JsonString data, ReadOnlySpan<byte> type, JsonSink json)
    {
        json.Literal("type"u8, "base64"u8);
        json.Literal("media_type"u8, type);
        json.Text("data"u8, data);
        json.Close();
    }

    /// <summary>Words go as words: Anthropic takes no others in base 64. False, with nothing written, when the data is no base 64 of UTF-8; the provider then says so.</summary>
    private static bool TryWriteWords(JsonString data, JsonSink json)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent(Math.Max(1, data.Raw.Length));
        try
        {
            int length = data.Unescape(bytes);
            if (Base64.DecodeFromUtf8InPlace(bytes.AsSpan(0, length), out int decoded) != OperationStatus.Done || !Utf8.IsValid(bytes.AsSpan(0, decoded)))
                return false;
            json.Literal("type"u8, "text"u8);
            json.Literal("media_type"u8, "text/plain"u8);
            json.Plain("data"u8, bytes.AsSpan(0, decoded));
            json.Close();
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private enum FileForm : byte
    {
        /// <summary>Anthropic has no block for it.</summary>
        None = 0,

        Pdf,
        Words,

        /// <summary>Data of which nobody says what it is, and which begins as a PDF does.</summary>
        BarePdf,

        /// <summary>An address where the data should be.</summary>
        WebData,

        Web,
        Id,
    }
}
