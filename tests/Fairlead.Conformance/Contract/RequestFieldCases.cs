using System.Text.Json;
using Fairlead.Yard;
using static Fairlead.Conformance.Contract.ContractAnswer;

namespace Fairlead.Conformance.Contract;

/// <summary>Fields of a chat: each reaches the provider as it was written, and what is asked for comes back. Of the wire contract, by the numbers of its cases (<see cref="ContractCollection"/>).</summary>
[Collection<ContractCollection>]
public sealed class RequestFieldCases(ContractYard yard)
{
    private const string Messages = """ "messages":[{"role":"user","content":"hi"}] """;

    [Fact]
    public async Task Case_19_an_answer_has_what_every_client_insists_on()
    {
        RawAnswer answer = await yard.ChatAsync();
        JsonElement json = answer.Json;

        Assert.Equal((200, "application/json"), (answer.Status, answer.Header("content-type")));
        Assert.Equal("chat.completion", json.GetProperty("object").GetString());
        Assert.Equal(JsonValueKind.String, json.GetProperty("id").ValueKind);
        Assert.Equal(JsonValueKind.String, json.GetProperty("model").ValueKind);
        Assert.Equal(JsonValueKind.Number, json.GetProperty("created").ValueKind);
        Assert.Equal("Hi", json.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        Assert.Equal("stop", json.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        JsonElement usage = json.GetProperty("usage");
        Assert.Equal(usage.GetProperty("total_tokens").GetInt64(), usage.GetProperty("prompt_tokens").GetInt64() + usage.GetProperty("completion_tokens").GetInt64());
        if (json.TryGetProperty("system_fingerprint", out JsonElement fingerprint)) // 38
            Assert.Contains(fingerprint.ValueKind, (JsonValueKind[])[JsonValueKind.String, JsonValueKind.Null]);
        foreach (string header in (string[])["x-request-id", "x-fairlead-request-id", "x-fairlead-provider", "x-fairlead-model", "x-fairlead-attempts", "x-fairlead-policy", "x-fairlead-cost", "x-inference-provider"])
            Assert.False(string.IsNullOrEmpty(answer.Header(header)), header);
    }

    [Fact]
    public async Task Case_20_the_model_may_stand_last()
    {
        RawAnswer answer = await yard.PostAsync($$"""{ {{Messages}}, "temperature":0, "model":"{{ContractYard.Model}}:fast" }""");

        Assert.Equal((200, "fast"), (answer.Status, answer.Header("x-fairlead-provider")));
    }

    [Fact]
    public async Task Case_21_a_field_nobody_knows_reaches_the_provider_and_its_complaint_the_caller()
    {
        yard.Fast.On("broken", """400 JS {"error":{"message":"Extra inputs are not permitted, field: 'foo'","type":"invalid_request_error","param":"foo","code":"invalid"}}""");

        RawAnswer answer = await yard.ChatAsync("acme/broken", ",\"foo\":1");

        Assert.Equal(1, Last(yard.Fast).GetProperty("foo").GetInt32());
        Refused(answer, 400, "upstream_refused_request");
        Assert.Contains("Extra inputs are not permitted", answer.Text, StringComparison.Ordinal);
        Assert.Equal("fast", answer.Header("x-inference-provider"));
        Assert.Equal(0, await yard.CostOfAsync(answer));
    }

    /// <summary>Everything that the request tables name and that real clients were seen to send; what is known is checked, and none is lost on the way.</summary>
    public static TheoryData<string, string> Fields() => new()
    {
        { "max_tokens", "16" }, { "max_completion_tokens", "16" }, { "temperature", "0.5" }, { "top_p", "0.9" }, { "n", "1" }, { "stop", "[\"x\"]" }, { "stop", "\"x\"" },
        { "seed", "1" }, { "frequency_penalty", "0.5" }, { "presence_penalty", "-0.5" }, { "logit_bias", "{\"50256\":-100}" }, { "logit_bias", "[1,2]" },
        { "logprobs", "true" }, { "top_logprobs", "2" }, { "tools", "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\"}}}]" },
        { "tools", "[{\"type\":\"custom\",\"custom\":{\"name\":\"c\"}}]" }, { "tool_choice", "\"required\"" }, { "tool_choice", "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}" },
        { "tool_choice", "{\"type\":\"allowed_tools\",\"allowed_tools\":{\"mode\":\"auto\",\"tools\":[]}}" }, { "tool_prompt", "\"Tools:\"" },
        { "response_format", "{\"type\":\"text\"}" }, { "response_format", "{\"type\":\"json_object\"}" },
        { "response_format", "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"s\",\"schema\":{\"type\":\"object\"},\"strict\":true}}" },
        { "reasoning_effort", "\"minimal\"" }, { "reasoning_effort", "\"none\"" }, { "reasoning_effort", "\"xhigh\"" }, { "reasoning_effort", "\"max\"" }, // 35
        { "chat_template_kwargs", "{\"enable_thinking\":false}" }, { "thinking", "{\"type\":\"disabled\"}" }, { "prompt_cache_key", "\"k\"" }, { "prompt_cache_key", "null" },
        { "prompt_cache_retention", "\"24h\"" }, { "prompt_cache_options", "{\"mode\":\"explicit\",\"ttl\":\"30m\"}" }, { "cache_control", "{\"type\":\"ephemeral\"}" },
        { "parallel_tool_calls", "false" }, { "user", "\"u\"" }, { "safety_identifier", "\"s\"" }, { "top_k", "40" }, { "min_p", "0.1" }, { "repetition_penalty", "1.1" },
        { "moderation", "{\"model\":\"m\",\"policy\":{\"input\":{\"mode\":\"block\"}}}" }, { "verbosity", "\"low\"" }, { "service_tier", "\"fast\"" },
        { "metadata", "{\"a\":\"b\"}" }, { "modalities", "[\"text\",\"audio\"]" }, { "audio", "{\"voice\":{\"id\":\"v\"},\"format\":\"wav\"}" },
        { "prediction", "{\"type\":\"content\",\"content\":\"x\"}" }, { "web_search_options", "{}" }, { "store", "false" },
        { "functions", "[{\"name\":\"f\"}]" }, { "function_call", "\"auto\"" }, { "a_field_of_tomorrow", "{\"deep\":[1,2.50,null]}" },
    };

    [Theory]
    [MemberData(nameof(Fields))]
    public async Task Case_21_every_field_reaches_the_provider_as_it_was_written(string field, string value)
    {
        RawAnswer answer = await yard.ChatAsync(ContractYard.Model + ":cheap", $",\"{field}\":{value}");

        Assert.True(answer.Status == 200, answer.Text);
        Assert.Equal(value, Last(yard.Cheap).GetProperty(field).GetRawText());
    }

    [Theory]
    [InlineData("""{"type":"text","text":"hi","prompt_cache_breakpoint":{"mode":"explicit","ttl":"30m"}}""")]
    [InlineData("""{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}""")]
    [InlineData("""{"type":"image_url","image_url":{"url":"https://example.org/a.png","detail":"original"}}""")]
    [InlineData("""{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}""")]
    [InlineData("""{"type":"file","file":{"file_data":"data:application/pdf;base64,AAAA","filename":"a.pdf"}}""")]
    [InlineData("""{"type":"part_of_tomorrow","x":1}""")]
    public async Task Every_part_of_a_message_reaches_the_provider_as_it_was_written(string part)
    {
        Assert.Equal(200, (await yard.PostAsync($$"""{"model":"{{ContractYard.Model}}:cheap","messages":[{"role":"user","name":"n","content":[{{part}}]}]}""")).Status);

        Assert.Equal(part, Last(yard.Cheap).GetProperty("messages")[0].GetProperty("content")[0].GetRawText());
    }

    [Fact]
    public async Task Case_23_max_completion_tokens_is_a_limit_that_is_held()
    {
        yard.Fast.On("broken", "SSE\nW ck({\"role\":\"assistant\",\"content\":\"\"})\nW*40 ck({\"content\":\" w\"})\nW fk(stop) ; W done");

        RawAnswer answer = await yard.ChatAsync("acme/broken", ",\"max_completion_tokens\":16,\"stream\":true,\"stream_options\":{\"include_usage\":true}");

        Assert.Equal("length", Choices(answer).Select(static c => Text(c, "finish_reason")).Single(static f => f is not null));
        JsonElement usage = Events(answer)[^1].GetProperty("usage");
        Assert.InRange(usage.GetProperty("completion_tokens").GetInt64(), 1, 16);
    }

    [Fact]
    public async Task Case_24_two_choices_are_two_or_an_error()
    {
        yard.Fast.On("broken", """400 JS {"error":{"message":"n > 1 is not supported","type":"invalid_request_error","param":"n","code":null}}""");
        RawAnswer refused = await yard.ChatAsync("acme/broken", ",\"n\":2");
        Refused(refused, 400, "upstream_refused_request");
        Assert.Equal("n", refused.Json.GetProperty("error").GetProperty("param").GetString());

        yard.Fast.On("broken", """200 JS {"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"},{"index":1,"message":{"role":"assistant","content":"b"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}""");
        Assert.Equal(2, (await yard.ChatAsync("acme/broken", ",\"n\":2")).Json.GetProperty("choices").GetArrayLength());
    }

    [Fact]
    public async Task Case_27_log_probabilities_pass()
    {
        yard.Fast.On("broken", """200 JS {"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a"},"logprobs":{"content":[{"token":"a","logprob":-0.1,"bytes":[97],"top_logprobs":[{"token":"a","logprob":-0.1},{"token":"b","logprob":-2.5}]}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}""");

        JsonElement token = (await yard.ChatAsync("acme/broken", ",\"logprobs\":true,\"top_logprobs\":2")).Json.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("content")[0];

        Assert.Equal(2, token.GetProperty("top_logprobs").GetArrayLength());
        Assert.Equal(-0.1, token.GetProperty("logprob").GetDouble());
    }

    [Fact]
    public async Task Case_29_tool_calls_are_followed_up()
    {
        const string Turn = """{"role":"user","content":"hi"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},{"role":"tool","tool_call_id":"call_1","content":"42"}""";

        Assert.Equal(200, (await yard.PostAsync($$"""{"model":"{{ContractYard.Model}}:cheap","messages":[{{Turn}}]}""")).Status);

        Assert.Equal($"[{Turn}]", Last(yard.Cheap).GetProperty("messages").GetRawText());
    }

    [Theory]
    [InlineData("""{"type":"function","function":{"name":"f"}}""")]
    [InlineData("""{"function":{"name":"f"}}""")]
    public async Task Case_30_a_tool_is_forced_in_either_form(string choice)
    {
        await yard.ChatAsync(ContractYard.Model + ":cheap", ""","tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":""" + choice);

        JsonElement sent = Last(yard.Cheap).GetProperty("tool_choice");
        Assert.Equal(("function", "f"), (sent.GetProperty("type").GetString(), sent.GetProperty("function").GetProperty("name").GetString()));
    }

    [Theory]
    [InlineData("""{"type":"json_object","value":{"type":"object"}}""")] // 32
    [InlineData("""{"type":"json_schema","schema":{"type":"object"}}""")] // 33
    [InlineData("""{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object"}}}""")]
    public async Task Case_32_33_a_schema_in_any_clients_form_reaches_the_provider_in_its_own(string format)
    {
        await yard.ChatAsync(ContractYard.Model + ":cheap", $",\"response_format\":{format}");

        JsonElement sent = Last(yard.Cheap).GetProperty("response_format");
        Assert.Equal("json_schema", sent.GetProperty("type").GetString());
        Assert.Equal("{\"type\":\"object\"}", sent.GetProperty("json_schema").GetProperty("schema").GetRawText());
        Assert.Equal(JsonValueKind.String, sent.GetProperty("json_schema").GetProperty("name").ValueKind);
    }

    [Fact]
    public async Task Case_36_reasoning_that_used_up_the_limit_is_told_and_counted()
    {
        yard.Fast.On("broken", """200 JS {"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"","reasoning_content":"hmm"},"finish_reason":"length"}],"usage":{"prompt_tokens":1,"completion_tokens":8,"total_tokens":9,"completion_tokens_details":{"reasoning_tokens":8}}}""");

        RawAnswer answer = await yard.ChatAsync("acme/broken", ",\"max_tokens\":8");

        JsonElement choice = answer.Json.GetProperty("choices")[0];
        Assert.Equal(("length", "", "hmm"), (Text(choice, "finish_reason"), Text(choice.GetProperty("message"), "content"), Text(choice.GetProperty("message"), "reasoning_content")));
        Assert.Equal(8, answer.Json.GetProperty("usage").GetProperty("completion_tokens_details").GetProperty("reasoning_tokens").GetInt64());
        Assert.Equal((8 * 600) + 200, await yard.CostOfAsync(answer)); // nano-dollars: reasoning is output
    }
}
