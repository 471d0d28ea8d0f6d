using System.Globalization;
using System.Text.Json.Nodes;
using Fairlead.Shared;

namespace Fairlead.Conformance;

/// <summary>A provider of OpenAI's dialect whose answers follow from what it was asked, so a client sees only what truly came through.</summary>
internal static class OpenAiScript
{
    public const string ChatModel = "upstream-chat";
    public const string BrokenModel = "upstream-broken";
    public const string EmbeddingModel = "upstream-embed";

    public const string FlakyModel = "upstream-flaky";
    public const string LimitedModel = "upstream-limited";

    private static readonly string[] Cities = ["Paris", "London", "Rome"];
    private static readonly System.Collections.Concurrent.ConcurrentDictionary<string, bool> FailedOnce = new();
    private static readonly float[] Vector = [0.25f, -1.5f, 3f];

    public static Task AnswerAsync(ScriptedRequest request, ScriptedReply reply)
    {
        JsonObject body = JsonNode.Parse(request.Body)!.AsObject();
        bool stream = (bool?)body["stream"] ?? false;
        if ((string?)body["model"] == BrokenModel)
            return reply.JsonAsync("""{"error":{"message":"Out of order","type":"server_error","code":null,"param":null}}""", 500);
        if ((string?)body["model"] == LimitedModel)
            return reply.JsonAsync("""{"error":{"message":"Slow down","type":"requests","code":"rate_limit_exceeded","param":null}}""", 429, "retry-after: 30\r\n");
        if ((string?)body["model"] == FlakyModel && FailedOnce.TryAdd(Asked(body), true))
            return reply.JsonAsync("""{"error":{"message":"Once is nothing","type":"server_error","code":null,"param":null}}""", 500);
        if (!stream && request.Path == "/v1/chat/completions" && Asked(body).StartsWith("Go on for ever", StringComparison.Ordinal))
            return reply.UntilGoneAsync();
        return request.Path switch
        {
            "/v1/chat/completions" when Asked(body).StartsWith("Refuse", StringComparison.Ordinal) => reply.JsonAsync(
                """{"error":{"message":"The temperature is too high","type":"invalid_request_error","code":null,"param":"temperature"}}""", 400),
            "/v1/chat/completions" => stream ? StreamChatAsync(body, reply) : reply.JsonAsync(Chat(body)),
            "/v1/completions" => stream ? StreamCompletionAsync(body, reply) : reply.JsonAsync(Completion()),
            "/v1/embeddings" => reply.JsonAsync(Embeddings(body)),
            _ => reply.JsonAsync("""{"error":{"message":"No such route","type":"invalid_request_error","code":null,"param":null}}""", 404),
        };
    }

