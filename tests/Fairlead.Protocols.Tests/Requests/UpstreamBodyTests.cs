using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Fairlead.Domain.Inference;
using Fairlead.Protocols.OpenAi;
using Fairlead.Protocols.Tests.Json;

namespace Fairlead.Protocols.Tests.Requests;

/// <summary>What goes upstream: the caller's bytes, but for what must differ.</summary>
public sealed class UpstreamBodyTests
{
    [Fact]
    public void Bytes_that_nothing_touches_go_through_as_they_came()
    {
        string written = Bodies.Write(Bodies.Sample, model: "prov/llama");
        // Only the spaces between members and the model's value may differ.
        string expected = Bodies.Sample.Replace("meta-llama/Llama-3.1-8B-Instruct:cheapest", "prov/llama", StringComparison.Ordinal);
        foreach (string piece in new[] { "[ {\"role\":\"system\",\"content\":\"Be \\\"brief\\\".\\n\"}", "{\"role\" : \"user\"", "\\ud83d\\ude00 漢字", "\"temperature\": 0.25", "[1, 2.5e-3, null, false, {\"k\": []}]" })
            Assert.Contains(piece, written, StringComparison.Ordinal);
        AssertSame(expected, written);
    }

    [Theory]
    [InlineData("{\"model\":\"o/m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"model\":\"o/m\"}")]
    [InlineData("{ \"messages\" : [ {\"role\":\"user\",\"content\":\"x\"} ] , \"mod\\u0065l\" : \"o/m:cheapest\" }")]
    [InlineData("{\"models\":[\"a/b\"],\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"provider\":{\"sort\":\"price\"},\"model\":\"o/m\"}")]
    [InlineData("{\"provider\":null,\"model\":\"o/m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"models\":null}")]
    public void The_model_is_spliced_wherever_it_stands_and_our_own_fields_stay_here(string body) =>
        AssertSame("""{"model":"up/stream","messages":[{"role":"user","content":"x"}]}""", Bodies.Write(body));

    [Fact]
    public void A_providers_name_for_a_model_is_escaped() => AssertSame(Bodies.Chat().Replace("o/m", "a\\\"b\\\\ü", StringComparison.Ordinal), Bodies.Write(Bodies.Chat(), model: "a\"b\\ü"));

