using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Protocols.OpenAi;

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

    [Theory]
    [InlineData("\"system\":\"s\"", """{"role":"system","content":"s"}""")]
    [InlineData("\"system\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]", """{"role":"system","content":"a\n\nb"}""")]
    public void The_system_prompt_is_the_first_message(string member, string first) => Becomes(
        AnthropicBodies.Message(member),
        """{"model":"up/m","messages":[FIRST,{"role":"user","content":"hi"}],"max_tokens":16}""".Replace("FIRST", first, StringComparison.Ordinal));

    [Fact]
    public void A_later_system_message_stays_where_it_stands() => Becomes(
        AnthropicBodies.Conversation("""{"role":"user","content":"a"},{"role":"system","content":[{"type":"text","text":"b"}]},{"role":"user","content":"c"}"""),
        """{"model":"up/m","messages":[{"role":"user","content":"a"},{"role":"system","content":"b"},{"role":"user","content":"c"}],"max_tokens":16}""");

    [Theory]
    [InlineData("""{"type":"text","text":"a\u00e9"}""", "\"a\\u00e9\"")]
    [InlineData("""{"type":"text","text":"a"},{"type":"text","text":"b"}""", """[{"type":"text","text":"a"},{"type":"text","text":"b"}]""")]
    [InlineData("""{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}""", """[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]""")]
    [InlineData("""{"type":"image","source":{"type":"url","url":"https://x.org/a"}}""", """[{"type":"image_url","image_url":{"url":"https://x.org/a"}}]""")]
    [InlineData("""{"type":"document","title":"a.pdf","context":"c","source":{"type":"base64","media_type":"application/pdf","data":"AAAA"}}""",
        """[{"type":"text","text":"c"},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AAAA"}}]""")]
    [InlineData("""{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AAAA"}}""",
        """[{"type":"file","file":{"filename":"document.pdf","file_data":"data:application/pdf;base64,AAAA"}}]""")]
    [InlineData("""{"type":"document","title":"t","source":{"type":"text","media_type":"text/plain","data":"d"}}""", """[{"type":"text","text":"t\n\nd"}]""")]
    [InlineData("""{"type":"document","title":"t","source":{"type":"content","content":[{"type":"text","text":"d"},{"type":"image","source":{"type":"url","url":"u"}}]}}""",
        """[{"type":"text","text":"t"},{"type":"text","text":"d"},{"type":"image_url","image_url":{"url":"u"}}]""")]
    [InlineData("""{"type":"search_result","source":"s","title":"t","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}""", """[{"type":"text","text":"t\n\ns\n\na\n\nb"}]""")]
    public void What_the_user_sends_becomes_parts(string blocks, string content) => Becomes(
        AnthropicBodies.User(blocks),
        """{"model":"up/m","messages":[{"role":"user","content":CONTENT}],"max_tokens":16}""".Replace("CONTENT", content, StringComparison.Ordinal));

    [Fact]
    public void A_picture_in_a_result_follows_in_the_users_message_with_a_note() => Becomes(
        AnthropicBodies.User("""
            {"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"seen"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]},
            {"type":"tool_result","tool_use_id":"t2"},{"type":"text","text":"what is it?"}
            """),
        """
            {"model":"up/m","messages":[{"role":"tool","tool_call_id":"t1","content":"seen\n\n[image: in the next message]"},{"role":"tool","tool_call_id":"t2","content":""},
            {"role":"user","content":[{"type":"text","text":"Of the result of tool call t1:"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},
              {"type":"text","text":"what is it?"}]}],"max_tokens":16}
            """);

    [Theory]
    [InlineData("""{"type":"tool_use","id":"a","name":"f","input":{}}""", """{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]}""")]
    [InlineData("""{"type":"text","text":"a"},{"type":"text","text":"b"}""", """{"role":"assistant","content":"ab"}""")]
    [InlineData("""{"type":"text","text":"a"},{"type":"thinking","thinking":"x","signature":"s"},{"type":"text","text":"b"}""", """{"role":"assistant","content":"a\n\nb"}""")]
    [InlineData("""{"type":"redacted_thinking","data":"x"}""", """{"role":"assistant","content":""}""")]
    public void What_the_assistant_said_is_one_text_and_its_calls(string blocks, string message) => Becomes(
        AnthropicBodies.Conversation($$"""{"role":"assistant","content":[{{blocks}}]}"""),
        """{"model":"up/m","messages":[MESSAGE],"max_tokens":16}""".Replace("MESSAGE", message, StringComparison.Ordinal));

    [Theory]
    [InlineData("\"temperature\":0.5,\"top_p\":0.9,\"top_k\":4", "\"temperature\":0.5,\"top_p\":0.9,\"top_k\":4")]
    [InlineData("\"stop_sequences\":[\"a\",\"b\",\"c\",\"d\",\"e\"]", "\"stop\":[\"a\",\"b\",\"c\",\"d\"]")]
    [InlineData("\"stop_sequences\":[]", "")]
    [InlineData("\"metadata\":{\"user_id\":\"u\"}", "\"user\":\"u\"")]
    [InlineData("\"stream\":true", "\"stream\":true,\"stream_options\":{\"include_usage\":true}")]
    [InlineData("\"stream\":false", "")]
    [InlineData("\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}", "\"reasoning_effort\":\"low\"")]
    [InlineData("\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2048}", "\"reasoning_effort\":\"medium\"")]
    [InlineData("\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":8192}", "\"reasoning_effort\":\"high\"")]
    [InlineData("\"thinking\":{\"type\":\"adaptive\"},\"output_config\":{\"effort\":\"max\"}", "\"reasoning_effort\":\"max\"")]
    [InlineData("\"thinking\":{\"type\":\"adaptive\"}", "")]
    [InlineData("\"thinking\":{\"type\":\"disabled\"}", "\"reasoning_effort\":\"none\"")]
    [InlineData("\"thinking\":{\"type\":\"between_tools\"}", "\"reasoning_effort\":\"none\"")]
    [InlineData("\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\"}}}",
        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"output\",\"schema\":{\"type\":\"object\"},\"strict\":true}}")]
    [InlineData("\"output_format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\"}}",
        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"output\",\"schema\":{\"type\":\"object\"},\"strict\":true}}")]
    [InlineData("\"output_config\":{\"format\":{\"type\":\"grammar\"}}", "")] // bound to its dialect: nobody of another is asked, and what would be written is sound
    [InlineData("\"tool_choice\":{\"type\":\"auto\"},\"tools\":[]", "")]
    [InlineData("\"system\":[ ]", "")]
    public void Each_option_has_its_word(string member, string option) => Becomes(
        AnthropicBodies.Message(member),
        """{"model":"up/m","messages":[{"role":"user","content":"hi"}],"max_tokens":16MORE}""".Replace("MORE", option.Length > 0 ? "," + option : "", StringComparison.Ordinal));

    [Theory]
    [InlineData("{\"type\":\"auto\"}", "\"tool_choice\":\"auto\"")]
    [InlineData("{\"type\":\"any\",\"disable_parallel_tool_use\":true}", "\"tool_choice\":\"required\",\"parallel_tool_calls\":false")]
    [InlineData("{\"type\":\"tool\",\"name\":\"f\"}", "\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}")]
    [InlineData("{\"type\":\"none\"}", "\"tool_choice\":\"none\"")]
    public void Tools_are_functions_and_every_choice_has_its_word(string choice, string chosen) => Becomes(
        AnthropicBodies.Message("""
            "tools":[{"name":"f","description":"d","input_schema":{"type":"object","properties":{}},"strict":true,"cache_control":{"type":"ephemeral"}}],"tool_choice":CHOICE
            """.Replace("CHOICE", choice, StringComparison.Ordinal)),
        """
            {"model":"up/m","messages":[{"role":"user","content":"hi"}],"max_tokens":16,CHOSEN,
            "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{}},"strict":true}}]}
            """.Replace("CHOSEN", chosen, StringComparison.Ordinal));

    [Fact]
    public void A_providers_quirks_hold_for_what_was_translated()
    {
        string body = AnthropicBodies.Conversation(
            """
            {"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"x"}]}
            """,
            """
            "stream":true,"stop_sequences":["a"],"tools":[{"name":"f","input_schema":{}}],"tool_choice":{"type":"any"},
            "output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}
            """);
        JsonNode chat = JsonNode.Parse(AnthropicBodies.Translated(body, RequestQuirks.NineCharToolCallIds | RequestQuirks.StopAsString | RequestQuirks.NoStreamOptions
            | RequestQuirks.RequiredAsAny | RequestQuirks.FlattenJsonSchema | RequestQuirks.MaxTokensAsMaxCompletionTokens))!;
        Assert.Equal("a", (string?)chat["stop"]);
        Assert.Equal("any", (string?)chat["tool_choice"]);
        Assert.Null(chat["stream_options"]);
        Assert.Equal(16, (int?)chat["max_completion_tokens"]);
        Assert.Null(chat["max_tokens"]);
        Assert.Equal("""{"type":"json_schema","schema":{"type":"object"}}""", chat["response_format"]!.ToJsonString());
        string id = (string)chat["messages"]![0]!["tool_calls"]![0]!["id"]!;
        Assert.Equal(9, id.Length);
        Assert.Equal(id, (string?)chat["messages"]![1]!["tool_call_id"]);
        Assert.Equal("messages", AnthropicBodies.Adapted(body, quirks: RequestQuirks.NineCharToolCallIds));
    }

    private static void Becomes(string message, string chat)
    {
        string written = AnthropicBodies.Translated(message);
        using JsonDocument strict = JsonDocument.Parse(written, new JsonDocumentOptions { AllowDuplicateProperties = false });
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(chat), JsonNode.Parse(written)), written);
    }
}
