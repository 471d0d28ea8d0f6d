using Fairlead.Domain.Problems;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Anthropic;

/// <summary>What each kind of block must have and where it may stand.</summary>
internal static class BlockRules
{
    public static Problem? Check(in ContentBlock block, BlockHolder holder, BlockPlace place)
    {
        if (Misplaced(block.Kind, holder) is { } belongs)
            return Invalid($"'{place}' is a block of the type {ValueReader.Show(System.Text.Encoding.UTF8.GetString(block.Type))}; {belongs}.", place.ToString());
        Problem? problem = block.Kind switch
        {
            BlockType.Untyped => Wrong(block.Type, place, "type", "the kind of the block, such as \"text\","),
            BlockType.Text => Text(block.Text, place, "text"),
            BlockType.Image or BlockType.Document => JsonSpan.IsObject(block.Source) ? null : Wrong(block.Source, place, "source", "an object with 'type'"),
            BlockType.SearchResult => Text(block.Source, place, "source") ?? Text(block.Title, place, "title")
                ?? (JsonSpan.IsArray(block.Content) ? null : Wrong(block.Content, place, "content", "an array of text blocks")),
            BlockType.Thinking => Text(block.Thinking, place, "thinking") ?? Text(block.Signature, place, "signature"),
            BlockType.RedactedThinking => Text(block.Data, place, "data"),
            BlockType.ToolUse => Text(block.Id, place, "id") ?? Text(block.Name, place, "name")
                ?? (JsonSpan.IsObject(block.Input) ? null : Wrong(block.Input, place, "input", "an object with the tool's arguments")),
            BlockType.ToolResult => Text(block.ToolUseId, place, "tool_use_id") ?? ResultContent(block, place),
            BlockType.ToolReference => Text(block.ToolName, place, "tool_name"),
            _ => null,
        };
        return problem ?? (JsonSpan.IsSet(block.CacheControl) ? CacheControl.Check(block.CacheControl, place.Of("cache_control")) : null);
    }

    public static Problem? CheckImage(in BlockSource source, BlockPlace place) => source.Kind switch
    {
        SourceKind.Untyped => Untyped(place, "\"base64\", \"url\" or \"file\""),
        SourceKind.Base64 => MediaType(source.MediaType, place, "image/"u8, "an image's media type such as \"image/png\"") ?? Text(source.Data, place, "source.data"),
        SourceKind.Url => Text(source.Url, place, "source.url"),
        SourceKind.File => Text(source.FileId, place, "source.file_id"),
        SourceKind.Text or SourceKind.Content => Invalid($"'{place}.source.type' is for documents; an image is given as \"base64\", \"url\" or \"file\".", place.Of("source.type")),
        _ => null,
    };

    public static Problem? CheckDocument(in BlockSource source, BlockPlace place) => source.Kind switch
    {
        SourceKind.Untyped => Untyped(place, "\"base64\", \"text\", \"content\", \"url\" or \"file\""),
        SourceKind.Base64 => MediaType(source.MediaType, place, ""u8, "a media type such as \"application/pdf\"") ?? Text(source.Data, place, "source.data"),
        SourceKind.Text => MediaType(source.MediaType, place, ""u8, "\"text/plain\"") ?? Text(source.Data, place, "source.data"),
        SourceKind.Content => JsonSpan.IsString(source.Content) || JsonSpan.IsArray(source.Content)
            ? null
            : Wrong(source.Content, place, "source.content", "a string or an array of content blocks"),
        SourceKind.Url => Text(source.Url, place, "source.url"),
        SourceKind.File => Text(source.FileId, place, "source.file_id"),
        _ => null,
    };

    private static Problem? ResultContent(in ContentBlock block, BlockPlace place)
    {
        if (JsonSpan.IsSet(block.Content) && !JsonSpan.IsString(block.Content) && !JsonSpan.IsArray(block.Content))
            return Wrong(block.Content, place, "content", "a string or an array of content blocks");
        return JsonSpan.IsSet(block.IsError) && block.IsError is not ([(byte)'t', ..] or [(byte)'f', ..]) ? Wrong(block.IsError, place, "is_error", "true or false") : null;
    }

    /// <summary>Where a block of this kind belongs, when it is not here; what is not known here may stand anywhere.</summary>
    private static string? Misplaced(BlockType kind, BlockHolder holder) => (kind, holder) switch
    {
        (BlockType.ToolUse or BlockType.Thinking or BlockType.RedactedThinking, not BlockHolder.Assistant) => "it belongs in a message of the role \"assistant\"",
        (BlockType.ToolResult, not BlockHolder.User) => "it belongs in a message of the role \"user\"",
        (BlockType.ToolReference, not BlockHolder.ToolResult) => "it belongs in the content of a tool_result",
        (BlockType.Image, BlockHolder.Assistant or BlockHolder.System) => "images belong in messages of the role \"user\"",
        (BlockType.Document or BlockType.SearchResult, not (BlockHolder.User or BlockHolder.ToolResult)) => "it belongs in a message of the role \"user\"",
        _ => null,
    };

    private static Problem? MediaType(ReadOnlySpan<byte> value, BlockPlace place, ReadOnlySpan<byte> prefix, string expected)
    {
        if (!JsonSpan.IsString(value))
            return Wrong(value, place, "source.media_type", expected);
        ReadOnlySpan<byte> type = JsonSpan.Inner(value);
        bool plain = type.Length is > 0 and <= 100;
        foreach (byte b in type)
            plain &= char.IsAsciiLetterOrDigit((char)b) || "/+-."u8.Contains(b);
        return plain && type.StartsWith(prefix)
            ? null
            : ValueReader.NoneOf(value, place.Of("source.media_type"), expected);
    }

    private static Problem Untyped(BlockPlace place, string kinds) => Wrong(default, place, "source.type", kinds);

    private static Problem? Text(ReadOnlySpan<byte> value, BlockPlace place, string member) => JsonSpan.IsString(value) ? null : Wrong(value, place, member, "a string");

    private static Problem Wrong(ReadOnlySpan<byte> value, BlockPlace place, string member, string expected) => ValueReader.Wrong(value, place.Of(member), expected);

    private static Problem Invalid(string message, string param) => new(ProblemKind.FieldInvalid, message, param);
}
