using System.Text;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Faults;
using Fairlead.Protocols.Json;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Anthropic;

/// <summary>Messages that come whole: checked before a byte of them leaves, relayed as they came with <c>usage.cost</c> spliced in.</summary>
internal static class MessagesWhole
{
    private static readonly JsonBounds Bounds = new() { Depth = 128, Members = 4_000_000, Values = 64_000_000, NumberLength = 64, LoneHalves = true };

    /// <summary>Checks a body that came with a 2xx.</summary>
    public static AnswerCheck Check(ReadOnlySpan<byte> body, in StreamExpectations expected)
    {
        ReadOnlySpan<byte> text = WholeAnswer.Text(body);
        if (text.IsEmpty)
            return Failed("The body is empty.");
        if (!Utf8.IsValid(text))
            return Mended(Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(text)), expected); // fault U-26
        var glance = new Glance();
        glance.Read(text);
        if (glance.HasError)
            return new AnswerCheck(FaultClassifier.FromErrorEvent(text), null, 0, default, null);
        if (glance.Broken is { } broken)
            return Failed(broken);
        if (!glance.IsComplete)
            return Mended(text, expected);
        int offset = body.IndexOf(text[..1]);
        Range where = glance.Usage.End.Value > 0 ? (glance.Usage.Start.Value + offset)..(glance.Usage.End.Value + offset) : default;
        return new AnswerCheck(null, Reported(text[glance.Usage]), (glance.TextBytes + 3) / 4, where, null);
    }

    /// <summary>Writes the answer for a caller who speaks Anthropic.</summary>
    /// <param name="body">As checked.</param>
    /// <param name="check">Its result, without a fault.</param>
    /// <param name="usage">What is charged.</param>
    /// <param name="cost">The charge.</param>
    /// <param name="output">The caller's bytes.</param>
    public static void Write(ReadOnlySpan<byte> body, AnswerCheck check, in Usage usage, NanoDollars cost, PooledBuffer output)
    {
        if (check.Mended is null && check.UsageValue.End.Value > 0 && check.Usage == usage with { ComputeTime = default })
        {
            int start = body.IndexOf((byte)'{'); // without blank lines or a byte order mark before it
            Range where = (check.UsageValue.Start.Value - start)..(check.UsageValue.End.Value - start);
            if (MessageCost.TrySplice(body[start..], where, usage, cost, output))
                return;
        }
        JsonObject message = Parse(check.Mended ?? body);
        byte[] reported = message["usage"] is JsonObject old ? Encoding.UTF8.GetBytes(old.ToJsonString()) : [];
        message["usage"] = MessageUsageWriter.Complete(reported, usage, cost);
        output.Append(Encoding.UTF8.GetBytes(message.ToJsonString(LooseJson.Relaxed)));
    }

    /// <summary>The message as a tree; half characters in it are U+FFFD.</summary>
    public static JsonObject Parse(ReadOnlySpan<byte> body) =>
        OddJson.Parse(WholeAnswer.Text(body)) ?? throw new InvalidOperationException("Only an answer that was checked without a fault is written.");

    private static Usage? Reported(ReadOnlySpan<byte> json)
    {
        var counts = new MessageCounts();
        counts.TakeEnd(json);
        return counts.HasInput && counts.HasOutput ? counts.ToUsage(0, 0) : null;
    }

    /// <summary>What clients need and the answer lacks is put in.</summary>
    private static AnswerCheck Mended(ReadOnlySpan<byte> text, in StreamExpectations expected)
    {
        var glance = new Glance();
        glance.Read(text);
        if (glance.HasError)
            return new AnswerCheck(FaultClassifier.FromErrorEvent(text), null, 0, default, null);
        if (glance.Broken is { } broken)
            return Failed(broken);
        if (OddJson.Parse(text) is not { } message || message["content"] is not JsonArray content)
            return Failed("The body is no message.");
        if (message["id"].AsText() is not { Length: > 0 })
            message["id"] = expected.FallbackId;
        message["type"] = "message";
        message["role"] = "assistant";
        if (message["model"].AsText() is not { Length: > 0 })
            message["model"] = expected.FallbackModel;
        if (message["stop_reason"].AsText() is not { Length: > 0 })
            message["stop_reason"] = content.Any(static block => (block as JsonObject)?["type"].AsText() == "tool_use") ? "tool_use" : "end_turn";
        message.TryAdd("stop_sequence", null);
        Usage? usage = message["usage"] is JsonObject counts ? Reported(Encoding.UTF8.GetBytes(counts.ToJsonString())) : null;
        return new AnswerCheck(null, usage, (glance.TextBytes + 3) / 4, default, Encoding.UTF8.GetBytes(message.ToJsonString(LooseJson.Relaxed)));
    }

    private static AnswerCheck Failed(string detail) => new(new UpstreamFault(FaultKind.Malformed, detail, 200), null, 0, default, null);

    /// <summary>One forward look: is it a message, and where is its usage.</summary>
    private struct Glance
    {
        private bool _hasId;
        private bool _hasModel;
        private bool _hasType;
        private bool _hasRole;
        private bool _hasReason;
        private bool _hasContent;

        public bool HasError;

        /// <summary>Why it is no message; null when it is one.</summary>
        public string? Broken;

        /// <summary>The usage object; empty when there is none.</summary>
        public Range Usage;

        /// <summary>Bytes of what was said: text, thinking, calls of tools.</summary>
        public long TextBytes;

        /// <summary>Everything is there that clients insist on.</summary>
        public readonly bool IsComplete => _hasId && _hasModel && _hasType && _hasRole && _hasReason;

        public void Read(ReadOnlySpan<byte> text)
        {
            var cursor = new JsonCursor(text, Bounds);
            if (cursor.Peek() != JsonKind.Object)
            {
                Broken = text.StartsWith("<"u8) ? "The body is a page for people (HTML)." : cursor.Fault is null ? "The body is JSON, but no object." : "The body is not JSON.";
                return;
            }
            cursor.Enter();
            bool first = true;
            while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out _))
            {
                JsonKind kind = cursor.Peek();
                if (kind == JsonKind.Array && name.SequenceEqual("content"u8))
                    _hasContent = ReadContent(ref cursor, text);
                else if (cursor.Skip(out Range range))
                    Take(name, kind, text[range], range);
            }
            if (cursor.Fault is not null || !cursor.AtEnd())
                Broken = $"The body is not JSON: at byte {cursor.Fault!.Offset} {cursor.Fault.Reason}.";
            else if (!_hasContent)
                Broken = "The answer has no 'content'.";
        }

        private void Take(ReadOnlySpan<byte> name, JsonKind kind, ReadOnlySpan<byte> value, Range range)
        {
            bool named = kind == JsonKind.String && value.Length > 2;
            if (name.SequenceEqual("id"u8))
                _hasId = named;
            else if (name.SequenceEqual("model"u8))
                _hasModel = named;
            else if (name.SequenceEqual("role"u8))
                _hasRole = value.SequenceEqual("\"assistant\""u8);
            else if (name.SequenceEqual("stop_reason"u8))
                _hasReason = named;
            else if (name.SequenceEqual("usage"u8) && kind == JsonKind.Object)
                Usage = range;
            else if (name.SequenceEqual("error"u8))
                HasError |= !(kind is JsonKind.Null or JsonKind.False || value.Length == 2);
            else if (name.SequenceEqual("type"u8))
            {
                _hasType = value.SequenceEqual("\"message\""u8);
                HasError |= value.SequenceEqual("\"error\""u8);
            }
        }

        private bool ReadContent(ref JsonCursor cursor, ReadOnlySpan<byte> text)
        {
            cursor.Enter();
            bool first = true;
            while (cursor.NextElement(ref first))
            {
                if (cursor.Peek() != JsonKind.Object)
                    return false;
                cursor.Enter();
                bool inner = true;
                while (cursor.NextMember(ref inner, out ReadOnlySpan<byte> name, out _))
                {
                    JsonKind kind = cursor.Peek();
                    if (!cursor.Skip(out Range range))
                        return false;
                    if (kind == JsonKind.String && (name.SequenceEqual("text"u8) || name.SequenceEqual("thinking"u8) || name.SequenceEqual("name"u8)))
                        TextBytes += text[range].Length - 2;
                    else if (kind == JsonKind.Object && name.SequenceEqual("input"u8))
                        TextBytes += text[range].Length;
                }
            }
            return cursor.Fault is null;
        }
    }
}
