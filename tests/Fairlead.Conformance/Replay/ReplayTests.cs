using System.Globalization;
using System.Text.Json;
using Fairlead.Yard;

namespace Fairlead.Conformance.Replay;

/// <summary>What Python, Go and Java clients send, sent again over a raw socket; each answer has what its client needs.</summary>
public sealed class ReplayTests(ReplayYard yard) : IClassFixture<ReplayYard>
{
    private const string Absent = "(no recordings)";

    public static TheoryData<string> Clients()
    {
        string[] clients = [.. RecordedRequest.All().Select(static r => r.Client).Distinct()];
        return [.. clients.Length > 0 ? clients : [Absent]];
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task Each_recorded_request_gets_what_its_client_needs(string client)
    {
        if (client == Absent)
        {
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", "The client recordings are missing; name their file in FAIRLEAD_CLIENT_RECORDINGS.");
            Assert.Skip("the replay of what Python, Go and Java clients send: the recordings are not on this machine, and FAIRLEAD_CLIENT_RECORDINGS names no file of them");
        }
        var wrong = new List<string>();
        int sent = 0;
        foreach (RecordedRequest request in RecordedRequest.All().Where(r => r.Client == client))
        {
            foreach (string? model in yard.ModelsFor(request))
            {
                sent++;
                RawAnswer answer = await RawHttp.SendAsync(yard.Fairlead.Port, request.Wire(yard.Key, model));
                if ((request.IsAnthropic ? MessagesComplaint.Of(request, answer) : Complaint(request, answer)) is { } complaint)
                    wrong.Add($"{request.Id} ({request.Call}) as {model ?? "recorded"}: {complaint}\n    {answer.Head.Split("\r\n")[0]} {answer.Text[..Math.Min(300, answer.Text.Length)]}");
            }
        }
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {sent} for {client}:\n{string.Join('\n', wrong)}");
    }

    /// <summary>What the client would stumble over; null when nothing.</summary>
    private static string? Complaint(RecordedRequest request, RawAnswer answer)
    {
        if (answer.Broken is not null)
            return $"the body has no end: {answer.Broken}";
        if (string.IsNullOrEmpty(answer.Header("x-request-id")))
            return "no x-request-id";
        bool knocks = request.Header("authorization") is not null || request.Header("x-api-key") is not null;
        if (request.Method == "GET")
            return request.Path is "/v1/models" ? ModelList(answer) : answer.Status == 200 && answer.Json.GetProperty("id").GetString() is { Length: > 0 } ? null : "no model";
        if (!knocks)
            return answer.Status == 401 ? Error(answer) : $"a request without a key got {answer.Status}";
        if (request.Header("x-hf-bill-to") is not null)
            return answer.Status is 200 or 403 ? null : $"a bill-to got {answer.Status}";
        if (answer.Status != 200)
            return $"status {answer.Status}";
        if (request.Streams)
            return Stream(request, answer);
        if (answer.Header("content-type") != "application/json")
            return $"content-type {answer.Header("content-type")}"; // openai-go takes no other
        return request.Path switch
        {
            "/v1/embeddings" => Embeddings(request, answer.Json),
            "/v1/completions" => Whole(answer.Json, "text_completion", static c => c.GetProperty("text").ValueKind == JsonValueKind.String),
            _ => Whole(answer.Json, "chat.completion", static c => c.GetProperty("message").GetProperty("role").GetString() == "assistant" && c.GetProperty("message").TryGetProperty("content", out _)),
        };
    }

    private static string? Whole(JsonElement json, string kind, Func<JsonElement, bool> choiceIsWhole)
    {
        if (json.GetProperty("object").GetString() != kind)
            return $"object {json.GetProperty("object")}";
        if (json.GetProperty("id").GetString() is not { Length: > 0 } || json.GetProperty("model").GetString() is not { Length: > 0 } || json.GetProperty("created").ValueKind != JsonValueKind.Number)
            return "id, model or created is missing";
        foreach (JsonElement choice in json.GetProperty("choices").EnumerateArray())
        {
            if (!choiceIsWhole(choice) || choice.GetProperty("finish_reason").GetString() is null || choice.GetProperty("index").ValueKind != JsonValueKind.Number)
                return $"a choice is not whole: {choice}";
        }
        JsonElement usage = json.GetProperty("usage");
        return usage.GetProperty("total_tokens").GetInt64() == usage.GetProperty("prompt_tokens").GetInt64() + usage.GetProperty("completion_tokens").GetInt64() ? null : $"usage {usage}";
    }

    private static string? Embeddings(RecordedRequest request, JsonElement json)
    {
        bool base64 = request.Text("encoding_format") == "base64";
        foreach (JsonElement item in json.GetProperty("data").EnumerateArray())
        {
            JsonValueKind kind = item.GetProperty("embedding").ValueKind;
            if (kind != (base64 ? JsonValueKind.String : JsonValueKind.Array))
                return $"asked for {(base64 ? "base64" : "floats")}, got {kind}";
        }
        return json.GetProperty("object").GetString() == "list" && json.GetProperty("usage").GetProperty("prompt_tokens").ValueKind == JsonValueKind.Number ? null : "no list with usage";
    }

    private static string? Stream(RecordedRequest request, RawAnswer answer)
    {
        if (answer.Header("content-type")?.StartsWith("text/event-stream", StringComparison.Ordinal) != true)
            return $"content-type {answer.Header("content-type")}";
        if (!answer.Text.EndsWith("data: [DONE]\n\n", StringComparison.Ordinal))
            return "the last event is not [DONE]";
        string kind = request.Path == "/v1/completions" ? "text_completion" : "chat.completion.chunk";
        bool usageSeen = false;
        foreach (string part in answer.Text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).SkipLast(1))
        {
            if (part.StartsWith(':'))
                continue;
            if (!part.StartsWith("data: {", StringComparison.Ordinal) || part.Contains('\n', StringComparison.Ordinal))
                return $"not one data line: {part}";
            using JsonDocument chunk = JsonDocument.Parse(part["data: ".Length..]);
            if (chunk.RootElement.GetProperty("object").GetString() != kind)
                return $"object {chunk.RootElement.GetProperty("object")}";
            bool empty = chunk.RootElement.GetProperty("choices").GetArrayLength() == 0;
            if (empty && !request.WantsUsage)
                return "a chunk without choices that nobody asked for";
            usageSeen |= chunk.RootElement.TryGetProperty("usage", out JsonElement usage) && usage.ValueKind == JsonValueKind.Object;
        }
        return usageSeen == request.WantsUsage ? null : $"usage was {(usageSeen ? "" : "not ")}sent";
    }

    private static string? ModelList(RawAnswer answer) =>
        answer.Status == 200 && answer.Json.GetProperty("object").GetString() == "list" && answer.Json.GetProperty("data").EnumerateArray().All(static m => m.GetProperty("id").GetString() is { Length: > 0 })
            ? null
            : "no list of models";

    private static string? Error(RawAnswer answer)
    {
        JsonElement error = answer.Json.GetProperty("error");
        string[] members = ["message", "type", "param", "code"];
        return members.FirstOrDefault(m => !error.TryGetProperty(m, out _)) is { } missing ? string.Create(CultureInfo.InvariantCulture, $"error.{missing} is missing") : null;
    }
}
