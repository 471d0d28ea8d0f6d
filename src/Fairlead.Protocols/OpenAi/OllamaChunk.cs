using System.Text.Json.Nodes;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Turns a line of Ollama's own chat stream into an event of OpenAI's.</summary>
internal static class OllamaChunk
{
    public static JsonObject ToOpenAi(JsonObject line)
    {
        if (line["error"] is not null)
            return line;
        bool done = line["done"] is JsonValue d && d.TryGetValue(out bool over) && over;
        var delta = new JsonObject();
        if (line["message"] is JsonObject message)
        {
            delta["role"] = message["role"]?.DeepClone() ?? "assistant";
            delta["content"] = message["content"]?.DeepClone() ?? "";
            if (message["thinking"] is { } thinking)
                delta["reasoning_content"] = thinking.DeepClone();
        }
        var chunk = new JsonObject
        {
            ["model"] = line["model"]?.DeepClone(),
            ["choices"] = new JsonArray(new JsonObject
            {
                ["index"] = 0,
                ["delta"] = delta,
                ["finish_reason"] = done ? line["done_reason"]?.DeepClone() ?? "stop" : null,
            }),
        };
        if (!done)
            return chunk;
        chunk["usage"] = new JsonObject
        {
            ["prompt_tokens"] = line["prompt_eval_count"]?.DeepClone() ?? 0,
            ["completion_tokens"] = line["eval_count"]?.DeepClone() ?? 0,
        };
        chunk["__done"] = true;
        return chunk;
    }
}
