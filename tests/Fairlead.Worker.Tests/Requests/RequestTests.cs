using System.Text.Json;
using Fairlead.Domain.Problems;
using Fairlead.Engine.Constraints;
using Fairlead.Engine.Generation;
using Fairlead.Worker.Requests;

namespace Fairlead.Worker.Tests.Requests;

/// <summary>What a worker reads of a request: every field it knows, a name for every field it does not, and a sentence for every one that is wrong.</summary>
public sealed class RequestTests
{
    private const string Hello = "\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]";
    private const string Weather = "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"weather\",\"parameters\":{}}}]";

    [Fact]
    public void Every_sampling_field_is_read()
    {
        ChatRequest request = Chat($$"""
            {{{Hello}},"temperature":0.5,"top_p":0.9,"top_k":40,"min_p":0.1,"repetition_penalty":1.1,"frequency_penalty":0.2,"presence_penalty":-0.3,
             "seed":-1,"logit_bias":{"5":-100,"7":2.5},"max_tokens":9,"max_completion_tokens":7,"min_tokens":2,"stop":["a","b"],"stop_token_ids":[3],"n":2}
            """);
        SamplingSettings sampling = request.Settings.Sampling;
        Assert.Equal((0.5f, 0.9f, 40, 0.1f), (sampling.Temperature, sampling.TopP, sampling.TopK, sampling.MinP));
        Assert.Equal((1.1f, 0.2f, -0.3f, ulong.MaxValue), (sampling.RepetitionPenalty, sampling.FrequencyPenalty, sampling.PresencePenalty, sampling.Seed));
        Assert.Equal([(5, -100f), (7, 2.5f)], sampling.LogitBias);
        Assert.Equal((7, 2, 2), (request.Settings.MaxTokens, request.Settings.MinTokens, request.Settings.Choices)); // both limits hold, so the smaller
        Assert.Equal(["a", "b"], request.Settings.Stop);
        Assert.Equal([3], request.Settings.EndTokens);
        Assert.Empty(request.Ignored);
    }

    [Fact]
    public void What_the_caller_leaves_open_is_as_the_models_makers_set_it()
    {
        var defaults = new SamplingSettings { Temperature = 0.7f, TopP = 0.8f, TopK = 20, RepetitionPenalty = 1.05f };
        using JsonDocument body = JsonDocument.Parse($"{{{Hello},\"top_k\":-1}}");
        SamplingSettings read = ChatRequest.Read(body.RootElement, defaults, out _)!.Settings.Sampling;
        Assert.Equal((0.7f, 0.8f, 0, 1.05f), (read.Temperature, read.TopP, read.TopK, read.RepetitionPenalty)); // -1 says "all" to vLLM
    }

    [Fact]
    public void Null_is_as_good_as_left_out()
    {
        ChatRequest request = Chat($"{{{Hello},\"temperature\":null,\"tools\":null,\"response_format\":null,\"stop\":null,\"seed\":null,\"user\":null}}");
        Assert.Equal(1, request.Settings.Sampling.Temperature);
        Assert.Empty(request.Ignored);
    }

    [Fact]
    public void Fields_without_effect_are_named_wherever_they_stand()
    {
        ChatRequest request = Chat($"{{{Hello},\"user\":\"me\",\"store\":true,\"stream_options\":{{\"include_usage\":true,\"colour\":1}}}}");
        Assert.Equal(["user", "store", "stream_options.colour"], request.Ignored);
        Assert.True(request.Settings.IncludeUsage);
    }

