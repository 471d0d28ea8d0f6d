using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Anthropic;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Faults;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Translation;

/// <summary>A streamed message as chunks, one for each event that says something.</summary>
/// <remarks>Escapes of strings are the same in both dialects, so text goes over as the bytes that came, and nothing is allocated for it. Blocks have no
/// place in chunks: calls of tools are counted anew, and what the provider's own tools do is left out.</remarks>
internal sealed class BlocksToChunks(StreamExpectations expected) : MessageWriter
{
    /// <summary>OpenAI's Node helper throws at the number 128.</summary>
    private const int MostCalls = 128;

    private readonly PooledBuffer _envelope = new(256); // of every chunk, up to its choices
    private readonly byte[] _tail = expected.UsageAsked ? "},\"finish_reason\":null}],\"usage\":null}\n\n"u8.ToArray() : "},\"finish_reason\":null}]}\n\n"u8.ToArray();
    private readonly PooledBuffer _call = new(64); // of every piece of a tool's input, up to its text
    private readonly PooledBuffer _member = new(256);
    private readonly ThinkingKeeper _thinking = new();
    private readonly UrlCitations _citations = new();
    private readonly HalfJoiner _halves = new();
    private ContentKind? _block; // that is open
    private string? _input; // as the start of the open tool block had it
    private bool _saidInput;
    private string _messageId = "";
    private int _calls;
    private bool _ended;

    /// <inheritdoc/>
    public override UpstreamFault? Refuse(scoped ref readonly MessageEvent item)
    {
        if (item.Kind == MessageEventKind.BlockStart && item.Block == ContentKind.ToolUse && _calls == MostCalls)
            return new UpstreamFault(FaultKind.Malformed, "The answer calls more tools than any client takes.", 200);
        if (item.Kind == MessageEventKind.MessageDelta && item.StopReason.Length > 0 && FinishReasons.Normal(Encoding.UTF8.GetString(item.StopReason)) is null)
            return new UpstreamFault(FaultKind.ErrorInStream, $"The provider ended the answer as '{Redaction.Clean(Encoding.UTF8.GetString(item.StopReason), 40)}'.", 200);
        return _thinking.IsTooLarge ? new UpstreamFault(FaultKind.EventTooLarge, "One thinking block was larger than an event may be.", 200) : null;
    }

    /// <inheritdoc/>
    public override bool Write(scoped ref readonly MessageEvent item, PooledBuffer output)
    {
        switch (item.Kind)
        {
            case MessageEventKind.MessageStart:
                Begin(in item);
                AppendDelta("\"role\":\"assistant\",\"content\":\"\""u8, output);
                return true;
            case MessageEventKind.BlockStart:
                Close(output);
                return Open(in item, output);
            case MessageEventKind.BlockDelta:
                return Piece(in item, output);
            case MessageEventKind.BlockStop:
                Close(output);
                return true;
            case MessageEventKind.MessageDelta when item.StopReason.Length > 0 && !_ended: // a choice finishes once; what may come again are counts
                _ended = true;
                Close(output);
                AppendEnd(item.StopReason, _halves.Whole(item.StopSequence, item.HasHalves), item.StopDetails, output);
                return true;
            default:
                return false;
        }
    }

    /// <inheritdoc/>
    public override void Finish(ReadOnlySpan<byte> missingReason, long openBlock, PooledBuffer output)
    {
        if (missingReason.IsEmpty)
            return;
        if (!missingReason.SequenceEqual("max_tokens"u8))
            Close(output); // what was cut at the limit is not made to look whole
        AppendEnd(missingReason, default, default, output);
    }

    /// <inheritdoc/>
    /// <remarks>The usage chunk, if the caller asked for it, and <c>[DONE]</c>.</remarks>
    public override void WriteClosing(Usage? reported, in Usage usage, NanoDollars cost, PooledBuffer output)
    {
        if (expected.UsageAsked)
        {
            output.Append(_envelope.Span);
            output.Append("[],\"usage\":"u8);
            output.Append(Encoding.UTF8.GetBytes(ChatUsage.Complete(usage, cost).ToJsonString(LooseJson.Relaxed)));
            output.Append("}\n\n"u8);
        }
        output.Append("data: [DONE]\n\n"u8);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _envelope.Dispose();
        _call.Dispose();
        _member.Dispose();
        _thinking.Dispose();
        _halves.Dispose();
    }

