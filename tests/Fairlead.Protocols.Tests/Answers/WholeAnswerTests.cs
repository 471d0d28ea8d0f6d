using System.Text;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;
using static Fairlead.Protocols.Tests.Answers.Script;

namespace Fairlead.Protocols.Tests.Answers;

/// <summary>Answers that come whole: F056 to F069, F131 to F148, embeddings.</summary>
public class WholeAnswerTests
{
    private const string Choices = "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"x\"},\"finish_reason\":\"stop\"}]";
    private static readonly StreamExpectations Embed = Relayed.Chat with { Route = Route.Embeddings };

    [Fact]
    public void A_good_answer_passes_byte_for_byte_with_its_cost_put_in()
    {
        string body = Full("x é \\u00e9 1").Replace("\"model\"", "\"unknown\":{\"a\":1.50},\"model\"", StringComparison.Ordinal);
        AnswerCheck check = Check(body);
        Assert.Null(check.Mended);
        Assert.Equal(new Usage(3, 2), check.Usage);
        Assert.Equal(body.Replace("\"total_tokens\":5}", "\"total_tokens\":5,\"cost\":0.0000064}", StringComparison.Ordinal), Written(body, check));
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(1, "0.000000001")]
    [InlineData(6_400, "0.0000064")]
    [InlineData(20_000_000_000, "20")]
    [InlineData(1_500_000_000, "1.5")]
    public void The_cost_is_plain_decimal(long nano, string told) => Assert.Contains($"\"cost\":{told}}}", Written(Full("x"), Check(Full("x")), new NanoDollars(nano)), StringComparison.Ordinal);

    [Fact]
    public void A_cost_of_the_upstreams_is_replaced_by_ours()
    {
        string body = Full("x").Replace("\"total_tokens\":5}", "\"total_tokens\":5,\"cost\":0.5}", StringComparison.Ordinal);
        JsonNode usage = JsonNode.Parse(Written(body, Check(body)))!["usage"]!;
        Assert.Equal("0.0000064", usage["cost"]!.ToJsonString());
    }

