using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;
using static Fairlead.Protocols.Tests.Answers.Script;

namespace Fairlead.Protocols.Tests.Answers;

/// <summary>Tool calls and content: F029, F125 to F149; Ollama's own streams: F213, F215; and U-37.</summary>
public class RepairFixtureTests
{
    private static string Tool(string piece) => Ck("{\"tool_calls\":[" + piece + "]}");

    [Fact]
    public void F029_content_in_parts_is_reasoning_and_content()
    {
        Relayed r = Relayed.Of(Ck("{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"hmm\"}]},{\"type\":\"text\",\"text\":\"A\"}]}"), Fk("stop"), Done);
        Assert.Equal(("hmm", "A"), (r.Said("reasoning_content"), r.Said()));
    }

    [Theory]
    [InlineData(0, 1)] // F125
    [InlineData(1, 2)] // F127
    [InlineData(3, 7)]
    public void F125_F127_calls_are_numbered_from_zero_without_gaps(int first, int second)
    {
        Relayed r = Relayed.Of(
            Ck($"{{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{{\"index\":{first},\"id\":\"call_a\",\"type\":\"function\",\"function\":{{\"name\":\"f\",\"arguments\":\"\"}}}}]}}"),
            Tool($"{{\"index\":{first},\"function\":{{\"arguments\":\"{{\\\"x\\\"\"}}}}"), Tool($"{{\"index\":{first},\"function\":{{\"arguments\":\":1}}\"}}}}"),
            Tool($"{{\"index\":{second},\"id\":\"call_b\",\"type\":\"function\",\"function\":{{\"name\":\"g\",\"arguments\":\"{{}}\"}}}}"), Fk("tool_calls"), Done);
        Assert.Equal([("call_a", "function", "f", "{\"x\":1}"), ("call_b", "function", "g", "{}")], r.Calls);
        Assert.Equal(["tool_calls"], r.Finishes);
    }

    [Theory]
    [InlineData("")] // F128
    [InlineData("\"index\":0,")] // F129
    public void F128_F129_different_ids_are_different_calls(string index)
    {
        Relayed r = Relayed.Of(
            Tool("{" + index + "\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}"),
            Tool("{" + index + "\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}"), Fk("tool_calls"), Done);
        Assert.Equal([("a", "function", "f", "{}"), ("b", "function", "g", "{}")], r.Calls);
    }

    [Theory]
    [InlineData("f", "g")]
    [InlineData("f", "f")]
    public void Without_numbers_and_ids_a_whole_call_is_followed_by_another(string one, string other)
    {
        Relayed r = Relayed.Of(Tool("{\"function\":{\"name\":\"" + one + "\",\"arguments\":\"{}\"}},{\"function\":{\"name\":\"" + other + "\",\"arguments\":{\"y\":2}}}"), Fk("tool_calls"), Done);
        Assert.Equal([one, other], r.Calls.Select(static c => c.Name));
        Assert.Equal(["{}", "{\"y\":2}"], r.Calls.Select(static c => c.Arguments));
        Assert.Equal(2, r.Calls.Select(static c => c.Id).Distinct().Count());
    }

    [Theory]
    [InlineData("{\"x\":1}", "{\"x\":1}")] // F131
    [InlineData("null", "{}")] // F132
    [InlineData("\"\"", "{}")]
    [InlineData("{\"ü\":\"<b>\"}", "{\"ü\":\"<b>\"}")]
    public void F131_F132_arguments_are_always_text(string sent, string told) =>
        Assert.Equal(told, Relayed.Of(Tool("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":" + sent + "}}"), Fk("tool_calls"), Done).Calls[0].Arguments);

    [Fact]
    public void F132_arguments_that_never_come_are_an_empty_object() =>
        Assert.Equal("{}", Relayed.Of(Tool("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\"}}"), Fk("tool_calls"), Done).Calls[0].Arguments);

    [Fact]
    public void F133_what_is_repeated_is_told_once()
    {
        string Piece(string arguments) => Tool("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"" + arguments + "\"}}");
        Assert.Equal([("a", "function", "f", "{\"x\":1}")], Relayed.Of(Piece(""), Piece("{\\\"x\\\""), Piece(":1}"), Fk("tool_calls"), Done).Calls);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\"id\":\"\",")]
    [InlineData("\"id\":null,")]
    public void F135_a_missing_type_and_id_are_made_up_and_stay(string id)
    {
        string[] events = [Tool("{\"index\":0," + id + "\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}"), Tool("{\"index\":0," + id + "\"function\":{\"arguments\":\"}\"}}"), Fk("tool_calls"), Done];
        (string? made, string? type, string name, string arguments) = Assert.Single(Relayed.Of(events).Calls);
        Assert.Matches("^call_[0-9A-Za-z]{24}$", made);
        Assert.Equal(("function", "f", "{}"), (type, name, arguments));
    }