    private void Begin(scoped ref readonly MessageEvent item)
    {
        _envelope.Append("data: {\"id\":"u8);
        AppendQuoted(_envelope, item.Id, expected.FallbackId, item.HasHalves);
        _messageId = Encoding.UTF8.GetString(_envelope.Span["data: {\"id\":\""u8.Length..^1]);
        _envelope.Append("\"object\":\"chat.completion.chunk\",\"created\":"u8);
        _envelope.Append(Encoding.ASCII.GetBytes(expected.CreatedUnix.ToString(CultureInfo.InvariantCulture)));
        _envelope.Append(",\"model\":"u8);
        AppendQuoted(_envelope, item.Model, expected.FallbackModel, item.HasHalves);
        _envelope.Append("\"choices\":"u8);
    }

    private bool Open(scoped ref readonly MessageEvent item, PooledBuffer output)
    {
        _block = item.Block;
        switch (item.Block)
        {
            case ContentKind.Text:
                _citations.Begin();
                return AppendText("\"content\":\""u8, in item, output);
            case ContentKind.Thinking:
                if (item.Signature.Length > 0)
                    _thinking.Sign(_halves.Whole(item.Signature, item.HasHalves));
                return AppendText("\"reasoning_content\":\""u8, in item, output);
            case ContentKind.RedactedThinking:
                _member.Clear();
                _thinking.TellRedacted(_halves.Whole(item.Text, item.HasHalves), _member);
                AppendDelta(_member.Span, output);
                return true;
            case ContentKind.ToolUse:
                Call(in item, output);
                return true;
            default:
                return false;
        }
    }

    /// <summary>A call is told with its number among the calls, not among the blocks.</summary>
    private void Call(scoped ref readonly MessageEvent item, PooledBuffer output)
    {
        byte[] number = Encoding.ASCII.GetBytes(_calls.ToString(CultureInfo.InvariantCulture));
        _member.Clear();
        _member.Append("\"tool_calls\":[{\"index\":"u8);
        _member.Append(number);
        _member.Append(",\"id\":"u8);
        AppendQuoted(_member, item.Id, item.Id.IsEmpty ? CallIds.For(_messageId, 0, _calls) : "", item.HasHalves);
        _member.Append("\"type\":\"function\",\"function\":{\"name\":\""u8);
        _member.Append(_halves.Whole(item.Tool, item.HasHalves));
        _member.Append("\",\"arguments\":\"\"}}]"u8);
        AppendDelta(_member.Span, output);
        _call.Clear();
        _call.Append("\"tool_calls\":[{\"index\":"u8);
        _call.Append(number);
        _call.Append(",\"function\":{\"arguments\":\""u8);
        _input = item.Input.IsEmpty ? "{}" : (OddJson.Parse(item.Input) ?? []).ToJsonString(LooseJson.Relaxed);
        _saidInput = false;
        _calls++;
    }

    private bool Piece(scoped ref readonly MessageEvent item, PooledBuffer output)
    {
        switch (item.Delta)
        {
            case DeltaKind.Text when _block == ContentKind.Text:
                return AppendText("\"content\":\""u8, in item, output);
            case DeltaKind.Thinking when _block == ContentKind.Thinking:
                return AppendText("\"reasoning_content\":\""u8, in item, output);
            case DeltaKind.InputJson when _block == ContentKind.ToolUse:
                return AppendText(_call.Span, in item, output);
            case DeltaKind.Signature when _block == ContentKind.Thinking:
                _thinking.Sign(_halves.Whole(item.Text, item.HasHalves));
                return false;
            case DeltaKind.Citation when _block == ContentKind.Text:
                _citations.Add(OddJson.Parse(item.Citation) ?? []);
                return false;
            default:
                return false; // of a block or a kind that chunks have no place for (F159)
        }
    }

