using System.Buffers;
using Fairlead.Protocols.Json;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Translation;

/// <summary>One message of a chat: where its members stand. A member that is not there, null or of no use stands nowhere (0..0).</summary>
internal record struct ChatMessage
{
    public ChatRole Role { get; set; }

    /// <summary>A string or an array of parts.</summary>
    public Range Content { get; set; }

    public Range Refusal { get; set; }

    /// <summary>An array with at least one block of thinking.</summary>
    public Range ThinkingBlocks { get; set; }

    /// <summary>Something stands among its thinking blocks that is none.</summary>
    public bool HasStrayThoughts { get; set; }

    /// <summary>An array with at least one element.</summary>
    public Range ToolCalls { get; set; }

    public Range FunctionCall { get; set; }
    public Range ToolCallId { get; set; }
    public Range Name { get; set; }
    public Range CacheControl { get; set; }

    public readonly bool Thinks => !ThinkingBlocks.Equals(default);

    /// <summary>Calls tools, or a function as it was called before.</summary>
    public readonly bool Calls => !(ToolCalls.Equals(default) && FunctionCall.Equals(default));

    public readonly bool Instructs => Role is ChatRole.System or ChatRole.Developer;

    /// <summary>Holds what a tool gave.</summary>
    public readonly bool IsResult => Role is ChatRole.Tool or ChatRole.Function;
}

/// <summary>The messages of a chat that was scanned. Its memory is pooled.</summary>
internal readonly ref struct ChatMessages : IDisposable
{
    private readonly ChatMessage[] _messages;

    /// <param name="text">The value of <c>messages</c>.</param>
    public ChatMessages(ReadOnlySpan<byte> text)
    {
        Text = text;
        _messages = ArrayPool<ChatMessage>.Shared.Rent(16);
        var cursor = new JsonCursor(text, JsonBounds.Scanned);
        cursor.Peek();
        cursor.Enter();
        bool first = true;
        while (cursor.NextElement(ref first))
        {
            if (Count == _messages.Length)
            {
                ChatMessage[] larger = ArrayPool<ChatMessage>.Shared.Rent(Count * 2);
                _messages.AsSpan(0, Count).CopyTo(larger);
                ArrayPool<ChatMessage>.Shared.Return(_messages);
                _messages = larger;
            }
            _messages[Count++] = Read(ref cursor, text);
        }
    }

    public ReadOnlySpan<byte> Text { get; }

    public int Count { get; }

    public ChatMessage this[int index] => _messages[index];

    /// <summary>The bytes of a member; empty when it stands nowhere.</summary>
    public ReadOnlySpan<byte> Of(Range member) => Text[member];

    /// <summary>A member that is a string; one that stands nowhere does not exist.</summary>
    public JsonString StringOf(Range member) => JsonString.Of(Text[member]);

    /// <summary>The parts of what a message says that go on.</summary>
    /// <param name="message">One of these.</param>
    public ChatPartReader PartsOf(ChatMessage message) =>
        new(Of(message.Content), message.Role == ChatRole.Assistant ? Of(message.Refusal) : default, wordsOnly: message.Instructs || message.Role == ChatRole.Assistant);

    /// <summary>How many parts that go on a message has.</summary>
    public int CountParts(ChatMessage message)
    {
        int count = 0;
        ChatPartReader parts = PartsOf(message);
        while (parts.Next(out _))
            count++;
        return count;
    }

    /// <summary>An assistant's message of no words, no thoughts and no calls: as if it were not there.</summary>
    public bool SaysNothing(ChatMessage message) =>
        message.Role == ChatRole.Assistant && !message.Calls && !message.Thinks && CountParts(message) == 0;

    /// <summary>Whether an element of <c>thinking_blocks</c> is a block that Claude gave.</summary>
    public static bool IsThought(ReadOnlySpan<byte> element) =>
        JsonSpan.IsObject(element) && JsonMembers.Find(element, "type"u8) is var type && (JsonSpan.Is(type, "thinking"u8) || JsonSpan.Is(type, "redacted_thinking"u8));

    public void Dispose() => ArrayPool<ChatMessage>.Shared.Return(_messages);

    private static ChatMessage Read(ref JsonCursor cursor, ReadOnlySpan<byte> text)
    {
        var message = new ChatMessage();
        cursor.Peek();
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            JsonKind kind = cursor.Peek();
            cursor.Skip(out Range range);
            if (JsonText.Is(name, escaped, "content"u8))
                message.Content = kind is JsonKind.String or JsonKind.Array ? range : default;
            else if (kind == JsonKind.String && JsonText.Is(name, escaped, "role"u8))
                message.Role = ChatRoles.Of(JsonString.Of(text[range]));
            else if (kind == JsonKind.String && JsonText.Is(name, escaped, "tool_call_id"u8))
                message.ToolCallId = range;
            else if (kind == JsonKind.String && JsonText.Is(name, escaped, "name"u8))
                message.Name = range;
            else if (kind == JsonKind.String && JsonText.Is(name, escaped, "refusal"u8))
                message.Refusal = range;
            else if (kind == JsonKind.Array && JsonText.Is(name, escaped, "tool_calls"u8))
                message.ToolCalls = new JsonElements(text[range]).Next(out _) ? range : default;
            else if (kind == JsonKind.Array && JsonText.Is(name, escaped, "thinking_blocks"u8))
                ReadThoughts(ref message, text, range);
            else if (kind == JsonKind.Object && JsonText.Is(name, escaped, "function_call"u8))
                message.FunctionCall = range;
            else if (kind == JsonKind.Object && JsonText.Is(name, escaped, "cache_control"u8))
                message.CacheControl = range;
        }
        return message;
    }

    private static void ReadThoughts(ref ChatMessage message, ReadOnlySpan<byte> text, Range range)
    {
        bool any = false;
        bool strays = false;
        for (var elements = new JsonElements(text[range]); elements.Next(out ReadOnlySpan<byte> element);)
        {
            bool thought = IsThought(element);
            any |= thought;
            strays |= !thought;
        }
        message.ThinkingBlocks = any ? range : default;
        message.HasStrayThoughts = strays;
    }
}
