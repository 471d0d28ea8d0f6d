using Fairlead.Domain.Problems;
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
        bool content = false;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> raw, out bool escaped))
        {
            ReadOnlySpan<byte> name = escaped ? System.Text.Encoding.UTF8.GetBytes(JsonText.Unescape(raw, true)) : raw;
            if (name.SequenceEqual("role"u8))
            {
                if (role)
                    return ValueReader.Twice($"messages[{index}].role");
                role = true;
                if (ValueReader.Wrong(ref cursor, $"messages[{index}].role", "a string", JsonKind.String) is { } bad)
                    return bad;
                if (cursor.ReadString(out ReadOnlySpan<byte> value, out _) && value.SequenceEqual("developer"u8))
                    facts.HasDeveloperRole = true;
            }
            else if (name.SequenceEqual("content"u8))
            {
                if (content)
                    return ValueReader.Twice($"messages[{index}].content");
                content = true;
                if (ReadContent(ref cursor, body, index, facts) is { } bad)
                    return bad;
            }
            else
            {
                if (name.SequenceEqual("tool_calls"u8) || name.SequenceEqual("tool_call_id"u8))
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
            if (!cursor.Skip(out Range range))
                return null;
            CountImage(body[range], facts);
            part++;
        }
        return null;
    }

    private static void CountImage(ReadOnlySpan<byte> part, MessageFacts facts)
    {
        // Only typed image parts count, never links in a text. The part has been checked as JSON already.
        var inner = new JsonCursor(part, JsonBounds.Default);
        if (!inner.Enter())
            return;
        bool first = true;
        bool image = false;
        long bytes = 0;
        while (inner.NextMember(ref first, out ReadOnlySpan<byte> name, out _))
        {
            bool type = name.SequenceEqual("type"u8);
            bool url = name.SequenceEqual("image_url"u8);
            if (!inner.Skip(out Range range))
                return;
            ReadOnlySpan<byte> value = part[range];
            if (type)
                image = value.SequenceEqual("\"image_url\""u8) || value.SequenceEqual("\"input_image\""u8) || value.SequenceEqual("\"image\""u8);
            else if (url && value.IndexOf(";base64,"u8) is >= 0 and < 160)
                bytes = value.Length;
        }
        if (!image)
            return;
        facts.Images++;
        facts.ImageBytes += bytes;
    }
}