    /// <summary>The open block ends: what belongs to all of it is told.</summary>
    private void Close(PooledBuffer output)
    {
        if (_halves.TakeRest() is { Length: > 0 } rest)
            AppendText(_block == ContentKind.ToolUse ? _call.Span : _block == ContentKind.Thinking ? "\"reasoning_content\":\""u8 : "\"content\":\""u8, rest, output);
        _member.Clear();
        if (_block == ContentKind.ToolUse && !_saidInput)
        {
            // A tool without parameters gets no pieces of input (F153); some servers have all of it in the block's start.
            string quoted = JsonValue.Create(_input)!.ToJsonString(LooseJson.Relaxed);
            AppendText(_call.Span, Encoding.UTF8.GetBytes(quoted.AsSpan(1, quoted.Length - 2).ToString()), output);
        }
        else if (_block == ContentKind.Thinking && _thinking.TryTell(_member))
        {
            AppendDelta(_member.Span, output);
        }
        else if (_block == ContentKind.Text && _citations.End(numbered: true) is { } annotations)
        {
            _member.Append("\"annotations\":"u8);
            _member.Append(Encoding.UTF8.GetBytes(annotations.ToJsonString(LooseJson.Relaxed)));
            AppendDelta(_member.Span, output);
        }
        _block = null;
    }

    private bool AppendText(ReadOnlySpan<byte> member, scoped ref readonly MessageEvent item, PooledBuffer output)
    {
        ReadOnlySpan<byte> text = _halves.Join(item.Text, item.HasHalves);
        if (text.IsEmpty)
            return false;
        AppendText(member, text, output);
        return true;
    }

    private void AppendText(ReadOnlySpan<byte> member, ReadOnlySpan<byte> text, PooledBuffer output)
    {
        output.Append(_envelope.Span);
        output.Append("[{\"index\":0,\"delta\":{"u8);
        output.Append(member);
        output.Append(text);
        output.Append(_block == ContentKind.ToolUse ? "\"}}]"u8 : "\""u8);
        output.Append(_tail);
        if (_block == ContentKind.Text)
            _citations.Count(text);
        else if (_block == ContentKind.Thinking)
            _thinking.Think(text);
        else
            _saidInput = true;
    }

    private void AppendDelta(ReadOnlySpan<byte> members, PooledBuffer output)
    {
        output.Append(_envelope.Span);
        output.Append("[{\"index\":0,\"delta\":{"u8);
        output.Append(members);
        output.Append(_tail);
    }

    private void AppendEnd(ReadOnlySpan<byte> reason, ReadOnlySpan<byte> stopSequence, ReadOnlySpan<byte> stopDetails, PooledBuffer output)
    {
        JsonObject choice = ChoiceEnd.From(
            Encoding.UTF8.GetString(reason), _calls > 0, stopSequence.IsEmpty ? null : JsonNode.Parse(stopSequence), stopDetails.IsEmpty ? null : OddJson.Parse(stopDetails), out string? refusal);
        var end = new JsonObject { ["index"] = 0, ["delta"] = refusal is null ? new JsonObject() : new JsonObject { ["refusal"] = refusal } };
        foreach ((string name, JsonNode? value) in choice)
            end[name] = value?.DeepClone();
        output.Append(_envelope.Span);
        output.Append("["u8);
        output.Append(Encoding.UTF8.GetBytes(end.ToJsonString(LooseJson.Relaxed)));
        output.Append(expected.UsageAsked ? "],\"usage\":null}\n\n"u8 : "]}\n\n"u8);
    }

    /// <summary>A string and the comma behind it.</summary>
    private void AppendQuoted(PooledBuffer output, ReadOnlySpan<byte> text, string otherwise, bool hasHalves)
    {
        output.Append("\""u8);
        if (text.IsEmpty)
            output.Append(JsonEncodedText.Encode(otherwise).EncodedUtf8Bytes);
        else
            output.Append(_halves.Whole(text, hasHalves));
        output.Append("\","u8);
    }
}