    [Fact]
    public void F136_F137_the_reason_says_whether_there_were_calls()
    {
        Assert.Equal(["tool_calls"], Relayed.Of(Tool("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}"), Fk("stop"), Done).Finishes);
        Assert.Equal(["stop"], Relayed.Of(Content("x"), Fk("tool_calls"), Done).Finishes);
    }

    [Fact]
    public void F139_the_old_function_call_is_a_tool_call()
    {
        Relayed r = Relayed.Of(Ck("{\"function_call\":{\"name\":\"f\",\"arguments\":\"{\"}}"), Ck("{\"function_call\":{\"arguments\":\"}\"}}"), Fk("function_call"), Done);
        Assert.Equal(("f", "{}"), (r.Calls[0].Name, r.Calls[0].Arguments));
        Assert.Equal(["tool_calls"], r.Finishes);
    }

    [Fact]
    public void F141_arguments_that_are_no_json_are_the_callers_to_judge_when_the_upstream_says_it_finished() =>
        Assert.Equal("{\"x\":", Relayed.Of(Tool("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":\"}}"), Fk("tool_calls"), Done).Calls[0].Arguments);

    [Fact]
    public void U37_a_call_that_breaks_off_is_not_made_to_look_whole()
    {
        Relayed r = Relayed.Of(Tool("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":\"}}"), Done);
        Assert.Equal(FaultKind.Truncated, r.Fault!.Kind);
        Assert.Empty(r.Finishes);
    }

    [Fact]
    public void F143_reasoning_told_twice_is_told_once_and_keeps_its_name_otherwise()
    {
        Relayed twice = Relayed.Of(Ck("{\"reasoning\":\"hm\",\"reasoning_content\":\"hm\"}"), Content("x"), Fk("stop"), Done);
        Assert.Equal("hm", twice.Said("reasoning") + twice.Said("reasoning_content"));
        foreach (string name in (string[])["reasoning", "reasoning_content"])
        {
            string thought = Ck("{\"" + name + "\":\"hm\",\"content\":null}");
            Relayed once = Relayed.Of(Role, thought, thought, Content("x"), Fk("stop"), Done);
            Assert.Equal(string.Concat(Role, thought, thought, Content("x"), Fk("stop"), Done), once.Output);
        }
    }

    [Fact]
    public void F145_a_refusal_passes() => Assert.Equal("no", Relayed.Of(Ck("{\"role\":\"assistant\",\"content\":null,\"refusal\":\"no\"}"), Fk("stop"), Done).Said("refusal"));

    [Theory]
    [InlineData("200")]
    [InlineData("128")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("\"0\"")]
    public void F147_a_choice_without_a_usable_number_is_a_fault(string index) =>
        Assert.Equal(FaultKind.Malformed, Relayed.Of(Content("x").Replace("\"index\":0", "\"index\":" + index, StringComparison.Ordinal), Fk("stop"), Done).Fault!.Kind);

    [Fact]
    public void More_calls_than_any_client_takes_are_a_fault() =>
        Assert.Equal(FaultKind.Malformed, Relayed.Fed(Utf8([.. Enumerable.Range(0, 129).Select(i => Tool($"{{\"index\":{i},\"id\":\"i{i}\",\"function\":{{\"name\":\"f\",\"arguments\":\"\"}}}}"))]), Relayed.Chat, StreamFraming.ServerSentEvents, []).Fault!.Kind);

