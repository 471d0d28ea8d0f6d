using System.Text;

namespace Fairlead.Protocols.Tests.Answers;

/// <summary>The macros that the fixtures of Anthropic's answers are written in.</summary>
internal static class AnthropicScript
{
    public const string Stop = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    public const string Ping = "event: ping\ndata: {\"type\": \"ping\"}\n\n";
    public const string Counts = "{\"input_tokens\":10,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":90,\"output_tokens\":1}";

    public static string Start { get; } = StartWith(Counts);

    public static string Ev(string name, string data) => $"event: {name}\ndata: {data}\n\n";

    public static string StartWith(string usage) => Ev("message_start",
        "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-haiku-4-5-20251001\",\"content\":[],"
        + "\"stop_reason\":null,\"stop_sequence\":null,\"usage\":" + usage + "}}");

    public static string Block(int index, string block) => Ev("content_block_start", $"{{\"type\":\"content_block_start\",\"index\":{index},\"content_block\":{block}}}");

    public static string Delta(int index, string delta) => Ev("content_block_delta", $"{{\"type\":\"content_block_delta\",\"index\":{index},\"delta\":{delta}}}");

    public static string Close(int index) => Ev("content_block_stop", $"{{\"type\":\"content_block_stop\",\"index\":{index}}}");

    public static string TextBlock(int index) => Block(index, "{\"type\":\"text\",\"text\":\"\"}");

    public static string Text(int index, string escaped) => Delta(index, "{\"type\":\"text_delta\",\"text\":\"" + escaped + "\"}");

    public static string ToolBlock(int index, string id, string name, string input = "{}") =>
        Block(index, $"{{\"type\":\"tool_use\",\"id\":\"{id}\",\"name\":\"{name}\",\"input\":{input}}}");

    public static string Input(int index, string escaped) => Delta(index, "{\"type\":\"input_json_delta\",\"partial_json\":\"" + escaped + "\"}");

    public static string ThinkingBlock(int index) => Block(index, "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}");

    public static string Thinking(int index, string escaped) => Delta(index, "{\"type\":\"thinking_delta\",\"thinking\":\"" + escaped + "\"}");

    public static string Signature(int index, string signature) => Delta(index, "{\"type\":\"signature_delta\",\"signature\":\"" + signature + "\"}");

    public static string End(string reason, string usage = "{\"output_tokens\":4}", string more = "") =>
        Ev("message_delta", "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" + reason + "\",\"stop_sequence\":null" + more + "},\"usage\":" + usage + "}");

    /// <summary>One text block saying the pieces.</summary>
    public static string Say(int index, params ReadOnlySpan<string> pieces)
    {
        var said = new StringBuilder(TextBlock(index));
        foreach (string piece in pieces)
            said.Append(Text(index, piece));
        return said.Append(Close(index)).ToString();
    }

    public static byte[] Utf8(params ReadOnlySpan<string> writes) => Encoding.UTF8.GetBytes(string.Concat(writes));
}