    [Theory]
    [InlineData("\n\n\n")] // F069
    [InlineData(" \r\n")]
    [InlineData("\uFEFF")]
    public void F069_blank_lines_and_a_byte_order_mark_before_the_answer(string before)
    {
        string told = Written(before + Full("x") + "\n", Check(before + Full("x") + "\n"));
        Assert.StartsWith("{", told, StringComparison.Ordinal);
        Assert.Equal("x", Message(told)["content"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("")] // F060
    [InlineData("\n")]
    [InlineData("null")] // F061
    [InlineData("[]")]
    [InlineData("\"ok\"")]
    [InlineData("{}")]
    [InlineData("{\"id\":")]
    [InlineData("<html><body>login</body></html>")] // F064
    [InlineData("{\"choices\":{}}")]
    [InlineData("{\"choices\":[]}")]
    [InlineData("{\"choices\":[7]}")]
    [InlineData("{\"choices\":[{\"index\":0}]}")]
    [InlineData("{\"choices\":\"x\"}")]
    public void F060_F061_F064_what_is_no_answer_is_a_fault(string body) => Assert.Equal(FaultKind.Malformed, Check(body).Fault!.Kind);

    [Fact]
    public void F059_an_error_in_a_200_is_an_error()
    {
        AnswerCheck check = Check("{\"error\":{\"message\":\"upstream exploded\",\"type\":\"server_error\",\"code\":500}}");
        Assert.Equal(FaultKind.ServerError, check.Fault!.Kind);
        Assert.Contains("upstream exploded", check.Fault.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("\"\"")]
    public void An_error_that_says_nothing_is_none(string nothing)
    {
        string body = Full("x").Replace("{\"id\"", "{\"error\":" + nothing + ",\"id\"", StringComparison.Ordinal);
        Assert.Null(JsonNode.Parse(Written(body, Check(body)))!.AsObject()["error"]);
    }

    [Fact]
    public void A_usage_that_is_missing_is_added()
    {
        string body = "{\"id\":\"c1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m1\"," + Choices + "}";
        AnswerCheck check = Check(body);
        Assert.Null(check.Usage);
        Assert.Equal(1, check.OutputTokensSeen);
        using var output = new PooledBuffer();
        WholeAnswer.Write(Utf8(body), check, new Usage(4, 1), new NanoDollars(6_400), output);
        Assert.Equal("{\"prompt_tokens\":4,\"completion_tokens\":1,\"total_tokens\":5,\"cost\":0.0000064}", JsonNode.Parse(output.Span)!["usage"]!.ToJsonString());
    }

    [Fact]
    public void What_hugging_faces_client_insists_on_is_there()
    {
        JsonNode told = JsonNode.Parse(Written("{\"id\":\"\",\"system_fingerprint\":7," + Choices + "}", Check("{\"id\":\"\",\"system_fingerprint\":7," + Choices + "}")))!;
        Assert.Equal(("chatcmpl-ours", "fallback", 1_234L), (told["id"]!.GetValue<string>(), told["model"]!.GetValue<string>(), told["created"]!.GetValue<long>()));
        Assert.Null(told["system_fingerprint"]);
        Assert.IsType<JsonObject>(told["usage"]);
    }

    [Theory]
    [InlineData("{\"role\":\"assistant\",\"content\":null}", "\"\"")] // F144
    [InlineData("{\"role\":\"assistant\"}", "\"\"")]
    [InlineData("{\"role\":\"assistant\",\"content\":null,\"refusal\":\"no\"}", "null")] // F145
    [InlineData("{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"hmm\"}]},{\"type\":\"text\",\"text\":\"A\"}]}", "\"A\"")] // F029
    [InlineData("{\"role\":\"assistant\",\"content\":\"a\\ud83d\"}", "\"a\uFFFD\"")]
    [InlineData("{\"role\":\"assistant\",\"content\":\"x\",\"content\":\"y\",\"reasoning\":1}", "\"y\"")]
    public void F144_F145_content(string message, string content)
    {
        JsonNode told = Message(Mended(message));
        Assert.Equal(content, told["content"]?.ToJsonString(Readable) ?? "null");
        Assert.Equal("assistant", told["role"]!.GetValue<string>());
    }

    [Fact]
    public void F143_reasoning_keeps_its_name_and_is_told_once()
    {
        string body = Full("x").Replace("\"content\"", "\"reasoning\":\"hm\",\"content\"", StringComparison.Ordinal);
        Assert.Null(Check(body).Mended);
        JsonObject twice = Message(Mended("{\"role\":\"assistant\",\"content\":\"x\",\"reasoning\":\"hm\",\"reasoning_content\":\"hm\"}")).AsObject();
        Assert.False(twice.ContainsKey("reasoning"));
        Assert.Equal("hm", twice["reasoning_content"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}}]", "{\"x\":1}")] // F131, F135
    [InlineData("\"tool_calls\":[{\"id\":\"\",\"function\":{\"name\":\"f\",\"arguments\":null}}]", "{}")] // F132
    [InlineData("\"tool_calls\":[{\"id\":\"\",\"function\":{\"name\":\"f\"}}]", "{}")]
    [InlineData("\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"}", "{}")] // F139
    public void F131_to_F139_calls(string calls, string arguments)
    {
        string told = Mended("{\"role\":\"assistant\",\"content\":null," + calls + "}");
        JsonNode call = Message(told)["tool_calls"]![0]!;
        Assert.Matches("^call_[0-9A-Za-z]{24}$", call["id"]!.GetValue<string>());
        Assert.Equal(("function", "f", arguments), (call["type"]!.GetValue<string>(), call["function"]!["name"]!.GetValue<string>(), call["function"]!["arguments"]!.GetValue<string>()));
        Assert.Equal("tool_calls", JsonNode.Parse(told)!["choices"]![0]!["finish_reason"]!.GetValue<string>());
    }

    [Fact]
    public void F137_tool_calls_without_calls_is_stop() =>
        Assert.Equal("stop", JsonNode.Parse(Mended("{\"role\":\"assistant\",\"content\":\"x\"}", "tool_calls"))!["choices"]![0]!["finish_reason"]!.GetValue<string>());

    [Fact]
    public void An_answer_that_ended_in_a_fault_is_one() => Assert.Equal(FaultKind.Malformed, Check(Whole("{\"role\":\"assistant\",\"content\":\"x\"}", "error")).Fault!.Kind);

    [Fact]
    public void U26_bytes_that_are_no_character_are_replaced()
    {
        byte[] body = Utf8(Full("a?"));
        body[Array.IndexOf(body, (byte)'?')] = 0xC3;
        AnswerCheck check = WholeAnswer.Check(Route.Chat, body, Relayed.Chat);
        Assert.Contains("a\uFFFD", Encoding.UTF8.GetString(check.Mended!), StringComparison.Ordinal);
        Assert.Equal(new Usage(3, 2), check.Usage);
    }

    [Fact]
    public void F039_a_log_probability_that_is_no_number_and_the_usage_behind_it()
    {
        string body = Full("x").Replace("\"finish_reason\"", "\"logprobs\":{\"content\":[{\"token\":\"x\",\"logprob\":-Infinity}]},\"finish_reason\"", StringComparison.Ordinal);
        AnswerCheck check = Check(body);
        Assert.Equal(new Usage(3, 2), check.Usage);
        Assert.Contains("-9999.0", Written(body, check), StringComparison.Ordinal);
    }

    [Fact]
    public void Our_own_count_is_of_what_was_said_alone()
    {
        Assert.Equal(2, Check(Full("12345678")).OutputTokensSeen);
        Assert.Equal(3, Check(Full("12345678").Replace("\"content\"", "\"reasoning\":\"1234\",\"content\"", StringComparison.Ordinal)).OutputTokensSeen);
    }

    [Fact]
    public void F057_a_whole_answer_is_replayed_as_role_content_end_and_usage()
    {
        Relayed r = Replayed(Full("Hi"), Relayed.Chat with { UsageAsked = true });
        Assert.Equal(["{\"role\":\"assistant\",\"content\":\"\"}", "{\"content\":\"Hi\"}", "{}"], r.Deltas(0).Select(static d => d.ToJsonString()));
        Assert.Equal(new Usage(3, 2), r.Usage);
        Assert.Equal(["stop"], r.Finishes);
        Assert.Equal(4, r.Events.Count);
        r.InsistOnForm();
    }

    [Fact]
    public void F057_calls_choices_and_texts_are_replayed_too()
    {
        Relayed calls = Replayed(Mended("{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}},{\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]}"), Relayed.Chat);
        Assert.Equal([("a", "function", "f", "{\"x\":1}"), ("b", "function", "g", "{}")], calls.Calls);
        Assert.Equal(["tool_calls"], calls.Finishes);
        string two = Full("a").Replace("}],\"usage\"", "},{\"index\":1,\"message\":{\"role\":\"assistant\",\"content\":\"b\"},\"finish_reason\":\"length\"}],\"usage\"", StringComparison.Ordinal);
        Relayed choices = Replayed(two, Relayed.Chat with { Choices = 2 });
        Assert.Equal(("a", "b"), (choices.Said(), choices.Said(choice: 1)));
        Relayed text = Replayed("{\"id\":\"c\",\"object\":\"text_completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"text\":\"Hi\",\"finish_reason\":\"stop\"}]}", Relayed.Text);
        Assert.Equal("Hi", string.Concat(text.Choices().Select(static c => c["text"]!.GetValue<string>())));
    }

    [Theory]
    [InlineData(EmbeddingEncoding.Base64, "[0.5,-1,3.4028235E+38]", "\"AAAAPwAAgL///39/\"")]
    [InlineData(EmbeddingEncoding.Float, "\"AAAAPwAAgL///39/\"", "[0.5,-1,3.4028235E+38]")]
    [InlineData(EmbeddingEncoding.Base64, "\"AAAAPw==\"", "\"AAAAPw==\"")]
    [InlineData(EmbeddingEncoding.Float, "[0.5]", "[0.5]")]
    public void Embeddings_come_in_the_form_that_was_asked_for(EmbeddingEncoding asked, string sent, string told)
    {
        string body = "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":" + sent + "}],\"model\":\"e\",\"usage\":{\"prompt_tokens\":8,\"total_tokens\":8}}";
        AnswerCheck check = WholeAnswer.Check(Route.Embeddings, Utf8(body), Embed with { Encoding = asked });
        JsonNode answer = JsonNode.Parse(Written(body, check))!;
        Assert.Equal(told, answer["data"]![0]!["embedding"]!.ToJsonString(Readable));
        Assert.Equal("{\"prompt_tokens\":8,\"total_tokens\":8,\"cost\":0.0000064}", answer["usage"]!.ToJsonString());
        Assert.Equal(new Usage(8, 0), check.Usage);
    }

    [Theory]
    [InlineData("\"AAAA\"")] // three bytes are no vector
    [InlineData("\"####\"")]
    public void Embeddings_that_cannot_be_converted_are_a_fault(string sent) =>
        Assert.Equal(FaultKind.Malformed, WholeAnswer.Check(Route.Embeddings, Utf8("{\"data\":[{\"embedding\":" + sent + "}]}"), Embed).Fault!.Kind);

    [Theory]
    [InlineData("[\"x\"]")]
    [InlineData("[1e300]")]
    public void Numbers_that_are_no_single_precision_are_a_fault(string sent) =>
        Assert.Equal(FaultKind.Malformed, WholeAnswer.Check(Route.Embeddings, Utf8("{\"data\":[{\"embedding\":" + sent + "}]}"), Embed with { Encoding = EmbeddingEncoding.Base64 }).Fault!.Kind);

    [Fact]
    public void Embeddings_have_no_output()
    {
        string Body(string usage) => "{\"object\":\"list\",\"data\":[{\"index\":0,\"embedding\":[0.5]}],\"model\":\"e\"" + usage + "}";
        AnswerCheck none = WholeAnswer.Check(Route.Embeddings, Utf8(Body("")), Embed);
        Assert.Null(none.Usage);
        Assert.Equal(0, none.OutputTokensSeen);
        Assert.Equal(new Usage(8, 0), WholeAnswer.Check(Route.Embeddings, Utf8(Body(",\"usage\":{\"total_tokens\":8}")), Embed).Usage);
        using var output = new PooledBuffer();
        WholeAnswer.Write(Utf8(Body("")), none, new Usage(4, 0), new NanoDollars(6_400), output);
        Assert.Equal("{\"prompt_tokens\":4,\"total_tokens\":4,\"cost\":0.0000064}", JsonNode.Parse(output.Span)!["usage"]!.ToJsonString());
    }

    private static readonly System.Text.Json.JsonSerializerOptions Readable = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static AnswerCheck Check(string body) => WholeAnswer.Check(Route.Chat, Utf8(body), Relayed.Chat);

    private static string Whole(string message, string finish) =>
        "{\"id\":\"c1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m1\",\"choices\":[{\"index\":0,\"message\":" + message + ",\"finish_reason\":\"" + finish + "\"}],\"usage\":" + Counts(3, 2) + "}";

    private static string Mended(string message, string finish = "stop")
    {
        string body = Whole(message, finish);
        AnswerCheck check = Check(body);
        Assert.Null(check.Fault);
        Assert.Equal(new Usage(3, 2), check.Usage);
        return Written(body, check);
    }

    private static JsonNode Message(string answer) => JsonNode.Parse(answer)!["choices"]![0]!["message"]!;

    private static string Written(string body, AnswerCheck check, NanoDollars? cost = null)
    {
        Assert.Null(check.Fault);
        using var output = new PooledBuffer();
        WholeAnswer.Write(Utf8(body), check, check.Usage ?? new Usage(9, 9), cost ?? new NanoDollars(6_400), output);
        return Encoding.UTF8.GetString(output.Span);
    }

    private static Relayed Replayed(string body, StreamExpectations expected)
    {
        using var stream = new ChunkStream(expected);
        using var output = new PooledBuffer();
        StreamState state = stream.Replay(Utf8(body), output);
        Assert.Equal(StreamState.Completed, state);
        stream.WriteClosing(stream.Usage ?? default, new NanoDollars(6_400), output);
        return new Relayed(Encoding.UTF8.GetString(output.Span), state, stream.Committed, stream.Fault, stream.Usage, stream.OutputTokensSeen, 0);
    }
}
