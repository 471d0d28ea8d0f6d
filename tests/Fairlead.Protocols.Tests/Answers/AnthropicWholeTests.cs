using System.Text;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using static Fairlead.Protocols.Tests.Answers.AnthropicRelayed;

namespace Fairlead.Protocols.Tests.Answers;

/// <summary>Anthropic's answers that come whole, as both doors give them on, and as the streams they might have been (F057).</summary>
public class AnthropicWholeTests
{
    private const string Counts = "{\"input_tokens\":10,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":90,\"output_tokens\":4,\"service_tier\":\"standard\"}";

    private static readonly string Full = Message("[{\"type\":\"text\",\"text\":\"Hi \\ud83d\\ude00\"}]");

    private static string Message(string content, string reason = "\"end_turn\"", string more = "") =>
        "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-haiku-4-5-20251001\",\"content\":" + content + ",\"stop_reason\":" + reason
        + ",\"stop_sequence\":null" + more + ",\"usage\":" + Counts + "}";

    [Theory]
    [InlineData("")]
    [InlineData("\r\n ")]
    [InlineData("\uFEFF")]
    public void A_message_is_relayed_byte_for_byte_with_its_cost(string before)
    {
        (AnswerCheck check, string output) = Written(before + Full, Messages);
        Assert.Equal(new Usage(100, 4, 90), check.Usage);
        Assert.Equal(Full.Replace("\"standard\"}", "\"standard\",\"cost\":0.0000064}", StringComparison.Ordinal), output);
    }

    [Fact]
    public void Counts_that_were_bounded_are_told_as_they_are_charged()
    {
        byte[] body = Encoding.UTF8.GetBytes(Full.Replace("\"output_tokens\":4", "\"output_tokens\":-4", StringComparison.Ordinal));
        AnswerCheck check = AnswerDialects.Check(body, Messages);
        using var output = new PooledBuffer();
        AnswerDialects.Write(body, check, Messages, new Usage(100, 0, 90), new NanoDollars(6_400), output);
        JsonNode usage = JsonNode.Parse(output.Span)!["usage"]!;
        Assert.Equal((0, "standard", "0.0000064"), (usage["output_tokens"]!.GetValue<int>(), usage["service_tier"]!.GetValue<string>(), usage["cost"]!.ToJsonString()));
    }

    [Fact]
    public void A_message_without_counts_gets_ours()
    {
        (AnswerCheck check, string output) = Written(Full.Replace(",\"usage\":" + Counts, "", StringComparison.Ordinal), Messages);
        Assert.Null(check.Usage);
        Assert.Equal(4, check.OutputTokensSeen); // of "Hi " and two escapes: a quarter of fifteen bytes
        Assert.Equal((9, 4), (JsonNode.Parse(output)!["usage"]!["input_tokens"]!.GetValue<int>(), JsonNode.Parse(output)!["usage"]!["output_tokens"]!.GetValue<int>()));
    }

