using System.Text;
using System.Text.Json.Nodes;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Anthropic;

/// <summary>Cuts a whole message into the events of a stream (F057).</summary>
internal static class ReplayedMessage
{
    /// <summary>The JSON of each event, in order; none when the text is no message.</summary>
    public static IEnumerable<byte[]> Events(ReadOnlySpan<byte> whole) =>
        OddJson.Parse(WholeAnswer.Text(whole)) is { } message && message["content"] is JsonArray content ? Events(message, content) : [];

    private static IEnumerable<byte[]> Events(JsonObject message, JsonArray content)
    {
        message.Remove("content");
        var usage = message["usage"] as JsonObject;
        var delta = new JsonObject();
        foreach (string name in (string[])["stop_reason", "stop_sequence", "stop_details", "container"])
        {
            if (message.ContainsKey(name))
                delta[name] = message[name]?.DeepClone();
        }
        JsonObject start = message.DeepClone().AsObject();
        start["content"] = new JsonArray();
        start["stop_reason"] = start["stop_sequence"] = null;
        if (start["usage"] is JsonObject first)
            first["output_tokens"] = 0;
        yield return Event("message_start", ("message", start));
        for (int i = 0; i < content.Count; i++)
        {
            if (content[i] is not JsonObject block)
                continue;
            JsonObject[] pieces = [.. Pieces(block)];
            yield return Event("content_block_start", ("index", i), ("content_block", block.DeepClone()));
            foreach (JsonObject piece in pieces)
                yield return Event("content_block_delta", ("index", i), ("delta", piece));
            yield return Event("content_block_stop", ("index", i));
        }
        yield return Event("message_delta", ("delta", delta), ("usage", usage?.DeepClone() ?? new JsonObject()));
        yield return Event("message_stop");
    }

    /// <summary>What a block says, taken out of it and told in pieces.</summary>
    private static IEnumerable<JsonObject> Pieces(JsonObject block)
    {
        switch (block["type"].AsText())
        {
            case "text":
                JsonArray citations = block["citations"] as JsonArray ?? [];
                string text = Take(block, "text");
                if (citations.Count > 0)
                    block["citations"] = new JsonArray();
                if (text.Length > 0)
                    yield return new JsonObject { ["type"] = "text_delta", ["text"] = text };
                foreach (JsonNode? citation in citations)
                    yield return new JsonObject { ["type"] = "citations_delta", ["citation"] = citation?.DeepClone() };
                break;
            case "thinking":
                string thinking = Take(block, "thinking");
                string signature = Take(block, "signature");
                if (thinking.Length > 0)
                    yield return new JsonObject { ["type"] = "thinking_delta", ["thinking"] = thinking };
                if (signature.Length > 0)
                    yield return new JsonObject { ["type"] = "signature_delta", ["signature"] = signature };
                break;
            case "tool_use" or "server_tool_use":
                if (block["input"] is JsonObject { Count: > 0 } input)
                {
                    block["input"] = new JsonObject();
                    yield return new JsonObject { ["type"] = "input_json_delta", ["partial_json"] = input.ToJsonString(LooseJson.Relaxed) };
                }
                break;
        }
    }

    private static string Take(JsonObject block, string name)
    {
        string text = block[name].AsText() ?? "";
        block[name] = "";
        return text;
    }

    private static byte[] Event(string type, params (string Name, JsonNode? Value)[] members)
    {
        var json = new JsonObject { ["type"] = type };
        foreach ((string name, JsonNode? value) in members)
            json[name] = value;
        return Encoding.UTF8.GetBytes(json.ToJsonString(LooseJson.Relaxed));
    }
}
