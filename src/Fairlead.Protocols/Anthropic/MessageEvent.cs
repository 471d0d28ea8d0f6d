using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Anthropic;

/// <summary>What an event of a streamed message is.</summary>
internal enum MessageEventKind : byte
{
    /// <summary>One that nobody here knows; clients skip it.</summary>
    Unknown = 0,
    MessageStart,
    BlockStart,
    BlockDelta,
    BlockStop,
    MessageDelta,
    MessageStop,
    Ping,
    Error,
}

/// <summary>What a content block is.</summary>
internal enum ContentKind : byte
{
    /// <summary>One that nobody here knows, or a tool that the provider runs by itself, and its result.</summary>
    Other = 0,
    Text,
    Thinking,
    RedactedThinking,
    ToolUse,
}

/// <summary>What a piece of a content block brings.</summary>
internal enum DeltaKind : byte
{
    /// <summary>Something that nobody here knows.</summary>
    Other = 0,
    Text,
    InputJson,
    Thinking,
    Signature,
    Citation,
}

/// <summary>One forward look at an event of a streamed message. Nothing is copied and nothing allocated; texts are the bytes between their quotes, escapes as
/// written, and what is absent is empty.</summary>
internal ref struct MessageEvent
{
    /// <summary>A whole search result can stand in one event; what an event may weigh in all is the reader's bound.</summary>
    private static readonly JsonBounds Bounds = new() { Depth = 128, Members = 1_000_000, Values = 4_000_000, NumberLength = 64, LoneHalves = true };

    public MessageEventKind Kind;

    /// <summary>The event's JSON, valid UTF-8.</summary>
    public ReadOnlySpan<byte> Data;

    /// <summary>Its <c>event</c> line's word.</summary>
    public ReadOnlySpan<byte> Name;

    /// <summary>Its lines as they came; empty where they do not go through as they are.</summary>
    public ReadOnlySpan<byte> Raw;

    /// <summary>It is no JSON object.</summary>
    public bool IsBroken;

    /// <summary>Half a surrogate pair stands alone somewhere in it.</summary>
    public bool HasHalves;

    /// <summary>Its own word for what it is.</summary>
    public ReadOnlySpan<byte> Type;

    /// <summary>Number of the block it is about; -1 where it names none.</summary>
    public long Index;

    /// <summary>Of a block's start.</summary>
    public ContentKind Block;

    /// <summary>Of a block's piece.</summary>
    public DeltaKind Delta;

    /// <summary>What a block's piece says, or what its start says already: text, thinking, JSON, a signature, redacted thinking.</summary>
    public ReadOnlySpan<byte> Text;

    /// <summary>Of a thinking block's start.</summary>
    public ReadOnlySpan<byte> Signature;

    /// <summary>Of a message or a tool's call.</summary>
    public ReadOnlySpan<byte> Id;

    /// <summary>Of a message's start.</summary>
    public ReadOnlySpan<byte> Model;

    /// <summary>The tool that a block calls.</summary>
    public ReadOnlySpan<byte> Tool;

    /// <summary>A tool block's input as its start has it: JSON.</summary>
    public ReadOnlySpan<byte> Input;

    /// <summary>JSON.</summary>
    public ReadOnlySpan<byte> Citation;

    /// <summary>Why the answer ends; empty where it does not yet.</summary>
    public ReadOnlySpan<byte> StopReason;

    /// <summary>JSON: a string, or nothing.</summary>
    public ReadOnlySpan<byte> StopSequence;

    /// <summary>JSON: an object, or nothing.</summary>
    public ReadOnlySpan<byte> StopDetails;

    /// <summary>Where the usage object stands in <see cref="Data"/>; empty when there is none.</summary>
    public Range Usage;

    private ReadOnlySpan<byte> _partType;
    private ReadOnlySpan<byte> _text;
    private ReadOnlySpan<byte> _thinking;
    private ReadOnlySpan<byte> _partialJson;
    private ReadOnlySpan<byte> _data;

    /// <param name="data">JSON, valid UTF-8.</param>
    /// <param name="name">The word of the <c>event</c> line; empty when there was none.</param>
    /// <param name="raw">The event's lines; empty when they are not to go through as they are.</param>
    public static MessageEvent Read(ReadOnlySpan<byte> data, ReadOnlySpan<byte> name, ReadOnlySpan<byte> raw)
    {
        var item = new MessageEvent { Data = data, Name = name, Raw = raw, Index = -1 };
        var cursor = new JsonCursor(data, Bounds);
        bool hasError = false;
        if (cursor.Peek() == JsonKind.Object && cursor.Enter())
        {
            bool first = true;
            while (cursor.NextMember(ref first, out ReadOnlySpan<byte> member, out _))
            {
                JsonKind kind = cursor.Peek();
                if (kind == JsonKind.String && member.SequenceEqual("type"u8))
                    cursor.ReadString(out item.Type, out _);
                else if (kind == JsonKind.Object && (member.SequenceEqual("delta"u8) || member.SequenceEqual("content_block"u8) || member.SequenceEqual("message"u8)))
                    item.ReadPart(ref cursor, data);
                else if (cursor.Skip(out Range range))
                    item.TakeMember(member, kind, data, range, ref hasError);
            }
            item.IsBroken = cursor.Fault is not null || !cursor.AtEnd();
        }
        else
        {
            item.IsBroken = true;
        }
        item.HasHalves = cursor.HasHalves;
        item.Settle(hasError);
        return item;
    }

    /// <summary>Says something that a caller could notice: once it has left, nobody else may be asked.</summary>
    public readonly bool IsSemantic => Kind switch
    {
        MessageEventKind.BlockStart => Block is not (ContentKind.Text or ContentKind.Thinking) || Text.Length > 0,
        MessageEventKind.BlockDelta => Text.Length > 0 || Citation.Length > 0 || Delta == DeltaKind.Other,
        MessageEventKind.MessageDelta => StopReason.Length > 0,
        _ => false,
    };

    private void TakeMember(scoped ReadOnlySpan<byte> member, JsonKind kind, ReadOnlySpan<byte> data, Range range, ref bool hasError)
    {
        if (kind == JsonKind.Number && member.SequenceEqual("index"u8))
            Index = JsonText.TryWhole(data[range], out long index) ? index : -1;
        else if (kind == JsonKind.Object && member.SequenceEqual("usage"u8))
            Usage = range;
        else if (member.SequenceEqual("error"u8))
            hasError |= !(kind is JsonKind.Null or JsonKind.False || data[range].SequenceEqual("\"\""u8));
    }

    /// <summary>The members of a delta, a block or a message: their names mean one thing in all of them.</summary>
    private void ReadPart(ref JsonCursor cursor, ReadOnlySpan<byte> data)
    {
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> member, out _))
        {
            JsonKind kind = cursor.Peek();
            if (!cursor.Skip(out Range range))
                return;
            ReadOnlySpan<byte> value = data[range];
            if (kind == JsonKind.String)
                TakeText(member, value);
            else if (kind == JsonKind.Object)
                TakeObject(member, value, range);
        }
    }

    private void TakeText(scoped ReadOnlySpan<byte> member, ReadOnlySpan<byte> quoted)
    {
        ReadOnlySpan<byte> text = quoted[1..^1];
        if (member.SequenceEqual("type"u8))
            _partType = text;
        else if (member.SequenceEqual("text"u8))
            _text = text;
        else if (member.SequenceEqual("partial_json"u8))
            _partialJson = text;
        else if (member.SequenceEqual("thinking"u8))
            _thinking = text;
        else if (member.SequenceEqual("signature"u8))
            Signature = text;
        else if (member.SequenceEqual("data"u8))
            _data = text;
        else if (member.SequenceEqual("id"u8))
            Id = text;
        else if (member.SequenceEqual("model"u8))
            Model = text;
        else if (member.SequenceEqual("name"u8))
            Tool = text;
        else if (member.SequenceEqual("stop_reason"u8))
            StopReason = text;
        else if (member.SequenceEqual("stop_sequence"u8))
            StopSequence = quoted;
    }

    private void TakeObject(scoped ReadOnlySpan<byte> member, ReadOnlySpan<byte> value, Range range)
    {
        if (member.SequenceEqual("input"u8))
            Input = value;
        else if (member.SequenceEqual("citation"u8))
            Citation = value;
        else if (member.SequenceEqual("stop_details"u8))
            StopDetails = value;
        else if (member.SequenceEqual("usage"u8))
            Usage = range;
    }

    private void Settle(bool hasError)
    {
        Kind = hasError ? MessageEventKind.Error : KindOf(Type.IsEmpty ? Name : Type);
        if (Kind == MessageEventKind.Unknown && Name.SequenceEqual("error"u8))
            Kind = MessageEventKind.Error;
        if (Kind == MessageEventKind.BlockDelta)
        {
            Delta = DeltaOf(_partType);
            Text = Delta switch
            {
                DeltaKind.Text => _text,
                DeltaKind.InputJson => _partialJson,
                DeltaKind.Thinking => _thinking,
                DeltaKind.Signature => Signature,
                _ => default,
            };
        }
        else if (Kind == MessageEventKind.BlockStart)
        {
            Block = BlockOf(_partType);
            Text = Block switch
            {
                ContentKind.Text => _text,
                ContentKind.Thinking => _thinking,
                ContentKind.RedactedThinking => _data,
                _ => default,
            };
        }
    }

    private static MessageEventKind KindOf(ReadOnlySpan<byte> type) =>
        type.SequenceEqual("content_block_delta"u8) ? MessageEventKind.BlockDelta
        : type.SequenceEqual("ping"u8) ? MessageEventKind.Ping
        : type.SequenceEqual("content_block_start"u8) ? MessageEventKind.BlockStart
        : type.SequenceEqual("content_block_stop"u8) ? MessageEventKind.BlockStop
        : type.SequenceEqual("message_start"u8) ? MessageEventKind.MessageStart
        : type.SequenceEqual("message_delta"u8) ? MessageEventKind.MessageDelta
        : type.SequenceEqual("message_stop"u8) ? MessageEventKind.MessageStop
        : type.SequenceEqual("error"u8) ? MessageEventKind.Error
        : MessageEventKind.Unknown;

    private static ContentKind BlockOf(ReadOnlySpan<byte> type) =>
        type.SequenceEqual("text"u8) ? ContentKind.Text
        : type.SequenceEqual("tool_use"u8) ? ContentKind.ToolUse
        : type.SequenceEqual("thinking"u8) ? ContentKind.Thinking
        : type.SequenceEqual("redacted_thinking"u8) ? ContentKind.RedactedThinking
        : ContentKind.Other;

    private static DeltaKind DeltaOf(ReadOnlySpan<byte> type) =>
        type.SequenceEqual("text_delta"u8) ? DeltaKind.Text
        : type.SequenceEqual("input_json_delta"u8) ? DeltaKind.InputJson
        : type.SequenceEqual("thinking_delta"u8) ? DeltaKind.Thinking
        : type.SequenceEqual("signature_delta"u8) ? DeltaKind.Signature
        : type.SequenceEqual("citations_delta"u8) ? DeltaKind.Citation
        : DeltaKind.Other;
}
