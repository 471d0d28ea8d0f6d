using System.Globalization;
using System.Text.Json.Nodes;
using Fairlead.Shared;

namespace Fairlead.Conformance;

/// <summary>Anthropic as a script: the answers follow from what it was asked, in the words of <see cref="OpenAiScript"/>, so that a scenario finds the same
/// behind both. It refuses what the real API refuses of what a translator may get wrong.</summary>
internal static class AnthropicScript
{
    public const string ChatModel = "claude-scripted";
    public const string BrokenModel = "claude-broken";
    public const string FlakyModel = "claude-flaky";
    public const string LimitedModel = "claude-limited";

    /// <summary>The one key it takes.</summary>
    public const string Key = "sk-ant-scripted";

    /// <summary>Ends every block of thinking, and must come back with it.</summary>
    public const string Signature = "c2lnbmVkIGJ5IHRoZSBzY3JpcHQ=";

    private static readonly string[] Cities = ["Paris", "London", "Rome"];
    private static readonly System.Collections.Concurrent.ConcurrentDictionary<string, bool> FailedOnce = new();

    private static JsonObject Direct => new() { ["type"] = "direct" };

    public static Task AnswerAsync(ScriptedRequest request, ScriptedReply reply)
    {
        JsonObject body = JsonNode.Parse(request.Body)!.AsObject();
        string model = (string?)body["model"] ?? "";
        if (!request.Headers.ContainsKey("anthropic-version"))
            return ErrorAsync(reply, 400, "invalid_request_error", "anthropic-version: header is required");
        if (!request.Headers.TryGetValue("x-api-key", out string? key) || key != Key || request.Headers.ContainsKey("authorization"))
            return ErrorAsync(reply, 401, "authentication_error", "invalid x-api-key");
        if (request.Path == "/v1/messages/count_tokens")
            return body.ContainsKey("max_tokens") ? ErrorAsync(reply, 400, "invalid_request_error", "max_tokens: Extra inputs are not permitted") : reply.JsonAsync("""{"input_tokens":42}""");
        if (request.Path != "/v1/messages")
            return ErrorAsync(reply, 404, "not_found_error", "Not found");
        if (Complaint(body) is { } complaint)
            return ErrorAsync(reply, 400, "invalid_request_error", complaint);
        string asked = Asked(body);
        if (model == BrokenModel)
            return ErrorAsync(reply, 500, "api_error", "Out of order");
        if (model == LimitedModel)
            return ErrorAsync(reply, 429, "rate_limit_error", "Slow down", "retry-after: 30\r\n");
        if (model == FlakyModel && FailedOnce.TryAdd(asked, true))
            return ErrorAsync(reply, 500, "api_error", "Once is nothing");
        if (asked.StartsWith("Refuse", StringComparison.Ordinal))
            return ErrorAsync(reply, 400, "invalid_request_error", "The temperature is too high");
        if (asked.StartsWith("Fail with ", StringComparison.Ordinal))
        {
            string[] words = asked.Split(' ');
            return ErrorAsync(reply, int.Parse(words[2], CultureInfo.InvariantCulture), words[3], string.Join(' ', words[4..]));
        }
        bool stream = (bool?)body["stream"] ?? false;
        if (!stream && asked.StartsWith("Go on for ever", StringComparison.Ordinal))
            return reply.UntilGoneAsync();
        return stream ? StreamAsync(body, asked, reply) : reply.JsonAsync(Message(body).ToJsonString());
    }

    private static Task ErrorAsync(ScriptedReply reply, int status, string type, string message, string headers = "") => reply.JsonAsync(
        new JsonObject { ["type"] = "error", ["error"] = new JsonObject { ["type"] = type, ["message"] = message }, ["request_id"] = "req_scripted" }.ToJsonString(), status, headers);

