using Fairlead.Domain.Problems;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Anthropic;

/// <summary>What is noted of a conversation.</summary>
internal sealed class ConversationFacts
{
    public long Images { get; set; }

    /// <summary>Bytes of image data in the body.</summary>
    public long ImageBytes { get; set; }

    /// <summary>Paged documents (PDF).</summary>
    public long Documents { get; set; }

    /// <summary>Bytes of their data in the body; of those that are given by an address none.</summary>
    public long DocumentBytes { get; set; }

    public bool HasToolCallIds { get; set; }

    /// <summary>What no other dialect can say and nobody would miss in the answer's meaning.</summary>
    public FieldNames Lost { get; } = new();

    /// <summary>What no other dialect can say and without which the request would mean something else.</summary>
    public FieldNames Bound { get; } = new();
}

/// <summary>Whose content a block is.</summary>
internal enum BlockHolder : byte
{
    User,
    Assistant,
    System,
    ToolResult,
    Document,
}

/// <summary>Where a block stands; put into words only where something is wrong.</summary>
/// <param name="Within">The field that holds it.</param>
/// <param name="Message">Number of its message; −1 where the field holds blocks itself.</param>
/// <param name="Block">Its own number.</param>
internal readonly record struct BlockPlace(string Within, int Message, int Block)
{
    public override string ToString() => Message < 0 ? $"{Within}[{Block}]" : $"{Within}[{Message}].content[{Block}]";

    /// <summary>A member of the block.</summary>
    public string Of(string member) => $"{this}.{member}";
}

/// <summary>Walks the messages and the system prompt: checks their form block by block, counts images and documents, and notes what another dialect cannot say.
/// What the texts say is never looked at.</summary>
internal sealed class ConversationReader(ConversationFacts facts)
{
    public Problem? ReadMessages(ref JsonCursor cursor, ReadOnlySpan<byte> body)
    {
        if (ValueReader.Wrong(ref cursor, "messages", "an array of messages", JsonKind.Array) is { } wrong)
            return wrong;
        cursor.Enter();
        bool first = true;
        int index = 0;
        while (cursor.NextElement(ref first))
        {
            if (ReadMessage(ref cursor, body, index) is { } problem)
                return problem;
            if (cursor.Fault is not null)
                return null;
            index++;
        }
        return index == 0 && cursor.Fault is null
            ? new Problem(ProblemKind.FieldInvalid, "'messages' is empty; at least one message is expected, such as {\"role\": \"user\", \"content\": \"…\"}.", "messages")
            : null;
    }

    /// <summary>The system prompt: a string, or blocks of text.</summary>
    public Problem? ReadSystem(ref JsonCursor cursor, ReadOnlySpan<byte> body)
    {
        if (cursor.Peek() is JsonKind.String or JsonKind.Null)
        {
            cursor.Skip();
            return null;
        }
        if (ValueReader.Wrong(ref cursor, "system", "a string or an array of text blocks", JsonKind.Array) is { } wrong)
            return wrong;
        return cursor.Skip(out Range range) ? ReadBlocks(body[range], "system", -1, BlockHolder.System) : null;
    }

