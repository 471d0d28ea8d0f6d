using System.Text;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;
using static Fairlead.Protocols.Tests.Answers.Script;

namespace Fairlead.Protocols.Tests.Translation;

/// <summary>Whole completions, told as messages.</summary>
public class WholeMessageTests
{
    [Fact]
    public void A_completion_is_told_as_a_message() => Assert.Equal(
        """{"id":"msg_ours","type":"message","role":"assistant","model":"m1","content":[{"type":"text","text":"Hi \"there\""}],"stop_reason":"end_turn","stop_sequence":null,"stop_details":null,"container":null,"usage":{"input_tokens":3,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":2,"output_tokens_details":null,"server_tool_use":null,"cache_creation":null,"service_tier":null,"inference_geo":null,"cost":0.0000064}}""",
        Written(Full("Hi \\\"there\\\"")).ToJsonString(Relaxed));

    [Fact]
    public void F181_reasoning_is_a_thinking_block_without_a_signature_and_comes_first()
    {
        JsonArray content = Content("""{"role":"assistant","content":"Yes","reasoning_content":"hm"}""");
        Assert.Equal("""[{"type":"thinking","thinking":"hm","signature":""},{"type":"text","text":"Yes"}]""", content.ToJsonString());
    }

    [Theory]
    [InlineData("""{\"a\":[1.50,{\"b\":null}]}""", """{"a":[1.50,{"b":null}]}""")]
    [InlineData("", "{}")]
    [InlineData("  ", "{}")]
    [InlineData("{\\\"a\\\":", """{"_raw":"{\u0022a\u0022:"}""")]
    [InlineData("[1]", """{"_raw":"[1]"}""")]
    [InlineData("null", """{"_raw":"null"}""")]
    [InlineData("""{\"a\":\"\\ud83d\"}""", """{"a":"\uFFFD"}""")]
    [InlineData("""{\"n\":12345678901234567890123}""", """{"n":12345678901234567890123}""")]
    public void Arguments_are_told_as_the_object_they_are(string arguments, string input)
    {
        JsonObject message = Written(Whole("""{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"HERE"}}]}""".Replace("HERE", arguments, StringComparison.Ordinal), "tool_calls"));
        JsonNode block = Assert.Single(message["content"]!.AsArray())!;
        Assert.Equal("tool_use", block["type"]!.GetValue<string>());
        Assert.Equal("call_1", block["id"]!.GetValue<string>());
        Assert.Equal("f", block["name"]!.GetValue<string>());
        Assert.Equal(input, block["input"]!.ToJsonString());
        Assert.Equal("tool_use", message["stop_reason"]!.GetValue<string>());
    }

    [Fact]
    public void Text_and_parallel_calls_keep_their_order()
    {
        JsonArray content = Content("""{"role":"assistant","content":"Both.","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"g","arguments":{"x":1}}}]}""");
        Assert.Equal(
            """[{"type":"text","text":"Both."},{"type":"tool_use","id":"a","name":"f","input":{},"caller":{"type":"direct"}},{"type":"tool_use","id":"b","name":"g","input":{"x":1},"caller":{"type":"direct"}}]""",
            content.ToJsonString());
    }

    [Fact]
    public void An_answer_that_says_nothing_has_no_blocks()
    {
        Assert.Empty(Content("""{"role":"assistant","content":""}"""));
        Assert.Empty(Content("""{"role":"assistant","content":null}"""));
    }

    [Theory]
    [InlineData("stop", "end_turn")]
    [InlineData("length", "max_tokens")]
    [InlineData("content_filter", "refusal")]
    [InlineData("eos", "end_turn")]
    public void A_reason_to_finish_is_a_reason_to_stop(string finish, string stop) =>
        Assert.Equal(stop, Written(Whole("""{"role":"assistant","content":"x"}""", finish))["stop_reason"]!.GetValue<string>());

    [Fact]
    public void A_refusal_is_told_as_text_and_as_the_reason()
    {
        JsonObject message = Written(Whole("""{"role":"assistant","content":null,"refusal":"I will not."}""", "stop"));
        Assert.Equal("I will not.", message["content"]![0]!["text"]!.GetValue<string>());
        Assert.Equal("refusal", message["stop_reason"]!.GetValue<string>());
        Assert.Equal("refusal", message["stop_details"]!["type"]!.GetValue<string>());
    }

    [Fact]
    public void Signed_thinking_is_told_untouched()
    {
        JsonArray content = Content("""{"role":"assistant","content":"Yes","reasoning_content":"hm","thinking_blocks":[{"index":0,"type":"thinking","thinking":"hm","signature":"c2ln"},{"index":1,"type":"redacted_thinking","data":"EmwK"}]}""");
        Assert.Equal("""[{"type":"thinking","thinking":"hm","signature":"c2ln"},{"type":"redacted_thinking","data":"EmwK"},{"type":"text","text":"Yes"}]""", content.ToJsonString());
    }

