using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Protocols.Dialects;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Mends whole completions that OpenAI's or Hugging Face's clients would stumble over.</summary>
internal static class WholeRepair
{
    /// <summary>False when it is no completion at all, or a choice ended in a fault.</summary>
    public static bool TryMend(JsonObject answer, in StreamExpectations expected)
    {
        if (answer["choices"] is not JsonArray { Count: > 0 } choices)
            return false;
        if (Text(answer["id"]) is not { Length: > 0 })
            answer["id"] = expected.FallbackId;
        if (Text(answer["model"]) is not { Length: > 0 })
            answer["model"] = expected.FallbackModel;
        if (answer["created"] is not JsonValue created || !created.TryGetValue(out long _))
            answer["created"] = expected.CreatedUnix;
        if (Text(answer["object"]) is not { Length: > 0 })
            answer["object"] = expected.Route == Route.Chat ? "chat.completion" : "text_completion";
        if (answer["system_fingerprint"] is { } fingerprint && fingerprint.GetValueKind() != JsonValueKind.String)
            answer.Remove("system_fingerprint");
        int index = 0;
        foreach (JsonNode? node in choices)
        {
            if (node is not JsonObject choice)
                return false;
            choice["index"] ??= index;
            bool calls = choice["message"] is JsonObject message && Message(message, expected.FallbackId, index++);
            string? finish = Text(choice["finish_reason"]) is { Length: > 0 } word ? FinishReasons.Normal(word) : "stop";
            if (finish is null)
                return false;
            choice["finish_reason"] = calls && finish == "stop" ? "tool_calls" : !calls && finish == "tool_calls" ? "stop" : finish;
        }
        return true;
    }

    /// <summary>True when the message calls tools.</summary>
    private static bool Message(JsonObject message, string answerId, int choice)
    {
        message["role"] = "assistant"; // the only one that an answer has; some say "model"
        if (message["content"] is JsonArray parts)
            ContentParts.Flatten(message, parts);
        else if (message["content"] is not null && Text(message["content"]) is null)
            message["content"] = null; // clients would take a number or an object for text
        if (Text(message["reasoning_content"]) is { Length: > 0 } reasoning && Text(message["reasoning"]) == reasoning)
            message.Remove("reasoning"); // said twice under two names (F143)
        if (message["function_call"] is JsonObject legacy && message["tool_calls"] is null)
        {
            message.Remove("function_call");
            message["tool_calls"] = new JsonArray(new JsonObject { ["function"] = legacy.DeepClone() });
        }
        int count = 0;
        foreach (JsonObject call in (message["tool_calls"] as JsonArray ?? []).OfType<JsonObject>())
        {
            if (Text(call["id"]) is not { Length: > 0 })
                call["id"] = CallIds.For(answerId, choice, count);
            if (Text(call["type"]) is not { Length: > 0 })
                call["type"] = "function";
            if (call["function"] is JsonObject function && Text(function["arguments"]) is null)
                function["arguments"] = function["arguments"]?.ToJsonString() is { } json && json != "null" ? json : "{}";
            count++;
        }
        if (count == 0)
            message.Remove("tool_calls"); // null or empty says nothing
        if (count == 0 && message["content"] is null && Text(message["refusal"]) is null)
            message["content"] = "";
        return count > 0;
    }

    private static string? Text(JsonNode? node) => node.AsText();
}
