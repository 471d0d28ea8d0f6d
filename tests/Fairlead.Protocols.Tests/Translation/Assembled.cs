using System.Text.Json.Nodes;

namespace Fairlead.Protocols.Tests.Translation;

/// <summary>What Anthropic's own clients make of the events of a message.</summary>
internal static class Assembled
{
    /// <summary>The message; the input of a tool is the text of its pieces.</summary>
    public static JsonObject From(IReadOnlyList<(string Name, JsonObject Data)> events)
    {
        var message = new JsonObject { ["content"] = new JsonArray() };
        foreach ((string name, JsonObject data) in events)
        {
            JsonArray content = message["content"]!.AsArray();
            switch (name)
            {
                case "message_start":
                    message = data["message"]!.DeepClone().AsObject();
                    break;
                case "content_block_start":
                    JsonObject block = data["content_block"]!.DeepClone().AsObject();
                    if (block["type"]!.GetValue<string>() == "tool_use")
                        block["input"] = "";
                    content.Add((JsonNode)block);
                    break;
                case "content_block_delta":
                    JsonObject delta = data["delta"]!.AsObject();
                    string type = delta["type"]!.GetValue<string>();
                    (string from, string to) = type switch
                    {
                        "text_delta" => ("text", "text"),
                        "thinking_delta" => ("thinking", "thinking"),
                        "signature_delta" => ("signature", "signature"),
                        "input_json_delta" => ("partial_json", "input"),
                        _ => throw new InvalidOperationException($"No delta of Anthropic's: {type}"),
                    };
                    JsonObject open = content[data["index"]!.GetValue<int>()]!.AsObject(); // by position, as the clients do
                    open[to] = open[to]!.GetValue<string>() + delta[from]!.GetValue<string>();
                    break;
                case "message_delta":
                    foreach ((string key, JsonNode? value) in data["delta"]!.AsObject())
                        message[key] = value?.DeepClone();
                    foreach ((string key, JsonNode? value) in data["usage"]!.AsObject())
                        message["usage"]![key] = value?.DeepClone();
                    break;
            }
        }
        return message;
    }

    /// <summary>One start, blocks one after another from 0 without gaps, each opened and closed once, deltas of the open one's kind, one end.</summary>
    public static void InsistOnOrder(IReadOnlyList<(string Name, JsonObject Data)> events, bool isWhole)
    {
        int next = 0;
        string? open = null;
        for (int i = 0; i < events.Count; i++)
        {
            (string name, JsonObject data) = events[i];
            Assert.Equal(i == 0, name == "message_start");
            switch (name)
            {
                case "message_start":
                    foreach (string member in (ReadOnlySpan<string>)["id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "stop_details", "container", "usage"])
                        Assert.True(data["message"]!.AsObject().ContainsKey(member), member);
                    break;
                case "content_block_start":
                    Assert.Null(open);
                    Assert.Equal(next, data["index"]!.GetValue<int>());
                    open = data["content_block"]!["type"]!.GetValue<string>();
                    break;
                case "content_block_delta":
                    Assert.Equal(next, data["index"]!.GetValue<int>());
                    string delta = data["delta"]!["type"]!.GetValue<string>();
                    Assert.Contains(delta, open switch
                    {
                        "text" => ["text_delta"],
                        "thinking" => ["thinking_delta", "signature_delta"],
                        "tool_use" => ["input_json_delta"],
                        _ => Array.Empty<string>(),
                    });
                    break;
                case "content_block_stop":
                    Assert.NotNull(open);
                    Assert.Equal(next++, data["index"]!.GetValue<int>());
                    open = null;
                    break;
                case "message_delta":
                    Assert.Null(open);
                    Assert.Equal(events.Count - 2, i);
                    Assert.NotNull(data["delta"]!["stop_reason"]);
                    break;
                case "message_stop":
                    Assert.Equal(events.Count - 1, i);
                    break;
                default:
                    Assert.Fail($"No event of a message: {name}");
                    break;
            }
        }
        if (isWhole)
            Assert.Equal(["message_delta", "message_stop"], events.Select(static e => e.Name).TakeLast(2));
    }
}
