using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Fairlead.Domain.Problems;

namespace Fairlead.Protocols.OpenAi;

/// <summary>A problem as OpenAI's error object, the same before an answer and in the middle of one.</summary>
public static class ErrorObject
{
    /// <summary>Appends <c>{"error":{…}}</c> with all four members that OpenAI's clients read, and ours beside them.</summary>
    public static void Write(IBufferWriter<byte> output, Problem problem, string requestId)
    {
        using var json = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        json.WriteStartObject();
        json.WriteStartObject("error");
        json.WriteString("message", problem.Message);
        json.WriteString("type", problem.Kind.Type);
        json.WriteString("param", problem.Param);
        json.WriteString("code", problem.Kind.Code);
        json.WriteString("request_id", requestId);
        json.WriteBoolean("retryable", problem.Kind.Retryable);
        if (problem.RetryAfter is { } wait)
            json.WriteNumber("retry_after", Math.Ceiling(Math.Max(0, wait.TotalSeconds)));
        if (problem.Retirement is { } retirement)
        {
            json.WriteString("retired_on", retirement.Since?.ToString("O", CultureInfo.InvariantCulture));
            json.WriteString("successor", retirement.Successor);
        }
        json.WriteString("docs", $"docs/errors.md#{problem.Kind.Code}");
        json.WriteEndObject();
        // Beside the error, where Hugging Face's clients look for it; never sooner than it is.
        if (problem.Cold is { } cold)
        {
            json.WritePropertyName("estimated_time");
            json.WriteRawValue((Math.Ceiling(Math.Max(0, cold.ReadyIn.TotalSeconds) * 10) / 10).ToString("0.0", CultureInfo.InvariantCulture));
        }
        json.WriteEndObject();
    }
}
