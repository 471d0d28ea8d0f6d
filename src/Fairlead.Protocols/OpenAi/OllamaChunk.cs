using System.Text.Json.Nodes;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Turns a line of Ollama's own streams (<c>/api/chat</c>, <c>/api/generate</c>) into an event of OpenAI's.</summary>
internal static class OllamaChunk
{
    /// <param name="line">The line; an error stays as it is.</param>
    /// <param name="chat">Which of the two routes.</param>
    /// <param name="done">It is the last one.</param>
    /// <param name="load">How long the model took to load; null where the line does not say.</param>
    public static JsonObject ToOpenAi(JsonObject line, bool chat, out bool done, out TimeSpan? load)
    {
        done = false;
        load = null;
        if (line["error"] is not null)
            return line;
        done = line["done"] is JsonValue d && d.TryGetValue(out bool over) && over;
        var choice = new JsonObject { ["index"] = 0 };
        if (chat)
            choice["delta"] = Delta(line);
        else
            choice["text"] = line["response"].AsText() ?? "";
        choice["finish_reason"] = done ? line["done_reason"].AsText() is { Length: > 0 } reason ? reason : "stop" : null;
        var chunk = new JsonObject { ["model"] = line["model"]?.DeepClone(), ["choices"] = new JsonArray(choice) };
        if (!done)
            return chunk;
        if (line["load_duration"] is JsonValue nanoseconds && nanoseconds.TryGetValue(out long loaded) && loaded > 0)
            load = TimeSpan.FromTicks(loaded / TimeSpan.NanosecondsPerTick);
        // A prompt that was cached whole is not counted at all: then the count is left to us.
        if (line["eval_count"] is { } output && line["prompt_eval_count"] is { } input)
            chunk["usage"] = new JsonObject { ["prompt_tokens"] = input.DeepClone(), ["completion_tokens"] = output.DeepClone() };
        return chunk;
    }

    private static JsonObject Delta(JsonObject line)
    {
        var delta = new JsonObject();
        if (line["message"] is not JsonObject message)
            return delta;
        delta["role"] = message["role"].AsText() ?? "assistant";
        delta["content"] = message["content"].AsText() ?? "";
        if (message["thinking"].AsText() is { Length: > 0 } thinking)
            delta["reasoning_content"] = thinking;
        if (message["tool_calls"] is JsonArray calls)
            delta["tool_calls"] = calls.DeepClone(); // whole, without numbers and ids: mended like everybody's
        return delta;
    }
}
