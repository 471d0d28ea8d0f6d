using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fairlead.Protocols.Tests.Requests;

/// <summary>A message request as the chat completion that asks for the same, row by row.</summary>
public sealed class AnthropicTranslationTests
{
    [Fact]
    public void A_plain_request_is_a_plain_chat() => Becomes(
        AnthropicBodies.Message(),
        """{"model":"up/m","messages":[{"role":"user","content":"hi"}],"max_tokens":16}""");

    [Fact]
    public void A_tool_loop_keeps_calls_results_and_their_order() => Becomes(
        AnthropicBodies.Conversation("""
            {"role":"user","content":"weather?"},
            {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"I look."},
              {"type":"tool_use","id":"toolu_1","name":"f","input":{"city": "K\u00f6ln \"x\"", "n": [1, 2]}},{"type":"tool_use","id":"toolu_2","name":"g","input":{}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"12 °C"},
              {"type":"tool_result","tool_use_id":"toolu_2","is_error":true,"content":[{"type":"text","text":"no"},{"type":"text","text":"way"}]},{"type":"text","text":"and?"}]}
            """),
        """
            {"model":"up/m","messages":[{"role":"user","content":"weather?"},
            {"role":"assistant","content":"I look.","tool_calls":[
              {"id":"toolu_1","type":"function","function":{"name":"f","arguments":"{\"city\":\"K\\u00f6ln \\\"x\\\"\",\"n\":[1,2]}"}},
              {"id":"toolu_2","type":"function","function":{"name":"g","arguments":"{}"}}]},
            {"role":"tool","tool_call_id":"toolu_1","content":"12 °C"},{"role":"tool","tool_call_id":"toolu_2","content":"Error: no\n\nway"},{"role":"user","content":"and?"}],"max_tokens":16}
            """);

    private static void Becomes(string message, string chat)
    {
        string written = AnthropicBodies.Translated(message);
        using JsonDocument strict = JsonDocument.Parse(written, new JsonDocumentOptions { AllowDuplicateProperties = false });
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(chat), JsonNode.Parse(written)), written);
    }
}
