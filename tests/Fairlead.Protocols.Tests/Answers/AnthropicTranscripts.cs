using static Fairlead.Protocols.Tests.Answers.AnthropicScript;

namespace Fairlead.Protocols.Tests.Answers;

/// <summary>Streams in the manners of Anthropic's own API and of engines that speak its dialect, in five manners of framing.</summary>
internal static class AnthropicTranscripts
{
    private static readonly string[] Manners =
    [
        Start + TextBlock(0) + Ping + Text(0, "Hel") + Text(0, "lo é\\n") + Close(0) + End("end_turn") + Stop,
        Start + ThinkingBlock(0) + Thinking(0, "hm ") + Thinking(0, "so") + Signature(0, "sig==") + Close(0) + Say(1, "Yes") + ToolBlock(2, "toolu_1", "f") + Input(2, "") + Input(2, "{\\\"a\\\"") + Input(2, ": 1}") + Close(2) + End("tool_use") + Stop,
        StartWith("{\"input_tokens\":3,\"output_tokens\":0}") + Say(0, "a", "b") + ToolBlock(1, "t1", "f") + Close(1) + ToolBlock(2, "t2", "g", "{\"x\":[1,{\"y\":\"}\"}]}") + Close(2) + End("tool_use", "{\"input_tokens\":3,\"output_tokens\":9}") + Stop,
        Start + TextBlock(0) + Text(0, "\\ud83d") + Text(0, "\\ude00") + Text(0, "\\ude00x\\ud83d") + Close(0) + End("max_tokens") + Stop,
        Start + Ev("vendor_note", "{\"type\":\"vendor_note\"}") + TextBlock(0) + "event: content_block_delta\ndata: oops\n\n" + Text(0, "a") + Delta(0, "{\"type\":\"future_delta\"}") + Close(0) + End("end_turn"),
        Start + Say(0, "x") + "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
        Start + Block(0, "{\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"web_search\",\"input\":{}}") + Input(0, "{}") + Close(0) + TextBlock(1)
            + Delta(1, "{\"type\":\"citations_delta\",\"citation\":{\"type\":\"web_search_result_location\",\"url\":\"u\",\"title\":\"t\",\"cited_text\":\"c\",\"encrypted_index\":\"e\"}}") + Text(1, "<𝄞&\\u00e9>") + Close(1) + End("pause_turn") + Stop,
        Start + Block(0, "{\"type\":\"redacted_thinking\",\"data\":\"EmwK\"}") + Close(0) + Say(1, "x") + End("refusal", more: ",\"stop_details\":{\"type\":\"refusal\",\"explanation\":\"No\"}") + Ping + Stop + Start,
        Start + Say(0, "Hi") + Stop,
        Start + ToolBlock(0, "t", "f") + Input(0, "{\\\"a") + Close(0) + End("tool_use") + Stop,
    ];

    private static readonly Func<string, string>[] Framings =
    [
        static s => s,
        static s => s.Replace("\n", "\r\n", StringComparison.Ordinal),
        static s => s.Replace("\n", "\r", StringComparison.Ordinal),
        static s => "\uFEFF" + s.Replace("data: ", "data:", StringComparison.Ordinal).Replace("event: ", "id: 1\nevent:", StringComparison.Ordinal),
        static s => s.Replace(",\"index\"", ",\ndata: \"index\"", StringComparison.Ordinal).Replace("\n\n", "\n: ping\n\n", StringComparison.Ordinal),
    ];

    public static IEnumerable<byte[]> All() => from manner in Manners from framing in Framings select Utf8(framing(manner));
}
