using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;

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
            index++;
            bool calls = choice["message"] is JsonObject message && Message(message);
            string? finish = Text(choice["finish_reason"]) is { Length: > 0 } word ? FinishReasons.Normal(word) : "stop";
            if (finish is null)
                return false;
            choice["finish_reason"] = calls && finish == "stop" ? "tool_calls" : !calls && finish == "tool_calls" ? "stop" : finish;
        }
        return true;
    }

    /// <summary>True when the message calls tools.</summary>
    private static bool Message(JsonObject message)
    {
        if (Text(message["role"]) is not { Length: > 0 })
            message["role"] = "assistant";
        if (message["content"] is JsonArray parts)
            Parts(message, parts);
        if (Text(message["reasoning_content"]) is { Length: > 0 } reasoning && Text(message["reasoning"]) == reasoning)
            message.Remove("reasoning");
        else if (Text(message["reasoning"]) is { Length: > 0 } other && message["reasoning_content"] is null)
            message["reasoning_content"] = other;
        if (message["function_call"] is JsonObject legacy && message["tool_calls"] is null)
        {
            message.Remove("function_call");
            message["tool_calls"] = new JsonArray(new JsonObject { ["function"] = legacy.DeepClone() });
        }
        bool any = false;
        foreach (JsonNode? node in message["tool_calls"] as JsonArray ?? [])
        {
            if (node is not JsonObject call)
                continue;
            any = true;
            if (Text(call["id"]) is not { Length: > 0 })
                call["id"] = "call_" + Guid.CreateVersion7().ToString("N")[..24];
            if (Text(call["type"]) is not { Length: > 0 })
                call["type"] = "function";
            if (call["function"] is JsonObject function && Text(function["arguments"]) is null)
                function["arguments"] = function["arguments"]?.ToJsonString() is { } json && json != "null" ? json : "{}";
        }
        if (!any && message["content"] is null && Text(message["refusal"]) is null)
            message["content"] = "";
        return any;
    }

    private static void Parts(JsonObject message, JsonArray parts)
    {
        var text = new System.Text.StringBuilder();
        var thinking = new System.Text.StringBuilder();
        foreach (JsonNode? node in parts)
        {
            if (node is not JsonObject part)
                continue;
            if (Text(part["type"]) == "thinking")
            {
                foreach (JsonNode? inner in part["thinking"] as JsonArray ?? [])
                    thinking.Append(Text((inner as JsonObject)?["text"]));
            }
            else
            {
                text.Append(Text(part["text"]));
            }
        }
        message["content"] = text.ToString();
        if (thinking.Length > 0)
            message["reasoning_content"] = thinking.ToString();
    }

    private static string? Text(JsonNode? node) => node is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;
}