    /// <summary>What the real API says no to and a wrong translation might send; null when all is well.</summary>
    private static string? Complaint(JsonObject body)
    {
        if (body["max_tokens"] is null)
            return "max_tokens: Field required";
        foreach (string foreign in (ReadOnlySpan<string>)["stream_options", "n", "stop", "response_format", "max_completion_tokens", "seed", "parallel_tool_calls", "models", "provider"])
        {
            if (body.ContainsKey(foreign))
                return $"{foreign}: Extra inputs are not permitted";
        }
        HashSet<string> open = [];
        foreach (JsonObject message in body["messages"]!.AsArray().Select(static m => m!.AsObject()))
        {
            if ((string?)message["role"] is not ("user" or "assistant"))
                return $"messages: Unexpected role \"{message["role"]}\"";
            foreach (JsonObject block in Blocks(message))
            {
                switch ((string?)block["type"])
                {
                    case "text" when (string?)block["text"] is null or "":
                        return "messages: text content blocks must be non-empty";
                    case "tool_use" when block["input"] is not JsonObject:
                        return "messages: tool_use.input: Input should be a valid dictionary";
                    case "tool_use":
                        open.Add((string)block["id"]!);
                        break;
                    case "tool_result" when !open.Remove((string?)block["tool_use_id"] ?? ""):
                        return $"messages: unexpected `tool_use_id` found in `tool_result` blocks: {block["tool_use_id"]}";
                    case "thinking" when (string?)block["signature"] != Signature:
                        return "messages: Invalid `signature` in `thinking` block";
                }
            }
            if ((string?)message["role"] == "user" && open.Count > 0)
                return $"messages: `tool_use` ids were found without `tool_result` blocks immediately after: {string.Join(", ", open)}";
        }
        return null;
    }

    private static JsonObject Message(JsonObject body)
    {
        var content = new JsonArray([.. Content(body)]);
        JsonObject message = Head(content, Usage(body));
        message["stop_reason"] = Stop(body, content);
        message["stop_details"] = Details(body);
        return message;
    }

    private static JsonObject Head(JsonArray content, JsonObject usage) => new()
    {
        ["id"] = "msg_1", ["type"] = "message", ["role"] = "assistant", ["model"] = ChatModel, ["content"] = content, ["stop_reason"] = null, ["stop_sequence"] = null, ["usage"] = usage,
    };

    private static async Task StreamAsync(JsonObject body, string asked, ScriptedReply reply)
    {
        await reply.BeginEventsAsync();
        if (asked.StartsWith("Think first", StringComparison.Ordinal))
            await Task.Delay(TimeSpan.FromMilliseconds(350)); // the provider's pause: longer than the gateway is silent towards its caller
        if (asked.StartsWith("Wait for me", StringComparison.Ordinal))
            await ProvidersDoor.UntilLetGoAsync(asked);
        JsonObject usage = Usage(body);
        usage["output_tokens"] = 1;
        await reply.EventAsync("message_start", new JsonObject { ["type"] = "message_start", ["message"] = Head([], usage) }.ToJsonString());
        await reply.EventAsync("ping", """{"type": "ping"}""");
        if (asked.StartsWith("Go on for ever", StringComparison.Ordinal) || asked.StartsWith("Break off", StringComparison.Ordinal) || asked.StartsWith("Fall over", StringComparison.Ordinal))
        {
            await StartAsync(reply, 0, new JsonObject { ["type"] = "text", ["text"] = "" });
            await DeltaAsync(reply, 0, "text_delta", "text", asked.StartsWith("Go on", StringComparison.Ordinal) ? "and " : "Half an ");
            if (asked.StartsWith("Go on", StringComparison.Ordinal))
            {
                await reply.UntilGoneAsync();
                return;
            }
            if (asked.StartsWith("Fall over", StringComparison.Ordinal))
                await reply.EventAsync("error", """{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}""");
            reply.HangUp();
            return;
        }
        JsonObject[] content = [.. Content(body)];
        for (int i = 0; i < content.Length; i++)
            await BlockAsync(reply, i, content[i]);
        await reply.EventAsync("message_delta", new JsonObject
        {
            ["type"] = "message_delta",
            ["delta"] = new JsonObject { ["stop_reason"] = Stop(body, new JsonArray([.. content.Select(static c => c.DeepClone())])), ["stop_sequence"] = null, ["stop_details"] = Details(body) },
            ["usage"] = new JsonObject { ["output_tokens"] = 5 },
        }.ToJsonString());
        await reply.EventAsync("message_stop", """{"type":"message_stop"}""");
        await reply.EndBodyAsync();
    }

