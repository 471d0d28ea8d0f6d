using System.Globalization;
using System.Text;
using System.Text.Json;
using Fairlead.Yard;

namespace Fairlead.Conformance.Contract;

/// <summary>The conformance cases of the wire contract, by their numbers, against the built product over real sockets.</summary>
/// <remarks>
/// Where the contract of Hugging Face's router and OpenAI's clients disagree about the form of an error, the object form holds on <c>/v1/*</c>
/// (a string's text is lost on newer OpenAI clients), with <c>X-Error-Message</c> beside it for those who read that.
/// Not here, because what they are about does not exist yet: short-lived tokens and permissions within a token (4, 6, 8), the Hub's own API (66 to 72),
/// task routes (74 to 95, but 93, which holds for any body), cold starts of models of our own (96 to 102), reranking (108), Responses and Messages (110 to 116;
/// their routes answer 404), plans and organisations (122 to 125), dedicated endpoints (128 to 135), provider pass-through (137 to 141), a caller's own provider
/// keys (53). Elsewhere: 39 in the tests of the vendors' clients, 15, 17 and 18 also in the tests of bad input, 117 and 120 under load in the tests of the gateway,
/// 31 and 34, checking an answer against its schema, is the provider's work: what is asked is forwarded in its form (32, 33).
/// </remarks>
public sealed class ContractTests(ContractYard yard) : IClassFixture<ContractYard>
{
    private const string Messages = """ "messages":[{"role":"user","content":"hi"}] """;

