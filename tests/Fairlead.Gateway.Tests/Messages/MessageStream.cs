using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fairlead.Gateway.Tests.Messages;

/// <summary>A streamed message as it left the gateway, put together as Anthropic's clients do it.</summary>
internal sealed class MessageStream
{
    public MessageStream(string body)
    {
        foreach (string one in body.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            if (one.StartsWith(':'))
            {
                Comments.Add(one);
                continue;
            }
            string[] lines = one.Split('\n');
            Assert.Equal(2, lines.Length);
            JsonObject data = JsonNode.Parse(lines[1]["data: ".Length..])!.AsObject();
            Assert.Equal(lines[0], "event: " + data["type"]!.GetValue<string>());
            Events.Add(data);
            Take(data);
        }
    }

    /// <summary>Comments, in the order in which they came.</summary>
    public List<string> Comments { get; } = [];

    public List<JsonObject> Events { get; } = [];

    public JsonObject? Start { get; private set; }

    /// <summary>Each block's type and its text, thinking, or input as text.</summary>
    public List<(string Type, string Text)> Blocks { get; } = [];

    public string? StopReason { get; private set; }

    public JsonElement Usage { get; private set; }

    /// <summary>The error that it ended with; null when it did not.</summary>
    public JsonElement? Error { get; private set; }

    public bool IsWhole => Events.Count > 0 && Events[^1]["type"]!.GetValue<string>() == "message_stop";

    public IEnumerable<string> Names => Events.Select(static e => e["type"]!.GetValue<string>());

    private void Take(JsonObject data)
    {
        switch (data["type"]!.GetValue<string>())
        {
            case "message_start":
                Assert.Null(Start);
                Start = data["message"]!.AsObject();
                break;
            case "content_block_start":
                Assert.Equal(Blocks.Count, data["index"]!.GetValue<int>());
                Blocks.Add((data["content_block"]!["type"]!.GetValue<string>(), ""));
                break;
            case "content_block_delta":
                int index = data["index"]!.GetValue<int>();
                Assert.Equal(Blocks.Count - 1, index);
                JsonObject delta = data["delta"]!.AsObject();
                string piece = (delta["text"] ?? delta["thinking"] ?? delta["partial_json"])!.GetValue<string>();
                Blocks[index] = (Blocks[index].Type, Blocks[index].Text + piece);
                break;
            case "message_delta":
                StopReason = data["delta"]!["stop_reason"]!.GetValue<string>();
                Usage = JsonDocument.Parse(data["usage"]!.ToJsonString()).RootElement;
                break;
            case "error":
                Error = JsonDocument.Parse(data.ToJsonString()).RootElement;
                break;
        }
    }
}
