using System.Text;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Anthropic;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Tests.Translation;
using static Fairlead.Protocols.Tests.Answers.AnthropicRelayed;
using static Fairlead.Protocols.Tests.Answers.AnthropicScript;

namespace Fairlead.Protocols.Tests.Answers;

/// <summary>What becomes of Anthropic's streams that are odd, broken or mistaken, at both doors.</summary>
public class AnthropicStreamTests
{
    private static string WithCost(string text, string counts = "{\"output_tokens\":4}") =>
        text.Replace(counts, counts[..^1] + ",\"cost\":0.0000064}", StringComparison.Ordinal);

    [Fact]
    public void The_lines_of_an_event_are_relayed_as_they_came_comments_and_spacing_included()
    {
        string[] writes =
        [
            Start, "event: content_block_start\nid: 7\ndata:{ \"type\" : \"content_block_start\",\"index\":0, \"content_block\":{\"type\":\"text\",\"text\":\"\"} }\n\n",
            "event: content_block_delta\n: a note\ndata: {\"type\":\"content_block_delta\",\"index\":0,\ndata: \"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\n",
            Delta(0, "{\"type\":\"text_delta\",\"text\":\"é\\u00e9 \\/ \\ud83d\\ude00\"}           "), Close(0), End("end_turn", more: " "), Stop,
        ];
        Assert.Equal(WithCost(string.Concat(writes)), Of(writes).Output);
        Assert.Equal("Hiéé / 😀", Chunks(writes).Said());
    }

    [Fact]
    public void A_frame_with_carriage_returns_is_told_in_line_feeds()
    {
        string body = string.Concat(Start, Say(0, "Hi"), End("end_turn"), Stop);
        foreach (string framed in (string[])[body.Replace("\n", "\r\n", StringComparison.Ordinal), body.Replace("\n", "\r", StringComparison.Ordinal)])
        {
            Assert.Equal(WithCost(body), Of(framed).Output);
            Assert.Equal("Hi", Chunks(framed).Said());
        }
    }

    [Fact]
    public void An_event_without_an_event_line_gets_one_since_clients_look_at_nothing_else()
    {
        string body = string.Concat(Start, Say(0, "Hi"), End("end_turn"), Stop);
        string bare = string.Concat(body.Split('\n').Where(static line => !line.StartsWith("event:", StringComparison.Ordinal)).Select(static line => line + "\n"))[..^1];
        Assert.DoesNotContain("event:", bare, StringComparison.Ordinal);
        Assert.Equal(WithCost(body), Of(bare).Output);
    }

    [Theory]
    [InlineData("{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"m\",\"service\":\"x\"}}", "msg_1", "m", 77)]
    [InlineData("{\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5,\"output_tokens\":1}}}", "msg_ours", "fallback", 5)]
    [InlineData("{\"type\":\"message_start\"}", "msg_ours", "fallback", 77)]
    public void What_clients_insist_on_and_a_messages_start_lacks_is_put_in(string start, string id, string model, int input)
    {
        JsonNode message = Of(Ev("message_start", start), Say(0, "Hi"), End("end_turn"), Stop).Events[0].Data["message"]!;
        Assert.Equal((id, model, "message", "assistant", "[]", input), (message["id"]!.GetValue<string>(), message["model"]!.GetValue<string>(), message["type"]!.GetValue<string>(),
            message["role"]!.GetValue<string>(), message["content"]!.ToJsonString(), message["usage"]!["input_tokens"]!.GetValue<int>()));
    }

    [Fact]
    public void Comments_between_events_and_a_byte_order_mark_are_left_out()
    {
        string body = string.Concat(Start, Say(0, "Hi"), End("end_turn"), Stop);
        Assert.Equal(WithCost(body), Of("\uFEFF: hello\n\n" + body.Replace("event: content_block_stop", ": still here\n\n: and here\nevent: content_block_stop", StringComparison.Ordinal)).Output);
    }