    [Theory]
    [InlineData("temperature", "\"hot\"", "a number is expected")]
    [InlineData("temperature", "2.5", "from 0 to 2")]
    [InlineData("top_p", "1.5", "from 0 to 1")]
    [InlineData("n", "0", "from 1 to 128")]
    [InlineData("n", "1.5", "a whole number")]
    [InlineData("max_tokens", "0", "at least one token")]
    [InlineData("stop", "[1]", "array of strings")]
    [InlineData("logit_bias", "{\"x\":1}", "token ids")]
    [InlineData("logit_bias", "{\"5\":101}", "-100 to 100")]
    [InlineData("stop_token_ids", "[-1]", "no token id")]
    [InlineData("top_logprobs", "3", "needs 'logprobs'")]
    [InlineData("logprobs", "3", "true or false")]
    [InlineData("stream", "\"yes\"", "true or false")]
    [InlineData("functions", "[]", "'tools'")]
    [InlineData("function_call", "\"auto\"", "'tools'")]
    [InlineData("audio", "{}", "write text")]
    [InlineData("modalities", "[\"text\",\"audio\"]", "write text")]
    [InlineData("web_search_options", "{}", "search no web")]
    [InlineData("tool_choice", "\"required\"", "no 'tools'")]
    [InlineData("tool_choice", "\"perhaps\"", "\"required\"")]
    [InlineData("tools", "[{\"type\":\"retrieval\"}]", "functions are the only tools")]
    [InlineData("response_format", "{\"type\":\"yaml\"}", "'yaml' is no response format")]
    [InlineData("response_format", "{\"type\":\"json_schema\"}", "needs a schema")]
    [InlineData("response_format", "{\"type\":\"regex\"}", "needs the expression")]
    [InlineData("messages", "[]", "missing or empty")]
    [InlineData("continue_final_message", "true", null)]
    public void A_field_that_is_wrong_is_named_with_what_is_expected(string field, string value, string? words)
    {
        string messages = field == "messages" ? "" : Hello + ",";
        string more = field == "continue_final_message" ? ",\"add_generation_prompt\":true" : "";
        using JsonDocument body = JsonDocument.Parse($"{{{messages}\"{field}\":{value}{more}}}");
        Assert.Null(ChatRequest.Read(body.RootElement, new SamplingSettings(), out Problem? problem));
        Assert.Equal(ProblemKind.FieldInvalid, problem!.Kind);
        Assert.StartsWith(field == "audio" ? "modalities" : field, problem.Param, StringComparison.Ordinal);
        if (words is not null)
            Assert.Contains(words, problem.Message, StringComparison.Ordinal);
        Assert.InRange(problem.Message.Length, 20, 300);
    }

