using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Anthropic;

/// <summary>What a content block is, by its <c>type</c>.</summary>
internal enum BlockType : byte
{
    /// <summary>It has no <c>type</c>, or none that is a string.</summary>
    Untyped = 0,

    /// <summary>A type that is not known here; the provider's business.</summary>
    Unknown,

    Text,
    Image,
    Document,
    SearchResult,
    Thinking,
    RedactedThinking,
    ToolUse,
    ToolResult,

    /// <summary>Names a tool of the request, within a tool's result.</summary>
    ToolReference,

    /// <summary>What Anthropic's own tools did, or a note about its own service: nothing that another model made or could read.</summary>
    ProviderOwn,

    /// <summary>A file or a change of tools that only Anthropic's service can carry out.</summary>
    ProviderBound,
}

/// <summary>One block of a message's content, its members found and not yet judged. Each is the bytes of its value as written, empty where it is not there.</summary>
internal readonly ref struct ContentBlock
{
    /// <summary>Finds the members of an object that has been checked as JSON.</summary>
    public ContentBlock(ReadOnlySpan<byte> value)
    {
        var members = new JsonMembers(value);
        while (members.Next(out ReadOnlySpan<byte> name, out bool escaped, out ReadOnlySpan<byte> member))
        {
            if (JsonText.Is(name, escaped, "type"u8))
                Type = member;
            else if (JsonText.Is(name, escaped, "text"u8))
                Text = member;
            else if (JsonText.Is(name, escaped, "cache_control"u8))
                CacheControl = member;
            else if (JsonText.Is(name, escaped, "content"u8))
                Content = member;
            else if (JsonText.Is(name, escaped, "tool_use_id"u8))
                ToolUseId = member;
            else if (JsonText.Is(name, escaped, "is_error"u8))
                IsError = member;
            else if (JsonText.Is(name, escaped, "id"u8))
                Id = member;
            else if (JsonText.Is(name, escaped, "name"u8))
                Name = member;
            else if (JsonText.Is(name, escaped, "input"u8))
                Input = member;
            else if (JsonText.Is(name, escaped, "source"u8))
                Source = member;
            else if (JsonText.Is(name, escaped, "thinking"u8))
                Thinking = member;
            else if (JsonText.Is(name, escaped, "signature"u8))
                Signature = member;
            else if (JsonText.Is(name, escaped, "data"u8))
                Data = member;
            else if (JsonText.Is(name, escaped, "title"u8))
                Title = member;
            else if (JsonText.Is(name, escaped, "context"u8))
                Context = member;
            else if (JsonText.Is(name, escaped, "citations"u8))
                Citations = member;
            else if (JsonText.Is(name, escaped, "transformations"u8))
                Transformations = member;
            else if (JsonText.Is(name, escaped, "tool_name"u8))
                ToolName = member;
            else if (JsonText.Is(name, escaped, "caller"u8))
                Caller = member;
            else if (JsonText.Is(name, escaped, "toolset_name"u8))
                ToolsetName = member;
            else if (Extra.IsEmpty)
                Extra = name;
        }
        Kind = JsonSpan.IsString(Type) ? KindOf(Type) : BlockType.Untyped;
    }

    public BlockType Kind { get; }

    /// <summary>The value of <c>type</c>, quotes included.</summary>
    public ReadOnlySpan<byte> Type { get; }

    public ReadOnlySpan<byte> Text { get; }
    public ReadOnlySpan<byte> Source { get; }
    public ReadOnlySpan<byte> Content { get; }
    public ReadOnlySpan<byte> Id { get; }
    public ReadOnlySpan<byte> Name { get; }
    public ReadOnlySpan<byte> Input { get; }
    public ReadOnlySpan<byte> ToolUseId { get; }
    public ReadOnlySpan<byte> IsError { get; }
    public ReadOnlySpan<byte> Thinking { get; }
    public ReadOnlySpan<byte> Signature { get; }
    public ReadOnlySpan<byte> Data { get; }
    public ReadOnlySpan<byte> Title { get; }
    public ReadOnlySpan<byte> Context { get; }
    public ReadOnlySpan<byte> ToolName { get; }
    public ReadOnlySpan<byte> CacheControl { get; }
    public ReadOnlySpan<byte> Citations { get; }
    public ReadOnlySpan<byte> Transformations { get; }
    public ReadOnlySpan<byte> Caller { get; }
    public ReadOnlySpan<byte> ToolsetName { get; }

    /// <summary>Name, between its quotes, of the first member that no kind of block here is known to have.</summary>
    public ReadOnlySpan<byte> Extra { get; }

    private static BlockType KindOf(ReadOnlySpan<byte> type)
    {
        ReadOnlySpan<byte> word = JsonSpan.Inner(type);
        if (word.Contains((byte)'\\'))
            word = System.Text.Encoding.UTF8.GetBytes(JsonText.Unescape(word, escaped: true));
        if (word.SequenceEqual("text"u8))
            return BlockType.Text;
        if (word.SequenceEqual("tool_result"u8))
            return BlockType.ToolResult;
        if (word.SequenceEqual("tool_use"u8))
            return BlockType.ToolUse;
        if (word.SequenceEqual("image"u8))
            return BlockType.Image;
        if (word.SequenceEqual("thinking"u8))
            return BlockType.Thinking;
        if (word.SequenceEqual("document"u8))
            return BlockType.Document;
        if (word.SequenceEqual("redacted_thinking"u8))
            return BlockType.RedactedThinking;
        if (word.SequenceEqual("search_result"u8))
            return BlockType.SearchResult;
        if (word.SequenceEqual("tool_reference"u8))
            return BlockType.ToolReference;
        // What its own tools were asked and answered; the answers are encrypted or tied to a container.
        if (word.SequenceEqual("server_tool_use"u8) || word.SequenceEqual("mcp_tool_use"u8) || word.SequenceEqual("mcp_tool_listing"u8)
            || word.EndsWith("_tool_result"u8) || word.SequenceEqual("fallback"u8))
        {
            return BlockType.ProviderOwn;
        }
        if (word.SequenceEqual("container_upload"u8) || word.SequenceEqual("compaction"u8) || word.SequenceEqual("browser_state"u8)
            || word.SequenceEqual("tool_addition"u8) || word.SequenceEqual("tool_removal"u8))
        {
            return BlockType.ProviderBound;
        }
        return BlockType.Unknown;
    }
}