    private Problem? ReadMessage(ref JsonCursor cursor, ReadOnlySpan<byte> body, int index)
    {
        if (cursor.Peek() != JsonKind.Object && cursor.Fault is null)
            return ValueReader.Wrong(ref cursor, $"messages[{index}]", "an object with 'role' and 'content'", JsonKind.Object);
        cursor.Enter();
        bool first = true;
        ReadOnlySpan<byte> role = default;
        ReadOnlySpan<byte> content = default;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            if (!cursor.Skip(out Range range))
                return null;
            if (JsonText.Is(name, escaped, "role"u8))
                role = body[range];
            else if (JsonText.Is(name, escaped, "content"u8))
                content = body[range];
            else
                facts.Lost.Add("messages", name);
        }
        if (cursor.Fault is not null)
            return null;
        // Judged when the whole message is known: clients that sort their members write the content before the role.
        if (Holder(role) is not { } holder)
        {
            return ValueReader.NoneOf(role, $"messages[{index}].role", "\"user\", \"assistant\" or \"system\"");
        }
        if (JsonSpan.IsString(content))
            return null;
        if (!JsonSpan.IsArray(content))
            return ValueReader.Wrong(content, $"messages[{index}].content", "a string or an array of content blocks");
        return ReadBlocks(content, "messages", index, holder);
    }

    private static BlockHolder? Holder(ReadOnlySpan<byte> role) =>
        JsonSpan.Is(role, "user"u8) ? BlockHolder.User
        : JsonSpan.Is(role, "assistant"u8) ? BlockHolder.Assistant
        : JsonSpan.Is(role, "system"u8) ? BlockHolder.System
        : null;

    private Problem? ReadBlocks(ReadOnlySpan<byte> blocks, string within, int message, BlockHolder holder)
    {
        var elements = new JsonElements(blocks);
        for (int index = 0; elements.Next(out ReadOnlySpan<byte> element); index++)
        {
            var place = new BlockPlace(within, message, index);
            if (!JsonSpan.IsObject(element))
                return ValueReader.Wrong(element, place.ToString(), "a content block such as {\"type\": \"text\", \"text\": \"…\"}");
            var block = new ContentBlock(element);
            if (BlockRules.Check(block, holder, place) is { } problem)
                return problem;
            if (Note(block, place) is { } inner)
                return inner;
        }
        return null;
    }

    /// <summary>Notes what is to be known of a block that is in order, and goes into those that hold others.</summary>
    private Problem? Note(in ContentBlock block, BlockPlace place)
    {
        if (JsonSpan.IsSet(block.CacheControl))
            facts.Lost.Add("cache_control");
        switch (block.Kind)
        {
            case BlockType.Text:
                if (JsonSpan.IsSet(block.Citations) && block.Citations.Length > 2)
                    facts.Lost.Add("citations");
                break;
            case BlockType.Image:
                if (JsonSpan.IsSet(block.Transformations))
                    facts.Lost.Add("messages.transformations");
                facts.Images++;
                return NoteImage(block, place);
            case BlockType.Document:
                return NoteDocument(block, place);
            case BlockType.SearchResult:
                if (Enables(block.Citations))
                    facts.Lost.Add("citations");
                return ReadBlocks(block.Content, place.Of("content"), -1, BlockHolder.System);
            case BlockType.Thinking:
                facts.Lost.Add("messages.thinking");
                return null;
            case BlockType.RedactedThinking:
                facts.Lost.Add("messages.redacted_thinking");
                return null;
            case BlockType.ToolUse:
                facts.HasToolCallIds = true;
                if (JsonSpan.IsSet(block.ToolsetName))
                    facts.Bound.Add("messages.toolset_name");
                if (JsonSpan.IsSet(block.Caller) && block.Caller.IndexOf("\"direct\""u8) < 0)
                    facts.Lost.Add("messages.caller");
                break;
            case BlockType.ToolResult:
                facts.HasToolCallIds = true;
                if (JsonSpan.IsSet(block.ToolsetName))
                    facts.Bound.Add("messages.toolset_name");
                if (JsonSpan.IsArray(block.Content) && ReadBlocks(block.Content, place.Of("content"), -1, BlockHolder.ToolResult) is { } inner)
                    return inner;
                break;
            case BlockType.ToolReference:
                break;
            case BlockType.ProviderOwn:
                facts.Lost.Add("messages", JsonSpan.Inner(block.Type));
                return null;
            default:
                facts.Bound.Add("messages", JsonSpan.Inner(block.Type));
                return null;
        }
        if (!block.Extra.IsEmpty)
            facts.Lost.Add("messages", block.Extra);
        return null;
    }

    private Problem? NoteImage(in ContentBlock block, BlockPlace place)
    {
        var source = new BlockSource(block.Source);
        if (BlockRules.CheckImage(source, place) is { } problem)
            return problem;
        if (source.Kind == SourceKind.Base64)
            facts.ImageBytes += source.Data.Length;
        else if (source.Kind != SourceKind.Url)
            facts.Bound.Add("messages.image.source");
        return null;
    }

    private Problem? NoteDocument(in ContentBlock block, BlockPlace place)
    {
        var source = new BlockSource(block.Source);
        if (BlockRules.CheckDocument(source, place) is { } problem)
            return problem;
        if (Enables(block.Citations))
            facts.Lost.Add("citations");
        switch (source.Kind)
        {
            case SourceKind.Base64 when JsonSpan.Is(source.MediaType, "application/pdf"u8):
                facts.Documents++;
                facts.DocumentBytes += source.Data.Length;
                return null;
            case SourceKind.Text:
                return null;
            case SourceKind.Content:
                return JsonSpan.IsArray(source.Content) ? ReadBlocks(source.Content, place.Of("source.content"), -1, BlockHolder.Document) : null;
            default:
                // A chat completion can hold a document, not say where one lies.
                facts.Documents++;
                facts.Bound.Add("messages.document.source");
                return null;
        }
    }

    private static bool Enables(ReadOnlySpan<byte> citations) => JsonSpan.IsObject(citations) && citations.IndexOf("true"u8) >= 0;
}
