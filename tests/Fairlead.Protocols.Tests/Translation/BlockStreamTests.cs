using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Dialects;
using static Fairlead.Protocols.Tests.Answers.Script;

namespace Fairlead.Protocols.Tests.Translation;

/// <summary>Streams of chunks, told as the events of a message.</summary>
public class BlockStreamTests
{
    private static string Call(int index, string? id, string? name, string? arguments)
    {
        var function = new JsonObject();
        if (name is not null)
            function["name"] = name;
        if (arguments is not null)
            function["arguments"] = arguments;
        var piece = new JsonObject { ["index"] = index, ["function"] = function };
        if (id is not null)
        {
            piece["id"] = id;
            piece["type"] = "function";
        }
        return Ck(new JsonObject { ["tool_calls"] = new JsonArray(piece) }.ToJsonString());
    }

    [Fact]
    public void A_stream_is_told_event_by_event()
    {
        Told told = Told.Of(Role, Content("Hel"), Content("lo"), Fk("stop"), Uk(9, 2), Done);
        Assert.Equal(
            """
            event: message_start
            data: {"type":"message_start","message":{"id":"msg_ours","type":"message","role":"assistant","model":"m1","content":[],"stop_reason":null,"stop_sequence":null,"stop_details":null,"container":null,"usage":{"input_tokens":25,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0,"output_tokens_details":null,"server_tool_use":null,"cache_creation":null,"service_tier":null,"inference_geo":null}}}

            event: content_block_start
            data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

            event: content_block_delta
            data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hel"}}

            event: content_block_delta
            data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"lo"}}

            event: content_block_stop
            data: {"type":"content_block_stop","index":0}

            event: message_delta
            data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null,"stop_details":null,"container":null},"usage":{"input_tokens":9,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":2,"output_tokens_details":null,"server_tool_use":null,"cost":0.0000064}}

            event: message_stop
            data: {"type":"message_stop"}


            """,
            told.Output);
        Assert.Equal(StreamState.Completed, told.State);
    }

    [Fact]
    public void F175_the_end_waits_for_a_usage_that_comes_after_the_reason_to_finish()
    {
        Told told = Told.Of(Role, Content("Hi"), Fk("stop"), Uk(100, 4), Done);
        Assert.Equal(100, told.FinalUsage["input_tokens"]!.GetValue<long>());
        Assert.Equal(4, told.FinalUsage["output_tokens"]!.GetValue<long>());
        Assert.Equal(new Usage(100, 4), told.Usage);
    }

    [Fact]
    public void F176_an_upstream_that_tells_no_usage_is_counted()
    {
        Told told = Told.Of(Role, Content("One"), Content(" or"), Content(" two"), Fk("stop"), Done);
        Assert.Null(told.Usage);
        Assert.Equal(3, told.Seen);
        Assert.Equal(3, told.FinalUsage["output_tokens"]!.GetValue<long>());
    }

    [Fact]
    public void F177_text_then_a_tool_then_text_are_three_blocks()
    {
        Told told = Told.Of(Role, Content("Let me see. "), Call(0, "call_1", "look", ""), Call(0, null, null, "{\"at\":"), Call(0, null, null, "\"sky\"}"), Content("There."), Fk("tool_calls"), Uk(5, 9), Done);
        Assert.Equal(["text", "tool_use", "text"], told.Types);
        Assert.Equal([("call_1", "look", "{\"at\":\"sky\"}")], told.Calls);
        Assert.Equal("Let me see. There.", told.Said());
        Assert.Equal("tool_use", told.StopReason);
    }

    [Fact]
    public void Parallel_calls_that_come_interleaved_are_told_one_after_another()
    {
        Told told = Told.Of(
            Role, Call(0, "a", "f", ""), Call(1, "b", "g", ""), Call(0, null, null, "{\"x\""), Call(1, null, null, "{\"y\""), Call(1, null, null, ":2}"), Content("meanwhile"), Call(0, null, null, ":1}"),
            Call(2, "c", "h", "{}"), Fk("tool_calls"), Done);
        Assert.Equal([("a", "f", "{\"x\":1}"), ("b", "g", "{\"y\":2}"), ("c", "h", "{}")], told.Calls);
        Assert.Equal(["tool_use", "tool_use", "text", "tool_use"], told.Types);
    }

    [Fact]
    public void A_call_after_a_whole_one_is_told_as_it_comes()
    {
        Told told = Told.Of(Role, Call(0, "a", "f", "{\"x\":1}"), Call(1, "b", "g", "{\"y\""), Call(1, null, null, ":2}"), Fk("tool_calls"), Done);
        Assert.Equal(2, told.Events.Count(static e => e.Data["index"]?.GetValue<int>() == 1 && e.Name == "content_block_delta"));
        Assert.Equal([("a", "f", "{\"x\":1}"), ("b", "g", "{\"y\":2}")], told.Calls);
    }

    [Fact]
    public void A_call_without_arguments_has_an_empty_object()
    {
        Told told = Told.Of(Role, Call(0, "a", "f", ""), Call(1, "b", "g", null), Fk("tool_calls"), Done);
        Assert.Equal([("a", "f", "{}"), ("b", "g", "{}")], told.Calls);
    }

    [Fact]
    public void A_call_that_is_named_late_waits_for_its_name()
    {
        Told told = Told.Of(Role, Call(0, "a", null, ""), Content("so"), Call(0, null, "f", "{}"), Fk("tool_calls"), Done);
        Assert.Equal([("a", "f", "{}")], told.Calls);
        Assert.Equal(["tool_use", "text"], told.Types);
    }

