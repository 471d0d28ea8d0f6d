using System.Buffers.Text;
using System.Text.Unicode;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.OpenAi;

/// <summary>What one look at a streamed event tells, without taking it apart. An event that is <see cref="IsPlain"/> may be forwarded as it is,
/// where <see cref="StreamEnvelope"/> knows its id, model and time.</summary>
internal ref struct ChunkGlance
{
    /// <summary>One choice of number 0 without a reason to finish, whose delta holds nothing that could need mending.</summary>
    public bool IsPlain;

    public bool HasRole;

    /// <summary>Bytes of content, reasoning and refusal between their quotes; 0 when there are none.</summary>
    public int ContentBytes;

    /// <summary>The only text of the delta, between its quotes; empty when there is none or more than one.</summary>
    public Range Text;

    /// <summary>What that text is.</summary>
    public TextKind Kind;

    /// <summary>With <see cref="TextKind.Arguments"/>, the call's number as the upstream counts.</summary>
    public int Call;

    /// <summary>With <see cref="TextKind.Arguments"/>, the piece holds nothing but its number and the text.</summary>
    public bool IsBareCall;

    /// <summary>The delta tells thinking that somebody signed.</summary>
    public bool HasThinkingBlocks;

    /// <summary>Between its quotes, as are <see cref="Model"/>, <see cref="Object"/> and <see cref="Fingerprint"/>; empty when it is no string.</summary>
    public ReadOnlySpan<byte> Id;

    public ReadOnlySpan<byte> Model;

    public ReadOnlySpan<byte> Object;

    public ReadOnlySpan<byte> Fingerprint;

    /// <summary>Digits, where the event is plain.</summary>
    public ReadOnlySpan<byte> Created;

    /// <summary>The usage object; empty when it is absent or null.</summary>
    public Range Usage;

    /// <summary>The usage member with the comma that parts it from its neighbour; empty when it is absent.</summary>
    public Range UsageMember;

    /// <summary>The delta's role member, likewise.</summary>
    public Range RoleMember;

    private bool _plain;
    private bool _text;
    private bool _content;
    private bool _reasoning;
    private bool _call;

    public static ChunkGlance At(ReadOnlySpan<byte> data, bool chat)
    {
        var glance = new ChunkGlance { _plain = true };
        var cursor = new JsonCursor(data, JsonBounds.Default);
        if (cursor.Peek() != JsonKind.Object || !cursor.Enter())
            return glance;
        bool first = true;
        bool choices = false;
        int before = cursor.Position;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            glance._plain &= !escaped;
            if (name.SequenceEqual("choices"u8))
            {
                glance._plain &= !choices;
                choices = true;
                glance.Choices(ref cursor, data, chat);
            }
            else if (name.SequenceEqual("id"u8))
            {
                glance.Word(ref cursor, ref glance.Id);
            }
            else if (name.SequenceEqual("object"u8))
            {
                glance.Word(ref cursor, ref glance.Object);
            }
            else if (name.SequenceEqual("model"u8))
            {
                glance.Word(ref cursor, ref glance.Model);
            }
            else if (name.SequenceEqual("created"u8))
            {
                glance.TakeCreated(ref cursor, data);
            }
            else if (name.SequenceEqual("usage"u8))
            {
                glance.TakeUsage(ref cursor, data, before);
            }
            else if (name.SequenceEqual("system_fingerprint"u8) && cursor.Peek() == JsonKind.String)
            {
                glance.Word(ref cursor, ref glance.Fingerprint);
            }
            else
            {
                if (name.SequenceEqual("error"u8) || name.SequenceEqual("x_groq"u8) || name.SequenceEqual("obfuscation"u8))
                    glance._plain = false;
                cursor.Skip();
            }
            before = cursor.Position;
        }
        glance.IsPlain = glance._plain && choices && cursor.Fault is null && cursor.AtEnd() && Utf8.IsValid(data);
        return glance;
    }

    /// <summary>The member that ended at the cursor, with one comma: the one before it, or behind it where it stands first.</summary>
    public static Range WithComma(ReadOnlySpan<byte> data, int before, int end)
    {
        int at = before + data[before..].IndexOfAnyExcept(" \t\r\n"u8);
        if (data[at] == (byte)',')
            return at..end;
        int behind = data[end..].IndexOfAnyExcept(" \t\r\n"u8);
        return behind >= 0 && data[end + behind] == (byte)',' ? at..(end + behind + 1) : at..end;
    }

    private void Word(ref JsonCursor cursor, ref ReadOnlySpan<byte> word)
    {
        // A name that stands twice is left to the slow path: readers differ in which one they take.
        _plain &= word.IsEmpty && cursor.Peek() == JsonKind.String;
        if (!_plain)
        {
            cursor.Skip();
            return;
        }
        cursor.ReadString(out word, out bool escaped);
        _plain &= !escaped;
    }

    private void TakeCreated(ref JsonCursor cursor, ReadOnlySpan<byte> data)
    {
        _plain &= Created.IsEmpty;
        if (!cursor.Skip(out Range range))
            return;
        ReadOnlySpan<byte> value = data[range];
        _plain &= value[0] != (byte)'0' && value.IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0;
        Created = value;
    }

    private void TakeUsage(ref JsonCursor cursor, ReadOnlySpan<byte> data, int before)
    {
        _plain &= UsageMember.End.Value == 0;
        JsonKind kind = cursor.Peek();
        if (!cursor.Skip(out Range range))
            return;
        if (kind == JsonKind.Object)
            Usage = range;
        else
            _plain &= kind == JsonKind.Null;
        UsageMember = WithComma(data, before, cursor.Position);
    }

    private void Choices(ref JsonCursor cursor, ReadOnlySpan<byte> data, bool chat)
    {
        if (cursor.Peek() != JsonKind.Array)
        {
            _plain = false;
            cursor.Skip();
            return;
        }
        cursor.Enter();
        bool first = true;
        int count = 0;
        while (cursor.NextElement(ref first))
        {
            if (++count > 1 || cursor.Peek() != JsonKind.Object)
            {
                _plain = false;
                cursor.Skip();
                continue;
            }
            Choice(ref cursor, data, chat);
        }
        _plain &= count == 1;
    }

    private void Choice(ref JsonCursor cursor, ReadOnlySpan<byte> data, bool chat)
    {
        cursor.Enter();
        bool first = true;
        bool index = false;
        bool delta = false;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            JsonKind kind = cursor.Peek();
            _plain &= !escaped;
            if (chat && kind == JsonKind.Object && name.SequenceEqual("delta"u8))
            {
                _plain &= !delta;
                delta = true;
                Delta(ref cursor, data);
            }
            else if (!chat && kind == JsonKind.String && name.SequenceEqual("text"u8))
            {
                _plain &= !delta;
                delta = true;
                TakeText(ref cursor, TextKind.Content);
            }
            else if (name.SequenceEqual("index"u8))
            {
                _plain &= !index;
                index = cursor.Skip(out Range range) && data[range].SequenceEqual("0"u8);
            }
            else
            {
                if (name.SequenceEqual("finish_reason"u8) || name.SequenceEqual("message"u8) || name.SequenceEqual("delta"u8) || name.SequenceEqual("text"u8))
                    _plain &= kind == JsonKind.Null;
                cursor.Skip();
            }
        }
        _plain &= index && delta;
    }

    private void Delta(ref JsonCursor cursor, ReadOnlySpan<byte> data)
    {
        cursor.Enter();
        bool first = true;
        int before = cursor.Position;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            JsonKind kind = cursor.Peek();
            _plain &= !escaped;
            if (name.SequenceEqual("role"u8))
            {
                _plain &= !HasRole && !_call && kind == JsonKind.String;
                HasRole = true;
                if (cursor.Skip(out Range role))
                {
                    _plain &= data[role].SequenceEqual("\"assistant\""u8);
                    RoleMember = WithComma(data, before, cursor.Position);
                }
            }
            else if (name.SequenceEqual("content"u8))
            {
                _plain &= !_content && kind is JsonKind.String or JsonKind.Null;
                _content = true;
                if (kind == JsonKind.String)
                    TakeText(ref cursor, TextKind.Content);
                else
                    cursor.Skip();
            }
            else if (kind == JsonKind.String && name.SequenceEqual("refusal"u8))
            {
                TakeText(ref cursor, TextKind.Refusal);
            }
            else if (kind == JsonKind.String && (name.SequenceEqual("reasoning_content"u8) || name.SequenceEqual("reasoning"u8)))
            {
                _plain &= !_reasoning; // told twice under two names: the slow path tells it once
                _reasoning = true;
                TakeText(ref cursor, TextKind.Reasoning);
            }
            else if (kind == JsonKind.Array && name.SequenceEqual("tool_calls"u8))
            {
                _plain &= !_call;
                _call = true;
                TakeCalls(ref cursor, data);
            }
            else
            {
                HasThinkingBlocks |= kind != JsonKind.Null && name.SequenceEqual("thinking_blocks"u8);
                // A null says nothing; members that nobody here knows are not ours to judge.
                _plain &= kind == JsonKind.Null || !IsMended(name);
                cursor.Skip();
            }
            before = cursor.Position;
        }
    }

    /// <summary>A further piece of the arguments of one call, which was begun before, may be plain; everything else about calls is mended.</summary>
    private void TakeCalls(ref JsonCursor cursor, ReadOnlySpan<byte> data)
    {
        _plain &= !_text && !HasRole;
        cursor.Enter();
        bool first = true;
        int count = 0;
        IsBareCall = true;
        while (cursor.NextElement(ref first))
        {
            if (++count > 1 || cursor.Peek() != JsonKind.Object)
            {
                _plain = false;
                cursor.Skip();
                continue;
            }
            TakePiece(ref cursor, data);
        }
        _plain &= count == 1 && _text;
    }

    private void TakePiece(ref JsonCursor cursor, ReadOnlySpan<byte> data)
    {
        cursor.Enter();
        bool first = true;
        bool index = false;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            JsonKind kind = cursor.Peek();
            _plain &= !escaped;
            if (name.SequenceEqual("index"u8))
            {
                _plain &= !index && cursor.Skip(out Range range) && Utf8Parser.TryParse(data[range], out Call, out int digits) && digits == data[range].Length;
                index = true;
            }
            else if (kind == JsonKind.Object && name.SequenceEqual("function"u8))
            {
                TakeFunction(ref cursor);
            }
            else
            {
                IsBareCall = false;
                _plain &= kind == JsonKind.Null || (kind == JsonKind.String && name.SequenceEqual("type"u8));
                cursor.Skip();
            }
        }
        _plain &= index;
    }

    private void TakeFunction(ref JsonCursor cursor)
    {
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            JsonKind kind = cursor.Peek();
            _plain &= !escaped;
            if (kind == JsonKind.String && name.SequenceEqual("arguments"u8))
            {
                _plain &= !_text;
                TakeText(ref cursor, TextKind.Arguments);
            }
            else
            {
                IsBareCall = false;
                _plain &= kind == JsonKind.Null;
                cursor.Skip();
            }
        }
    }

    private void TakeText(ref JsonCursor cursor, TextKind kind)
    {
        if (!cursor.ReadString(out ReadOnlySpan<byte> text, out _) || text.IsEmpty)
            return;
        ContentBytes += text.Length;
        Text = _text ? default : (cursor.Position - 1 - text.Length)..(cursor.Position - 1);
        _plain &= !_call || kind == TextKind.Arguments;
        Kind = kind;
        _text = true;
    }

    private static bool IsMended(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("tool_calls"u8) || name.SequenceEqual("function_call"u8) || name.SequenceEqual("refusal"u8)
        || name.SequenceEqual("reasoning_content"u8) || name.SequenceEqual("reasoning"u8);
}
