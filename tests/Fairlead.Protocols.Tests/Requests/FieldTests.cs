using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Protocols.Dialects;

namespace Fairlead.Protocols.Tests.Requests;

/// <summary>Every field that we read: what is taken, what is refused, and which field the refusal names.</summary>
public sealed class FieldTests
{
    [Theory]
    [InlineData("model", "null")]
    [InlineData("model", "\"\"")]
    [InlineData("model", "1")]
    [InlineData("model", "[\"a\"]")]
    [InlineData("model", "\"a b\"")]
    [InlineData("model", "\"a\\nb\"")]
    [InlineData("model", "\"a\\r\\nx-evil: 1\"")]
    [InlineData("model", "\"a\\u0000\"")]
    [InlineData("model", "\"a\\u0085\"")]
    [InlineData("model", "\"a\\u200bb\"")]
    [InlineData("model", "\"a\\u202eb\"")]
    public void A_model_that_is_no_name_is_refused(string field, string value) =>
        Assert.Equal(field, Invalid($$"""{"model":{{value}},"messages":[{"role":"user","content":"x"}]}""").Param);

    [Theory]
    [InlineData(256, true)]
    [InlineData(257, false)]
    public void A_models_name_has_at_most_256_characters(int length, bool taken) =>
        Assert.Equal(taken, Bodies.Scan($$"""{"model":"{{new string('m', length)}}","messages":[{"role":"user","content":"x"}]}""").Problem is null);

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"x"}]}""", "model")]
    [InlineData("""{"model":"a"}""", "messages")]
    [InlineData("{}", "model")]
    public void What_is_missing_is_named(string body, string field)
    {
        Problem problem = Invalid(body);
        Assert.Equal(field, problem.Param);
        Assert.Contains("missing", problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("stream", "\"true\"")]
    [InlineData("stream", "1")]
    [InlineData("stream", "{}")]
    [InlineData("stream_options", "true")]
    [InlineData("stream_options", "[]")]
    [InlineData("stream_options", "{\"include_usage\":1}", "stream_options.include_usage")]
    [InlineData("stream_options", "{\"include\\u005fusage\":\"yes\"}", "stream_options.include_usage")]
    [InlineData("max_tokens", "-1")]
    [InlineData("max_tokens", "1.5")]
    [InlineData("max_tokens", "\"5\"")]
    [InlineData("max_tokens", "1e30")]
    [InlineData("max_tokens", "2147483648")]
    [InlineData("max_completion_tokens", "-1")]
    [InlineData("max_completion_tokens", "[]")]
    [InlineData("n", "0")]
    [InlineData("n", "129")]
    [InlineData("n", "1.5")]
    [InlineData("n", "\"2\"")]
    [InlineData("temperature", "-0.1")]
    [InlineData("temperature", "2.1")]
    [InlineData("temperature", "\"0\"")]
    [InlineData("top_p", "1.01")]
    [InlineData("top_p", "-1")]
    [InlineData("frequency_penalty", "2.5")]
    [InlineData("presence_penalty", "-2.5")]
    [InlineData("seed", "1.5")]
    [InlineData("seed", "9223372036854775808")]
    [InlineData("logprobs", "5")]
    [InlineData("top_logprobs", "21")]
    [InlineData("top_logprobs", "-1")]
    [InlineData("logit_bias", "\"x\"")]
    [InlineData("top_k", "-2")]
    [InlineData("min_p", "1.1")]
    [InlineData("parallel_tool_calls", "\"no\"")]
    [InlineData("reasoning_effort", "3")]
    [InlineData("stop", "1")]
    [InlineData("stop", "[1]", "stop[0]")]
    [InlineData("stop", "[\"a\",null]", "stop[1]")]
    [InlineData("stop", "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\",\"17\"]")]
    [InlineData("user", "1")]
    [InlineData("tools", "{}")]
    [InlineData("tools", "[1]", "tools[0]")]
    [InlineData("tools", "[{},null]", "tools[1]")]
    [InlineData("functions", "\"f\"")]
    [InlineData("tool_choice", "1")]
    [InlineData("response_format", "\"json\"")]
    [InlineData("response_format", "{\"type\":1}", "response_format.type")]
    public void A_value_out_of_its_kind_or_range_is_refused_by_name(string field, string value, string? named = null)
    {
        Problem problem = Invalid(Bodies.Chat($"\"{field}\":{value}"));
        Assert.Equal(named ?? field, problem.Param);
        Assert.Contains($"'{named ?? field}'", problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("stream", "false")]
    [InlineData("max_tokens", "0")]
    [InlineData("max_tokens", "2147483647")]
    [InlineData("max_tokens", "16.0")]
    [InlineData("n", "128")]
    [InlineData("temperature", "0")]
    [InlineData("temperature", "2")]
    [InlineData("top_p", "1e-3")]
    [InlineData("frequency_penalty", "-2")]
    [InlineData("seed", "-9223372036854775808")]
    [InlineData("logprobs", "true")]
    [InlineData("top_logprobs", "20")]
    [InlineData("logit_bias", "{\"50256\":-100}")]
    [InlineData("logit_bias", "[1,2]")]
    [InlineData("top_k", "-1")]
    [InlineData("stop", "\"a\"")]
    [InlineData("stop", "[]")]
    [InlineData("reasoning_effort", "\"none\"")]
    [InlineData("reasoning_effort", "\"minimal\"")]
    [InlineData("reasoning_effort", "\"xhigh\"")]
    [InlineData("reasoning_effort", "\"max\"")]
    [InlineData("tool_choice", "\"required\"")]
    [InlineData("tool_choice", "{\"function\":{\"name\":\"f\"}}")]
    [InlineData("response_format", "{\"type\":\"text\"}")]
    [InlineData("prompt", "7")]
    [InlineData("best_of", "\"of another route\"")]
    public void The_ends_of_every_range_are_taken(string field, string value) => Bodies.Taken(Bodies.Chat($"\"{field}\":{value}"));

    [Theory]
    [InlineData("stream")]
    [InlineData("stream_options")]
    [InlineData("max_tokens")]
    [InlineData("max_completion_tokens")]
    [InlineData("n")]
    [InlineData("temperature")]
    [InlineData("top_p")]
    [InlineData("frequency_penalty")]
    [InlineData("presence_penalty")]
    [InlineData("seed")]
    [InlineData("logprobs")]
    [InlineData("top_logprobs")]
    [InlineData("logit_bias")]
    [InlineData("top_k")]
    [InlineData("min_p")]
    [InlineData("parallel_tool_calls")]
    [InlineData("reasoning_effort")]
    [InlineData("stop")]
    [InlineData("user")]
    [InlineData("tools")]
    [InlineData("functions")]
    [InlineData("tool_choice")]
    [InlineData("response_format")]
    [InlineData("models")]
    [InlineData("provider")]
    public void Null_says_the_same_as_leaving_it_out(string field)
    {
        InferenceRequest request = Bodies.Request(Bodies.Chat($"\"{field}\":null"));
        InferenceRequest without = Bodies.Request(Bodies.Chat());
        Assert.Equal(without.Uses, request.Uses);
        Assert.Equal(without.Needs, request.Needs);
        Assert.Equal(without.Choices, request.Choices);
        Assert.Equal(without.MaxOutputTokens, request.MaxOutputTokens);
        Assert.False(request.Stream);
        Assert.Empty(request.FallbackModels);
    }

    [Theory]
    [InlineData("\"messages\":null", "messages")]
    [InlineData("\"messages\":\"hi\"", "messages")]
    [InlineData("\"messages\":[]", "messages")]
    [InlineData("\"messages\":[\"hi\"]", "messages[0]")]
    [InlineData("\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"content\":\"b\"}]", "messages[1].role")]
    [InlineData("\"messages\":[{\"role\":1,\"content\":\"b\"}]", "messages[0].role")]
    [InlineData("\"messages\":[{\"role\":\"user\",\"content\":5}]", "messages[0].content")]
    [InlineData("\"messages\":[{\"role\":\"user\",\"content\":{}}]", "messages[0].content")]
    [InlineData("\"messages\":[{\"role\":\"user\",\"content\":[5]}]", "messages[0].content[0]")]
    [InlineData("\"messages\":[{\"role\":\"user\",\"content\":[{},[]]}]", "messages[0].content[1]")]
    public void A_conversation_of_the_wrong_form_is_refused_at_its_place(string member, string place)
    {
        Problem problem = Invalid($$"""{"model":"a",{{member}}}""");
        Assert.Equal(place, problem.Param);
        Assert.Contains(place, problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"role\":\"assistant\"}")]
    [InlineData("{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[]}")]
    [InlineData("{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"1\"}")]
    [InlineData("{\"content\":\"late role\",\"role\":\"developer\"}")]
    [InlineData("{\"role\":\"user\",\"content\":[\"bare\",{\"type\":\"text\",\"text\":\"x\"}]}")]
    [InlineData("{\"role\":\"user\",\"content\":[]}")]
    public void Messages_as_clients_send_them_are_taken(string message) => Bodies.Taken($$"""{"model":"a","messages":[{{message}}]}""");

    [Fact]
    public void What_a_chat_asks_for_is_read_off()
    {
        ScannedRequest scanned = Bodies.Taken(Bodies.Sample);
        InferenceRequest request = scanned.Request;
        Assert.Equal("meta-llama/Llama-3.1-8B-Instruct:cheapest", scanned.AskedModel);
        Assert.Equal("meta-llama/Llama-3.1-8B-Instruct", request.Model);
        Assert.True(request.Stream);
        Assert.False(request.IncludeUsage);
        Assert.Null(request.MaxOutputTokens);
        Assert.Equal(Abilities.Tools | Abilities.Images, request.Needs);
        Assert.Equal(Parameters.Tools | Parameters.Seed | Parameters.Temperature, request.Uses);
    }

    [Theory]
    [InlineData("\"response_format\":{\"type\":\"json_object\"}", Abilities.StructuredOutput)]
    [InlineData("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\"}}", Abilities.StructuredOutput)]
    [InlineData("\"response_format\":{\"json_schema\":{},\"t\\u0079pe\":\"json\\u005fschema\"}", Abilities.StructuredOutput)]
    [InlineData("\"response_format\":{\"type\":\"json\",\"value\":{}}", Abilities.StructuredOutput)]
    [InlineData("\"response_format\":{\"type\":\"regex\",\"value\":\"a\"}", Abilities.StructuredOutput)]
    [InlineData("\"response_format\":{\"type\":\"text\"}", Abilities.None)]
    [InlineData("\"tools\":[{}]", Abilities.Tools)]
    [InlineData("\"functions\":[{}]", Abilities.Tools)]
    [InlineData("\"tools\":[]", Abilities.None)]
    public void Abilities_that_a_request_needs_are_seen_in_every_spelling(string member, Abilities needs) =>
        Assert.Equal(needs, Bodies.Request(Bodies.Chat(member)).Needs);

    [Theory]
    [InlineData("{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://a/b.png\"}}", true)]
    [InlineData("{\"image_url\":{\"url\":\"https://a/b.png\"},\"type\":\"image_url\"}", true)]
    [InlineData("{\"type\":\"image\\u005furl\",\"image_url\":{\"url\":\"https://a/b.png\"}}", true)]
    [InlineData("{\"typ\\u0065\":\"image_url\",\"image\\u005furl\":{\"url\":\"https://a/b.png\"}}", true)]
    [InlineData("{\"type\":\"input_image\",\"image_url\":\"https://a/b.png\"}", true)]
    [InlineData("{\"image_url\":{\"url\":\"https://a/b.png\"}}", true)]
    [InlineData("{\"type\":\"text\",\"text\":\"![x](https://a/b.png) image_url\"}", false)]
    [InlineData("{\"type\":\"text\",\"text\":\"x\",\"image_url\":null}", false)]
    public void An_image_is_one_in_whatever_spelling_and_never_in_a_text(string part, bool image)
    {
        string body = $$"""{"model":"a","messages":[{"role":"user","content":[{{part}}]}]}""";
        InferenceRequest request = Bodies.Request(body);
        Assert.Equal(image, request.Needs.HasFlag(Abilities.Images));
        Assert.Equal(body.Length + (image ? RequestLimits.Default.TokensPerImageAtMost : 0), request.InputTokensAtMost);
    }

    [Fact]
    public void Image_data_counts_by_the_image_and_not_by_its_bytes()
    {
        string data = new('A', 1_000_000);
        InferenceRequest request = Bodies.Request(
            $$$"""{"model":"a","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"detail":"high","url":"data:image/png;base64,{{{data}}}"}},{"type":"text","text":"what is it"}]}]}""");
        Assert.InRange(request.InputTokensAtMost, RequestLimits.Default.TokensPerImageAtMost, RequestLimits.Default.TokensPerImageAtMost + 200);
        Assert.InRange(request.InputTokensExpected, RequestLimits.Default.TokensPerImageExpected, RequestLimits.Default.TokensPerImageExpected + 60);
    }

    [Fact]
    public void Data_beside_an_image_is_text_and_counts_as_such()
    {
        string text = new('A', 100_000);
        InferenceRequest request = Bodies.Request($$"""{"model":"a","messages":[{"role":"user","content":[{"type":"text","text":"data:image/png;base64,{{text}}"}]}]}""");
        Assert.True(request.InputTokensAtMost > 100_000);
    }

    [Theory]
    [InlineData("\"max_tokens\":5", 5L)]
    [InlineData("\"max_completion_tokens\":6", 6L)]
    [InlineData("\"max_tokens\":5,\"max_completion_tokens\":6", 5L)]
    [InlineData("\"max_tokens\":7,\"max_completion_tokens\":6", 6L)]
    [InlineData("\"max_tokens\":null,\"max_completion_tokens\":6", 6L)]
    public void Of_two_output_limits_the_smaller_holds(string members, long limit) => Assert.Equal(limit, Bodies.Request(Bodies.Chat(members)).MaxOutputTokens);

    private static Problem Invalid(string body)
    {
        Problem problem = Bodies.Refused(body);
        Assert.Equal(ProblemKind.FieldInvalid, problem.Kind);
        return problem;
    }
}
