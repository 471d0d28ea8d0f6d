using System.Text.Json.Nodes;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Cuts a whole completion into the chunks of a stream.</summary>
internal static class ReplayedAnswer
{
    /// <summary>For each choice its role, what it says, and its end; the answer's usage goes with the last chunk.</summary>
    public static IEnumerable<JsonObject> Chunks(JsonObject answer, bool chat)
    {
        var choices = answer["choices"] as JsonArray ?? [];
        JsonNode? usage = answer["usage"]?.DeepClone();
        for (int i = 0; i < choices.Count; i++)
        {
            if (choices[i] is not JsonObject choice)
                continue;
            choice["index"] ??= i;
            string? finish = choice["finish_reason"].AsText();
            choice["finish_reason"] = null;
            if (chat)
            {
                JsonObject message = choice["message"] as JsonObject ?? [];
                choice.Remove("message");
                Number(message["tool_calls"] as JsonArray);
                yield return Chunk(answer, Only(choice, new JsonObject { ["role"] = message["role"].AsText() ?? "assistant", ["content"] = "" }));
                choice["delta"] = message;
            }
            yield return Chunk(answer, choice.DeepClone());
            var end = new JsonObject { ["index"] = choice["index"]!.DeepClone(), [chat ? "delta" : "text"] = chat ? new JsonObject() : "", ["finish_reason"] = finish ?? "stop" };
            JsonObject last = Chunk(answer, end);
            if (i == choices.Count - 1)
                last["usage"] = usage;
            yield return last;
        }
    }

    private static void Number(JsonArray? calls)
    {
        for (int i = 0; i < calls?.Count; i++)
        {
            if (calls[i] is JsonObject call)
                call["index"] = i;
        }
    }

    private static JsonObject Only(JsonObject choice, JsonObject delta) => new() { ["index"] = choice["index"]!.DeepClone(), ["delta"] = delta, ["finish_reason"] = null };

    private static JsonObject Chunk(JsonObject answer, JsonNode choice)
    {
        var chunk = new JsonObject();
        foreach ((string name, JsonNode? value) in answer)
        {
            if (name is not ("choices" or "usage"))
                chunk[name] = value?.DeepClone();
        }
        chunk["choices"] = new JsonArray(choice);
        return chunk;
    }
}
