using Fairlead.Domain.Inference;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;
using static Fairlead.Protocols.Tests.Answers.Script;

namespace Fairlead.Protocols.Tests.Answers;

/// <summary>Framing of streams: F001 to F057, and the rows U-20 to U-36. Every case is fed whole, cut at every byte, and byte by byte.</summary>
public class FramingFixtureTests
{
    private const string Bare = "{\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}";
    private const string BareEnd = "{\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}";
    private const string BareBoth = "{\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}";

    [Fact]
    public void F001_a_plain_stream_passes_without_the_usage_nobody_asked_for()
    {
        Relayed r = Relayed.Of(Role, Content("Hi"), Fk("stop"), Uk(3, 1), Done);
        Assert.Equal(string.Concat(Role, Content("Hi"), Fk("stop"), Done), r.Output);
        Assert.Equal(new Usage(3, 1), r.Usage);
        Assert.DoesNotContain("usage", r.Output, StringComparison.Ordinal);
        Assert.Equal(StreamState.Completed, r.State);
    }

    [Fact]
    public void F001_a_caller_who_asked_gets_the_upstreams_usage_with_its_cost()
    {
        Relayed r = Relayed.Asked(Role, Content("Hi"), Fk("stop"), Uk(3, 1), Done);
        Assert.Equal("{\"prompt_tokens\":3,\"completion_tokens\":1,\"total_tokens\":4,\"cost\":0.0000064}", r.Events[^1]["usage"]!.ToJsonString());
        Assert.Empty(r.Events[^1]["choices"]!.AsArray());
        Assert.Single(r.Events, static e => e["usage"] is not null);
        Assert.True(r.IsDone);
    }