    private static string Chat(JsonObject body)
    {
        JsonObject[] calls = [.. Calls(body)];
        var message = new JsonObject { ["role"] = "assistant", ["content"] = calls.Length > 0 ? null : Text(body), ["refusal"] = null };
        if (calls.Length > 0)
            message["tool_calls"] = new JsonArray([.. calls]);
        return new JsonObject
        {
            ["id"] = "chatcmpl-1",
            ["object"] = "chat.completion",
            ["created"] = 1_760_000_000,
            ["model"] = ChatModel,
            ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["message"] = message, ["logprobs"] = null, ["finish_reason"] = calls.Length > 0 ? "tool_calls" : Finish(body) }),
            ["usage"] = Usage(12, 5),
        }.ToJsonString();
    }

    private static async Task StreamChatAsync(JsonObject body, ScriptedReply reply)
    {
        string asked = Asked(body);
        await reply.BeginEventsAsync();
        if (asked.StartsWith("Think first", StringComparison.Ordinal))
            await Task.Delay(TimeSpan.FromMilliseconds(350)); // the provider's pause: longer than the gateway is silent towards its caller
        if (asked.StartsWith("Wait for me", StringComparison.Ordinal))
            await ProvidersDoor.UntilLetGoAsync(asked);
        await reply.EventAsync(Chunk(new JsonObject { ["role"] = "assistant", ["content"] = "" }));
        if (asked.StartsWith("Go on for ever", StringComparison.Ordinal))
        {
            await reply.EventAsync(Chunk(new JsonObject { ["content"] = "and " }));
            await reply.UntilGoneAsync();
            return;
        }
        if (asked.StartsWith("Break off", StringComparison.Ordinal))
        {
            await reply.EventAsync(Chunk(new JsonObject { ["content"] = "Half an " }));
            reply.HangUp();
            return;
        }
        JsonObject[] calls = [.. Calls(body)];
        if (calls.Length > 0)
        {
            for (int i = 0; i < calls.Length; i++)
            {
                var function = (JsonObject)calls[i]["function"]!;
                string arguments = (string)function["arguments"]!;
                function["arguments"] = "";
                calls[i]["index"] = i;
                await reply.EventAsync(Chunk(ToolDelta(calls[i])));
                foreach (char[] piece in arguments.Chunk(4))
                    await reply.EventAsync(Chunk(ToolDelta(new JsonObject { ["index"] = i, ["function"] = new JsonObject { ["arguments"] = new string(piece) } })));
            }
            await reply.EventAsync(Chunk([], "tool_calls"));
        }
        else
        {
            foreach (string word in Text(body).Split(' ').Select(static (word, i) => i == 0 ? word : $" {word}"))
                await reply.EventAsync(Chunk(new JsonObject { ["content"] = word }));
            await reply.EventAsync(Chunk([], Finish(body)));
        }
        await UsageEventAsync(body, reply, "chat.completion.chunk");
        await reply.EndEventsAsync();
    }

    private static JsonObject ToolDelta(JsonObject call) => new() { ["tool_calls"] = new JsonArray(call) };

    private static string Chunk(JsonObject delta, string? finish = null) => new JsonObject
    {
        ["id"] = "chatcmpl-1",
        ["object"] = "chat.completion.chunk",
        ["created"] = 1_760_000_000,
        ["model"] = ChatModel,
        ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["delta"] = delta, ["finish_reason"] = finish }),
    }.ToJsonString();

    private static string Completion() => new JsonObject
    {
        ["id"] = "cmpl-1",
        ["object"] = "text_completion",
        ["created"] = 1_760_000_000,
        ["model"] = ChatModel,
        ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["text"] = "Once upon a time", ["logprobs"] = null, ["finish_reason"] = "stop" }),
        ["usage"] = Usage(1, 3),
    }.ToJsonString();

    private static async Task StreamCompletionAsync(JsonObject body, ScriptedReply reply)
    {
        await reply.BeginEventsAsync();
        foreach ((string text, string? finish) in new[] { ("Once", null), (" upon", null), (" a time", "stop") })
        {
            await reply.EventAsync(new JsonObject
            {
                ["id"] = "cmpl-1",
                ["object"] = "text_completion",
                ["created"] = 1_760_000_000,
                ["model"] = ChatModel,
                ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["text"] = text, ["logprobs"] = null, ["finish_reason"] = finish }),
            }.ToJsonString());
        }
        await UsageEventAsync(body, reply, "text_completion");
        await reply.EndEventsAsync();
    }

    private static async Task UsageEventAsync(JsonObject body, ScriptedReply reply, string kind)
    {
        if ((bool?)body["stream_options"]?["include_usage"] == true)
        {
            await reply.EventAsync(new JsonObject
            {
                ["id"] = "chatcmpl-1", ["object"] = kind, ["created"] = 1_760_000_000, ["model"] = ChatModel, ["choices"] = new JsonArray(), ["usage"] = Usage(12, 5),
            }.ToJsonString());
        }
    }

    private static string Embeddings(JsonObject body)
    {
        int count = body["input"] is JsonArray inputs ? inputs.Count : 1;
        bool packed = (string?)body["encoding_format"] == "base64";
        var data = new JsonArray();
        for (int i = 0; i < count; i++)
        {
            JsonNode vector = packed
                ? JsonValue.Create(Convert.ToBase64String(System.Runtime.InteropServices.MemoryMarshal.AsBytes(Vector.AsSpan())))
                : new JsonArray([.. Vector.Select(static v => (JsonNode)v)]);
            data.Add(new JsonObject { ["object"] = "embedding", ["index"] = i, ["embedding"] = vector });
        }
        return new JsonObject
        {
            ["object"] = "list", ["data"] = data, ["model"] = EmbeddingModel, ["usage"] = new JsonObject { ["prompt_tokens"] = 2 * count, ["total_tokens"] = 2 * count },
        }.ToJsonString();
    }

    private static JsonObject Usage(int input, int output) => new() { ["prompt_tokens"] = input, ["completion_tokens"] = output, ["total_tokens"] = input + output };

    /// <summary>The calls that come next: of one city, of two at once where "both" is asked for, and of one a round where it is "first, then" (and "then" again).</summary>
    private static IEnumerable<JsonObject> Calls(JsonObject body)
    {
        if (body["tools"] is not JsonArray { Count: > 0 })
            return [];
        JsonArray messages = body["messages"]!.AsArray();
        int answered = messages.Count(static m => (string?)m!["role"] == "tool");
        string asked = messages.FirstOrDefault(static m => (string?)m!["role"] == "user") is { } user ? Words(user.AsObject()) : "";
        int rounds = 1 + (asked.Length - asked.Replace("then", "", StringComparison.Ordinal).Length) / "then".Length;
        (int from, int to) = asked.Contains("both", StringComparison.Ordinal) ? (answered > 0 ? 2 : 0, 2) : (answered, Math.Min(answered + 1, rounds));
        return from >= to ? [] : Enumerable.Range(from, to - from).Select(static i => new JsonObject
        {
            ["id"] = string.Create(CultureInfo.InvariantCulture, $"call_{i + 1}"), ["type"] = "function",
            ["function"] = new JsonObject { ["name"] = "weather", ["arguments"] = $$"""{"city":"{{Cities[i]}}"}""" },
        });
    }

    private static string Finish(JsonObject body) =>
        Asked(body).StartsWith("Run out", StringComparison.Ordinal) ? "length" : Asked(body).StartsWith("Say something bad", StringComparison.Ordinal) ? "content_filter" : "stop";

    private static JsonObject Last(JsonObject body) => body["messages"]!.AsArray()[^1]!.AsObject();

    /// <summary>Text of the last message, its text parts joined.</summary>
    private static string Asked(JsonObject body) => Words(Last(body));

    private static string Words(JsonObject message) => message["content"] switch
    {
        JsonArray parts => string.Concat(parts.Select(static p => (string?)p!["text"] ?? "")),
        { } text => (string)text!,
        null => "",
    };

    private static string Text(JsonObject body)
    {
        JsonObject last = Last(body);
        if ((string?)last["role"] == "tool")
            return $"{(string?)last["tool_call_id"]} says: {Asked(body)}";
        if (last["content"] is JsonArray parts && parts.FirstOrDefault(static p => (string?)p!["type"] == "image_url") is { } image)
            return string.Create(CultureInfo.InvariantCulture, $"An image of {((string)image["image_url"]!["url"]!).Length} characters");
        // A schema that was lost on the way is prose in the answer.
        if ((string?)body["response_format"]?["type"] == "json_schema")
            return body["response_format"]!["json_schema"]!["schema"]!["properties"]!.AsObject().ContainsKey("people") ? """{"city":"Paris","people":2100000}""" : "The schema was lost.";
        if (Asked(body).StartsWith("Who are you", StringComparison.Ordinal))
            return string.Join('\n', body["messages"]!.AsArray().Where(static m => (string?)m!["role"] == "system").Select(static m => Words(m!.AsObject())));
        return "Hello, wörld 👋";
    }
}