    private static async Task BlockAsync(ScriptedReply reply, int index, JsonObject block)
    {
        switch ((string)block["type"]!)
        {
            case "tool_use":
                string input = block["input"]!.ToJsonString();
                await StartAsync(reply, index, new JsonObject { ["type"] = "tool_use", ["id"] = (string)block["id"]!, ["name"] = (string)block["name"]!, ["input"] = new JsonObject(), ["caller"] = Direct });
                await DeltaAsync(reply, index, "input_json_delta", "partial_json", "");
                foreach (char[] piece in input.Chunk(4))
                    await DeltaAsync(reply, index, "input_json_delta", "partial_json", new string(piece));
                break;
            case "thinking":
                await StartAsync(reply, index, new JsonObject { ["type"] = "thinking", ["thinking"] = "", ["signature"] = "" });
                foreach (string word in Pieces((string)block["thinking"]!))
                    await DeltaAsync(reply, index, "thinking_delta", "thinking", word);
                await DeltaAsync(reply, index, "signature_delta", "signature", Signature);
                break;
            default:
                await StartAsync(reply, index, new JsonObject { ["type"] = "text", ["text"] = "" });
                foreach (string word in Pieces((string)block["text"]!))
                    await DeltaAsync(reply, index, "text_delta", "text", word);
                break;
        }
        await reply.EventAsync("content_block_stop", new JsonObject { ["type"] = "content_block_stop", ["index"] = index }.ToJsonString());
    }

    private static Task StartAsync(ScriptedReply reply, int index, JsonObject block) =>
        reply.EventAsync("content_block_start", new JsonObject { ["type"] = "content_block_start", ["index"] = index, ["content_block"] = block }.ToJsonString());

    private static Task DeltaAsync(ScriptedReply reply, int index, string type, string member, string text) =>
        reply.EventAsync("content_block_delta", new JsonObject { ["type"] = "content_block_delta", ["index"] = index, ["delta"] = new JsonObject { ["type"] = type, [member] = text } }.ToJsonString());

    private static IEnumerable<string> Pieces(string text) => text.Split(' ').Select(static (word, i) => i == 0 ? word : $" {word}");

    /// <summary>Twelve tokens of input, five of them known to the cache in one way or the other.</summary>
    private static JsonObject Usage(JsonObject body) => new()
    {
        ["input_tokens"] = 7, ["cache_creation_input_tokens"] = 2, ["cache_read_input_tokens"] = 3, ["output_tokens"] = 5,
        ["service_tier"] = (string?)body["service_tier"] == "standard_only" ? "standard" : null,
    };

    private static string Stop(JsonObject body, JsonArray content) =>
        content.Any(static b => (string?)b!["type"] == "tool_use") ? "tool_use"
        : Asked(body).StartsWith("Run out", StringComparison.Ordinal) ? "max_tokens"
        : Asked(body).StartsWith("Say something bad", StringComparison.Ordinal) ? "refusal" : "end_turn";

    private static JsonObject? Details(JsonObject body) => Asked(body).StartsWith("Say something bad", StringComparison.Ordinal)
        ? new JsonObject { ["type"] = "refusal", ["category"] = "cyber", ["explanation"] = "I would rather not." } : null;