    [Theory]
    [InlineData("{\"content\":\"x\"}")] // F148
    [InlineData("{\"role\":null,\"content\":\"x\"}")]
    [InlineData("{\"role\":\"\",\"content\":\"x\"}")]
    [InlineData("{\"role\":\"assistant\",\"content\":\"x\"}")]
    [InlineData("{\"content\":\"x\",\"role\":\"assistant\"}")]
    public void F148_the_role_is_told_once_in_the_first_piece(string delta)
    {
        Relayed r = Relayed.Of(Ck(delta), Ck(delta), Ck("{\"role\":\"assistant\"}"), Fk("stop"), Done); // once and first is insisted on for every relayed stream
        Assert.Equal("xx", r.Said());
    }

    [Fact]
    public void F149_halves_of_a_character_meet_again()
    {
        Assert.Equal("a😀b", Relayed.Of(Role, Content("a\\ud83d"), Content("\\ude00b"), Fk("stop"), Done).Said());
        Assert.Equal("a\uFFFDb", Relayed.Of(Role, Content("a\\ud83d"), Content("b"), Fk("stop"), Done).Said());
        Assert.Equal("a\uFFFD", Relayed.Of(Role, Content("a\\uD83D"), Fk("stop"), Done).Said());
        Assert.Equal("\uFFFDa", Relayed.Of(Role, Content("\\ude00a"), Fk("stop"), Done).Said());
        Assert.Equal("\uFFFDx😀", Relayed.Of(Role, Content("\\ud83dx\\ud83d\\ude00"), Fk("stop"), Done).Said());
        Assert.Equal("{\"e\":\"😀\"}", Relayed.Of(
            Tool("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"e\\\":\\\"\\ud83d\"}}"), Tool("{\"index\":0,\"function\":{\"arguments\":\"\\ude00\\\"}\"}}"), Fk("tool_calls"), Done).Calls[0].Arguments);
    }

    [Fact]
    public void F149_halves_of_two_choices_are_not_confused()
    {
        string Other(string text) => Content(text).Replace("\"index\":0", "\"index\":1", StringComparison.Ordinal);
        Relayed r = Relayed.Of(Content("\\ud83d"), Other("\\ud83d"), Other("\\ude01"), Content("\\ude00"), Fk("stop"), Fk("stop").Replace("\"index\":0", "\"index\":1", StringComparison.Ordinal), Done);
        Assert.Equal(("😀", "😁"), (r.Said(), r.Said(choice: 1)));
    }

    [Theory]
    [InlineData("eos", "stop")]
    [InlineData("eos_token", "stop")]
    [InlineData("end_turn", "stop")]
    [InlineData("COMPLETE", "stop")]
    [InlineData("pause_turn", "stop")]
    [InlineData("max_tokens", "length")]
    [InlineData("model_length", "length")]
    [InlineData("model_context_window_exceeded", "length")]
    [InlineData("SAFETY", "content_filter")]
    [InlineData("RECITATION", "content_filter")]
    [InlineData("sensitive", "content_filter")]
    [InlineData("refusal", "content_filter")]
    [InlineData("length", "length")]
    [InlineData("tired", "stop")]
    public void Reasons_to_finish_are_told_in_openais_words(string sent, string told)
    {
        Relayed r = Relayed.Of(Content("x"), Fk(sent), Done);
        Assert.Equal([told], r.Finishes);
        Assert.Equal(sent == "tired" ? "tired" : null, r.Choices().Last()["native_finish_reason"]?.GetValue<string>());
    }

    [Theory]
    [InlineData("error")]
    [InlineData("TIMEOUT")]
    [InlineData("network_error")]
    [InlineData("insufficient_system_resource")]
    [InlineData("MALFORMED_FUNCTION_CALL")]
    public void Reasons_that_name_a_fault_are_faults(string reason) => Assert.Equal(FaultKind.ErrorInStream, Relayed.Of(Content("x"), Fk(reason), Done).Fault!.Kind);

    [Fact]
    public void A_choice_that_never_finished_before_done_gets_a_reason()
    {
        Assert.Equal(["stop"], Relayed.Of(Content("x"), Done).Finishes);
        Assert.Equal(["tool_calls"], Relayed.Of(Tool("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}"), Done).Finishes);
    }