    [Theory]
    [InlineData("")]
    [InlineData("Authorization: \r\n")]
    [InlineData("Authorization: Bearer \r\n")] // 2
    [InlineData("Authorization: Bearer\r\n")]
    public async Task Case_01_02_without_a_key_it_is_401_with_a_challenge(string header)
    {
        RawAnswer answer = await RawHttp.SendAsync(yard.Fairlead.Port, $"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}");

        Refused(answer, 401, "key_missing");
        Assert.StartsWith("Bearer realm=", answer.Header("www-authenticate"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hf_abcdefghijklmnopqrstuvwxyzABCDEFGH", "key_malformed")] // a token of Hugging Face's own
    [InlineData("WRONG", "key_unknown")]
    public async Task Case_03_an_unknown_key_is_401(string key, string code)
    {
        RawAnswer answer = await yard.ChatAsync(key: key == "WRONG" ? Gateway.WrongKey : key);

        Refused(answer, 401, code);
        Assert.StartsWith("Bearer realm=", answer.Header("www-authenticate"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Case_05_somebody_else_as_payer_is_403_and_nothing_is_billed()
    {
        int before = Asked;
        RawAnswer answer = await yard.ChatAsync(headers: "X-HF-Bill-To: someorg\r\n");

        Refused(answer, 403, "bill_to_not_allowed");
        Assert.Contains("someorg", answer.Text, StringComparison.Ordinal);
        Assert.Equal(0, await CostOf(answer));
        Assert.Equal(before, Asked);
    }

    [Fact]
    public void Case_09_a_key_is_one_that_hugging_faces_clients_take()
    {
        Assert.StartsWith("hf_", yard.Key, StringComparison.Ordinal);
        Assert.Equal(37, yard.Key.Length);
    }

    [Theory]
    [InlineData("/v1/chat/completions")]
    [InlineData("/v1/embeddings")]
    [InlineData("/v1/models")]
    [InlineData("/nowhere")]
    public async Task Case_11_a_preflight_needs_no_key(string path)
    {
        RawAnswer answer = await RawHttp.SendAsync(yard.Fairlead.Port,
            $"OPTIONS {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://page.example\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization,content-type,x-hf-bill-to\r\n\r\n");

        Assert.InRange(answer.Status, 200, 299);
        Assert.Equal("*", answer.Header("access-control-allow-origin"));
        foreach (string header in (string[])["authorization", "content-type", "x-hf-bill-to"])
            Assert.Contains(header, answer.Header("access-control-allow-headers"), StringComparison.OrdinalIgnoreCase);
        Assert.Contains("POST", answer.Header("access-control-allow-methods"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/v1/models")]
    [InlineData("GET", "/nowhere")]
    [InlineData("GET", "/health")]
    [InlineData("POST", "/v1/chat/completions")]
    public async Task Case_12_a_page_may_read_the_headers_that_matter(string method, string path)
    {
        RawAnswer answer = await RawHttp.SendAsync(yard.Fairlead.Port, $"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://page.example\r\nContent-Length: 0\r\n\r\n");

        Assert.Equal("*", answer.Header("access-control-allow-origin"));
        foreach (string header in (string[])["X-Request-Id", "X-Error-Code", "X-Error-Message", "x-inference-provider", "x-fairlead-cost", "x-fairlead-provider", "RateLimit", "Retry-After"])
            Assert.Contains(header, answer.Header("access-control-expose-headers"), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("GET", "/")]
    [InlineData("GET", "/v2/models")]
    [InlineData("POST", "/chat/completions")]
    [InlineData("POST", "/v1/v1/chat/completions")]
    [InlineData("POST", "/v1/responses")]
    [InlineData("POST", "/v1/images/generations")]
    [InlineData("GET", "/v1/chat/completions/")]
    public async Task Case_14_an_unknown_path_is_404_with_a_hint(string method, string path)
    {
        RawAnswer answer = await RawHttp.SendAsync(yard.Fairlead.Port, $"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n");

        Assert.Contains(answer.Status, (int[])[404, 405]);
        Refused(answer, answer.Status, answer.Status == 404 ? "route_unknown" : "method_not_allowed");
        Assert.Contains(path.Length > 1 ? path : "base URL", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Case_15_a_body_over_the_limit_is_413_and_names_it()
    {
        using RawHttp connection = await RawHttp.ConnectAsync(yard.Fairlead.Port);
        await connection.WriteAsync($"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {yard.Key}\r\nContent-Type: application/json\r\nContent-Length: 20971521\r\n\r\n");

        RawAnswer answer = await connection.ReadAsync();

        Refused(answer, 413, "too_large");
        Assert.Contains("20 MiB", answer.Text, StringComparison.Ordinal);
        Assert.True(await connection.ClosesAsync());
    }

    [Fact]
    public async Task Case_18_a_picture_of_5_MB_after_100_continue_is_taken()
    {
        string body = Body(""" "messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,PICTURE"}}]}] """.Replace("PICTURE", new string('A', 5_000_000), StringComparison.Ordinal));
        using RawHttp connection = await RawHttp.ConnectAsync(yard.Fairlead.Port);
        await connection.WriteAsync($"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {yard.Key}\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: {body.Length}\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 100 ", await connection.ReadHeadAsync(), StringComparison.Ordinal);
        await connection.WriteAsync(body);

        Assert.Equal(200, (await connection.ReadAsync()).Status);
    }

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
        RawAnswer answer = await PostAsync($$"""{ {{Messages}}, "temperature":0, "model":"{{ContractYard.Model}}:fast" }""");

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
        Assert.Equal(0, await CostOf(answer));
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
        Assert.Equal(200, (await PostAsync($$"""{"model":"{{ContractYard.Model}}:cheap","messages":[{"role":"user","name":"n","content":[{{part}}]}]}""")).Status);

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

        Assert.Equal(200, (await PostAsync($$"""{"model":"{{ContractYard.Model}}:cheap","messages":[{{Turn}}]}""")).Status);

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
        Assert.Equal((8 * 600) + 200, await CostOf(answer)); // nano-dollars: reasoning is output
    }

    [Fact]
    public async Task Case_41_to_43_a_selector_chooses()
    {
        // What was never measured is taken for middling; so each is asked, and the slow ones are slow enough to tell.
        string slow = "SSE\nW ck({\"role\":\"assistant\",\"content\":\"\"})\n" + string.Join('\n', Enumerable.Repeat("W ck({\"content\":\" w\"}) ; ~40", 12)) + "\nW fk(stop) ; W uk(3,12) ; W done";
        yard.Liked.OnBoth("chat", slow, Script.GoodWhole);
        yard.Cheap.OnBoth("chat", slow, Script.GoodWhole);
        yard.Fast.OnBoth("chat", slow.Replace(" ; ~40", " ; ~1", StringComparison.Ordinal), Script.GoodWhole);
        foreach (string provider in (string[])["liked", "cheap", "fast"])
            Assert.Equal(provider, (await yard.ChatAsync($"{ContractYard.Model}:{provider}", ",\"stream\":true")).Header("x-inference-provider")); // 43

        Assert.Equal(("fast", "fastest"), await ServedAsync(ContractYard.Model)); // 41
        Assert.Equal(("fast", "fastest"), await ServedAsync(ContractYard.Model + ":fastest"));
        Assert.Equal(("cheap", "cheapest"), await ServedAsync(ContractYard.Model + ":cheapest")); // 42
        Assert.Equal(("liked", "preferred"), await ServedAsync(ContractYard.Model + ":preferred"));
    }

    [Fact]
    public async Task Case_43_a_pinned_provider_is_asked_alone()
    {
        yard.Cheap.On("shaky", """500 JS {"error":{"message":"no","type":"server_error","param":null,"code":null}}""");
        int before = yard.Fast.Count("shaky");

        RawAnswer answer = await yard.ChatAsync("acme/shaky:cheap");

        Refused(answer, 502, "upstream_status");
        Assert.Equal(("1", "cheap"), (answer.Header("x-fairlead-attempts"), answer.Header("x-inference-provider")));
        Assert.Equal(before, yard.Fast.Count("shaky"));
    }

    [Fact]
    public async Task Case_46_a_model_that_nobody_here_sells_is_told_with_who_does()
    {
        RawAnswer answer = await yard.ChatAsync("meta-llama/Llama-3.3-70B-Instruct");

        Refused(answer, 400, "model_not_supported");
        Assert.Contains("is not supported by any provider you have enabled", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Case_49_a_provider_that_wants_money_from_us_is_passed_over()
    {
        RawAnswer answer = await yard.ChatAsync("acme/dear:cheapest");
        RawAnswer again = await yard.ChatAsync("acme/dear:cheapest");

        Assert.Equal((200, "fast", "2"), (answer.Status, answer.Header("x-inference-provider"), answer.Header("x-fairlead-attempts")));
        Assert.Equal((200, "fast", "1"), (again.Status, again.Header("x-inference-provider"), again.Header("x-fairlead-attempts")));
    }

    [Theory]
    [InlineData(":nosuch", "model_not_supported", "not supported by provider nosuch")] // 44
    [InlineData("-unknown", "model_not_found", "acme/Chat-9B-unknown")] // 45
    public async Task Case_44_45_what_is_not_there_is_400_and_quoted(string suffix, string code, string words)
    {
        RawAnswer answer = await yard.ChatAsync(ContractYard.Model + suffix);

        Refused(answer, 400, code);
        Assert.Equal("model", answer.Json.GetProperty("error").GetProperty("param").GetString());
        Assert.Contains(words, answer.Text, StringComparison.Ordinal);
        Assert.Equal("false", answer.Header("x-should-retry"));
    }

    [Fact]
    public async Task Case_47_a_model_that_the_provider_withdrew_is_410()
    {
        yard.Fast.On("gone", """410 JS {"error":"The requested model is deprecated and no longer supported by provider fast"}""");

        RawAnswer answer = await yard.ChatAsync("acme/gone:fast");

        Refused(answer, 410, "upstream_gone");
        Assert.Contains("deprecated and no longer supported by provider fast", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Case_48_a_500_before_the_first_byte_goes_to_the_next_and_one_is_billed()
    {
        yard.Cheap.On("shaky", """500 JS {"error":{"message":"Internal server error","type":"server_error","param":null,"code":null}}""");

        RawAnswer answer = await yard.ChatAsync("acme/shaky:cheapest");

        Assert.Equal((200, "2", "fast"), (answer.Status, answer.Header("x-fairlead-attempts"), answer.Header("x-inference-provider")));
        Assert.Equal((3 * 200) + (2 * 600), await CostOf(answer));
    }

    [Theory]
    [InlineData("""W data: {"error":{"message":"the GPU fell out","type":"server_error"}}\n\n""")] // 59
    [InlineData("""W data: {"error":"the GPU fell out","error_type":"overloaded"}\n\n""")]
    [InlineData("CUT")]
    public async Task Case_50_59_a_stream_that_fails_says_so_and_does_not_begin_again(string end)
    {
        yard.Fast.On("broken", $"SSE\nW ck({{\"role\":\"assistant\",\"content\":\"Half\"}})\n{end}");
        int before = yard.Fast.Count("broken");

        RawAnswer answer = await yard.ChatAsync("acme/broken", ",\"stream\":true");

        Assert.Equal(200, answer.Status);
        JsonElement error = Events(answer)[^1].GetProperty("error");
        foreach (string member in (string[])["message", "type", "param", "code"])
            Assert.True(error.TryGetProperty(member, out _), member);
        Assert.DoesNotContain("[DONE]", answer.Text, StringComparison.Ordinal);
        Assert.Equal("Half", string.Concat(Choices(answer).Select(static c => Text(c.GetProperty("delta"), "content"))));
        Assert.Equal(before + 1, yard.Fast.Count("broken"));
        if (end != "CUT")
            Assert.Contains("the GPU fell out", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Case_51_a_session_stays_where_it_is()
    {
        string? first = (await yard.ChatAsync(headers: "X-HF-Session-id: s-51\r\n")).Header("x-inference-provider");

        for (int i = 0; i < 5; i++)
            Assert.Equal(first, (await yard.ChatAsync(headers: "X-HF-Session-id: s-51\r\n")).Header("x-inference-provider"));
    }

    [Theory]
    [InlineData("acme/chat-9b")]
    [InlineData("ACME/CHAT-9B:CHEAPEST")]
    public async Task Case_54_the_case_of_a_models_name_does_not_matter(string model) => Assert.Equal(200, (await yard.ChatAsync(model)).Status);

    [Fact]
    public async Task Case_55_a_stream_is_one_that_every_client_reads()
    {
        RawAnswer answer = await yard.ChatAsync(more: ",\"stream\":true");

        Assert.Equal((200, "text/event-stream; charset=utf-8", "no-cache", "no"),
            (answer.Status, answer.Header("content-type"), answer.Header("cache-control"), answer.Header("x-accel-buffering")));
        Assert.Null(answer.Header("content-length"));
        Assert.EndsWith("data: [DONE]\n\n", answer.Text, StringComparison.Ordinal);
        Assert.Null(answer.Broken);
        Assert.Single(Events(answer).Select(static e => $"{e.GetProperty("id")} {e.GetProperty("object")} {e.GetProperty("created")} {e.GetProperty("model")}").Distinct());
        Assert.All(Events(answer), static e => Assert.Equal("chat.completion.chunk", e.GetProperty("object").GetString()));
        foreach (string header in (string[])["x-request-id", "x-fairlead-provider", "x-fairlead-model", "x-fairlead-attempts", "x-fairlead-policy", "x-inference-provider"])
            Assert.False(string.IsNullOrEmpty(answer.Header(header)), header);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData(",\"stream_options\":null", 0)]
    [InlineData(",\"stream_options\":{\"include_usage\":false}", 0)]
    [InlineData(",\"stream_options\":{\"include_usage\":true}", 1)]
    public async Task Case_56_usage_comes_to_those_who_asked(string asked, int chunks)
    {
        RawAnswer answer = await yard.ChatAsync(more: ",\"stream\":true" + asked);

        JsonElement[] usages = [.. Events(answer).Where(static e => e.GetProperty("choices").GetArrayLength() == 0)];
        Assert.Equal(chunks, usages.Length);
        if (chunks == 1)
        {
            Assert.True(usages[0].GetProperty("usage").GetProperty("cost").GetDecimal() > 0);
            Assert.Equal(usages[0].GetRawText(), Events(answer)[^1].GetRawText());
        }
        else
        {
            Assert.All(Events(answer), static e => Assert.False(e.TryGetProperty("usage", out _)));
        }
        Assert.True(await CostOf(answer) > 0);
    }

    [Fact]
    public async Task Case_57_the_pieces_of_a_call_make_one_call()
    {
        yard.Fast.On("broken", """
            SSE
            W ck({"role":"assistant","content":null,"tool_calls":[{"index":1,"id":"call_x","function":{"name":"f","arguments":""}}]})
            W ck({"tool_calls":[{"index":1,"id":"call_x","function":{"name":"f","arguments":"{\"ci"}}]})
            W ck({"tool_calls":[{"index":1,"function":{"arguments":"ty\":1}"}}]})
            W fk(tool_calls) ; W done
            """);

        RawAnswer answer = await yard.ChatAsync("acme/broken", ",\"stream\":true");

        JsonElement[] pieces = [.. Choices(answer).Where(static c => c.GetProperty("delta").TryGetProperty("tool_calls", out _)).Select(static c => c.GetProperty("delta").GetProperty("tool_calls")[0])];
        Assert.All(pieces, static p => Assert.Equal(0, p.GetProperty("index").GetInt32()));
        Assert.Single(pieces, static p => p.TryGetProperty("id", out _));
        Assert.Single(pieces, static p => p.GetProperty("function").TryGetProperty("name", out _));
        using JsonDocument arguments = JsonDocument.Parse(string.Concat(pieces.Select(static p => Text(p.GetProperty("function"), "arguments"))));
        Assert.Equal(1, arguments.RootElement.GetProperty("city").GetInt32());
        Assert.Equal("tool_calls", Choices(answer).Select(static c => Text(c, "finish_reason")).Single(static f => f is not null));
    }

    [Fact]
    public async Task Case_60_a_long_wait_is_filled_with_comments()
    {
        yard.Fast.On("slow", "SSE\n~350\nW ck({\"role\":\"assistant\",\"content\":\"Hi\"})\nW fk(stop) ; W done");

        RawAnswer answer = await yard.ChatAsync("acme/slow", ",\"stream\":true", "Accept: text/event-stream\r\n");

        Assert.StartsWith(": ", answer.Text, StringComparison.Ordinal);
        Assert.Equal("no", answer.Header("x-accel-buffering"));
        Assert.Equal("Hi", string.Concat(Choices(answer).Select(static c => Text(c.GetProperty("delta"), "content"))));
        Assert.EndsWith("data: [DONE]\n\n", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Case_62_65_the_list_of_models_is_open_and_honest()
    {
        RawAnswer answer = await RawHttp.GetAsync(yard.Fairlead.Port, "/v1/models");

        Assert.Equal((200, "list"), (answer.Status, answer.Json.GetProperty("object").GetString()));
        Dictionary<string, JsonElement> models = answer.Json.GetProperty("data").EnumerateArray().ToDictionary(static m => m.GetProperty("id").GetString()!);
        Assert.All(models.Values, static m =>
        {
            Assert.Equal("model", m.GetProperty("object").GetString());
            Assert.Equal(JsonValueKind.Number, m.GetProperty("created").ValueKind);
            Assert.Contains(m.GetProperty("owned_by").GetString(), (string[])["acme", "fairlead"]); // the second is the guide's
            Assert.Contains("text", m.GetProperty("architecture").GetProperty("input_modalities").EnumerateArray().Select(static x => x.GetString()));
            Assert.True(m.GetProperty("providers").GetArrayLength() > 0);
        });
        JsonElement cheap = models[ContractYard.Model].GetProperty("providers").EnumerateArray().Single(static p => p.GetProperty("provider").GetString() == "cheap");
        Assert.Equal((0.10m, 0.30m), (cheap.GetProperty("pricing").GetProperty("input").GetDecimal(), cheap.GetProperty("pricing").GetProperty("output").GetDecimal())); // 65
        Assert.Equal(("live", 131_072, true, true, false),
            (cheap.GetProperty("status").GetString(), cheap.GetProperty("context_length").GetInt32(), cheap.GetProperty("supports_tools").GetBoolean(), cheap.GetProperty("supports_structured_output").GetBoolean(), cheap.GetProperty("is_free").GetBoolean()));
        Assert.False(models["acme/unpriced"].GetProperty("providers")[0].TryGetProperty("pricing", out _));
        Assert.False(models["acme/unpriced"].GetProperty("providers")[0].GetProperty("is_free").GetBoolean());
        Assert.True(models["acme/gift"].GetProperty("providers")[0].GetProperty("is_free").GetBoolean());
        Assert.Contains("image", models[ContractYard.Model].GetProperty("architecture").GetProperty("input_modalities").EnumerateArray().Select(static x => x.GetString()));
    }

    [Fact]
    public async Task Case_63_64_one_model_is_found_with_its_slash_in_either_form_and_an_unknown_one_is_not()
    {
        RawAnswer plain = await RawHttp.GetAsync(yard.Fairlead.Port, "/v1/models/acme/gift");
        RawAnswer escaped = await RawHttp.GetAsync(yard.Fairlead.Port, "/v1/models/acme%2Fgift");

        Assert.Equal((200, "acme/gift", "model"), (plain.Status, Text(plain.Json, "id"), Text(plain.Json, "object")));
        Assert.Equal(plain.Text, escaped.Text);
        Refused(await RawHttp.GetAsync(yard.Fairlead.Port, "/v1/models/acme%2Fnobody"), 404, "model_not_found");
    }

    [Theory]
    [InlineData("", JsonValueKind.Array)] // 104: who asks for nothing gets numbers
    [InlineData(",\"encoding_format\":\"float\"", JsonValueKind.Array)]
    [InlineData(",\"encoding_format\":\"base64\"", JsonValueKind.String)] // 105: from a provider that gives numbers whatever it is asked
    public async Task Case_104_105_embeddings_come_in_the_form_that_was_asked_for(string format, JsonValueKind kind)
    {
        RawAnswer answer = await PostAsync($$"""{"model":"{{ContractYard.Embedder}}","input":"a"{{format}}}""", "/v1/embeddings");

        Assert.Equal((200, "list"), (answer.Status, Text(answer.Json, "object")));
        JsonElement item = answer.Json.GetProperty("data")[0];
        JsonElement vector = item.GetProperty("embedding");
        Assert.Equal(("embedding", kind), (Text(item, "object"), vector.ValueKind));
        float[] numbers = kind == JsonValueKind.Array
            ? [.. vector.EnumerateArray().Select(static n => n.GetSingle())]
            : [.. System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(vector.GetBytesFromBase64())];
        Assert.Equal([0.25f, -0.5f, 1f], numbers);
        Assert.Equal(3, answer.Json.GetProperty("usage").GetProperty("prompt_tokens").GetInt64());
    }

    [Fact]
    public async Task Case_107_nothing_to_embed_is_400_and_too_much_413()
    {
        Refused(await PostAsync($$"""{"model":"{{ContractYard.Embedder}}","input":[]}""", "/v1/embeddings"), 400, "field_invalid");
        string many = string.Join(',', Enumerable.Repeat("\"a\"", 2_049));
        RawAnswer answer = await PostAsync($$"""{"model":"{{ContractYard.Embedder}}","input":[{{many}}]}""", "/v1/embeddings");
        Refused(answer, 413, "too_large");
        Assert.Contains("2048", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Case_117_an_empty_purse_is_402_and_nothing_is_sent()
    {
        string key = await yard.Fairlead.CreateKeyAsync("poor", "--budget", "0.000001/day");
        int before = Asked;

        RawAnswer answer = await yard.ChatAsync(key: key);

        Refused(answer, 402, "budget_reached");
        Assert.Equal("false", answer.Header("x-should-retry"));
        Assert.Equal(before, Asked);
    }

    [Fact]
    public async Task Case_119_what_failed_costs_nothing()
    {
        yard.Fast.On("broken", "503 JS {\"error\":{\"message\":\"no\"}}");

        RawAnswer answer = await yard.ChatAsync("acme/broken");

        Assert.InRange(answer.Status, 500, 599);
        Assert.Equal("0.000000000", answer.Header("x-fairlead-cost"));
        Assert.Equal(0, await CostOf(answer));
    }

    [Fact]
    public async Task Case_120_the_cost_in_the_answer_is_that_of_the_ledger()
    {
        RawAnswer answer = await yard.ChatAsync(ContractYard.Model + ":cheap");

        decimal told = answer.Json.GetProperty("usage").GetProperty("cost").GetDecimal();
        Assert.Equal(told * 1_000_000_000m, await CostOf(answer));
        Assert.Equal(told.ToString("F9", CultureInfo.InvariantCulture), answer.Header("x-fairlead-cost"));
        Assert.Equal((3 * 100) + (2 * 300), await CostOf(answer));
    }

    [Fact]
    public async Task Case_126_over_the_rate_it_is_429_with_the_time_to_wait()
    {
        string key = await yard.Fairlead.CreateKeyAsync("slow", "--rpm", "1");
        Assert.Equal(200, (await yard.ChatAsync(key: key)).Status);

        RawAnswer answer = await yard.ChatAsync(key: key);

        Refused(answer, 429, "rate_limited");
        Assert.InRange(int.Parse(answer.Header("retry-after")!, CultureInfo.InvariantCulture), 1, 60);
        Assert.Matches("^\"requests\";r=0;t=[0-9]+$", answer.Header("ratelimit"));
        Assert.Equal("\"fixed window\";\"requests\";q=1;w=60", answer.Header("ratelimit-policy"));
    }

    [Fact]
    public async Task Case_141_no_credential_crosses_in_either_direction()
    {
        yard.Fast.On("broken", "200 JS\nset-cookie: session=upstream\nx-secret: fast-secret-key\nproxy-authenticate: Basic\nW full(Hi)");

        RawAnswer answer = await yard.ChatAsync("acme/broken", headers: "Cookie: mine=1\r\nProxy-Authorization: Basic abc\r\n");

        ReceivedRequest seen = yard.Fast.Requests.Last();
        Assert.Equal("Bearer fast-secret-key", seen.Header("authorization"));
        Assert.DoesNotContain(yard.Key, seen.Head, StringComparison.Ordinal);
        Assert.Null(seen.Header("cookie"));
        Assert.Null(seen.Header("proxy-authorization"));
        Assert.DoesNotContain("fast-secret-key", answer.Head, StringComparison.Ordinal);
        Assert.Null(answer.Header("set-cookie"));
        Assert.Null(answer.Header("proxy-authenticate"));
    }

    [Fact]
    public async Task Health_and_metrics_answer_on_this_machine()
    {
        RawAnswer health = await RawHttp.GetAsync(yard.Fairlead.Port, "/health");
        RawAnswer metrics = await RawHttp.GetAsync(yard.Fairlead.Port, "/metrics");

        Assert.Equal((200, "application/json"), (health.Status, health.Header("content-type")));
        Assert.StartsWith("text/plain", metrics.Header("content-type"), StringComparison.Ordinal);
        Assert.Contains("# TYPE ", metrics.Text, StringComparison.Ordinal);
        Assert.All((RawAnswer[])[health, metrics], static a => Assert.False(string.IsNullOrEmpty(a.Header("x-request-id"))));
    }

    private int Asked => yard.Fast.Requests.Count + yard.Cheap.Requests.Count + yard.Liked.Requests.Count;

    private static string Body(string members) => $$"""{"model":"{{ContractYard.Model}}",{{members}}}""";

    private Task<RawAnswer> PostAsync(string body, string path = "/v1/chat/completions") => RawHttp.PostAsync(yard.Fairlead.Port, path, yard.Key, body);

    private async Task<(string?, string?)> ServedAsync(string model)
    {
        RawAnswer answer = await yard.ChatAsync(model);
        return (answer.Header("x-inference-provider"), answer.Header("x-fairlead-policy"));
    }

    /// <summary>What the ledger says that the request was charged, in nano-dollars.</summary>
    private async Task<long> CostOf(RawAnswer answer) =>
        (await RawHttp.GetAsync(yard.Fairlead.Port, $"/v1/requests/{answer.Header("x-fairlead-request-id")}", yard.Key)).Json.GetProperty("cost_nano_usd").GetInt64();

    private static JsonElement Last(ScriptedUpstream upstream) => upstream.Requests.Last().Json;

    private static JsonElement[] Events(RawAnswer answer) =>
        [.. answer.Events.Where(static e => e != "[DONE]").Select(static e => JsonDocument.Parse(e).RootElement)];

    private static IEnumerable<JsonElement> Choices(RawAnswer answer) =>
        Events(answer).Where(static e => e.TryGetProperty("choices", out _)).SelectMany(static e => e.GetProperty("choices").EnumerateArray());

    private static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>What holds for every refusal, whichever route and reason.</summary>
    private static void Refused(RawAnswer answer, int status, string code)
    {
        Assert.True((status, code) == (answer.Status, answer.ErrorCode), $"{answer.Head}\n{answer.Text}");
        Assert.Equal("application/json", answer.Header("content-type"));
        JsonElement error = answer.Json.GetProperty("error");
        Assert.Equal(JsonValueKind.String, error.GetProperty("message").ValueKind);
        Assert.Equal(JsonValueKind.String, error.GetProperty("type").ValueKind);
        Assert.True(error.TryGetProperty("param", out _));
        Assert.Equal(code, answer.Header("x-error-code"));
        Assert.False(string.IsNullOrEmpty(answer.Header("x-error-message")));
        Assert.False(string.IsNullOrEmpty(answer.Header("x-request-id")));
        Assert.Contains(answer.Header("x-should-retry"), (string?[])["true", "false"]);
        Assert.Equal(Encoding.UTF8.GetByteCount(answer.Text), int.Parse(answer.Header("content-length")!, CultureInfo.InvariantCulture));
    }
}