    private static IEnumerable<JsonObject> Content(JsonObject body)
    {
        if (body["thinking"] is JsonObject thinking && (string?)thinking["type"] is "enabled" or "adaptive")
            yield return new JsonObject { ["type"] = "thinking", ["thinking"] = "Let me see.", ["signature"] = Signature };
        JsonObject[] calls = [.. Calls(body)];
        if (calls.Length == 0)
            yield return new JsonObject { ["type"] = "text", ["text"] = Text(body) };
        foreach (JsonObject call in calls)
            yield return call;
    }

    /// <summary>The calls that come next: of one city, of two at once where "both" is asked for, and of one a round where it is "first, then" (and "then" again).</summary>
    private static IEnumerable<JsonObject> Calls(JsonObject body)
    {
        if (body["tools"] is not JsonArray { Count: > 0 } || (string?)body["tool_choice"]?["type"] == "none")
            return [];
        int answered = body["messages"]!.AsArray().Sum(static m => Blocks(m!.AsObject()).Count(static b => (string?)b["type"] == "tool_result"));
        string asked = Words(body["messages"]![0]!.AsObject());
        int rounds = 1 + (asked.Length - asked.Replace("then", "", StringComparison.Ordinal).Length) / "then".Length;
        (int from, int to) = asked.Contains("both", StringComparison.Ordinal) ? (answered > 0 ? 2 : 0, 2) : (answered, Math.Min(answered + 1, rounds));
        return from >= to ? [] : Enumerable.Range(from, to - from).Select(static i => new JsonObject
        {
            ["type"] = "tool_use", ["id"] = string.Create(CultureInfo.InvariantCulture, $"call_{i + 1}"), ["name"] = "weather", ["input"] = new JsonObject { ["city"] = Cities[i] }, ["caller"] = Direct,
        });
    }

    private static JsonObject Last(JsonObject body) => body["messages"]!.AsArray()[^1]!.AsObject();

    private static string Asked(JsonObject body) => Words(Last(body));

    private static IEnumerable<JsonObject> Blocks(JsonObject message) => message["content"] is JsonArray blocks ? blocks.Select(static b => b!.AsObject()) : [];

    private static string Words(JsonObject message) => message["content"] is JsonArray
        ? string.Concat(Blocks(message).Where(static b => (string?)b["type"] == "text").Select(static b => (string)b["text"]!))
        : (string)message["content"]!;

    private static string Text(JsonObject body)
    {
        JsonObject[] blocks = [.. Blocks(Last(body))];
        if (blocks.LastOrDefault(static b => (string?)b["type"] == "tool_result") is { } result)
        {
            string said = result["content"] is JsonArray parts ? string.Concat(parts.Select(static p => (string?)p!["text"] ?? "")) : (string?)result["content"] ?? "";
            return $"{(string?)result["tool_use_id"]} says: {said}";
        }
        // As many characters as the data URI has that a chat client sends.
        if (blocks.FirstOrDefault(static b => (string?)b["type"] == "image") is { } image && image["source"] is JsonObject source)
            return string.Create(CultureInfo.InvariantCulture, $"An image of {"data:;base64,".Length + ((string?)source["media_type"] ?? "").Length + ((string?)source["data"] ?? "").Length} characters");
        if (blocks.FirstOrDefault(static b => (string?)b["type"] == "document") is { } document)
            return $"A document of type {(string?)document["source"]?["media_type"]}";
        // A schema that was lost on the way is prose in the answer.
        if ((string?)body["output_config"]?["format"]?["type"] == "json_schema")
            return body["output_config"]!["format"]!["schema"]!["properties"]!.AsObject().ContainsKey("people") ? """{"city":"Paris","people":2100000}""" : "The schema was lost.";
        if (Asked(body).StartsWith("Who are you", StringComparison.Ordinal))
            return body["system"] is JsonArray systems ? string.Join('\n', systems.Select(static b => (string?)b!["text"])) : (string?)body["system"] ?? "Nobody said.";
        return "Hello, wörld 👋";
    }
}