    [Theory]
    [InlineData("{\"content\":5}")]
    [InlineData("{\"content\":{\"a\":1}}")]
    [InlineData("{\"tool_calls\":{},\"content\":\"\"}")]
    [InlineData("{\"tool_calls\":[null,7]}")]
    public void Pieces_of_the_wrong_kind_do_no_harm(string delta) => Assert.Equal("x", Relayed.Of(Role, Ck(delta), Content("x"), Fk("stop"), Done).Said());

    [Fact]
    public void A_name_that_stands_twice_is_read_as_its_last()
    {
        Relayed r = Relayed.Of(Role, Ck("{\"content\":\"x\",\"tool_calls\":[],\"tool_calls\":null}"), "data: {\"choices\":[],\"choices\":[{\"index\":0,\"delta\":{\"content\":\"y\",\"content\":[],\"content\":\"z\"}}]}\n\n", Fk("stop"), Done);
        Assert.Equal("xz", r.Said());
    }

    [Fact]
    public void F213_ollamas_own_stream()
    {
        byte[] body = Utf8(
            "{\"model\":\"m\",\"created_at\":\"…\",\"message\":{\"role\":\"assistant\",\"content\":\"Hi\"},\"done\":false}\n",
            "{\"model\":\"m\",\"created_at\":\"…\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":5,\"eval_count\":1,\"load_duration\":2000000000}\n");
        Relayed r = Relayed.Of(body, Relayed.Chat with { UsageAsked = true }, StreamFraming.NdJson);
        Assert.Equal(("Hi", new Usage(5, 1), StreamState.Completed), (r.Said(), r.Usage, r.State));
        Assert.Equal(["stop"], r.Finishes);
        Assert.Equal("m", r.Events[0]["model"]!.GetValue<string>());
        using var stream = new ChunkStream(Relayed.Chat, StreamFraming.NdJson);
        using var output = new Buffers.PooledBuffer();
        stream.Accept(body, body.Length, output);
        Assert.Equal(TimeSpan.FromSeconds(2), stream.ModelLoad);
    }

    [Fact]
    public void F213_ollamas_calls_and_thoughts()
    {
        Relayed r = Relayed.Of(Utf8(
            "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"hm\"},\"done\":false}\n\n",
            "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}},{\"function\":{\"name\":\"f\",\"arguments\":{}}}]},\"done\":false}\r\n",
            "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\"}"), Relayed.Chat, StreamFraming.NdJson);
        Assert.Equal("hm", r.Said("reasoning_content"));
        Assert.Equal(["{\"x\":1}", "{}"], r.Calls.Select(static c => c.Arguments));
        Assert.Equal(["tool_calls"], r.Finishes);
        Assert.Null(r.Usage);
    }

    [Fact]
    public void F215_an_error_line_and_a_broken_line()
    {
        const string Hi = "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"Hi\"},\"done\":false}\n";
        Relayed error = Relayed.Of(Utf8(Hi, "{\"error\":\"an error was encountered while running the model\"}\n"), Relayed.Chat, StreamFraming.NdJson);
        Assert.Equal(("Hi", StreamState.Faulted), (error.Said(), error.State));
        Assert.Contains("running the model", error.Fault!.Detail, StringComparison.Ordinal);
        Assert.Equal(FaultKind.Truncated, Relayed.Of(Utf8(Hi, "{\"model\":"), Relayed.Chat, StreamFraming.NdJson).Fault!.Kind);
    }

    [Fact]
    public void Ollamas_generate_is_a_text_completion()
    {
        Relayed r = Relayed.Of(Utf8("{\"model\":\"m\",\"response\":\"Hi\",\"done\":false}\n{\"model\":\"m\",\"response\":\"\",\"done\":true,\"done_reason\":\"length\"}\n"), Relayed.Text, StreamFraming.NdJson);
        Assert.Equal("Hi", string.Concat(r.Choices().Select(static c => c["text"]!.GetValue<string>())));
        Assert.Equal(["length"], r.Finishes);
    }
}
