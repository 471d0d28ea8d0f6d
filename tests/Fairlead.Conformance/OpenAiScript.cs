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

    private const string ArgumentsOfCall = """{"city":"Paris"}""";
    private static readonly float[] Vector = [0.25f, -1.5f, 3f];

    public static Task AnswerAsync(ScriptedRequest request, ScriptedReply reply)
    {
        JsonObject body = JsonNode.Parse(request.Body)!.AsObject();
        bool stream = (bool?)body["stream"] ?? false;
        if ((string?)body["model"] == BrokenModel)
            return reply.JsonAsync("""{"error":{"message":"Out of order","type":"server_error","code":null,"param":null}}""", 500);
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
        bool call = CallsTool(body);
        var message = new JsonObject { ["role"] = "assistant", ["content"] = call ? null : Text(body), ["refusal"] = null };
        if (call)
            message["tool_calls"] = new JsonArray(new JsonObject { ["id"] = "call_1", ["type"] = "function", ["function"] = new JsonObject { ["name"] = "weather", ["arguments"] = ArgumentsOfCall } });
        return new JsonObject
        {
            ["id"] = "chatcmpl-1",
            ["object"] = "chat.completion",
            ["created"] = 1_760_000_000,
            ["model"] = ChatModel,
            ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["message"] = message, ["logprobs"] = null, ["finish_reason"] = call ? "tool_calls" : "stop" }),
            ["usage"] = Usage(12, 5),
        }.ToJsonString();
    }

    private static async Task StreamChatAsync(JsonObject body, ScriptedReply reply)
    {
        string asked = Asked(body);
        await reply.BeginEventsAsync();
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
        if (CallsTool(body))
        {
            await reply.EventAsync(Chunk(ToolDelta(new JsonObject
            {
                ["index"] = 0, ["id"] = "call_1", ["type"] = "function", ["function"] = new JsonObject { ["name"] = "weather", ["arguments"] = "" },
            })));
            foreach (char[] piece in ArgumentsOfCall.Chunk(4))
                await reply.EventAsync(Chunk(ToolDelta(new JsonObject { ["index"] = 0, ["function"] = new JsonObject { ["arguments"] = new string(piece) } })));
            await reply.EventAsync(Chunk([], "tool_calls"));
        }
        else
        {
            foreach (string word in Text(body).Split(' ').Select(static (word, i) => i == 0 ? word : $" {word}"))
                await reply.EventAsync(Chunk(new JsonObject { ["content"] = word }));
            await reply.EventAsync(Chunk([], "stop"));
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

    private static bool CallsTool(JsonObject body) => body["tools"] is JsonArray { Count: > 0 } && (string?)Last(body)["role"] != "tool";

    private static JsonObject Last(JsonObject body) => body["messages"]!.AsArray()[^1]!.AsObject();

    /// <summary>Text of the last message, its text parts joined.</summary>
    private static string Asked(JsonObject body) => Last(body)["content"] switch
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
        return "Hello, wörld 👋";
    }
}
