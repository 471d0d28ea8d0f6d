using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.OpenAi;

/// <summary>What one look at a streamed event tells, without taking it apart. An event that is <see cref="IsPlain"/> may be forwarded as it is.</summary>
internal ref struct ChunkGlance
{
    /// <summary>One choice of index 0, whose delta holds nothing but a role and a string of content, and no reason to finish.</summary>
    public bool IsPlain;

    public bool HasRole;

    /// <summary>Bytes of the content between its quotes; 0 when it is empty or absent.</summary>
    public int ContentBytes;

    /// <summary>The id between its quotes.</summary>
    public ReadOnlySpan<byte> Id;

    /// <summary>The usage object; empty when it is absent or null.</summary>
    public Range Usage;

    /// <summary>The usage member with the comma before it; empty when it is absent.</summary>
    public Range UsageMember;

    /// <summary>Not JSON that the cursor takes; the slow path decides.</summary>
    public bool IsOdd;

    public static ChunkGlance At(ReadOnlySpan<byte> data, bool chat)
    {
        var glance = new ChunkGlance();
        var cursor = new JsonCursor(data, JsonBounds.Default);
        if (cursor.Peek() != JsonKind.Object || !cursor.Enter())
        {
            glance.IsOdd = true;
            return glance;
        }
        bool first = true;
        bool plain = true;
        bool choices = false;
        int before = cursor.Position;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            if (escaped)
                plain = false;
            if (name.SequenceEqual("choices"u8))
            {
                choices = true;
                plain &= Choices(ref cursor, data, chat, ref glance);
            }
            else if (name.SequenceEqual("id"u8) && cursor.Peek() == JsonKind.String)
            {
                cursor.ReadString(out glance.Id, out _);
            }
            else if (name.SequenceEqual("usage"u8))
            {
                JsonKind kind = cursor.Peek();
                if (!cursor.Skip(out Range range))
                    break;
                if (kind != JsonKind.Null)
                    glance.Usage = range;
                glance.UsageMember = before..cursor.Position;
                // A member that stands first has its comma behind it; that rare order is left to the slow path.
                plain &= data[before] == (byte)',';
            }
            else
            {
                if (name.SequenceEqual("error"u8) || name.SequenceEqual("x_groq"u8) || name.SequenceEqual("obfuscation"u8))
                    plain = false;
                cursor.Skip();
            }
            before = cursor.Position;
        }
        glance.IsOdd = cursor.Fault is not null || !cursor.AtEnd();
        glance.IsPlain = plain && choices && !glance.IsOdd;
        return glance;
    }

    private static bool Choices(ref JsonCursor cursor, ReadOnlySpan<byte> data, bool chat, ref ChunkGlance glance)
    {
        if (cursor.Peek() != JsonKind.Array)
        {
            cursor.Skip();
            return false;
        }
        cursor.Enter();
        bool first = true;
        int count = 0;
        bool plain = true;
        while (cursor.NextElement(ref first))
        {
            count++;
            if (count > 1 || cursor.Peek() != JsonKind.Object)
            {
                cursor.Skip();
                plain = false;
                continue;
            }
            plain &= Choice(ref cursor, data, chat, ref glance);
        }
        return plain && count == 1;
    }

    private static bool Choice(ref JsonCursor cursor, ReadOnlySpan<byte> data, bool chat, ref ChunkGlance glance)
    {
        cursor.Enter();
        bool first = true;
        bool plain = true;
        bool index = false;
        bool delta = false;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out _))
        {
            if (chat && name.SequenceEqual("delta"u8) && cursor.Peek() == JsonKind.Object)
            {
                delta = true;
                plain &= Delta(ref cursor, ref glance);
            }
            else if (!chat && name.SequenceEqual("text"u8) && cursor.Peek() == JsonKind.String)
            {
                delta = true;
                if (cursor.ReadString(out ReadOnlySpan<byte> text, out _))
                    glance.ContentBytes = text.Length;
            }
            else if (name.SequenceEqual("index"u8))
            {
                if (!cursor.Skip(out Range range))
                    return false;
                index = data[range].SequenceEqual("0"u8);
            }
            else if (name.SequenceEqual("finish_reason"u8) || name.SequenceEqual("message"u8))
            {
                plain &= cursor.Peek() == JsonKind.Null;
                cursor.Skip();
            }
            else
            {
                cursor.Skip();
            }
        }
        return plain && index && delta;
    }

    private static bool Delta(ref JsonCursor cursor, ref ChunkGlance glance)
    {
        cursor.Enter();
        bool first = true;
        bool plain = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out _))
        {
            if (name.SequenceEqual("content"u8) && cursor.Peek() == JsonKind.String)
            {
                if (cursor.ReadString(out ReadOnlySpan<byte> content, out _))
                    glance.ContentBytes = content.Length;
            }
            else if (name.SequenceEqual("role"u8))
            {
                glance.HasRole = true;
                plain &= cursor.Peek() == JsonKind.String;
                cursor.Skip();
            }
            else
            {
                plain &= cursor.Peek() == JsonKind.Null && (name.SequenceEqual("refusal"u8) || name.SequenceEqual("content"u8));
                cursor.Skip();
            }
        }
        return plain;
    }
}
