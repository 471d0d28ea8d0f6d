using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.OpenAi;

/// <summary>What a look at a whole answer tells.</summary>
/// <param name="Fault">Set when it is no answer to relay.</param>
/// <param name="Usage">As reported; null when it reports none.</param>
/// <param name="OutputTokensSeen">Our own estimate: a quarter of the answer's text bytes.</param>
/// <param name="UsageValue">Where the usage object stands in the body; empty when there is none.</param>
/// <param name="Mended">The answer written anew where it had to be mended; null where the upstream's bytes go through.</param>
public sealed record AnswerCheck(UpstreamFault? Fault, Usage? Usage, long OutputTokensSeen, Range UsageValue, byte[]? Mended);

/// <summary>Answers that come whole: checked before a byte of them leaves, relayed as they came with <c>usage.cost</c> spliced in.</summary>
public static class WholeAnswer
{
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Checks a body that came with a 2xx.</summary>
    public static AnswerCheck Check(Route route, ReadOnlySpan<byte> body, in StreamExpectations expected)
    {
        ReadOnlySpan<byte> text = body.Trim(" \r\n\t"u8);
        if (text.IsEmpty)
            return Failed("The body is empty.");
        WholeGlance glance = WholeGlance.At(text, route);
        if (glance.HasError)
            return new AnswerCheck(FaultClassifier.FromErrorEvent(text), null, 0, default, null);
        if (glance.Broken is { } broken)
            return Failed(broken);
        int offset = body.IndexOf(text[..1]);
        Usage? usage = glance.Usage.End.Value > 0 ? UsageReader.Read(text[glance.Usage], expected.Quirks) : null;
        byte[]? mended = glance.NeedsMending || (route == Route.Embeddings && NeedsConversion(glance, expected)) ? Mend(route, text, expected) : null;
        if (glance.NeedsMending && mended is null)
            return Failed("The body is no completion.");
        Range where = glance.Usage.End.Value > 0 ? new Range(glance.Usage.Start.Value + offset, glance.Usage.End.Value + offset) : default;
        return new AnswerCheck(null, usage, (glance.TextBytes + 3) / 4, where, mended);
    }

    /// <summary>Writes the answer for the caller.</summary>
    /// <param name="body">As checked.</param>
    /// <param name="check">Its result, without a fault.</param>
    /// <param name="usage">What is charged.</param>
    /// <param name="cost">The charge.</param>
    /// <param name="output">The caller's bytes.</param>
    public static void Write(ReadOnlySpan<byte> body, AnswerCheck check, in Usage usage, NanoDollars cost, PooledBuffer output)
    {
        if (check.Mended is null && check.UsageValue.End.Value > 0 && check.Usage == usage)
        {
            // The usual case: one member is put in at the end of the usage object, everything else goes through as it came.
            int end = check.UsageValue.End.Value - 1;
            ReadOnlySpan<byte> counts = body[check.UsageValue];
            if (counts.IndexOf("\"cost\""u8) < 0)
            {
                output.Append(body[..end]);
                bool empty = counts[1..^1].Trim(" \r\n\t"u8).IsEmpty;
                output.Append(empty ? "\"cost\":"u8 : ",\"cost\":"u8);
                output.Append(System.Text.Encoding.ASCII.GetBytes(UsageWriter.CostText(cost)));
                output.Append(body[end..]);
                return;
            }
        }
        JsonObject answer = JsonNode.Parse(check.Mended ?? body.Trim(" \r\n\t"u8))!.AsObject();
        byte[] reported = answer["usage"] is JsonObject old ? System.Text.Encoding.UTF8.GetBytes(old.ToJsonString()) : [];
        answer["usage"] = UsageWriter.Complete(reported, usage, cost);
        using var json = new Utf8JsonWriter(output, Relaxed);
        answer.WriteTo(json);
    }

    /// <summary>A whole completion as the events that a caller who asked for a stream expects (F057); the closing is the caller's own.</summary>
    /// <returns>False when it has no choices to replay.</returns>
    public static bool TryWriteAsStream(ReadOnlySpan<byte> body, AnswerStream stream, PooledBuffer output, out StreamState state)
    {
        state = StreamState.Reading;
        if (JsonNode.Parse(body.Trim(" \r\n\t"u8)) is not JsonObject answer || answer["choices"] is not JsonArray choices)
            return false;
        foreach (JsonNode? node in choices)
        {
            if (node is JsonObject choice && choice["message"] is JsonObject message)
            {
                JsonObject delta = message.DeepClone().AsObject();
                int index = 0;
                foreach (JsonNode? call in delta["tool_calls"] as JsonArray ?? [])
                {
                    if (call is JsonObject named)
                        named["index"] = index++;
                }
                choice.Remove("message");
                choice["delta"] = delta;
            }
        }
        byte[] events = System.Text.Encoding.UTF8.GetBytes($"data: {answer.ToJsonString()}\n\ndata: [DONE]\n\n");
        state = stream.Accept(events, events.Length, output);
        return true;
    }

    private static bool NeedsConversion(WholeGlance glance, in StreamExpectations expected) =>
        expected.Encoding == EmbeddingEncoding.Base64 ? glance.FirstEmbedding == JsonKind.Array : glance.FirstEmbedding == JsonKind.String;

    private static byte[]? Mend(Route route, ReadOnlySpan<byte> text, in StreamExpectations expected)
    {
        JsonObject? answer = new OddJson().Parse(text);
        if (answer is null)
            return null;
        if (route == Route.Embeddings)
        {
            if (!EmbeddingConverter.TryConvert(answer, expected.Encoding))
                return null;
        }
        else if (!WholeRepair.TryMend(answer, expected))
        {
            return null;
        }
        using var output = new PooledBuffer(text.Length + 256);
        using (var json = new Utf8JsonWriter(output, Relaxed))
            answer.WriteTo(json);
        return output.Span.ToArray();
    }

    private static AnswerCheck Failed(string detail) => new(new UpstreamFault(FaultKind.Malformed, detail, 200), null, 0, default, null);
}
