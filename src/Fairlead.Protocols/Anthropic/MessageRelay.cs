using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Anthropic;

/// <summary>A streamed message for a caller who speaks Anthropic: every event's bytes as they came, unknown ones too, with <c>usage.cost</c> put into the last
/// <c>message_delta</c>.</summary>
/// <remarks>Written anew is only the frame of an event without an <c>event</c> line, by which clients tell events apart, of one with carriage returns or
/// invalid UTF-8, and of one whose blank line never came; and a message's start that lacks what clients cannot do without.</remarks>
internal sealed class MessageRelay(StreamExpectations expected) : MessageWriter
{
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly PooledBuffer _held = new(512); // from the message_delta that ends the answer on
    private Range _delta; // its JSON in there
    private Range _usage; // its usage object in there; empty when it has none
    private bool _hasStop;

    /// <inheritdoc/>
    public override bool Write(scoped ref readonly MessageEvent item, PooledBuffer output)
    {
        if (item.Kind == MessageEventKind.MessageDelta && item.StopReason.Length > 0)
        {
            Release(output);
            Hold(in item);
            return true;
        }
        if (item.Kind == MessageEventKind.MessageStart && (item.Id.IsEmpty || item.Model.IsEmpty || item.Usage.End.Value == 0))
        {
            AppendEvent("message_start"u8, Mended(item.Data), output);
            return true;
        }
        _hasStop |= item.Kind == MessageEventKind.MessageStop;
        Append(in item, _held.Length > 0 || _hasStop ? _held : output);
        return true;
    }

    /// <inheritdoc/>
    public override void Finish(ReadOnlySpan<byte> missingReason, long openBlock, PooledBuffer output)
    {
        if (!missingReason.IsEmpty)
        {
            if (_hasStop)
                _held.Clear(); // it is told again behind the reason
            Release(output);
            _hasStop = false;
            if (openBlock >= 0)
                AppendEvent("content_block_stop"u8, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"type\":\"content_block_stop\",\"index\":{openBlock}}}")), output);
            byte[] delta = [.. "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\""u8, .. missingReason, .. "\",\"stop_sequence\":null}}"u8];
            MessageEvent end = MessageEvent.Read(delta, "message_delta"u8, default);
            Hold(in end);
        }
        if (!_hasStop)
            AppendEvent("message_stop"u8, "{\"type\":\"message_stop\"}"u8, _held);
    }

    /// <inheritdoc/>
    public override void WriteClosing(Usage? reported, in Usage usage, NanoDollars cost, PooledBuffer output)
    {
        ReadOnlySpan<byte> held = _held.Span;
        ReadOnlySpan<byte> counts = held[_usage];
        if (!counts.IsEmpty && reported == usage with { ComputeTime = default } && MessageCost.TrySplice(held, _usage, usage, cost, output))
            return;
        JsonObject delta = OddJson.Parse(held[_delta])!;
        delta["usage"] = MessageUsageWriter.Complete(counts, usage, cost);
        output.Append(held[.._delta.Start.Value]);
        using (var json = new Utf8JsonWriter(output, Relaxed))
            delta.WriteTo(json);
        output.Append(held[_delta.End.Value..]);
    }

    /// <inheritdoc/>
    public override void Dispose() => _held.Dispose();

    private void Release(PooledBuffer output)
    {
        output.Append(_held.Span);
        _held.Clear();
    }

    private void Hold(scoped ref readonly MessageEvent item)
    {
        int at;
        if (IsAsItCame(in item) && !item.Data.Contains((byte)'\n'))
        {
            at = _held.Length + item.Raw.LastIndexOf(item.Data);
            _held.Append(item.Raw);
        }
        else
        {
            AppendEvent(item.Name.IsEmpty ? item.Type : item.Name, item.Data, _held);
            at = _held.Length - "\n\n".Length - item.Data.Length;
        }
        _delta = at..(at + item.Data.Length);
        bool counted = item.Usage.End.Value > 0;
        _usage = counted ? (at + item.Usage.Start.Value)..(at + item.Usage.End.Value) : default;
    }

    private byte[] Mended(ReadOnlySpan<byte> start)
    {
        JsonObject json = OddJson.Parse(start)!;
        JsonObject message = json["message"] as JsonObject ?? [];
        if (message["id"].AsText() is not { Length: > 0 })
            message["id"] = expected.FallbackId;
        if (message["model"].AsText() is not { Length: > 0 })
            message["model"] = expected.FallbackModel;
        message["type"] = "message";
        message["role"] = "assistant";
        if (message["content"] is not JsonArray)
            message["content"] = new JsonArray();
        if (message["usage"] is not JsonObject)
            message["usage"] = new JsonObject { ["input_tokens"] = expected.InputTokensExpected, ["output_tokens"] = 0 };
        json["message"] = message.Parent is null ? message : message.DeepClone();
        return Encoding.UTF8.GetBytes(json.ToJsonString(LooseJson.Relaxed));
    }

    private static bool IsAsItCame(scoped ref readonly MessageEvent item) => !item.Raw.IsEmpty && !item.Name.IsEmpty && !item.Raw.Contains((byte)'\r');

    private static void Append(scoped ref readonly MessageEvent item, PooledBuffer output)
    {
        if (IsAsItCame(in item))
            output.Append(item.Raw);
        else
            AppendEvent(item.Name.IsEmpty ? item.Type : item.Name, item.Data, output);
    }

    private static void AppendEvent(ReadOnlySpan<byte> name, ReadOnlySpan<byte> data, PooledBuffer output)
    {
        if (!name.IsEmpty)
        {
            output.Append("event: "u8);
            output.Append(name);
            output.Append("\n"u8);
        }
        output.Append("data: "u8);
        int from = output.Length;
        output.Append(data);
        output.WrittenSpan[from..].Replace((byte)'\n', (byte)' '); // between the tokens of JSON, where it stands for a space
        output.Append("\n\n"u8);
    }
}
