using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Fairlead.Domain.Problems;

namespace Fairlead.Protocols.Anthropic;

/// <summary>A problem as Anthropic's error, the same before an answer and in the middle of one.</summary>
public static class ErrorEnvelope
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Appends <c>{"type":"error","error":{…},"request_id":…}</c>: the type of the status, the message, our code where newer clients look for one
    /// (<c>details.error_code</c>), and the members that <see cref="OpenAi.ErrorObject"/> has beside OpenAI's.</summary>
    public static void Write(IBufferWriter<byte> output, Problem problem, string requestId)
    {
        using var json = new Utf8JsonWriter(output, Plain);
        json.WriteStartObject();
        json.WriteString("type", "error");
        json.WriteStartObject("error");
        json.WriteString("type", AnthropicTerms.Type(AnthropicTerms.Status(problem)));
        json.WriteString("message", AnthropicTerms.Message(problem));
        json.WriteStartObject("details");
        json.WriteString("error_code", problem.Kind.Code);
        json.WriteEndObject();
        json.WriteString("param", problem.Param);
        json.WriteBoolean("retryable", problem.Kind.Retryable);
        if (problem.RetryAfter is { } wait)
            json.WriteNumber("retry_after", Math.Ceiling(Math.Max(0, wait.TotalSeconds))); // the whole of it: this member is read by people
        if (problem.Retirement is { } retirement)
        {
            json.WriteString("retired_on", retirement.Since?.ToString("O", CultureInfo.InvariantCulture));
            json.WriteString("successor", retirement.Successor);
        }
        json.WriteString("docs", $"docs/errors.md#{problem.Kind.Code}");
        json.WriteEndObject();
        json.WriteString("request_id", requestId);
        json.WriteEndObject();
    }
}
