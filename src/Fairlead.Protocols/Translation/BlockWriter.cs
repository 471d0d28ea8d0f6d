using System.Buffers.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Translation;

/// <summary>Writes the events of a Messages stream.</summary>
/// <remarks>
/// Blocks are opened by the first piece of their kind and numbered from 0 without gaps; one is open at a time, as clients put them together by position.
/// A tool call's block is not left before its arguments are whole. What comes meanwhile for another block waits, in the order in which it came.
/// Texts come as the inside of a JSON string, escapes as written, and leave so: both dialects escape alike.
/// </remarks>
internal sealed class BlockWriter : IDisposable
{
    /// <summary>What may wait behind an open tool call, bytes: as much as one event may be large.</summary>
    private const int MostWaiting = 8 << 20;

    private const int BytesPerWaitingBlock = 256;

    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly List<Block> _calls = [];
    private readonly Queue<Block> _waiting = [];
    private readonly PooledBuffer _head = new(128);
    private Block? _lastWaiting;
    private Block? _openCall;
    private Kind _open;
    private int _next;
    private int _waitingBytes;

    /// <summary>Kinds of blocks that a translated answer has.</summary>
    internal enum Kind : byte
    {
        None = 0,
        Text = 1,
        Thinking = 2,
        Call = 3,

        /// <summary>Thinking that nobody here can read.</summary>
        Sealed = 4,
    }

