using Fairlead.Domain.Problems;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Json;
using Fairlead.Protocols.Translation;

namespace Fairlead.Protocols.OpenAi;

/// <summary>What is noted of a conversation.</summary>
internal sealed class MessageFacts
{
    public long Images { get; set; }

    /// <summary>Bytes of image data in the body.</summary>
    public long ImageBytes { get; set; }

    public bool HasDeveloperRole { get; set; }
    public bool HasToolCallIds { get; set; }

    /// <summary>A message other than the instructions at the beginning has come.</summary>
    public bool Begun { get; set; }

    /// <summary>What the other dialect cannot say.</summary>
    public ref ChatFields Fields => ref _fields;

    private ChatFields _fields;
}

/// <summary>Walks the messages of a chat: checks their outer form, counts images and notes what no other dialect can say. What the texts say is never looked at.</summary>
internal static class MessageReader
{
    public static Problem? Read(ref JsonCursor cursor, ReadOnlySpan<byte> body, MessageFacts facts)
    {
        if (ValueReader.Wrong(ref cursor, "messages", "an array of messages", JsonKind.Array) is { } wrong)
            return wrong;
        cursor.Enter();
        bool first = true;
        int index = 0;
        while (cursor.NextElement(ref first))
        {
            if (ReadMessage(ref cursor, body, index, facts) is { } problem)
                return problem;
            if (cursor.Fault is not null)
                return null;
            index++;
        }
        return index == 0 && cursor.Fault is null
            ? new Problem(ProblemKind.FieldInvalid, "'messages' is empty; at least one message is expected, such as {\"role\": \"user\", \"content\": \"…\"}.", "messages")
            : null;
    }