    [Fact]
    public void Tools_are_told_to_the_model_unless_the_caller_wants_none()
    {
        Assert.Equal((ToolUse.Auto, true), (Chat($"{{{Hello},{Weather}}}").ToolUse, Chat($"{{{Hello},{Weather}}}").Tools.HasValue));
        Assert.Equal((ToolUse.None, false), (Chat($"{{{Hello},{Weather},\"tool_choice\":\"none\"}}").ToolUse, Chat($"{{{Hello},{Weather},\"tool_choice\":\"none\"}}").Tools.HasValue));
        Assert.Equal(ToolUse.Required, Chat($"{{{Hello},{Weather},\"tool_choice\":\"required\"}}").ToolUse);
        Assert.Equal("weather", Chat($"{{{Hello},{Weather},\"tool_choice\":{{\"type\":\"function\",\"function\":{{\"name\":\"weather\"}}}}}}").RequiredTool);
        Assert.Equal(ToolUse.None, Chat($"{{{Hello},\"tools\":[],\"tool_choice\":\"auto\"}}").ToolUse);
        Assert.Contains("none of the 'tools'", Refused($"{{{Hello},{Weather},\"tool_choice\":{{\"function\":{{\"name\":\"sun\"}}}}}}").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_form_of_an_answer_is_read_in_every_spelling()
    {
        const string Schema = "{\"type\":\"object\"}";
        foreach (string format in (string[])[
            $"\"response_format\":{{\"type\":\"json_schema\",\"json_schema\":{{\"name\":\"x\",\"strict\":true,\"schema\":{Schema}}}}}",
            $"\"response_format\":{{\"type\":\"json_object\",\"schema\":{Schema}}}", $"\"response_format\":{{\"type\":\"json\",\"value\":{Schema}}}", $"\"guided_json\":{Schema}"])
        {
            Assert.Equal(new ConstraintSpec.JsonSchema(Schema), Chat($"{{{Hello},{format}}}").Format);
        }
        Assert.Equal(new ConstraintSpec.JsonObject(), Chat($"{{{Hello},\"response_format\":{{\"type\":\"json_object\"}}}}").Format);
        Assert.Null(Chat($"{{{Hello},\"response_format\":{{\"type\":\"text\"}}}}").Format);
        Assert.Equal(new ConstraintSpec.Regex("[a-c]+"), Chat($"{{{Hello},\"response_format\":{{\"type\":\"regex\",\"value\":\"[a-c]+\"}}}}").Format);
    }

    [Fact]
    public void The_template_is_told_what_the_caller_tells_it()
    {
        Assert.Equal("""{"enable_thinking":false,"reasoning_effort":"low"}""",
            Chat($"{{{Hello},\"reasoning_effort\":\"low\",\"chat_template_kwargs\":{{\"enable_thinking\":false}}}}").TemplateVariables!.Value.GetRawText());
        Assert.Null(Chat($"{{{Hello}}}").TemplateVariables);
    }

    [Theory]
    [InlineData("\"one\"", "one")]
    [InlineData("[\"one\",\"two\"]", "one|two")]
    [InlineData("[1,2,3]", "1,2,3")]
    [InlineData("[[1,2],[3]]", "1,2|3")]
    [InlineData("[\"one\",[2]]", "one|2")]
    public void A_prompt_is_text_or_ids_or_a_list_of_either(string json, string expected)
    {
        using JsonDocument body = JsonDocument.Parse($"{{\"prompt\":{json},\"input\":{json}}}");
        CompletionRequest completion = CompletionRequest.Read(body.RootElement, new SamplingSettings(), out _)!;
        Assert.Equal(expected, string.Join('|', completion.Prompts.Select(static p => p.Text ?? string.Join(',', p.Ids))));
        Assert.Equal(16, completion.Settings.MaxTokens);
        EmbeddingRequest embedding = EmbeddingRequest.Read(body.RootElement, out _)!;
        Assert.Equal(completion.Prompts.Length, embedding.Inputs.Length);
        Assert.Equal(["prompt"], embedding.Ignored);
    }

    [Theory]
    [InlineData("{}", "prompt")]
    [InlineData("{\"prompt\":[]}", "prompt")]
    [InlineData("{\"prompt\":[1,-2]}", "prompt")]
    [InlineData("{\"prompt\":[\"a\",5]}", "prompt")]
    [InlineData("{\"prompt\":\"a\",\"suffix\":\"b\"}", "suffix")]
    [InlineData("{\"prompt\":\"a\",\"best_of\":3}", "best_of")]
    [InlineData("{\"prompt\":\"a\",\"max_tokens\":0}", "max_tokens")]
    [InlineData("{\"prompt\":\"a\",\"logprobs\":21}", "logprobs")]
    [InlineData("{\"prompt\":\"a\",\"echo\":1}", "echo")]
    public void A_completion_that_cannot_be_made_is_refused_by_its_field(string json, string param)
    {
        using JsonDocument body = JsonDocument.Parse(json);
        Assert.Null(CompletionRequest.Read(body.RootElement, new SamplingSettings(), out Problem? problem));
        Assert.Equal(param, problem!.Param);
    }

    [Fact]
    public void Nothing_is_generated_where_only_the_prompt_is_wanted_back()
    {
        using JsonDocument body = JsonDocument.Parse("{\"prompt\":\"a\",\"max_tokens\":0,\"echo\":true,\"logprobs\":0}");
        CompletionRequest request = CompletionRequest.Read(body.RootElement, new SamplingSettings(), out _)!;
        Assert.Equal((0, true, 0), (request.Settings.MaxTokens, request.Echo, request.Logprobs));
    }

    private static ChatRequest Chat(string json)
    {
        using JsonDocument body = JsonDocument.Parse(json);
        ChatRequest? request = ChatRequest.Read(body.RootElement.Clone(), new SamplingSettings(), out Problem? problem);
        Assert.True(request is not null, problem?.Message);
        return request;
    }

    private static Problem Refused(string json)
    {
        using JsonDocument body = JsonDocument.Parse(json);
        Assert.Null(ChatRequest.Read(body.RootElement, new SamplingSettings(), out Problem? problem));
        return problem!;
    }
}
