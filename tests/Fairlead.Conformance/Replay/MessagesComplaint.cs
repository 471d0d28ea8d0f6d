using System.Globalization;
using System.Text.Json;
using Fairlead.Yard;

namespace Fairlead.Conformance.Replay;

/// <summary>What a client of Anthropic's dialect would stumble over.</summary>
internal static class MessagesComplaint
{
    private static readonly string[] Usage = ["input_tokens", "output_tokens"];

    /// <summary>Null when nothing.</summary>
    public static string? Of(RecordedRequest request, RawAnswer answer)
    {
        if (answer.Broken is not null)
            return $"the body has no end: {answer.Broken}";
        if (string.IsNullOrEmpty(answer.Header("request-id")))
            return "no request-id";
        if (request.Method == "GET")
            return Models(request, answer);
        if (request.Header("authorization") is null && request.Header("x-api-key") is null)
            return answer.Status == 401 ? Error(answer) : string.Create(CultureInfo.InvariantCulture, $"a request without a key got {answer.Status}");
        if (answer.Status != 200)
            return string.Create(CultureInfo.InvariantCulture, $"status {answer.Status}");
        if (request.Path.EndsWith("/count_tokens", StringComparison.Ordinal))
            return answer.Json.GetProperty("input_tokens").GetInt64() > 0 ? null : "no tokens";
        return request.Streams ? Stream(answer) : Message(answer);
    }

    private static string? Models(RecordedRequest request, RawAnswer answer)
    {
        if (answer.Status != 200)
            return string.Create(CultureInfo.InvariantCulture, $"status {answer.Status}");
        JsonElement[] models = request.Path == "/v1/models" ? [.. answer.Json.GetProperty("data").EnumerateArray()] : [answer.Json];
        if (request.Path == "/v1/models" && answer.Json.GetProperty("has_more").ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            return "has_more is missing";
        return models.Length > 0 && models.All(static m => m.GetProperty("type").GetString() == "model" && m.GetProperty("id").GetString() is { Length: > 0 }
            && m.GetProperty("display_name").GetString() is { Length: > 0 } && m.GetProperty("created_at").TryGetDateTimeOffset(out _)) ? null : "a model is not whole";
    }

    private static string? Message(RawAnswer answer)
    {
        if (answer.Header("content-type") != "application/json")
            return $"content-type {answer.Header("content-type")}";
        JsonElement message = answer.Json;
        if (message.GetProperty("type").GetString() != "message" || message.GetProperty("role").GetString() != "assistant" || message.GetProperty("content").GetArrayLength() == 0)
            return "no message";
        return message.GetProperty("stop_reason").GetString() is { Length: > 0 } ? Counts(message.GetProperty("usage")) : "no stop_reason";
    }

    /// <summary>Each event with its name and its type, the message first, blocks numbered without a gap, the counts before the end, and no <c>[DONE]</c>.</summary>
    private static string? Stream(RawAnswer answer)
    {
        if (answer.Header("content-type")?.StartsWith("text/event-stream", StringComparison.Ordinal) != true)
            return $"content-type {answer.Header("content-type")}";
        var names = new List<string>();
        int blocks = 0;
        foreach (string part in answer.Text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            if (part.StartsWith(':'))
                continue;
            string[] lines = part.Split('\n');
            if (lines.Length != 2 || !lines[0].StartsWith("event: ", StringComparison.Ordinal) || !lines[1].StartsWith("data: {", StringComparison.Ordinal))
                return $"not a named event: {part}";
            string name = lines[0]["event: ".Length..];
            using JsonDocument data = JsonDocument.Parse(lines[1]["data: ".Length..]);
            if (data.RootElement.GetProperty("type").GetString() != name)
                return $"{name} says that it is {data.RootElement.GetProperty("type")}";
            if (name == "content_block_start" && data.RootElement.GetProperty("index").GetInt32() != blocks++)
                return $"a block is missing before {part}";
            if (name is "message_start" && (data.RootElement.GetProperty("message").GetProperty("content").GetArrayLength() != 0 || Counts(data.RootElement.GetProperty("message").GetProperty("usage")) is not null))
                return $"no start: {part}";
            if (name is "message_delta" && data.RootElement.GetProperty("usage").GetProperty("output_tokens").ValueKind != JsonValueKind.Number)
                return $"no count at the end: {part}";
            if (name != "ping")
                names.Add(name);
        }
        return names.Count > 4 && names[0] == "message_start" && names[^2] == "message_delta" && names[^1] == "message_stop" ? null : $"events {string.Join(',', names)}";
    }

    private static string? Counts(JsonElement usage) =>
        Usage.FirstOrDefault(name => !usage.TryGetProperty(name, out JsonElement count) || count.ValueKind != JsonValueKind.Number) is { } missing ? $"usage.{missing} is missing" : null;

    private static string? Error(RawAnswer answer) =>
        answer.Json.GetProperty("type").GetString() == "error" && answer.Json.GetProperty("error").GetProperty("type").GetString() is { Length: > 0 }
            && answer.Json.GetProperty("error").GetProperty("message").GetString() is { Length: > 0 } && answer.Json.GetProperty("request_id").GetString() is { Length: > 0 }
            ? null
            : "no error as Anthropic's clients read it";
}