    [Theory]
    [InlineData("", "{\"include_usage\":true}")]
    [InlineData(",\"stream_options\":null", "{\"include_usage\":true}")]
    [InlineData(",\"stream_options\":{}", "{\"include_usage\":true}")]
    [InlineData(",\"stream_options\":{\"include_usage\":false}", "{\"include_usage\":true}")]
    [InlineData(",\"stream_options\":{\"include\\u005fusage\":false}", "{\"include_usage\":true}")]
    [InlineData(",\"stream_options\":{ \"a\" : [1, {}] , \"include_usage\":true, \"include_obfuscation\":false }", "{\"include_usage\":true,\"a\":[1,{}],\"include_obfuscation\":false}")]
    public void A_stream_is_asked_for_its_usage_whatever_the_caller_asked(string options, string expected)
    {
        foreach ((string body, Route route) in new[] { (Bodies.Chat("\"stream\":true" + options), Route.Chat), (Bodies.Completion("\"stream\":true" + options), Route.Completions) })
        {
            JsonObject written = JsonNode.Parse(Bodies.Write(body, forceUsage: true, route: route))!.AsObject();
            Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), written["stream_options"]), written.ToJsonString());
        }
    }

    [Fact]
    public void No_options_go_to_a_provider_that_refuses_them_nor_with_a_whole_answer()
    {
        Assert.DoesNotContain("stream_options", Bodies.Write(Bodies.Chat("\"stream\":true,\"stream_options\":{\"include_usage\":true}"), RequestQuirks.NoStreamOptions, forceUsage: true), StringComparison.Ordinal);
        Assert.DoesNotContain("stream_options", Bodies.Write(Bodies.Chat("\"stream\":false"), forceUsage: true), StringComparison.Ordinal);
    }

    private const string Schema = """{"type":"object","properties":{"ä":{"type":"string"}}}""";
    private const string OpenAiForm = """{"type":"json_schema","json_schema":{"name":"n","schema":""" + Schema + ""","strict":true}}""";

    [Theory]
    [InlineData(OpenAiForm, RequestQuirks.None, OpenAiForm)]
    [InlineData(OpenAiForm, RequestQuirks.FlattenJsonSchema, "{\"type\":\"json_schema\",\"schema\":" + Schema + "}")]
    [InlineData(OpenAiForm, RequestQuirks.JsonSchemaAsObjectSchema, "{\"type\":\"json_object\",\"schema\":" + Schema + "}")]
    [InlineData(OpenAiForm, RequestQuirks.JsonSchemaAsObjectValue, "{\"type\":\"json_object\",\"value\":" + Schema + "}")]
    [InlineData(OpenAiForm, RequestQuirks.StrictFalse, "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":" + Schema + ",\"strict\":false}}")]
    [InlineData("{\"type\":\"json_object\",\"value\":" + Schema + "}", RequestQuirks.None, "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"answer\",\"schema\":" + Schema + "}}")]
    [InlineData("{\"type\":\"json_object\",\"schema\":" + Schema + "}", RequestQuirks.None, "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"answer\",\"schema\":" + Schema + "}}")]
    [InlineData("{\"type\":\"json_schema\",\"schema\":" + Schema + "}", RequestQuirks.JsonSchemaAsObjectValue, "{\"type\":\"json_object\",\"value\":" + Schema + "}")]
    [InlineData("{\"type\":\"json_object\",\"value\":" + Schema + "}", RequestQuirks.FlattenJsonSchema, "{\"type\":\"json_schema\",\"schema\":" + Schema + "}")]
    [InlineData("{\"type\":\"json_object\"}", RequestQuirks.FlattenJsonSchema | RequestQuirks.StrictFalse, "{\"type\":\"json_object\"}")]
    [InlineData("{\"type\":\"text\"}", RequestQuirks.JsonSchemaAsObjectValue, "{\"type\":\"text\"}")]
    [InlineData("null", RequestQuirks.FlattenJsonSchema, "null")]
    public void A_schema_goes_out_in_the_form_that_the_provider_reads(string asked, RequestQuirks quirks, string sent) =>
        AssertSame(Bodies.Chat($"\"response_format\":{sent}").Replace("o/m", "up/stream", StringComparison.Ordinal), Bodies.Write(Bodies.Chat($"\"response_format\":{asked}"), quirks));

    [Fact]
    public void A_guided_schema_goes_beside_and_never_twice()
    {
        JsonObject written = JsonNode.Parse(Bodies.Write(Bodies.Chat($"\"response_format\":{OpenAiForm}"), RequestQuirks.GuidedJson))!.AsObject();
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(Schema), written["guided_json"]));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(OpenAiForm), written["response_format"]));
        string own = Bodies.Write(Bodies.Chat($"\"response_format\":{OpenAiForm},\"guided_json\":{{}}"), RequestQuirks.GuidedJson);
        Assert.Single(Regex.Matches(own, "guided_json"));
    }

    [Theory]
    [InlineData("\"max_tokens\":5", RequestQuirks.MaxTokensAsMaxCompletionTokens, "\"max_completion_tokens\":5")]
    [InlineData("\"max_completion_tokens\":5", RequestQuirks.MaxTokensAsMaxCompletionTokens, "\"max_completion_tokens\":5")]
    [InlineData("\"max_completion_tokens\":5", RequestQuirks.MaxCompletionTokensAsMaxTokens, "\"max_tokens\":5")]
    [InlineData("\"max_tokens\":5,\"max_completion_tokens\":9", RequestQuirks.MaxTokensAsMaxCompletionTokens, "\"max_completion_tokens\":5")]
    [InlineData("\"max_completion_tokens\":9,\"max_tokens\":5", RequestQuirks.MaxTokensAsMaxCompletionTokens, "\"max_completion_tokens\":5")]
    [InlineData("\"max_tokens\":9,\"max_completion_tokens\":5", RequestQuirks.MaxCompletionTokensAsMaxTokens, "\"max_tokens\":5")]
    [InlineData("\"max_tokens\":null,\"max_completion_tokens\":5", RequestQuirks.MaxCompletionTokensAsMaxTokens, "\"max_tokens\":5")]
    [InlineData("\"max_tokens\":9,\"max_completion_tokens\":5", RequestQuirks.None, "\"max_tokens\":5,\"max_completion_tokens\":5")]
    [InlineData("\"max_tokens\":9", RequestQuirks.None, "\"max_tokens\":9")]
    [InlineData("\"seed\":3", RequestQuirks.SeedAsRandomSeed, "\"random_seed\":3")]
    [InlineData("\"seed\":3,\"random_seed\":4", RequestQuirks.SeedAsRandomSeed, "\"random_seed\":4")]
    [InlineData("\"tool_choice\":\"required\"", RequestQuirks.RequiredAsAny, "\"tool_choice\":\"any\"")]
    [InlineData("\"tool_choice\":\"auto\"", RequestQuirks.RequiredAsAny, "\"tool_choice\":\"auto\"")]
    [InlineData("\"tool_choice\":{ \"function\":{\"name\":\"type\"}}", RequestQuirks.None, "\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"type\"}}")]
    [InlineData("\"tool_choice\":{\"function\":{\"name\":\"f\"},\"type\":\"function\"}", RequestQuirks.None, "\"tool_choice\":{\"function\":{\"name\":\"f\"},\"type\":\"function\"}")]
    [InlineData("\"reasoning_effort\":\"minimal\"", RequestQuirks.ReasoningMinimalAsLow, "\"reasoning_effort\":\"low\"")]
    [InlineData("\"reasoning_effort\":\"high\"", RequestQuirks.ReasoningMinimalAsLow, "\"reasoning_effort\":\"high\"")]
    [InlineData("\"stop\":[\"a\\u00e9\"]", RequestQuirks.StopAsString, "\"stop\":\"aé\"")]
    [InlineData("\"stop\":[\"a\",\"b\"]", RequestQuirks.StopAsString, "\"stop\":[\"a\",\"b\"]")]
    [InlineData("\"stop\":\"a\"", RequestQuirks.StopAsString, "\"stop\":\"a\"")]
    [InlineData("\"store\":true,\"user\":\"u\"", RequestQuirks.DropStore, "\"user\":\"u\"")]
    [InlineData("\"user\":\"u\",\"store\":true", RequestQuirks.DropStore, "\"user\":\"u\"")]
    [InlineData("\"store\":true", RequestQuirks.None, "\"store\":true")]
    public void A_field_is_said_as_the_provider_says_it(string asked, RequestQuirks quirks, string sent) =>
        AssertSame(Bodies.Chat(sent).Replace("o/m", "up/stream", StringComparison.Ordinal), Bodies.Write(Bodies.Chat(asked), quirks));

    [Fact]
    public void Embeddings_are_asked_for_as_numbers_where_nothing_else_is_given() =>
        Assert.Contains("\"encoding_format\":\"float\"", Bodies.Write(Bodies.Embedding("\"x\"", "\"encoding_format\":\"base64\""), RequestQuirks.FloatEmbeddingsOnly, route: Route.Embeddings), StringComparison.Ordinal);

    [Theory]
    [InlineData("developer")]
    [InlineData("d\\u0065veloper")]
    public void A_developer_is_the_system_to_those_who_do_not_know_it(string role)
    {
        string body = $$"""{"model":"a","messages":[{"role":"{{role}}","content":"ü <b> 漢字"},{"role":"user","content":"developer"}]}""";
        string written = Bodies.Write(body, RequestQuirks.DeveloperAsSystem);
        AssertSame("""{"model":"up/stream","messages":[{"role":"system","content":"ü <b> 漢字"},{"role":"user","content":"developer"}]}""", written);
        Assert.Contains("ü <b> 漢字", written, StringComparison.Ordinal); // not longer by escapes
    }

    [Fact]
    public void Tool_call_ids_become_nine_characters_and_still_meet()
    {
        const string Body = """{"model":"a","messages":[{"role":"assistant","tool_calls":[{"id":"call_abc123XYZ","type":"function"},{"id":"abcDEF123","type":"function"}]},{"role":"tool","tool_call_id":"call_abc123XYZ","content":"1"},{"role":"tool","tool_call_id":"abcDEF123","content":"2"}]}""";
        JsonArray messages = JsonNode.Parse(Bodies.Write(Body, RequestQuirks.NineCharToolCallIds))!["messages"]!.AsArray();
        string mapped = (string)messages[0]!["tool_calls"]![0]!["id"]!;
        Assert.Matches("^[0-9A-Za-z]{9}$", mapped);
        Assert.Equal(mapped, (string)messages[1]!["tool_call_id"]!);
        Assert.Equal("abcDEF123", (string)messages[0]!["tool_calls"]![1]!["id"]!);
        Assert.Equal("abcDEF123", (string)messages[2]!["tool_call_id"]!);
    }

    [Fact]
    public void Random_bodies_mean_the_same_after_the_splice()
    {
        var random = new Random(11);
        var json = new RandomJson(random);
        int compared = 0;
        for (int i = 0; i < 6_000; i++)
        {
            // A request that is taken, among members made by chance.
            string members = json.Body().Trim()[1..^1].Trim();
            string own = """ "model" : "o/m","messages":[{"role":"user","content":"é😀"}] """;
            string body = "{" + (members.Length == 0 ? own : random.Next(2) == 0 ? own + "," + members : members + "," + own) + "}";
            if (Bodies.Scan(body).Scanned is not { } scanned)
                continue;
            JsonObject expected = JsonNode.Parse(body)!.AsObject();
            expected["model"] = "up/stream";
            expected.Remove("models");
            expected.Remove("provider");
            if (expected["max_tokens"] is { } a && expected["max_completion_tokens"] is { } b && scanned.Request.MaxOutputTokens is { } limit)
            {
                expected["max_tokens"] = limit;
                expected["max_completion_tokens"] = limit;
            }
            if (scanned.Request.Stream)
            {
                JsonObject options = expected["stream_options"] as JsonObject ?? [];
                expected.Remove("stream_options");
                options["include_usage"] = true;
                expected["stream_options"] = options;
            }
            AssertSame(expected.ToJsonString(), Bodies.Write(body, forceUsage: true));
            compared++;
        }
        Assert.True(compared > 500, $"{compared} bodies were taken");
    }

    private static void AssertSame(string expected, string written) =>
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), JsonNode.Parse(Encoding.UTF8.GetBytes(written))), $"expected {expected}\nwritten  {written}");
}
