using Fairlead.Domain.Problems;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.OpenAi;

/// <summary>What is noted of a conversation.</summary>
internal sealed class MessageFacts
{
    public long Images { get; set; }

    /// <summary>Bytes of image data in the body.</summary>
    public long ImageBytes { get; set; }

    public bool HasDeveloperRole { get; set; }
    public bool HasToolCallIds { get; set; }
}

/// <summary>Walks the messages of a chat: checks their outer form and counts images. What the texts say is never looked at.</summary>
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
        bool role = false;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            if (JsonText.Is(name, escaped, "role"u8))
            {
                role = true;
                if (ValueReader.Wrong(ref cursor, $"messages[{index}].role", "a string", JsonKind.String) is { } bad)
                    return bad;
                if (cursor.ReadString(out ReadOnlySpan<byte> value, out bool spelled) && JsonText.Is(value, spelled, "developer"u8))
                    facts.HasDeveloperRole = true;
            }
            else if (JsonText.Is(name, escaped, "content"u8))
            {
                if (ReadContent(ref cursor, body, index, facts) is { } bad)
                    return bad;
            }
            else
            {
                if (JsonText.Is(name, escaped, "tool_calls"u8) || JsonText.Is(name, escaped, "tool_call_id"u8))
                    facts.HasToolCallIds = true;
                cursor.Skip();
            }
        }
        return role || cursor.Fault is not null
            ? null
            : new Problem(ProblemKind.FieldInvalid, $"'messages[{index}].role' is missing; \"system\", \"user\", \"assistant\" or \"tool\" is expected.", $"messages[{index}].role");
    }

    private static Problem? ReadContent(ref JsonCursor cursor, ReadOnlySpan<byte> body, int index, MessageFacts facts)
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
            ReadPart(ref cursor, body, facts);
            part++;
        }
        return null;
    }

    /// <summary>Counts a part that is an image. Only parts count, never links in a text.</summary>
    /// <remarks>Some engines take a part without <c>type</c> for what its members say, so an <c>image_url</c> is an image by itself.</remarks>
    private static void ReadPart(ref JsonCursor cursor, ReadOnlySpan<byte> body, MessageFacts facts)
    {
        cursor.Enter();
        bool first = true;
        bool image = false;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            if (JsonText.Is(name, escaped, "type"u8) && cursor.Peek() == JsonKind.String)
            {
                if (cursor.ReadString(out ReadOnlySpan<byte> type, out bool spelled))
                    image |= JsonText.Is(type, spelled, "image_url"u8) || JsonText.Is(type, spelled, "input_image"u8) || JsonText.Is(type, spelled, "image"u8);
            }
            else if (JsonText.Is(name, escaped, "image_url"u8) && cursor.Peek() != JsonKind.Null)
            {
                if (!cursor.Skip(out Range range))
                    return;
                image = true;
                ReadOnlySpan<byte> value = body[range];
                if (value[..Math.Min(value.Length, LongestDataHead)].IndexOf(";base64,"u8) >= 0)
                    facts.ImageBytes += value.Length;
            }
            else
            {
                cursor.Skip();
            }
        }
        if (image)
            facts.Images++;
    }

    /// <summary>Bytes within which the data of an image says that it is base 64: <c>{"detail":"high","url":"data:image/png;base64,</c> and room.</summary>
    private const int LongestDataHead = 160;
}
