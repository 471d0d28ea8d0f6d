using System.Text;
using System.Text.Json;

namespace Fairlead.Gateway.Tests.Yard;

/// <summary>What an upstream that speaks Anthropic says, as scripts.</summary>
internal static class ScriptedMessages
{
    public const string Stop = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    public const string Ping = "event: ping\ndata: {\"type\": \"ping\"}\n\n";
    public const string Overloaded = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";

    /// <summary>Ten tokens are new, ninety came from the cache; then an empty block.</summary>
    public const string Begin =
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m1\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,"
        + "\"usage\":{\"input_tokens\":10,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":90,\"output_tokens\":1}}}\n\n"
        + "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n";

    public const string End =
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
        + "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":4}}\n\n";

    public const string Whole =
        "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m1\",\"content\":[{\"type\":\"text\",\"text\":\"Hi there\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,"
        + "\"usage\":{\"input_tokens\":10,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":90,\"output_tokens\":4}}";

    public static string Text(string text) =>
        $"event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n";

    /// <summary>A good stream.</summary>
    public static string Good(string text = "Hi there") => Begin + Ping + Text(text) + End + Stop;

    /// <summary>A request that both doors take.</summary>
    public static string Asking(string model, bool stream, string more = "") =>
        $"{{\"model\":\"{model}\",\"max_tokens\":64,\"stream\":{(stream ? "true" : "false")},\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]{more}}}";

    /// <summary>All that a caller is told of the text, whichever door it came by.</summary>
    public static string Said(string stream)
    {
        var said = new StringBuilder();
        foreach (string line in stream.Split('\n').Where(static l => l.StartsWith("data: {", StringComparison.Ordinal)))
        {
            using JsonDocument json = JsonDocument.Parse(line["data: ".Length..]);
            if (json.RootElement.TryGetProperty("delta", out JsonElement delta) && delta.TryGetProperty("text", out JsonElement text))
                said.Append(text.GetString());
            else if (json.RootElement.TryGetProperty("choices", out JsonElement choices) && choices.GetArrayLength() > 0 && choices[0].GetProperty("delta").TryGetProperty("content", out JsonElement content))
                said.Append(content.GetString());
        }
        return said.ToString();
    }
}