    [Fact]
    public void A_call_that_is_never_named_is_no_answer()
    {
        Told told = Told.Of(Role, Call(0, "a", null, "{}"), Fk("tool_calls"), Done);
        Assert.Equal(FaultKind.Malformed, told.Fault!.Kind);
    }

    [Theory]
    [InlineData("reasoning_content")]
    [InlineData("reasoning")]
    public void Reasoning_is_a_block_of_thinking_without_a_signature(string field)
    {
        Told told = Told.Of(Role, Ck($"{{\"{field}\":\"hm\"}}"), Ck($"{{\"{field}\":\", so\"}}"), Content("Yes"), Fk("stop"), Done);
        Assert.Equal(["thinking", "text"], told.Types);
        Assert.Equal("hm, so", told.Said("thinking"));
        Assert.Equal("", told.Message["content"]![0]!["signature"]!.GetValue<string>());
        Assert.Equal("Yes", told.Said());
    }

    [Theory]
    [InlineData("stop", "end_turn")]
    [InlineData("length", "max_tokens")]
    [InlineData("content_filter", "refusal")]
    [InlineData("eos", "end_turn")]
    [InlineData("tool_calls", "end_turn")] // no tool was called
    public void A_reason_to_finish_is_a_reason_to_stop(string finish, string stop)
    {
        Told told = Told.Of(Role, Content("Hi"), Fk(finish), Done);
        Assert.Equal(stop, told.StopReason);
        Assert.Null(told.Message["stop_sequence"]);
    }

    [Fact]
    public void A_refusal_is_told_as_text_and_as_the_reason()
    {
        Told told = Told.Of(Role, Ck("{\"refusal\":\"I will not.\"}"), Fk("stop"), Done);
        Assert.Equal("I will not.", told.Said());
        Assert.Equal("refusal", told.StopReason);
        Assert.Equal("refusal", told.Message["stop_details"]!["type"]!.GetValue<string>());
    }

    [Fact]
    public void An_answer_that_says_nothing_has_no_blocks()
    {
        Told told = Told.Of(Role, Fk("stop"), Uk(5, 0), Done);
        Assert.Equal(["message_start", "message_delta", "message_stop"], told.Events.Select(static e => e.Name));
        Assert.Empty(told.Message["content"]!.AsArray());
    }

    [Fact]
    public void U37_a_stream_that_ends_inside_the_arguments_of_a_tool_is_cut_short()
    {
        Told told = Told.Of(Role, Call(0, "a", "f", "{\"x\":"), Done);
        Assert.Equal(FaultKind.Truncated, told.Fault!.Kind);
        Assert.True(told.Committed);
    }

    [Fact]
    public void Halves_of_a_character_meet_again()
    {
        Told told = Told.Of(Role, Content("a\\ud83d"), Content("\\ude00b"), Call(0, "a", "f", "{\"x\":\""), Ck("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"\\ud83d\"}}]}"), Ck("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"\\ude00\\\"}\"}}]}"), Fk("tool_calls"), Done);
        Assert.Equal("a😀b", told.Said());
        Assert.Equal([("a", "f", "{\"x\":\"😀\"}")], told.Calls);
    }

    [Fact]
    public void The_limit_of_the_caller_is_kept()
    {
        Told told = Told.Of(Utf8(Role, Content("a"), Content("b"), Content("c"), Fk("stop"), Done), Told.Messages with { MaxOutputTokens = 2 });
        Assert.Equal("ab", told.Said());
        Assert.Equal("max_tokens", told.StopReason);
        Assert.Equal(StreamState.LimitReached, told.State);
    }

    [Fact]
    public void What_a_cache_read_and_wrote_stands_beside_the_input()
    {
        Told told = Told.Of(
            Role, Content("Hi"), Fk("stop"),
            "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":7,\"prompt_tokens_details\":{\"cached_tokens\":60,\"cache_write_tokens\":30},\"completion_tokens_details\":{\"reasoning_tokens\":5}}}\n\n", Done);
        Assert.Equal("""{"input_tokens":10,"cache_creation_input_tokens":30,"cache_read_input_tokens":60,"output_tokens":7,"output_tokens_details":{"thinking_tokens":5},"server_tool_use":null,"cost":0.0000064}""", told.FinalUsage.ToJsonString());
    }

    [Fact]
    public void Lines_of_Ollama_are_told_alike()
    {
        byte[] body = Utf8(
            "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"hm\"},\"done\":false}\n",
            "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"Hi\"},\"done\":false}\n",
            "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"a\":1}}},{\"function\":{\"name\":\"g\",\"arguments\":{}}}]},\"done\":false}\n",
            "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":8,\"eval_count\":3}\n");
        Told told = Told.Of(body, Told.Messages, StreamFraming.NdJson);
        Assert.Equal(["thinking", "text", "tool_use", "tool_use"], told.Types);
        Assert.Equal(["{\"a\":1}", "{}"], told.Calls.Select(static c => c.Input));
        Assert.Equal("tool_use", told.StopReason);
        Assert.Equal(new Usage(8, 3), told.Usage);
    }

    [Fact]
    public void Until_something_is_said_nothing_is_committed()
    {
        Told told = Told.Of(Role, "data: {\"error\":{\"message\":\"out of memory\"}}\n\n");
        Assert.False(told.Committed);
        Assert.NotNull(told.Fault);
    }
}