    [Fact]
    public void What_clients_insist_on_and_the_answer_lacks_is_put_in()
    {
        (_, string output) = Written("{\"content\":[{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}}],\"usage\":" + Counts + "}", Messages);
        JsonNode message = JsonNode.Parse(output)!;
        Assert.Equal(("msg_ours", "message", "assistant", "fallback", "tool_use"),
            (message["id"]!.GetValue<string>(), message["type"]!.GetValue<string>(), message["role"]!.GetValue<string>(), message["model"]!.GetValue<string>(), message["stop_reason"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData("", FaultKind.Malformed)]
    [InlineData("<html></html>", FaultKind.Malformed)]
    [InlineData("[1]", FaultKind.Malformed)]
    [InlineData("{\"id\":\"msg_1\",\"content\":[", FaultKind.Malformed)]
    [InlineData("{\"id\":\"msg_1\"}", FaultKind.Malformed)]
    [InlineData("{\"id\":\"msg_1\",\"content\":\"Hi\"}", FaultKind.Malformed)]
    [InlineData("{\"id\":\"msg_1\",\"content\":[1]}", FaultKind.Malformed)]
    [InlineData("{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}", FaultKind.Overloaded)]
    [InlineData("{\"error\":{\"type\":\"rate_limit_error\",\"message\":\"Slow down\"}}", FaultKind.RateLimited)]
    public void What_is_no_message_goes_to_the_next_candidate(string body, FaultKind kind)
    {
        Assert.Equal(kind, AnswerDialects.Check(Encoding.UTF8.GetBytes(body), Messages).Fault?.Kind);
        Assert.Equal(kind, AnswerDialects.Check(Encoding.UTF8.GetBytes(body), Chat).Fault?.Kind);
    }

    [Fact]
    public void Invalid_utf8_is_told_as_the_replacement_character()
    {
        byte[] body = Encoding.UTF8.GetBytes(Full.Replace("Hi", "H@", StringComparison.Ordinal));
        body[Array.IndexOf(body, (byte)'@')] = 0xFF;
        foreach (StreamExpectations expected in (StreamExpectations[])[Messages, Chat])
        {
            AnswerCheck check = AnswerDialects.Check(body, expected);
            using var output = new PooledBuffer();
            AnswerDialects.Write(body, check, expected, check.Usage!.Value, new NanoDollars(6_400), output);
            JsonNode answer = JsonNode.Parse(output.Span)!;
            Assert.Equal("H\uFFFD 😀", (answer["content"]?[0]!["text"] ?? answer["choices"]![0]!["message"]!["content"]!).GetValue<string>());
        }
    }

    [Fact]
    public void A_message_is_told_as_a_completion()
    {
        const string Content = "[{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"sig\"},{\"type\":\"redacted_thinking\",\"data\":\"d\"},{\"type\":\"text\",\"text\":\"I \"},"
            + "{\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"web_search\",\"input\":{}},"
            + "{\"type\":\"text\",\"text\":\"look\\\\.\",\"citations\":[{\"type\":\"web_search_result_location\",\"url\":\"u\",\"title\":\"t\",\"cited_text\":\"c\",\"encrypted_index\":\"e\"}]},"
            + "{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{\"a\": 1.50, \"b\":\"é\\\"\"}}]";
        (_, string output) = Written(Message(Content, "\"tool_use\""), Chat);
        JsonNode answer = JsonNode.Parse(output)!;
        Assert.Equal(("msg_1", "chat.completion", 1_234, "claude-haiku-4-5-20251001"),
            (answer["id"]!.GetValue<string>(), answer["object"]!.GetValue<string>(), answer["created"]!.GetValue<int>(), answer["model"]!.GetValue<string>()));
        JsonNode choice = Assert.Single(answer["choices"]!.AsArray())!;
        Assert.Equal("tool_calls", choice["finish_reason"]!.GetValue<string>());
        JsonNode message = choice["message"]!;
        Assert.Equal(("I look\\.", "hm"), (message["content"]!.GetValue<string>(), message["reasoning_content"]!.GetValue<string>()));
        Assert.Equal("[{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"sig\"},{\"type\":\"redacted_thinking\",\"data\":\"d\"}]", message["thinking_blocks"]!.ToJsonString());
        Assert.Equal("[{\"type\":\"url_citation\",\"url_citation\":{\"url\":\"u\",\"title\":\"t\",\"start_index\":2,\"end_index\":8}}]", message["annotations"]!.ToJsonString());
        JsonNode call = Assert.Single(message["tool_calls"]!.AsArray())!;
        Assert.Equal(("toolu_1", "function", "f", "{\"a\":1.50,\"b\":\"é\\\"\"}"),
            (call["id"]!.GetValue<string>(), call["type"]!.GetValue<string>(), call["function"]!["name"]!.GetValue<string>(), call["function"]!["arguments"]!.GetValue<string>()));
        Assert.Equal("{\"prompt_tokens\":100,\"completion_tokens\":4,\"total_tokens\":104,\"prompt_tokens_details\":{\"cached_tokens\":90,\"cache_write_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0},\"cost\":0.0000064}", answer["usage"]!.ToJsonString());
    }

    [Fact]
    public void Calls_without_text_have_no_content_and_an_empty_answer_has_an_empty_one()
    {
        JsonNode called = JsonNode.Parse(Written(Message("[{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}}]", "\"tool_use\""), Chat).Output)!["choices"]![0]!["message"]!;
        Assert.True(called.AsObject().ContainsKey("content") && called["content"] is null);
        Assert.Equal("", JsonNode.Parse(Written(Message("[]"), Chat).Output)!["choices"]![0]!["message"]!["content"]!.GetValue<string>());
    }

    [Fact]
    public void A_refusal_is_a_filtered_answer_with_its_explanation()
    {
        JsonNode choice = JsonNode.Parse(Written(Message("[]", "\"refusal\"", ",\"stop_details\":{\"type\":\"refusal\",\"category\":\"bio\",\"explanation\":\"No.\"}"), Chat).Output)!["choices"]![0]!;
        Assert.Equal(("content_filter", "No.", "bio"), (choice["finish_reason"]!.GetValue<string>(), choice["message"]!["refusal"]!.GetValue<string>(), choice["stop_details"]!["category"]!.GetValue<string>()));
    }

    [Fact]
    public void F057_a_whole_message_is_told_as_the_stream_it_might_have_been()
    {
        const string Content = "[{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"sig\"},{\"type\":\"text\",\"text\":\"Hi\",\"citations\":null},{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{\"x\":[1]}}]";
        AnthropicRelayed r = Replayed(Message(Content, "\"tool_use\""), Messages);
        Assert.Equal((StreamState.Completed, new Usage(100, 4, 90)), (r.State, r.Usage));
        Assert.Equal(
            ["message_start", "content_block_start", "content_block_delta", "content_block_delta", "content_block_stop", "content_block_start", "content_block_delta", "content_block_stop",
                "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop"],
            r.Events.Select(static e => e.Name));
        Assert.Equal(("tool_use", "0.0000064"), (r.Events[^2].Data["delta"]!["stop_reason"]!.GetValue<string>(), r.Events[^2].Data["usage"]!["cost"]!.ToJsonString()));
        Relayed chunks = Replayed(Message(Content, "\"tool_use\""), Chat with { UsageAsked = true }).AsChunks.InForm();
        Assert.Equal(("Hi", "hm"), (chunks.Said(), chunks.Said("reasoning_content")));
        Assert.Equal([("a", "function", "f", "{\"x\":[1]}")], chunks.Calls);
        Assert.Equal(StreamState.Faulted, Replayed("{\"no\":\"message\"}", Messages).State);
    }

    private static (AnswerCheck Check, string Output) Written(string whole, StreamExpectations expected)
    {
        byte[] body = Encoding.UTF8.GetBytes(whole);
        AnswerCheck check = AnswerDialects.Check(body, expected);
        Assert.Null(check.Fault);
        using var output = new PooledBuffer();
        AnswerDialects.Write(body, check, expected, check.Usage ?? new Usage(9, check.OutputTokensSeen), new NanoDollars(6_400), output);
        return (check, Encoding.UTF8.GetString(output.Span));
    }
}
