using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Faults;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Answers that come whole: checked before a byte of them leaves, relayed as they came with <c>usage.cost</c> spliced in.</summary>
public static class WholeAnswer
{
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Checks a body that came with a 2xx.</summary>
    public static AnswerCheck Check(Route route, ReadOnlySpan<byte> body, in StreamExpectations expected)
    {
        ReadOnlySpan<byte> text = Text(body);
        if (text.IsEmpty)
            return Failed("The body is empty.");
        WholeGlance glance = WholeGlance.At(text, route);
        if (glance.HasError)
            return new AnswerCheck(FaultClassifier.FromErrorEvent(text), null, 0, default, null);
        if (glance.Broken is { } broken)
            return Failed(broken);
        if (glance.NeedsMending || (route == Route.Embeddings && NeedsConversion(glance, expected)))
            return Mended(route, text, glance.TextBytes, expected);
        int offset = body.IndexOf(text[..1]);
        Range where = glance.Usage.End.Value > 0 ? (glance.Usage.Start.Value + offset)..(glance.Usage.End.Value + offset) : default;
        Usage? usage = glance.Usage.End.Value > 0 ? Reported(route, text[glance.Usage], expected) : null;
        return new AnswerCheck(null, usage, Tokens(route, glance.TextBytes), where, null);
    }

    /// <summary>Writes the answer for the caller.</summary>
    /// <param name="body">As checked.</param>
    /// <param name="check">Its result, without a fault.</param>
    /// <param name="usage">What is charged.</param>
    /// <param name="cost">The charge.</param>
    /// <param name="output">The caller's bytes.</param>
    public static void Write(ReadOnlySpan<byte> body, AnswerCheck check, in Usage usage, NanoDollars cost, PooledBuffer output)
    {
        if (check.Mended is null && check.UsageValue.End.Value > 0 && check.Usage == usage with { ComputeTime = default })
        {
            // The usual case: what we know is put in at the end of the usage object, everything else goes through as it came.
            int end = check.UsageValue.End.Value - 1;
            ReadOnlySpan<byte> counts = body[check.UsageValue];
            if (counts.IndexOf("\"cost\""u8) < 0 && counts.IndexOf("\"compute_seconds\""u8) < 0)
            {
                output.Append(body[body.IndexOf((byte)'{')..end]); // without blank lines or a byte order mark before it
                bool empty = counts[1..^1].Trim(" \r\n\t"u8).IsEmpty;
                if (!empty)
                    output.Append(","u8);
                if (usage.ComputeTime > TimeSpan.Zero)
                    output.Append(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"\"compute_seconds\":{usage.ComputeSeconds},")));
                output.Append("\"cost\":"u8);
                output.Append(Encoding.ASCII.GetBytes(UsageWriter.CostText(cost)));
                output.Append(body[end..]);
                return;
            }
        }
        JsonObject answer = LooseJson.ParseObject(Encoding.UTF8.GetString(check.Mended ?? Text(body)))
            ?? throw new InvalidOperationException("Only an answer that was checked without a fault is written.");
        byte[] reported = answer["usage"] is JsonObject old ? Encoding.UTF8.GetBytes(old.ToJsonString()) : [];
        Route route = answer["data"] is JsonArray && answer["choices"] is null ? Route.Embeddings : Route.Chat;
        answer["usage"] = UsageWriter.Complete(reported, route, usage, cost);
        using var json = new Utf8JsonWriter(output, Relaxed);
        answer.WriteTo(json);
    }

    private static bool NeedsConversion(WholeGlance glance, in StreamExpectations expected) =>
        expected.Encoding == EmbeddingEncoding.Base64 ? glance.FirstEmbedding == JsonKind.Array : glance.FirstEmbedding == JsonKind.String;

    private static AnswerCheck Mended(Route route, ReadOnlySpan<byte> text, long textBytes, in StreamExpectations expected)
    {
        if (OddJson.Parse(text) is not { } answer)
            return Failed("The body is no JSON object.");
        answer.Remove("error"); // null, false or empty, or we were not here: Hugging Face's client throws at the name alone
        if (route == Route.Embeddings ? !EmbeddingConverter.TryConvert(answer, expected.Encoding) : !WholeRepair.TryMend(answer, expected))
            return Failed(route == Route.Embeddings ? "The embeddings are no vectors." : "The body is no completion.");
        Usage? usage = answer["usage"] is JsonObject counts ? Reported(route, Encoding.UTF8.GetBytes(counts.ToJsonString()), expected) : null;
        if (textBytes == 0 && answer["choices"] is { } choices)
            textBytes = choices.ToJsonString().Length; // the look broke off at something odd: no better count than an upper one
        using var output = new PooledBuffer(text.Length + 256);
        using (var json = new Utf8JsonWriter(output, Relaxed))
            answer.WriteTo(json);
        return new AnswerCheck(null, usage, Tokens(route, textBytes), default, output.Span.ToArray());
    }

    /// <summary>Embeddings have input alone; a provider that tells only a total means that.</summary>
    private static Usage? Reported(Route route, ReadOnlySpan<byte> usage, in StreamExpectations expected) => UsageReader.Read(usage, expected.Quirks) switch
    {
        { OutputTokens: > 0, InputTokens: 0 } total when route == Route.Embeddings => new Usage(total.OutputTokens, 0),
        var read => read,
    };

    private static long Tokens(Route route, long textBytes) => route == Route.Embeddings ? 0 : (textBytes + 3) / 4;

    /// <summary>The JSON without blank lines before it (F069), a byte order mark, or white space behind it.</summary>
    internal static ReadOnlySpan<byte> Text(ReadOnlySpan<byte> body)
    {
        ReadOnlySpan<byte> text = body.Trim(" \r\n\t"u8);
        return text.StartsWith("\uFEFF"u8) ? text[3..].TrimStart(" \r\n\t"u8) : text;
    }

    private static AnswerCheck Failed(string detail) => new(new UpstreamFault(FaultKind.Malformed, detail, 200), null, 0, default, null);
}