    [Fact]
    public void What_is_charged_is_told()
    {
        JsonObject usage = Written(Full("Hi"), new Usage(1000, 40, 700, 200, 30, 150) { ComputeTime = TimeSpan.FromMilliseconds(1_500) })["usage"]!.AsObject();
        Assert.Equal(
            """{"input_tokens":100,"cache_creation_input_tokens":200,"cache_read_input_tokens":700,"output_tokens":40,"output_tokens_details":{"thinking_tokens":30},"server_tool_use":null,"cache_creation":{"ephemeral_5m_input_tokens":50,"ephemeral_1h_input_tokens":150},"service_tier":null,"inference_geo":null,"compute_seconds":1.5,"cost":0.0000064}""",
            usage.ToJsonString());
    }

    [Theory]
    [InlineData("""{"error":{"message":"no"}}""")]
    [InlineData("<html></html>")]
    [InlineData("""{"choices":[]}""")]
    public void What_is_no_completion_is_no_message(string body) => Assert.NotNull(AnswerDialects.Check(Utf8(body), Told.Messages).Fault);

    [Theory]
    [InlineData("""{"role":"assistant","content":"x","tool_calls":[{"id":"a","type":"function","function":{"arguments":"{}"}}]}""")]
    [InlineData("""{"role":"assistant","content":"x","tool_calls":[{"id":"a","type":"function","function":{"name":"","arguments":"{}"}}]}""")]
    [InlineData("""{"role":"assistant","content":"x","tool_calls":[{"id":"a","type":"function","function":{"name":7,"arguments":"{}"}}]}""")]
    [InlineData("""{"role":"assistant","content":"x","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"function"}]}""")]
    [InlineData("""{"role":"assistant","content":"x","tool_\u0063alls":[{"id":"a","type":"function","function":{"name":null}}]}""")]
    [InlineData("""{"role":"assistant","content":"x","function_call":{"arguments":"{}"}}""")]
    public void A_call_without_a_name_is_the_fault_that_it_is_in_a_stream(string message)
    {
        byte[] body = Utf8(Whole(message, "tool_calls"));
        UpstreamFault whole = AnswerDialects.Check(body, Told.Messages).Fault!;
        Assert.Equal((FaultKind.Malformed, "A tool call has no name."), (whole.Kind, whole.Detail));
        using AnswerStream stream = AnswerDialects.Open(Told.Messages, StreamFraming.ServerSentEvents);
        using var output = new PooledBuffer();
        Assert.Equal(StreamState.Faulted, stream.Replay(WholeAnswer.Check(Route.Chat, body, Told.Messages with { Route = Route.Chat }).Mended ?? body, output));
        Assert.Equal((whole.Kind, whole.Detail), (stream.Fault!.Kind, stream.Fault.Detail));
        // OpenAI's clients see what their provider said.
        Assert.Null(AnswerDialects.Check(body, Told.Messages with { Route = Route.Chat }).Fault);
    }

    [Fact]
    public void A_whole_answer_is_told_as_the_stream_it_might_have_been()
    {
        string body = Whole("""{"role":"assistant","content":"Both.","reasoning_content":"hm","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"g","arguments":"{\"x\":1}"}}]}""", "tool_calls");
        AnswerCheck check = AnswerDialects.Check(Utf8(body), Told.Messages);
        using AnswerStream stream = AnswerDialects.Open(Told.Messages, StreamFraming.ServerSentEvents);
        using var output = new PooledBuffer();
        StreamState state = stream.Replay(check.Mended ?? Utf8(body), output);
        stream.WriteClosing(stream.Usage!.Value, new NanoDollars(6_400), output);
        var told = new Told(Encoding.UTF8.GetString(output.Span), state, stream.Committed, stream.Fault, stream.Usage, stream.OutputTokensSeen);
        told.InsistOnForm();
        Assert.Equal(StreamState.Completed, state);
        Assert.Equal(["thinking", "text", "tool_use", "tool_use"], told.Types);
        Assert.Equal([("a", "f", "{}"), ("b", "g", "{\"x\":1}")], told.Calls);
        Assert.Equal("tool_use", told.StopReason);
        Assert.Equal(3, told.FinalUsage["input_tokens"]!.GetValue<long>());
    }

    private static readonly System.Text.Json.JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static string Whole(string message, string finish) =>
        "{\"id\":\"c1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m1\",\"choices\":[{\"index\":0,\"message\":" + message + ",\"finish_reason\":\"" + finish + "\"}],\"usage\":" + Counts(3, 2) + "}";

    private static JsonArray Content(string message) => Written(Whole(message, "stop"))["content"]!.AsArray();

    private static JsonObject Written(string body, Usage? usage = null)
    {
        AnswerCheck check = AnswerDialects.Check(Utf8(body), Told.Messages);
        Assert.Null(check.Fault);
        using var output = new PooledBuffer();
        AnswerDialects.Write(Utf8(body), check, Told.Messages, usage ?? check.Usage!.Value, new NanoDollars(6_400), output);
        return JsonNode.Parse(output.Span)!.AsObject();
    }
}