    [Fact]
    public void Null_usage_on_every_chunk_is_cut_out_and_nothing_else_is()
    {
        string with = Content("Hi").Replace("}]}", "}],\"usage\":null}", StringComparison.Ordinal);
        string first = Role.Replace("data: {", "data: {\"usage\":null,", StringComparison.Ordinal);
        Assert.Equal(string.Concat(Role, Content("Hi"), Content("Hi"), Fk("stop"), Done), Relayed.Of(first, with, with, Fk("stop"), Uk(3, 1), Done).Output);
        Assert.Contains(with, Relayed.Asked(Role, with, Fk("stop"), Uk(3, 1), Done).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\r\n")]
    [InlineData("\r")]
    [InlineData("\n")]
    public void F003_F004_F005_every_line_end_makes_the_same_events(string end)
    {
        Relayed r = Relayed.Of($"data: {Bare}{end}{end}data: {BareEnd}{end}{end}data: [DONE]{end}{end}");
        Assert.Equal("a", r.Said());
        Assert.Equal(["stop"], r.Finishes);
        Assert.Equal(2, r.Events.Count);
        Assert.Equal(Relayed.Of($"data: {Bare}\n\n", $"data: {BareEnd}\n\n", Done).Output, r.Output);
    }

    [Fact]
    public void F004_one_event_before_done_and_no_empty_ones() => Assert.Single(Relayed.Of($"data: {BareBoth}\r", "\n\r", "\ndata: [DONE]\r\n\r\n").Events);

    [Fact]
    public void F007_comments_are_no_events()
    {
        Relayed silent = Relayed.Of(": OPENROUTER PROCESSING\n\n", ":\n\n");
        Assert.Equal(FaultKind.Truncated, silent.Fault!.Kind);
        using var stream = new ChunkStream(Relayed.Chat);
        using var output = new Buffers.PooledBuffer();
        byte[] comment = Utf8(": OPENROUTER PROCESSING\n\n:\n\nevent: keepalive\n\n");
        stream.Accept(comment, comment.Length, output);
        Assert.False(stream.SawRealEvent);
        Assert.Equal(0, output.Length);
        Assert.Equal("x", Relayed.Of(": OPENROUTER PROCESSING\n\n", ":\n\n", Content("x"), Fk("stop"), Done).Said());
    }

    [Fact]
    public void F008_an_event_without_data_is_nothing() => Assert.Equal("x", Relayed.Of("event: keepalive\n\n", "data:\n\n", "data: \n\n", Content("x"), Fk("stop"), Done).Said());

    [Fact]
    public void F009_no_space_or_two_after_the_colon()
    {
        Relayed r = Relayed.Of("data:" + Bare.Replace("\"a\"", "\" a\"", StringComparison.Ordinal) + "\n\n", "data:  " + BareBoth.Replace("\"x\"", "\"b\"", StringComparison.Ordinal) + "\n\n", "data:[DONE]\n\n");
        Assert.Equal(" ab", r.Said());
        Assert.Equal(StreamState.Completed, r.State);
    }

    [Fact]
    public void F011_a_byte_order_mark_loses_no_event() => Assert.Equal("x", Relayed.Of("\uFEFF" + Content("x"), Fk("stop"), Done).Said());

    [Fact]
    public void F012_without_done_after_the_finish_we_append_it()
    {
        Relayed r = Relayed.Of(Content("ok"), Fk("stop"));
        Assert.Equal(StreamState.Completed, r.State);
        Assert.True(r.IsDone);
    }

    [Fact]
    public void F013_without_done_and_finish_it_is_truncated()
    {
        Relayed r = Relayed.Of(Content("par"), Content("tial"));
        Assert.Equal("partial", r.Said());
        Assert.Equal(FaultKind.Truncated, r.Fault!.Kind);
        Assert.DoesNotContain("[DONE]", r.Output, StringComparison.Ordinal);
        Assert.True(r.Committed);
    }

    [Fact]
    public void The_last_event_counts_without_the_blank_line_behind_it() => Assert.Equal("x", Relayed.Of(Content("x"), Fk("stop").TrimEnd('\n')).Said());

    [Theory]
    [InlineData("data:  [DONE] \n\n")]
    [InlineData("data: \"[DONE]\"\n\n")]
    [InlineData("data: [done]\n\n")]
    [InlineData("data: [DONE]")]
    public void F015_done_however_it_is_spelled(string done)
    {
        Relayed r = Relayed.Of(Content("x"), Fk("stop"), done);
        Assert.Equal(StreamState.Completed, r.State);
        Assert.True(r.IsDone);
    }

    [Fact]
    public void F016_what_follows_done_is_nothing()
    {
        Relayed r = Relayed.Of(Content("x"), Fk("stop"), Done, Content("GHOST"), "garbage\0\u0001", Done);
        Assert.Equal("x", r.Said());
        Assert.True(r.IsDone);
    }

    [Fact]
    public void F017_one_finish_and_the_last_usage()
    {
        Relayed r = Relayed.Of(Content("x"), Fk("stop"), Fk("stop"), Uk(3, 1), Done);
        Assert.Equal(["stop"], r.Finishes);
        Assert.Equal(new Usage(3, 1), r.Usage);
    }

    [Fact]
    public void F019_content_after_the_finish_is_dropped() => Assert.Equal("x", Relayed.Of(Content("x"), Fk("stop"), Content("late"), Done).Said());

    [Fact]
    public void F020_usage_in_the_finish_chunk_becomes_a_chunk_of_its_own()
    {
        string end = Fk("stop").Replace("}]}", "}],\"usage\":" + Counts(7, 2) + "}", StringComparison.Ordinal);
        Relayed asked = Relayed.Asked(Content("x"), end, Done);
        Assert.Equal(new Usage(7, 2), asked.Usage);
        Assert.Single(asked.Events, static e => e["usage"] is not null && e["choices"]!.AsArray().Count == 0);
        Assert.Single(asked.Events, static e => e["usage"] is not null);
        Assert.DoesNotContain("usage", Relayed.Of(Content("x"), end, Done).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void F021_F223_of_running_counts_the_last_one_counts()
    {
        string[] events = [.. Enumerable.Range(1, 3).Select(static n => Content("w").Replace("}]}", "}],\"usage\":" + Counts(7, n) + "}", StringComparison.Ordinal))];
        Relayed r = Relayed.Asked([.. events, Fk("stop"), Done]);
        Assert.Equal(new Usage(7, 3), r.Usage);
        Assert.Single(r.Events, static e => e["usage"] is not null);
        Assert.Equal("www", r.Said());
        Assert.DoesNotContain("usage", Relayed.Of([.. events, Fk("stop"), Done]).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void F023_F024_without_usage_or_with_one_after_done_there_is_none()
    {
        string nothing = Content("one").Replace("}]}", "}],\"usage\":null}", StringComparison.Ordinal);
        Assert.Null(Relayed.Of(Role, nothing, nothing, Fk("stop"), Done).Usage);
        Relayed late = Relayed.Of(Role, Content("x"), Content("y"), Fk("stop"), Done, Uk(3, 1));
        Assert.Null(late.Usage);
        Assert.Equal(2, late.Seen);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("\"7\"")]
    [InlineData("{\"prompt_tokens\":null}")]
    public void A_usage_without_counts_does_not_displace_one_that_has_them(string usage) =>
        Assert.Equal(new Usage(3, 1), Relayed.Of(Role, Content("x"), Fk("stop"), Uk(3, 1), Uk(0, 0).Replace(Counts(0, 0), usage, StringComparison.Ordinal), Done).Usage);

    [Fact]
    public void F025_an_azure_preamble_gives_no_name_to_the_stream()
    {
        Relayed r = Relayed.Of("data: {\"id\":\"\",\"object\":\"\",\"created\":0,\"model\":\"\",\"choices\":[],\"prompt_filter_results\":[{\"prompt_index\":0,\"content_filter_results\":{}}]}\n\n", Role, Content("x"), Fk("stop"), Done);
        Assert.Equal(string.Concat(Role, Content("x"), Fk("stop"), Done), r.Output);
    }

    [Fact]
    public void F027_a_delta_that_is_missing_or_null_says_nothing()
    {
        string missing = "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"finish_reason\":null}]}\n\n";
        Relayed r = Relayed.Of(missing, missing.Replace("\"index\":0", "\"index\":0,\"delta\":null", StringComparison.Ordinal), Content("x"), Fk("stop"), Done);
        Assert.Equal(2, r.Events.Count);
        Assert.Equal("x", r.Said());
    }

    [Fact]
    public void F028_null_content_is_never_the_word_null()
    {
        Relayed r = Relayed.Of(Ck("{\"role\":\"assistant\",\"content\":null}"), Ck("{\"content\":\"\"}"), Content("x"), Fk("stop"), Done);
        Assert.Equal("x", r.Said());
        Assert.DoesNotContain("\"null\"", r.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void F031_id_model_time_and_object_stay_what_they_were()
    {
        Relayed r = Relayed.Of(
            Role, Content("a"), Content("b").Replace("\"m1\"", "\"\"", StringComparison.Ordinal), Content("c").Replace("\"c1\"", "\"c2\"", StringComparison.Ordinal),
            Content("d").Replace("1700000000", "1700000001", StringComparison.Ordinal), Content("e").Replace("chat.completion.chunk", "chat.completion", StringComparison.Ordinal), Fk("stop"), Done);
        Assert.Equal("abcde", r.Said()); // sameness of the rest is insisted on for every relayed stream
        Assert.Equal("c1", r.Events[^1]["id"]!.GetValue<string>());
    }

    [Fact]
    public void F220_an_empty_id_is_replaced_by_ours()
    {
        Relayed r = Relayed.Of(Role.Replace("\"c1\"", "\"\"", StringComparison.Ordinal), Content("x").Replace("\"c1\"", "\"\"", StringComparison.Ordinal), Fk("stop"), Done);
        Assert.All(r.Events, static e => Assert.Equal("chatcmpl-ours", e["id"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData("data: {\"error\":{\"message\":\"Provider disconnected\",\"type\":\"server_error\",\"code\":502}}\n\n")] // F032
    [InlineData("data: {\"error\":\"CUDA out of memory\",\"error_type\":\"generation\"}\n\ndata: [DONE]\n\n")] // F033
    [InlineData("event: error\ndata: {\"message\":\"boom\"}\n\n")] // F035
    [InlineData("error: {\"code\":500,\"message\":\"ctx\",\"type\":\"server_error\"}\n\n")] // F036
    [InlineData("data: {\"id\":\"gen-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"a/b\",\"provider\":\"X\",\"error\":{\"code\":\"server_error\",\"message\":\"Provider disconnected unexpectedly\"},\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n")] // F037
    [InlineData("data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"error\"}]}\n\n")]
    [InlineData("data: {\"id\":\"c1\",\"x_groq\":{\"error\":\"over capacity\"},\"choices\":[]}\n\n")]
    [InlineData("data: {\"error\":{\"message\":\"EngineCore encountered an issue\",\"type\":\"InternalServerError\",\"param\":null,\"code\":500}}\n\ndata: [DONE]\n\n")] // F224
    public void F032_to_F037_an_error_in_the_stream_is_an_error(string error)
    {
        Relayed r = Relayed.Of(Content("par"), error);
        Assert.Equal(StreamState.Faulted, r.State);
        Assert.Equal("par", r.Said());
        Assert.Empty(r.Finishes);
        Assert.DoesNotContain("[DONE]", r.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("error", r.Output, StringComparison.Ordinal);
        Assert.False(Relayed.Of(Role, error).Committed);
    }

    [Theory]
    [InlineData("data: {\"error\":\"CUDA out of memory\",\"error_type\":\"generation\"}\n\n", "CUDA out of memory")]
    [InlineData("event: error\ndata: {\"message\":\"boom\"}\n\n", "boom")]
    [InlineData("error: {\"code\":500,\"message\":\"ctx\",\"type\":\"server_error\"}\n\n", "ctx")]
    [InlineData("data: {\"id\":\"c1\",\"x_groq\":{\"error\":\"over capacity\"},\"choices\":[]}\n\n", "over capacity")]
    public void What_the_error_said_is_kept(string error, string said) => Assert.Contains(said, Relayed.Of(error).Fault!.Detail, StringComparison.Ordinal);

    [Theory]
    [InlineData("null")]
    [InlineData("false")]
    [InlineData("\"\"")]
    public void An_error_that_says_nothing_is_none_and_its_name_is_not_relayed(string nothing)
    {
        Relayed r = Relayed.Of(Content("x").Replace("}]}", "}],\"error\":" + nothing + "}", StringComparison.Ordinal), Fk("stop"), Done);
        Assert.Equal("x", r.Said());
        Assert.DoesNotContain("error", r.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-Infinity")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    public void F039_log_probabilities_that_are_no_numbers(string number)
    {
        Relayed r = Relayed.Of(
            "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x NaN\"},\"logprobs\":{\"content\":[{\"token\":\"x\",\"logprob\":" + number + ",\"bytes\":[120],\"top_logprobs\":[]}]},\"finish_reason\":null}]}\n\n",
            Fk("stop"), Done);
        Assert.Equal("x NaN", r.Said());
        Assert.Contains("\"logprob\":-9999.0,", r.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void F043_several_events_in_one_write_keep_their_order() => Assert.Equal("abc", Relayed.Of(Content("a") + Content("b") + Content("c") + Fk("stop") + Done).Said());

    [Fact]
    public void Data_over_several_lines_is_one_event_on_one_line()
    {
        string pretty = "data: {\ndata:   \"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m1\",\ndata: \"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\ndata: \"finish_reason\":null}]}\n\n";
        Assert.Equal("ax", Relayed.Of(Role, Content("a"), pretty, Fk("stop"), Done).Said());
    }

    [Fact]
    public void U24_two_broken_events_are_dropped_and_counted_and_the_third_is_a_fault()
    {
        Relayed two = Relayed.Of(Content("a"), "data: {\"id\":\n\n", "data: null\n\n", Content("b"), Fk("stop"), Done);
        Assert.Equal(("ab", 2, StreamState.Completed), (two.Said(), two.Malformed, two.State));
        Relayed three = Relayed.Of(Content("a"), "data: {\"id\":\n\n", "data: []\n\n", "data: \"ok\"\n\n", Content("b"), Fk("stop"), Done);
        Assert.Equal(("a", FaultKind.Malformed), (three.Said(), three.Fault!.Kind));
    }

    [Fact]
    public void U26_a_character_cut_in_two_is_whole_again_and_bytes_that_are_no_character_are_replaced()
    {
        Assert.Equal(string.Concat(Role, Content("é€😀"), Fk("stop"), Done), Relayed.Of(Role, Content("é€😀"), Fk("stop"), Done).Output);
        byte[] broken = [.. Utf8(Role), .. Utf8(Content("a!")), .. Utf8(Content("a?")), .. Utf8(Fk("stop"), Done)];
        broken[Array.IndexOf(broken, (byte)'?')] = 0xC3;
        Assert.Equal("a!a\uFFFD", Relayed.Of(broken, Relayed.Chat).Said());
    }

    [Fact]
    public void U35_an_answer_past_its_limit_is_cut_there()
    {
        Relayed r = Relayed.Of(Utf8(Role, Content("a"), Content("b"), Content("c"), Content("d"), Fk("stop"), Done), Relayed.Chat with { MaxOutputTokens = 2 });
        Assert.Equal((StreamState.LimitReached, "ab"), (r.State, r.Said()));
        Assert.Equal(["length"], r.Finishes);
        Assert.True(r.IsDone);
        Assert.Equal(StreamState.Completed, Relayed.Of(Utf8(Role, Content("a"), Content("b"), Fk("length"), Done), Relayed.Chat with { MaxOutputTokens = 2 }).State);
    }

    [Fact]
    public void U35_the_upstreams_running_count_goes_before_ours()
    {
        string Counted(string text, int tokens) => Content(text).Replace("}]}", "}],\"usage\":" + Counts(7, tokens) + "}", StringComparison.Ordinal);
        StreamExpectations two = Relayed.Chat with { MaxOutputTokens = 2 };
        Assert.Equal("abc", Relayed.Of(Utf8(Role, Counted("a", 1), Counted("b", 1), Counted("c", 2), Fk("stop"), Done), two).Said());
        Relayed over = Relayed.Of(Utf8(Role, Counted("a", 2), Counted("b", 3), Fk("stop"), Done), two);
        Assert.Equal(("a", StreamState.LimitReached), (over.Said(), over.State));
    }

    [Fact]
    public void U35_each_choice_has_its_own_limit()
    {
        string Other(string text) => Content(text).Replace("\"index\":0", "\"index\":1", StringComparison.Ordinal);
        Relayed r = Relayed.Of(Utf8(Content("a"), Other("x"), Content("b"), Content("c"), Other("y"), Other("z"), Done), Relayed.Chat with { MaxOutputTokens = 2, Choices = 2 });
        Assert.Equal(("ab", "xy", StreamState.LimitReached), (r.Said(), r.Said(choice: 1), r.State));
        Assert.Equal(["length", "length"], r.Finishes);
    }

    [Fact]
    public void Nothing_is_committed_by_roles_and_empty_pieces_and_little_of_them_is_held()
    {
        Relayed r = Relayed.Fed(Utf8([Role, .. Enumerable.Repeat(Content(""), 2_000)]), Relayed.Chat, StreamFraming.ServerSentEvents, []);
        Assert.False(r.Committed);
        Assert.InRange(r.Output.Length, 1, 65 * 1024);
        Assert.True(Relayed.Of(Role, Fk("stop")).Committed);
    }

    [Theory]
    [InlineData("data: [DONE]\n\n")]
    [InlineData("")]
    public void A_stream_that_says_nothing_is_no_answer(string end)
    {
        Relayed r = Relayed.Of(Role, end);
        Assert.Equal(StreamState.Faulted, r.State);
        Assert.False(r.Committed);
    }

    [Fact]
    public void F216_a_stream_that_dies_is_truncated() => Assert.Equal(FaultKind.Truncated, Relayed.Of(Content("a"), Ck("{}")).Fault!.Kind);

    [Fact]
    public void F219_an_error_before_any_word_keeps_its_status()
    {
        Relayed r = Relayed.Of("data: {\"error\":{\"message\":\"Input validation error: `inputs` too long\",\"http_status_code\":422}}\n\n", Done);
        Assert.False(r.Committed);
        Assert.Equal(FaultKind.InvalidRequest, r.Fault!.Kind);
    }

    [Fact]
    public void Text_completions_pass_alike()
    {
        string Piece(string text, string finish) => "data: {\"id\":\"c1\",\"object\":\"text_completion\",\"created\":1700000000,\"model\":\"m1\",\"choices\":[{\"index\":0,\"text\":\"" + text + "\",\"logprobs\":null,\"finish_reason\":" + finish + "}]}\n\n";
        Relayed r = Relayed.Of(Utf8(Piece("a", "null"), Piece("b", "null"), Piece("", "\"eos_token\""), Uk(3, 2), Done), Relayed.Text);
        Assert.Equal(string.Concat(Piece("a", "null"), Piece("b", "null"), Piece("", "\"stop\""), Done), r.Output);
        Assert.Equal(new Usage(3, 2), r.Usage);
    }

    [Fact]
    public void Padding_is_dropped()
    {
        Relayed r = Relayed.Of(Role, Content("x").Replace("}]}", "}],\"obfuscation\":\"aaaa\"}", StringComparison.Ordinal), Fk("stop"), Done);
        Assert.Equal(string.Concat(Role, Content("x"), Fk("stop"), Done), r.Output);
    }

    [Fact]
    public void Groqs_usage_is_read_and_not_told_to_who_did_not_ask()
    {
        string end = Fk("stop").Replace("}]}", "}],\"x_groq\":{\"id\":\"req_1\",\"usage\":" + Counts(5, 6) + "}}", StringComparison.Ordinal);
        Relayed r = Relayed.Of(Role, Content("x"), end, Done);
        Assert.Equal(new Usage(5, 6), r.Usage);
        Assert.DoesNotContain("usage", r.Output, StringComparison.Ordinal);
    }
}