    private static Problem? ReadMessage(ref JsonCursor cursor, ReadOnlySpan<byte> body, int index, MessageFacts facts)
    {
        if (ValueReader.Wrong(ref cursor, $"messages[{index}]", "an object with 'role' and 'content'", JsonKind.Object) is { } wrong)
            return wrong;
        cursor.Enter();
        bool first = true;
        bool hasRole = false;
        var role = ChatRole.Other;
        var parts = MessageParts.None;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            if (JsonText.Is(name, escaped, "role"u8))
            {
                hasRole = true;
                if (ValueReader.Wrong(ref cursor, $"messages[{index}].role", "a string", JsonKind.String) is { } bad)
                    return bad;
                if (cursor.ReadString(out ReadOnlySpan<byte> value, out bool spelled))
                    role = ChatRoles.Of(new JsonString(value, spelled));
                facts.HasDeveloperRole |= role == ChatRole.Developer;
            }
            else if (JsonText.Is(name, escaped, "content"u8))
            {
                if (ReadContent(ref cursor, body, index, facts, ref parts) is { } bad)
                    return bad;
            }
            else
            {
                ReadMember(ref cursor, body, name, escaped, facts, ref parts);
            }
        }
        if (cursor.Fault is not null)
            return null;
        if (!hasRole)
            return new Problem(ProblemKind.FieldInvalid, $"'messages[{index}].role' is missing; \"system\", \"user\", \"assistant\" or \"tool\" is expected.", $"messages[{index}].role");
        JudgeMessage(role, parts, index, facts);
        return null;
    }

    /// <summary>What of a message depends on who speaks, which may stand behind what is said.</summary>
    private static void JudgeMessage(ChatRole role, MessageParts parts, int index, MessageFacts facts)
    {
        ref ChatFields fields = ref facts.Fields;
        bool instructs = role is ChatRole.System or ChatRole.Developer;
        if (role == ChatRole.Other)
            fields.Bind($"messages[{index}].role");
        if (instructs && facts.Begun)
            fields.Lose("messages.role"); // said in the middle, it becomes part of what the user says
        facts.Begun |= !instructs;
        if (parts == MessageParts.None)
            return;
        if ((parts & MessageParts.Media) != 0 && role is not (ChatRole.User or ChatRole.Tool or ChatRole.Function or ChatRole.Other))
            fields.Bind($"messages[{index}].content");
        if ((parts & MessageParts.OddCalls) != 0 || ((parts & MessageParts.Calls) != 0 && role != ChatRole.Assistant))
            fields.Bind($"messages[{index}].tool_calls");
        if ((parts & MessageParts.Name) != 0 && role is not (ChatRole.Function or ChatRole.Tool))
            fields.Lose("messages.name");
        if ((parts & MessageParts.ThinkingBlocks) != 0 && role != ChatRole.Assistant)
            fields.Lose("messages.thinking_blocks");
    }

    private static void ReadMember(ref JsonCursor cursor, ReadOnlySpan<byte> body, scoped ReadOnlySpan<byte> name, bool escaped, MessageFacts facts, ref MessageParts parts)
    {
        JsonKind kind = cursor.Peek();
        if (JsonText.Is(name, escaped, "tool_calls"u8))
        {
            facts.HasToolCallIds = true;
            ReadCalls(ref cursor, body, facts, ref parts);
        }
        else if (JsonText.Is(name, escaped, "tool_call_id"u8))
        {
            facts.HasToolCallIds = true;
            cursor.Skip();
        }
        else if (kind == JsonKind.Null || kind == 0)
        {
            cursor.Skip();
        }
        else if (JsonText.Is(name, escaped, "name"u8))
        {
            parts |= MessageParts.Name;
            cursor.Skip();
        }
        else if (JsonText.Is(name, escaped, "function_call"u8))
        {
            parts |= kind == JsonKind.Object && ChatCall.Read(ref cursor, body, bare: true).IsFunction ? MessageParts.Calls : MessageParts.OddCalls;
            if (kind != JsonKind.Object)
                cursor.Skip();
        }
        else if (kind == JsonKind.Array && JsonText.Is(name, escaped, "thinking_blocks"u8))
        {
            parts |= MessageParts.ThinkingBlocks;
            cursor.Skip();
        }
        else if ((kind == JsonKind.String && JsonText.Is(name, escaped, "refusal"u8)) || (kind == JsonKind.Object && JsonText.Is(name, escaped, "cache_control"u8)))
        {
            cursor.Skip();
        }
        else if (JsonText.Is(name, escaped, "audio"u8))
        {
            facts.Fields.Bind("messages.audio"); // sound of an earlier answer, kept at OpenAI
            cursor.Skip();
        }
        else if (cursor.Skip(out Range range) && !IsEmpty(body[range]))
        {
            facts.Fields.LoseForeign("messages", JsonText.Unescape(name, escaped));
        }
    }

    /// <summary>Says nothing: clients send back what they got, empty members included.</summary>
    private static bool IsEmpty(ReadOnlySpan<byte> value) => value.SequenceEqual("[]"u8) || value.SequenceEqual("\"\""u8) || value.SequenceEqual("{}"u8);

    private static void ReadCalls(ref JsonCursor cursor, ReadOnlySpan<byte> body, MessageFacts facts, ref MessageParts parts)
    {
        JsonKind kind = cursor.Peek();
        if (kind != JsonKind.Array)
        {
            parts |= kind == JsonKind.Null ? MessageParts.None : MessageParts.OddCalls;
            cursor.Skip();
            return;
        }
        cursor.Enter();
        bool first = true;
        while (cursor.NextElement(ref first))
        {
            parts |= MessageParts.Calls;
            if (cursor.Peek() != JsonKind.Object)
            {
                parts |= MessageParts.OddCalls;
                cursor.Skip();
                continue;
            }
            var call = ChatCall.Read(ref cursor, body, bare: false);
            if (!call.IsFunction)
                parts |= MessageParts.OddCalls;
            else if (call.Unknown is { } unknown)
                facts.Fields.LoseForeign("messages.tool_calls", unknown);
        }
    }

    private static Problem? ReadContent(ref JsonCursor cursor, ReadOnlySpan<byte> body, int index, MessageFacts facts, ref MessageParts parts)
    {
        JsonKind kind = cursor.Peek();
        if (kind is JsonKind.String or JsonKind.Null)
        {
            cursor.Skip();
            return null;
        }
        if (ValueReader.Wrong(ref cursor, $"messages[{index}].content", "a string or an array of parts", JsonKind.Array) is { } wrong)
            return wrong;
        cursor.Enter();
        bool first = true;
        int part = 0;
        while (cursor.NextElement(ref first))
        {
            if (cursor.Peek() == JsonKind.String)
            {
                cursor.Skip(); // some servers take bare strings among the parts
                part++;
                continue;
            }
            if (ValueReader.Wrong(ref cursor, $"messages[{index}].content[{part}]", "an object with 'type'", JsonKind.Object) is { } bad)
                return bad;
            var read = ChatPart.Read(ref cursor, body);
            if (cursor.Fault is not null)
                return null;
            Count(ref read, facts);
            Judge(ref read, index, part, facts, ref parts);
            part++;
        }
        return null;
    }

    /// <summary>Counts a part that is an image. Only parts count, never links in a text.</summary>
    private static void Count(scoped ref ChatPart part, MessageFacts facts)
    {
        if (!part.CountsAsImage)
            return;
        facts.Images++;
        ReadOnlySpan<byte> value = part.ImageValue;
        if (value[..Math.Min(value.Length, LongestDataHead)].IndexOf(";base64,"u8) >= 0)
            facts.ImageBytes += value.Length;
    }

    private static void Judge(scoped ref ChatPart part, int index, int number, MessageFacts facts, ref MessageParts parts)
    {
        if (part.Kind is ChatPartKind.Image or ChatPartKind.File)
            parts |= MessageParts.Media;
        if (!MediaBlock.CanSay(ref part))
            facts.Fields.Bind($"messages[{index}].content[{number}]");
        else if (part.Kind == ChatPartKind.Thinking)
            facts.Fields.Lose("messages.content.thinking");
        else if (part.Unknown is { } unknown)
            facts.Fields.LoseForeign("messages.content", unknown);
        if (part.WishesDetail)
            facts.Fields.Lose("messages.content.image_url.detail");
    }

    /// <summary>Bytes within which the data of an image says that it is base 64: <c>{"detail":"high","url":"data:image/png;base64,</c> and room.</summary>
    private const int LongestDataHead = 160;

    /// <summary>What one message holds beside text.</summary>
    [Flags]
    private enum MessageParts : byte
    {
        None = 0,
        Media = 1,
        Calls = 2,
        OddCalls = 4,
        Name = 8,
        ThinkingBlocks = 16,
    }
}
