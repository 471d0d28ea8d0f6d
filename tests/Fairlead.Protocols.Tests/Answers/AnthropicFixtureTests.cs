using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Dialects;
using static Fairlead.Protocols.Tests.Answers.AnthropicRelayed;
using static Fairlead.Protocols.Tests.Answers.AnthropicScript;

namespace Fairlead.Protocols.Tests.Answers;

/// <summary>F151 to F165: Anthropic's streams, as both doors give them on. Each is fed whole, cut at every byte and byte by byte.</summary>
public class AnthropicFixtureTests
{
    private static readonly string[] Minimal = [Start, TextBlock(0), Ping, Text(0, "Hi"), Close(0), End("end_turn"), Stop];

    [Fact]
    public void F151_a_minimal_stream_is_relayed_byte_for_byte_with_its_cost()
    {
        AnthropicRelayed r = Of(Minimal);
        Assert.Equal(string.Concat(Minimal).Replace("{\"output_tokens\":4}", "{\"output_tokens\":4,\"cost\":0.0000064}", StringComparison.Ordinal), r.Output);
        Assert.Equal((StreamState.Completed, true, false), (r.State, r.Committed, r.Partial));
        Assert.Equal(new Usage(100, 4, 90), r.Usage);
    }

    [Fact]
    public void F151_a_minimal_stream_is_told_in_chunks()
    {
        Relayed r = ChunksAsked(Minimal);
        Assert.Equal("Hi", r.Said());
        Assert.Equal(["stop"], r.Finishes);
        Assert.True(r.IsDone);
        JsonObject usage = r.Events[^1]["usage"]!.AsObject();
        Assert.Equal("[]", r.Events[^1]["choices"]!.ToJsonString());
        Assert.Equal((100, 4, 104, 90), (usage["prompt_tokens"]!.GetValue<int>(), usage["completion_tokens"]!.GetValue<int>(), usage["total_tokens"]!.GetValue<int>(), usage["prompt_tokens_details"]!["cached_tokens"]!.GetValue<int>()));
        Assert.Equal("0.0000064", usage["cost"]!.ToJsonString());
        Assert.All(r.Events.SkipLast(1), static e => Assert.True(e.ContainsKey("usage") && e["usage"] is null));
        Assert.Equal(("msg_1", "claude-haiku-4-5-20251001"), (r.Events[0]["id"]!.GetValue<string>(), r.Events[0]["model"]!.GetValue<string>()));
        Assert.DoesNotContain("usage", Chunks(Minimal).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void F152_the_pieces_of_a_tools_input_are_its_arguments()
    {
        Relayed r = Chunks(Start, ToolBlock(0, "toolu_1", "f"), Input(0, ""), Input(0, "{\\\"a\\\""), Input(0, ": 1}"), Close(0), End("tool_use"), Stop);
        Assert.Equal([("toolu_1", "function", "f", "{\"a\": 1}")], r.Calls);
        Assert.Equal(["tool_calls"], r.Finishes);
    }

    [Fact]
    public void F153_a_tool_without_input_gets_an_empty_object()
    {
        Relayed r = Chunks(Start, ToolBlock(0, "toolu_1", "f"), Close(0), End("tool_use"), Stop);
        Assert.Equal([("toolu_1", "function", "f", "{}")], r.Calls);
    }

    [Fact]
    public void An_input_that_stands_whole_in_a_blocks_start_is_told_once()
    {
        Assert.Equal("{\"a\":\"\\\"é\\\"\"}", Chunks(Start, ToolBlock(0, "t", "f", "{\"a\": \"\\\"é\\\"\"}"), Close(0), End("tool_use"), Stop).Calls[0].Arguments);
        Assert.Equal("{}", Chunks(Start, ToolBlock(0, "t", "f", "{\"a\":1}"), Input(0, "{}"), Close(0), End("tool_use"), Stop).Calls[0].Arguments);
    }

    [Fact]
    public void Calls_are_counted_by_themselves_not_as_blocks()
    {
        Relayed r = Chunks(Start, Say(0, "I look."), ToolBlock(1, "a", "f"), Input(1, "{}"), Close(1), Say(2, "And "), ToolBlock(3, "b", "g"), Input(3, "{\\\"x\\\":[1]}"), Close(3), End("tool_use"), Stop);
        Assert.Equal([("a", "function", "f", "{}"), ("b", "function", "g", "{\"x\":[1]}")], r.Calls);
        Assert.Equal("I look.And ", r.Said());
    }

    [Fact]
    public void F155_thinking_is_reasoning_and_can_be_sent_back_with_its_signature()
    {
        Relayed r = Chunks(Start, ThinkingBlock(0), Thinking(0, "Let me "), Thinking(0, "see\\n"), Signature(0, "EqQB+/=="), Close(0), Say(1, "Yes"), End("end_turn"), Stop);
        Assert.Equal("Let me see\n", r.Said("reasoning_content"));
        Assert.Equal("Yes", r.Said());
        JsonNode block = Assert.Single(r.Deltas(0), static d => d["thinking_blocks"] is not null)["thinking_blocks"]![0]!;
        Assert.Equal("{\"index\":0,\"type\":\"thinking\",\"thinking\":\"Let me see\\n\",\"signature\":\"EqQB\\u002B/==\"}", block.ToJsonString());
    }

    [Fact]
    public void F156_redacted_thinking_is_kept_for_the_way_back_and_says_nothing()
    {
        Relayed r = Chunks(Start, Block(0, "{\"type\":\"redacted_thinking\",\"data\":\"EmwK\"}"), Close(0), Say(1, "Yes"), End("end_turn"), Stop);
        Assert.Equal("Yes", r.Said());
        Assert.Equal("", r.Said("reasoning_content"));
        JsonNode block = Assert.Single(r.Deltas(0), static d => d["thinking_blocks"] is not null)["thinking_blocks"]![0]!;
        Assert.Equal("{\"index\":0,\"type\":\"redacted_thinking\",\"data\":\"EmwK\"}", block.ToJsonString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void F157_an_error_before_the_first_piece_leaves_the_next_candidate_free_and_one_after_it_does_not(bool said)
    {
        const string Error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
        foreach (AnthropicRelayed r in (AnthropicRelayed[])[Of(Start, TextBlock(0), Ping, said ? Text(0, "Hi") : "", Error), Of(Utf8(Start, TextBlock(0), Ping, said ? Text(0, "Hi") : "", Error), Chat)])
        {
            Assert.Equal((StreamState.Faulted, said), (r.State, r.Committed));
            Assert.Equal((FaultKind.Overloaded, "Overloaded"), (r.Fault!.Kind, r.Fault.Detail));
        }
    }

    [Fact]
    public void F159_what_nobody_knows_is_relayed_as_it_is_and_left_out_of_chunks()
    {
        string[] writes = [Start, Ev("vendor_note", "{\"type\":\"vendor_note\", \"x\":[1]}"), TextBlock(0), Delta(0, "{\"type\":\"future_delta\",\"y\":1}"), Text(0, "Hi"), Close(0), Block(1, "{\"type\":\"future_block\"}"), Close(1), End("end_turn"), Stop];
        Assert.Equal(string.Concat(writes).Replace("\"output_tokens\":4}", "\"output_tokens\":4,\"cost\":0.0000064}", StringComparison.Ordinal), Of(writes).Output);
        Relayed r = Chunks(writes);
        Assert.Equal(("Hi", 3), (r.Said(), r.Events.Count));
    }

    [Fact]
    public void F160_counts_that_come_again_are_the_same_counts()
    {
        AnthropicRelayed r = Of(Start, Say(0, "Hi"), End("end_turn", "{\"input_tokens\":10,\"cache_read_input_tokens\":90,\"output_tokens\":4}"), Stop);
        Assert.Equal(new Usage(100, 4, 90), r.Usage);
        r = Of(Start, Say(0, "Hi"), End("end_turn", "{\"input_tokens\":12,\"cache_read_input_tokens\":null,\"output_tokens\":4}"), Stop);
        Assert.Equal(new Usage(102, 4, 90), r.Usage);
    }

    [Fact]
    public void F161_a_refusal_is_a_filtered_answer_with_its_explanation()
    {
        const string Details = ",\"stop_details\":{\"type\":\"refusal\",\"category\":\"cyber\",\"explanation\":\"No \\\"such\\\" thing.\"}";
        Relayed r = Chunks(Start, Say(0, "I"), End("refusal", more: Details), Stop);
        Assert.Equal(["content_filter"], r.Finishes);
        Assert.Equal("No \"such\" thing.", r.Said("refusal"));
        Assert.Equal("cyber", r.Choices().Last()["stop_details"]!["category"]!.GetValue<string>());
        Assert.Contains(Details, Of(Start, Say(0, "I"), End("refusal", more: Details), Stop).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("end_turn", "stop")]
    [InlineData("stop_sequence", "stop")]
    [InlineData("max_tokens", "length")]
    [InlineData("model_context_window_exceeded", "length")] // F163
    [InlineData("pause_turn", "stop")]
    [InlineData("refusal", "content_filter")]
    [InlineData("something_new", "stop")]
    public void Reasons_to_stop_are_told_in_the_words_of_chunks(string reason, string word)
    {
        Relayed r = Chunks(Start, Say(0, "Hi"), End(reason), Stop);
        Assert.Equal([word], r.Finishes);
        Assert.Equal(reason == "something_new" ? reason : null, r.Choices().Last()["native_finish_reason"]?.GetValue<string>());
    }

    [Fact]
    public void The_text_that_ended_an_answer_stands_beside_the_reason()
    {
        string end = End("stop_sequence").Replace("\"stop_sequence\":null", "\"stop_sequence\":\"END\"", StringComparison.Ordinal);
        Assert.Equal("END", Chunks(Start, Say(0, "Hi"), end, Stop).Choices().Last()["stop_sequence"]!.GetValue<string>());
    }

    [Fact]
    public void F164_a_stream_that_ends_after_its_reason_to_stop_is_whole()
    {
        AnthropicRelayed r = Of(Start, Say(0, "Hi"), End("end_turn"));
        Assert.Equal(StreamState.Completed, r.State);
        Assert.EndsWith(Stop, r.Output, StringComparison.Ordinal);
        Assert.True(Chunks(Start, Say(0, "Hi"), End("end_turn")).IsDone);
    }

    [Fact]
    public void F165_a_stream_that_ends_without_a_reason_to_stop_is_truncated()
    {
        Assert.Equal(FaultKind.Truncated, Of(Start, Say(0, "Hi")).Fault!.Kind);
        Relayed r = Chunks(Start, Say(0, "Hi"));
        Assert.Equal((FaultKind.Truncated, true, false), (r.Fault!.Kind, r.Committed, r.IsDone));
    }
}