    /// <summary><c>message_start</c> has been written.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>Writes <c>message_start</c>.</summary>
    /// <param name="id">The message's id.</param>
    /// <param name="model">The model that answers.</param>
    /// <param name="inputTokens">Tokens that the input is expected to have; the counts that are charged come at the end.</param>
    /// <param name="output">The caller's bytes.</param>
    public void Begin(string id, string model, long inputTokens, PooledBuffer output)
    {
        HasBegun = true;
        output.Append("event: message_start\ndata: "u8);
        using (var json = new Utf8JsonWriter(output, Relaxed))
        {
            json.WriteStartObject();
            json.WriteString("type"u8, "message_start"u8);
            json.WriteStartObject("message"u8);
            json.WriteString("id"u8, id);
            json.WriteString("type"u8, "message"u8);
            json.WriteString("role"u8, "assistant"u8);
            json.WriteString("model"u8, model);
            json.WriteStartArray("content"u8);
            json.WriteEndArray();
            WriteEnd(json, stopReason: null);
            TranslatedUsage.Write(json, new Usage(inputTokens, 0), cost: null);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        output.Append("\n\n"u8);
    }

    /// <summary>A piece of text or of thinking. Allocates nothing, unless it has to wait.</summary>
    public void Say(Kind kind, ReadOnlySpan<byte> text, PooledBuffer output)
    {
        if (_waiting.Count == 0 && MayLeave)
        {
            if (_open != kind)
                Open(kind, null, output);
            Delta(text, output);
            return;
        }
        if (_lastWaiting?.Kind != kind || _lastWaiting.Seal is not null)
            Wait(new Block(kind));
        Hold(_lastWaiting!, text);
    }

    /// <summary>The last that was said is thinking, not signed yet.</summary>
    public bool IsThinking => _lastWaiting is { } last ? last.Kind == Kind.Thinking && last.Seal is null : _open == Kind.Thinking;

    /// <summary>Signs the thinking that was said last and ends its block.</summary>
    public void Sign(ReadOnlySpan<byte> signature, PooledBuffer output)
    {
        if (_lastWaiting is { } last)
        {
            last.Seal = signature.ToArray();
            return;
        }
        Signature(signature, output);
        Stop(output);
    }

    /// <summary>Thinking that nobody here can read.</summary>
    /// <param name="data">Its sealed form.</param>
    /// <param name="output">The caller's bytes.</param>
    public void Seal(ReadOnlySpan<byte> data, PooledBuffer output)
    {
        Wait(new Block(Kind.Sealed) { Seal = data.ToArray() });
        _waitingBytes += data.Length;
        Release(output, atEnd: false);
    }

    /// <summary>A call's first word of itself, its name, or a piece of its arguments.</summary>
    /// <param name="number">The call's, from 0.</param>
    /// <param name="id">Told in its first piece; otherwise empty.</param>
    /// <param name="name">Told once; otherwise empty.</param>
    /// <param name="arguments">JSON, a piece of it; may be empty.</param>
    /// <param name="output">The caller's bytes.</param>
    public void Call(int number, ReadOnlySpan<byte> id, ReadOnlySpan<byte> name, ReadOnlySpan<byte> arguments, PooledBuffer output)
    {
        Block call = Find(number);
        if (!id.IsEmpty)
            call.Id = id.ToArray();
        if (!name.IsEmpty)
            call.Name = name.ToArray();
        call.Balance.FeedEscaped(arguments);
        if (call == _openCall)
            Delta(arguments, output);
        else if (!call.IsTold)
            Hold(call, arguments);
        // What comes for a block that has ended is junk behind whole arguments: Anthropic's clients ignore it in an open block, too.
        Release(output, atEnd: false);
    }

    /// <summary>What a call without a name is: nobody could be told what to call.</summary>
    public static UpstreamFault NamelessCall() => new(FaultKind.Malformed, "A tool call has no name.", 200);

    /// <summary>Nothing more is said: what waits is told, and the last block ends.</summary>
    /// <returns>Set when a call cannot be told.</returns>
    public UpstreamFault? End(PooledBuffer output)
    {
        if (_calls.Exists(static call => call.Name is null))
            return NamelessCall();
        Release(output, atEnd: true);
        Stop(output);
        return null;
    }

    /// <summary>Set when more waits than may.</summary>
    public UpstreamFault? Overflow => _waitingBytes <= MostWaiting
        ? null
        : new UpstreamFault(FaultKind.EventTooLarge, $"More than {MostWaiting >> 20} MiB came while the arguments of a tool call were not whole.");

    /// <summary>Writes <c>message_delta</c> and <c>message_stop</c>.</summary>
    public static void Close(string stopReason, in Usage usage, NanoDollars cost, PooledBuffer output)
    {
        output.Append("event: message_delta\ndata: "u8);
        using (var json = new Utf8JsonWriter(output, Relaxed))
        {
            json.WriteStartObject();
            json.WriteString("type"u8, "message_delta"u8);
            json.WriteStartObject("delta"u8);
            WriteEnd(json, stopReason);
            json.WriteEndObject();
            TranslatedUsage.WriteFinal(json, usage, cost);
            json.WriteEndObject();
        }
        output.Append("\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"u8);
    }

    /// <summary>Why an answer ended, as it stands in a message and in its <c>message_delta</c>.</summary>
    public static void WriteEnd(Utf8JsonWriter json, string? stopReason)
    {
        json.WriteString("stop_reason"u8, stopReason);
        json.WriteNull("stop_sequence"u8);
        if (stopReason == StopReasons.Refusal)
        {
            json.WriteStartObject("stop_details"u8);
            json.WriteString("type"u8, StopReasons.Refusal);
            json.WriteNull("category"u8);
            json.WriteNull("explanation"u8);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("stop_details"u8);
        }
        json.WriteNull("container"u8);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _head.Dispose();
        foreach (Block block in _waiting)
            block.Held?.Dispose();
    }

    /// <summary>The open block may be closed.</summary>
    private bool MayLeave => _openCall is not { Balance.IsClosed: false };

    private Block Find(int number)
    {
        while (_calls.Count <= number)
        {
            var call = new Block(Kind.Call);
            _calls.Add(call);
            Wait(call);
        }
        return _calls[number];
    }

    private void Wait(Block block)
    {
        _waiting.Enqueue(block);
        _lastWaiting = block;
        _waitingBytes += BytesPerWaitingBlock;
    }

    private void Hold(Block block, ReadOnlySpan<byte> text)
    {
        (block.Held ??= new PooledBuffer(256)).Append(text);
        _waitingBytes += text.Length;
    }

    /// <summary>Tells what waits, as far as it may be told.</summary>
    private void Release(PooledBuffer output, bool atEnd)
    {
        while ((atEnd || MayLeave) && _waiting.TryPeek(out Block? block) && (block.Kind != Kind.Call || block.Name is not null))
        {
            _waiting.Dequeue();
            if (_waiting.Count == 0)
                _lastWaiting = null;
            Open(block.Kind, block, output);
            if (block.Held is { } held)
            {
                Delta(held.Span, output);
                _waitingBytes -= held.Length;
                block.Held = null;
                held.Dispose();
            }
            if (block.Seal is { } seal)
            {
                if (block.Kind == Kind.Thinking)
                    Signature(seal, output);
                else
                    _waitingBytes -= seal.Length;
                Stop(output);
            }
            _waitingBytes -= BytesPerWaitingBlock;
        }
    }

    private void Open(Kind kind, Block? block, PooledBuffer output)
    {
        Stop(output);
        _open = kind;
        _openCall = kind == Kind.Call ? block : null;
        output.Append("event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":"u8);
        Number(_next, output);
        output.Append(kind switch
        {
            Kind.Text => ",\"content_block\":{\"type\":\"text\",\"text\":\"\""u8,
            Kind.Thinking => ",\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\""u8,
            Kind.Sealed => ",\"content_block\":{\"type\":\"redacted_thinking\",\"data\":\""u8,
            _ => ",\"content_block\":{\"type\":\"tool_use\",\"id\":\""u8,
        });
        if (kind == Kind.Sealed)
        {
            output.Append(block!.Seal);
            output.Append("\""u8);
        }
        if (_openCall is not null)
        {
            _openCall.IsTold = true;
            output.Append(_openCall.Id);
            output.Append("\",\"name\":\""u8);
            output.Append(_openCall.Name);
            output.Append("\",\"input\":{},\"caller\":{\"type\":\"direct\"}"u8);
        }
        output.Append("}}\n\n"u8);
        // The beginning of each of its deltas, which differ in nothing but their text.
        _head.Clear();
        _head.Append("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":"u8);
        Number(_next, _head);
        _head.Append(kind switch
        {
            Kind.Text => ",\"delta\":{\"type\":\"text_delta\",\"text\":\""u8,
            Kind.Thinking => ",\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\""u8,
            _ => ",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\""u8,
        });
        _next++;
    }

    private void Delta(ReadOnlySpan<byte> text, PooledBuffer output)
    {
        if (text.IsEmpty)
            return;
        output.Append(_head.Span);
        output.Append(text);
        output.Append("\"}}\n\n"u8);
    }

    private void Signature(ReadOnlySpan<byte> signature, PooledBuffer output)
    {
        output.Append("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":"u8);
        Number(_next - 1, output);
        output.Append(",\"delta\":{\"type\":\"signature_delta\",\"signature\":\""u8);
        output.Append(signature);
        output.Append("\"}}\n\n"u8);
    }

    private void Stop(PooledBuffer output)
    {
        if (_open == Kind.None)
            return;
        output.Append("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":"u8);
        Number(_next - 1, output);
        output.Append("}\n\n"u8);
        _open = Kind.None;
        _openCall = null;
    }

    private static void Number(int value, PooledBuffer output)
    {
        Utf8Formatter.TryFormat(value, output.GetSpan(11), out int written);
        output.Advance(written);
    }

    /// <summary>A tool call, or another block that waits.</summary>
    private sealed class Block(Kind kind)
    {
        public JsonBalance Balance;

        public Kind Kind { get; } = kind;
        public byte[]? Id { get; set; }
        public byte[]? Name { get; set; }
        public bool IsTold { get; set; }

        /// <summary>The signature of thinking, or sealed thinking itself.</summary>
        public byte[]? Seal { get; set; }
        public PooledBuffer? Held { get; set; }
    }
}