    [Fact]
    public void The_data_of_the_closing_event_may_have_several_lines()
    {
        AnthropicRelayed r = Of(Start, Say(0, "Hi"), "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\ndata: \"usage\":{\ndata: \"output_tokens\":4}}\n\n", Stop);
        (string name, JsonObject data) = r.Events[^2];
        Assert.Equal(("message_delta", "0.0000064", 4), (name, data["usage"]!["cost"]!.ToJsonString(), data["usage"]!["output_tokens"]!.GetValue<int>()));
    }

    [Fact]
    public void Nothing_that_ends_the_answer_leaves_before_it_is_settled()
    {
        foreach (StreamExpectations expected in (StreamExpectations[])[Messages, Chat with { UsageAsked = true }])
        {
            using var stream = new MessagesStream(expected);
            using var output = new PooledBuffer();
            byte[] body = Utf8(Start, Say(0, "Hi"), End("end_turn"), Stop);
            Assert.Equal(StreamState.Completed, stream.Accept(body, body.Length, output));
            string before = Encoding.UTF8.GetString(output.Span);
            Assert.DoesNotContain("message_delta", before, StringComparison.Ordinal);
            Assert.DoesNotContain("message_stop", before, StringComparison.Ordinal);
            Assert.DoesNotContain("[DONE]", before, StringComparison.Ordinal);
            Assert.DoesNotContain("completion_tokens", before, StringComparison.Ordinal);
            stream.WriteClosing(stream.Usage!.Value, new NanoDollars(6_400), output);
            Assert.Contains("0.0000064", Encoding.UTF8.GetString(output.Span), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_message_whose_first_delta_gives_no_reason_yet_gets_its_cost_in_the_last()
    {
        string early = Ev("message_delta", "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":null},\"usage\":{\"output_tokens\":2}}");
        AnthropicRelayed r = Of(Start, Say(0, "Hi"), early, Say(1, "ho"), End("end_turn"), Stop);
        Assert.Equal(new Usage(100, 4, 90), r.Usage);
        Assert.Contains(early, r.Output, StringComparison.Ordinal);
        Assert.Single(r.Events, static e => e.Data["usage"]?["cost"] is not null);
        Assert.Equal(4, r.Events[^2].Data["usage"]!["output_tokens"]!.GetValue<int>());
        Assert.Equal("Hiho", Chunks(Start, Say(0, "Hi"), early, Say(1, "ho"), End("end_turn"), Stop).Said());
    }

    /// <summary>U-33.</summary>
    [Theory]
    [InlineData("", "77 2")] // neither
    [InlineData("{\"input_tokens\":10,\"output_tokens\":1}", "10 2")] // the input alone: the one output token of a start is a promise, not a count
    [InlineData("{\"input_tokens\":0,\"output_tokens\":0}", "77 2")] // no message has no input
    public void Counts_that_never_come_are_ours_and_marked_as_ours(string usage, string counts)
    {
        string start = usage.Length == 0 ? Start.Replace(",\"usage\":" + Counts, "", StringComparison.Ordinal) : StartWith(usage);
        string end = Ev("message_delta", "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null}}");
        AnthropicRelayed r = Of(start, Say(0, "Hello", "you"), end, Stop);
        Assert.True(r.Partial);
        Usage charged = r.Usage ?? new Usage(77, r.Seen);
        Assert.Equal(counts, $"{charged.InputTokens} {charged.OutputTokens}");
        JsonObject told = r.Events[^2].Data["usage"]!.AsObject();
        Assert.Equal("0.0000064", told["cost"]!.ToJsonString());
        Assert.Equal(2, told["output_tokens"]!.GetValue<int>());
        Assert.Equal("end_turn", r.Events[^2].Data["delta"]!["stop_reason"]!.GetValue<string>());
    }

    [Fact]
    public void An_answer_that_breaks_off_keeps_what_was_told_of_its_input()
    {
        AnthropicRelayed r = Of(Start, TextBlock(0), Text(0, "Hello"), Text(0, " you"));
        Assert.Equal((FaultKind.Truncated, true, new Usage(100, 3, 90)), (r.Fault!.Kind, r.Partial, r.Usage));
    }

    /// <summary>U-34: what is charged is told, not what was claimed.</summary>
    [Fact]
    public void Counts_that_were_bounded_are_told_as_they_are_charged()
    {
        using var stream = new MessagesStream(Messages);
        using var output = new PooledBuffer();
        byte[] body = Utf8(Start, Say(0, "Hi"), End("end_turn", "{\"output_tokens\":-5,\"server_tool_use\":{\"web_search_requests\":1}}"), Stop);
        stream.Accept(body, body.Length, output);
        Assert.Equal(-5, stream.Usage!.Value.OutputTokens);
        output.Clear();
        stream.WriteClosing(new Usage(100, 0, 90), new NanoDollars(6_400), output);
        string closing = Encoding.UTF8.GetString(output.Span);
        Assert.Contains("{\"output_tokens\":0,\"server_tool_use\":{\"web_search_requests\":1},\"input_tokens\":10,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":90,\"cost\":0.0000064}", closing, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"input_tokens\":5,\"cache_creation_input_tokens\":30,\"cache_read_input_tokens\":7,\"cache_creation\":{\"ephemeral_5m_input_tokens\":10,\"ephemeral_1h_input_tokens\":20},\"output_tokens\":1}", "42 4 7 30 20")]
    [InlineData("{\"input_tokens\":5,\"cache_creation\":{\"ephemeral_5m_input_tokens\":10,\"ephemeral_1h_input_tokens\":20}}", "35 4 0 30 20")]
    [InlineData("{\"input_tokens\":5,\"cache_creation_input_tokens\":null,\"cache_read_input_tokens\":null,\"cache_creation\":null,\"service_tier\":\"standard\"}", "5 4 0 0 0")]
    [InlineData("{\"input_tokens\":\"5\",\"cache_read_input_tokens\":5.0}", "5 4 5 0 0")]
    public void Cached_tokens_are_counted_once_and_the_two_kinds_of_writes_apart(string usage, string counts)
    {
        Usage read = Of(StartWith(usage), Say(0, "Hi"), End("end_turn", "{\"output_tokens\":4,\"output_tokens_details\":{\"thinking_tokens\":3}}"), Stop).Usage!.Value;
        // An input that is no number is none: then ours stands in.
        string told = usage.Contains("\"5\"", StringComparison.Ordinal) ? "77 4 5 0 0" : counts;
        Assert.Equal(told, $"{read.InputTokens} {read.OutputTokens} {read.CachedInputTokens} {read.CacheWriteTokens} {read.CacheWriteHourTokens}");
        Assert.Equal(3, read.ReasoningTokens);
    }

    /// <summary>U-24.</summary>
    [Theory]
    [InlineData("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0\n\n")]
    [InlineData("data: [1]\n\n")]
    [InlineData("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":9}\n\n")]
    [InlineData("data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":NaN}}\n\n")]
    public void Two_malformed_events_are_dropped_and_the_third_is_a_fault(string bad)
    {
        string body = Start + TextBlock(0) + Text(0, "Hi") + Close(0) + End("end_turn") + Stop;
        AnthropicRelayed r = Of(bad, Start, TextBlock(0), bad, Text(0, "Hi"), Close(0), End("end_turn"), Stop);
        Assert.Equal((WithCost(body), 2), (r.Output, r.Malformed));
        Assert.Equal("Hi", Chunks(bad, Start, TextBlock(0), bad, Text(0, "Hi"), Close(0), End("end_turn"), Stop).Said());
        r = Of(bad, Start, TextBlock(0), bad, Text(0, "Hi"), bad, Close(0), End("end_turn"), Stop);
        Assert.Equal((FaultKind.Malformed, true), (r.Fault!.Kind, r.Committed));
    }

    /// <summary>Clients put blocks together by their numbers and fail at a gap.</summary>
    [Fact]
    public void An_order_that_no_client_could_follow_is_a_fault()
    {
        foreach (string[] writes in (string[][])
        [
            [TextBlock(0), Text(0, "Hi")],
            [Start, Start],
            [Start, TextBlock(1)],
            [Start, Say(0, "a"), TextBlock(0)],
            [Start, Say(0, "a"), Block(2, "{\"type\":\"text\",\"text\":\"\"}")],
            [Start, Text(0, "a")],
            [Start, TextBlock(0), Text(1, "a")],
            [Start, Say(0, "a"), Text(0, "b")],
            [Start, Say(0, "a"), End("end_turn"), TextBlock(1)],
            [Start, Ev("content_block_start", "{\"type\":\"content_block_start\",\"content_block\":{\"type\":\"text\",\"text\":\"\"}}")],
        ])
        {
            Assert.Equal(FaultKind.Malformed, Of(writes).Fault?.Kind);
            Assert.Equal(FaultKind.Malformed, Chunks(writes).Fault?.Kind);
        }
    }

    [Fact]
    public void A_block_that_nobody_closed_is_closed_by_what_comes_next()
    {
        Relayed r = Chunks(Start, ToolBlock(0, "a", "f"), TextBlock(1), Text(1, "Hi"), ThinkingBlock(2), Thinking(2, "hm"), End("tool_use"), Stop);
        Assert.Equal([("a", "function", "f", "{}")], r.Calls);
        Assert.Equal(("Hi", "hm"), (r.Said(), r.Said("reasoning_content")));
        Assert.Single(r.Deltas(0), static d => d["thinking_blocks"] is not null);
    }

    /// <summary>U-37.</summary>
    [Fact]
    public void A_tools_input_that_breaks_off_is_not_made_to_look_whole()
    {
        string[] open = [Start, ToolBlock(0, "a", "f"), Input(0, "{\\\"a\\\": \\\"x"), Close(0)];
        foreach (string end in (string[])[End("tool_use") + Stop, End("end_turn") + Stop, Stop, ""])
        {
            AnthropicRelayed r = Of([.. open, end]);
            Assert.Equal((FaultKind.Truncated, true), (r.Fault?.Kind, r.Committed));
            Assert.Equal(FaultKind.Truncated, Chunks([.. open, end]).Fault?.Kind);
        }
        // Where the limit cut it, that is what the reason says.
        foreach (string reason in (string[])["max_tokens", "model_context_window_exceeded", "refusal"])
            Assert.Equal(StreamState.Completed, Of([.. open, End(reason), Stop]).State);
        Assert.Equal(("{\"a\": \"x", "length"), (Chunks([.. open, End("max_tokens"), Stop]).Calls[0].Arguments, Chunks([.. open, End("max_tokens"), Stop]).Finishes[0]));
    }

    [Fact]
    public void Braces_in_the_strings_of_a_tools_input_are_no_structure_however_they_are_written()
    {
        string[] writes = [Start, ToolBlock(0, "a", "f"), Input(0, "{\\u0022a\\\": \\\"}{\\\\\\\\"), Input(0, "\\\\\\\"{\\u007b\\\"\\u007D"), Close(0), End("tool_use"), Stop];
        Assert.Equal(StreamState.Completed, Of(writes).State);
        Assert.Equal("{\"a\": \"}{\\\\\\\"{{\"}", Chunks(writes).Calls[0].Arguments);
    }

    /// <summary>U-35.</summary>
    [Fact]
    public void An_answer_past_the_callers_limit_is_cut_there_and_is_whole()
    {
        byte[] body = Utf8(Start, TextBlock(0), Text(0, "a"), Text(0, "b"), Text(0, "c"), Close(0), End("end_turn"), Stop);
        AnthropicRelayed r = Of(body, Messages with { MaxOutputTokens = 2 });
        Assert.Equal((StreamState.LimitReached, true, true), (r.State, r.Committed, r.Partial));
        Assert.StartsWith(Start + TextBlock(0) + Text(0, "a") + Text(0, "b") + Close(0) + "event: message_delta\n", r.Output, StringComparison.Ordinal);
        JsonObject end = r.Events[^2].Data;
        Assert.Equal(("max_tokens", 2, 10), (end["delta"]!["stop_reason"]!.GetValue<string>(), end["usage"]!["output_tokens"]!.GetValue<int>(), end["usage"]!["input_tokens"]!.GetValue<int>()));
        Assert.Equal("message_stop", r.Events[^1].Name);
        Relayed chunks = Of(body, Chat with { MaxOutputTokens = 2 }).AsChunks.InForm();
        Assert.Equal(("ab", "length", true), (chunks.Said(), chunks.Finishes[0], chunks.IsDone));
    }

    [Fact]
    public void A_block_that_the_limit_leaves_no_room_for_is_not_closed()
    {
        AnthropicRelayed r = Of(Utf8(Start, TextBlock(0), Text(0, "a"), Text(0, "b"), Close(0), ToolBlock(1, "t", "f"), Close(1), End("tool_use"), Stop), Messages with { MaxOutputTokens = 2 });
        Assert.Equal(StreamState.LimitReached, r.State);
        Assert.Single(r.Events, static e => e.Name == "content_block_start");
        Assert.Single(r.Events, static e => e.Name == "content_block_stop");
    }

    [Fact]
    public void A_stop_without_a_reason_gets_one_where_something_was_said()
    {
        AnthropicRelayed r = Of(Start, Say(0, "Hi"), Stop);
        Assert.Equal(["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop"], r.Events.Select(static e => e.Name));
        Assert.Equal("end_turn", r.Events[^2].Data["delta"]!["stop_reason"]!.GetValue<string>());
        Assert.Equal(["tool_calls"], Chunks(Start, ToolBlock(0, "a", "f"), Close(0), Stop).Finishes);
        Assert.Equal((FaultKind.Malformed, false), (Of(Start, Stop).Fault!.Kind, Of(Start, Stop).Committed));
    }

    [Fact]
    public void An_answer_that_says_nothing_and_gives_its_reason_is_an_answer()
    {
        Assert.Equal(WithCost(Start + End("end_turn") + Stop), Of(Start, End("end_turn"), Stop).Output);
        Relayed r = Chunks(Start, End("end_turn"), Stop);
        Assert.Equal(("", "stop", true), (r.Said(), r.Finishes[0], r.IsDone));
    }

    [Fact]
    public void What_comes_after_the_stop_is_nothing_and_OpenAIs_end_mark_is_none()
    {
        string body = Start + Say(0, "Hi") + End("end_turn") + Stop;
        Assert.Equal(WithCost(body), Of(body, Start, "data: [DONE]\n\n", Error("api_error")).Output);
        AnthropicRelayed r = Of(Start, Say(0, "Hi"), End("end_turn"), "data: [DONE]\n\n");
        Assert.Equal((WithCost(body), 0), (r.Output, r.Malformed));
    }

    /// <summary>U-26.</summary>
    [Fact]
    public void Invalid_utf8_is_told_as_the_replacement_character()
    {
        byte[] body = Utf8(Start, Say(0, "a@b"), End("end_turn"), Stop);
        body[Array.IndexOf(body, (byte)'@')] = 0xC3;
        Assert.Contains("\"text\":\"a\uFFFDb\"", Of(body, Messages).Output, StringComparison.Ordinal);
        Assert.Equal("a\uFFFDb", Of(body, Chat).AsChunks.Said());
    }

    [Fact]
    public void Characters_whose_halves_come_in_two_events_are_relayed_as_they_came_and_joined_in_chunks()
    {
        string[] writes = [Start, TextBlock(0), Text(0, "a\\ud83d"), Text(0, "\\ude00b\\uD83D"), Text(0, "c\\ude00"), Close(0), End("end_turn"), Stop];
        Assert.Equal(WithCost(string.Concat(writes)), Of(writes).Output);
        Assert.Equal("a😀b\uFFFDc\uFFFD", Chunks(writes).Said());
        Assert.Equal("a\uFFFD", Chunks(Start, TextBlock(0), Text(0, "a\\ud83d"), Close(0), End("end_turn"), Stop).Said());
        Assert.Equal("{\"a\":\"😀\"}", Chunks(Start, ToolBlock(0, "a", "f"), Input(0, "{\\\"a\\\":\\\"\\ud83d"), Input(0, "\\ude00\\\"}"), Close(0), End("tool_use"), Stop).Calls[0].Arguments);
    }

    /// <summary>The provider's own tools have no place in chunks; the numbers of the caller's calls know nothing of them.</summary>
    [Fact]
    public void What_the_providers_own_tools_do_is_left_out_of_chunks()
    {
        string[] writes =
        [
            Start, Say(0, "I search."), Block(1, "{\"type\":\"server_tool_use\",\"id\":\"srv\",\"name\":\"web_search\",\"input\":{}}"), Input(1, "{\\\"query\\\":\\\"x\\\"}"), Close(1),
            Block(2, "{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"srv\",\"content\":[{\"type\":\"web_search_result\",\"url\":\"u\",\"title\":\"t\",\"encrypted_content\":\"e\"}]}"), Close(2),
            TextBlock(3), Text(3, "So é\\n"), Delta(3, "{\"type\":\"citations_delta\",\"citation\":{\"type\":\"web_search_result_location\",\"url\":\"https://a/\\\"b\",\"title\":\"T\",\"cited_text\":\"c\",\"encrypted_index\":\"i\"}}"),
            Delta(3, "{\"type\":\"citations_delta\",\"citation\":{\"type\":\"page_location\",\"cited_text\":\"c\",\"document_index\":0}}"), Close(3),
            ToolBlock(4, "mine", "f"), Close(4), End("tool_use"), Stop,
        ];
        Relayed r = Chunks(writes);
        Assert.Equal("I search.So é\n", r.Said());
        Assert.Equal([("mine", "function", "f", "{}")], r.Calls);
        JsonNode annotation = Assert.Single(Assert.Single(r.Deltas(0), static d => d["annotations"] is not null)["annotations"]!.AsArray())!;
        Assert.Equal("url_citation", annotation["type"]!.GetValue<string>());
        JsonNode cited = annotation["url_citation"]!;
        Assert.Equal(("https://a/\"b", "T", 9, 14), (cited["url"]!.GetValue<string>(), cited["title"]!.GetValue<string>(), cited["start_index"]!.GetValue<int>(), cited["end_index"]!.GetValue<int>()));
        Assert.Equal(WithCost(string.Concat(writes)), Of(writes).Output);
    }

    [Fact]
    public void Thinking_that_is_not_shown_can_still_be_sent_back()
    {
        Relayed r = Chunks(Start, ThinkingBlock(0), Signature(0, "sig"), Close(0), Block(1, "{\"type\":\"redacted_thinking\",\"data\":\"d\"}"), Close(1), Say(2, "x"), End("end_turn"), Stop);
        Assert.Equal(["{\"index\":0,\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"sig\"}", "{\"index\":1,\"type\":\"redacted_thinking\",\"data\":\"d\"}"],
            r.Deltas(0).Where(static d => d["thinking_blocks"] is not null).Select(static d => d["thinking_blocks"]![0]!.ToJsonString()));
    }

    [Fact]
    public void Thinking_of_a_stream_goes_back_in_the_next_request_as_it_came()
    {
        Relayed r = Chunks(Start, ThinkingBlock(0), Thinking(0, "h\\u00e9 \\\"so\\\""), Signature(0, "c2ln"), Close(0), Block(1, "{\"type\":\"redacted_thinking\",\"data\":\"EmwK\"}"), Close(1), ToolBlock(2, "a", "f"), Close(2), End("tool_use"), Stop);
        var blocks = new JsonArray([.. r.Deltas(0).SelectMany(static d => d["thinking_blocks"] as JsonArray ?? []).Select(static block => block!.DeepClone())]);
        Translated next = Translated.Messages(
            "[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}],\"thinking_blocks\":"
            + blocks.ToJsonString() + "},{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"1\"}]");
        JsonArray content = next.Body["messages"]![1]!["content"]!.AsArray();
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("{\"type\":\"thinking\",\"thinking\":\"h\\u00e9 \\\"so\\\"\",\"signature\":\"c2ln\"}"), content[0]), content.ToJsonString());
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("{\"type\":\"redacted_thinking\",\"data\":\"EmwK\"}"), content[1]), content.ToJsonString());
        Assert.Equal("tool_use", content[2]!["type"]!.GetValue<string>());
    }

    [Fact]
    public void Pings_commit_nothing_and_are_no_answer()
    {
        using var stream = new MessagesStream(Messages);
        using var output = new PooledBuffer();
        byte[] ping = Utf8(Ping);
        for (int i = 0; i < 100_000; i++)
            stream.Accept(ping, ping.Length, output);
        Assert.Equal((false, false, 0L), (stream.Committed, stream.SawRealEvent, stream.RealEvents));
        Assert.InRange(output.Length, 0, 256 * 1024); // what gathers for the caller before anything is said is bounded
        Assert.Equal(StreamState.Faulted, stream.End(output));
    }

    [Fact]
    public void Empty_blocks_without_end_are_given_up()
    {
        using var stream = new MessagesStream(Messages);
        using var output = new PooledBuffer();
        stream.Accept(Utf8(Start), Start.Length, output);
        int i = 0;
        for (; stream.Fault is null && i < 100_000; i++)
        {
            byte[] empty = Utf8(TextBlock(i), Close(i));
            stream.Accept(empty, empty.Length, output);
        }
        Assert.Equal((FaultKind.Malformed, false), (stream.Fault?.Kind, stream.Committed));
        Assert.InRange(i, 1, 99_999);
    }

    /// <summary>U-25.</summary>
    [Theory]
    [InlineData("data: {\"")]
    [InlineData("event: content_block_delta\ndata: {\"")]
    public void An_event_that_never_ends_is_given_up_at_the_bound(string start)
    {
        using var stream = new MessagesStream(Messages);
        using var output = new PooledBuffer();
        byte[] piece = Utf8(new string('x', 64 * 1024));
        stream.Accept(Utf8(start), start.Length, output);
        int fed = 0;
        while (stream.Accept(piece, piece.Length, output) == StreamState.Reading && fed < 70 << 20)
            fed += piece.Length;
        Assert.Equal(FaultKind.EventTooLarge, stream.Fault!.Kind);
        Assert.InRange(fed, (8 << 20) - piece.Length, 9 << 20);
    }

    [Fact]
    public void Comments_inside_of_an_event_do_not_pile_up_without_end()
    {
        using var stream = new MessagesStream(Messages);
        using var output = new PooledBuffer();
        byte[] begin = Utf8("event: content_block_delta\n");
        stream.Accept(begin, begin.Length, output);
        byte[] comments = Utf8(string.Concat(Enumerable.Repeat(": still here\n", 4_096)));
        int fed = 0;
        while (stream.Accept(comments, comments.Length, output) == StreamState.Reading && fed < 70 << 20)
            fed += comments.Length;
        Assert.Equal(FaultKind.EventTooLarge, stream.Fault?.Kind);
    }

    [Fact]
    public void More_calls_than_any_client_takes_are_a_fault_at_the_chat_door_only()
    {
        string[] writes = [Start, .. Enumerable.Range(0, 129).Select(static i => ToolBlock(i, $"t{i}", "f") + Close(i)), End("tool_use"), Stop];
        Assert.Equal(FaultKind.Malformed, Fed(Utf8(writes), Chat, []).Fault?.Kind);
        Assert.Equal(StreamState.Completed, Fed(Utf8(writes), Messages, []).State);
    }

    [Fact]
    public void An_end_that_names_a_fault_is_one_at_the_chat_door()
    {
        Assert.Equal(FaultKind.ErrorInStream, Chunks(Start, Say(0, "Hi"), End("error"), Stop).Fault?.Kind);
    }

    [Theory]
    [InlineData("overloaded_error", FaultKind.Overloaded)]
    [InlineData("rate_limit_error", FaultKind.RateLimited)]
    [InlineData("api_error", FaultKind.ServerError)]
    public void Errors_of_a_stream_are_known_by_their_type(string type, FaultKind kind) =>
        Assert.Equal(kind, Of(Start, Error(type)).Fault!.Kind);

    private static string Error(string type) => Ev("error", "{\"type\":\"error\",\"error\":{\"type\":\"" + type + "\",\"message\":\"Something happened\"},\"request_id\":\"req_up\"}");
}
