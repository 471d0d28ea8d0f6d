using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Domain.Routing;

namespace Fairlead.Protocols.Tests.Requests;

/// <summary>Each field of a message request, right and wrong, and what is read off it.</summary>
public sealed class AnthropicFieldTests
{
    [Theory]
    [InlineData("\"stream\":true")]
    [InlineData("\"temperature\":0.5")]
    [InlineData("\"top_p\":0.9,\"top_k\":40")]
    [InlineData("\"system\":\"be brief\"")]
    [InlineData("\"system\":[{\"type\":\"text\",\"text\":\"be brief\",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}]")]
    [InlineData("\"system\":[]")]
    [InlineData("\"stop_sequences\":[\"a\",\"b\"]")]
    [InlineData("\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\"}}],\"tool_choice\":{\"type\":\"any\",\"disable_parallel_tool_use\":true}")]
    [InlineData("\"tools\":[{\"type\":\"web_search_20260318\",\"name\":\"web_search\",\"max_uses\":3}]")]
    [InlineData("\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"}")]
    [InlineData("\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}")]
    [InlineData("\"thinking\":{\"type\":\"adaptive\",\"display\":\"omitted\"}")]
    [InlineData("\"thinking\":{\"type\":\"between_tools\"}")]
    [InlineData("\"thinking\":{\"type\":\"of_tomorrow\",\"depth\":3}")]
    [InlineData("\"metadata\":{\"user_id\":null}")]
    [InlineData("\"service_tier\":\"standard_only\",\"speed\":\"fast\",\"inference_geo\":\"us\"")]
    [InlineData("\"output_config\":{\"effort\":\"xhigh\",\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\"}}}")]
    [InlineData("\"output_config\":{\"format\":null,\"task_budget\":{\"type\":\"tokens\",\"total\":9}}")]
    [InlineData("\"diagnostics\":{\"previous_message_id\":null}")]
    [InlineData("\"container\":\"c_1\"")]
    [InlineData("\"container\":{\"skills\":[]}")]
    [InlineData("\"mcp_servers\":[{\"type\":\"url\",\"name\":\"s\",\"url\":\"https://example.org/mcp\",\"authorization_token\":\"t\"}]")]
    [InlineData("\"context_management\":{\"edits\":[{\"type\":\"clear_thinking_20251015\"}]}")]
    [InlineData("\"fallbacks\":\"default\",\"fallback_credit_token\":\"x\"")]
    [InlineData("\"something_of_tomorrow\":{\"headers\":{\"a\":1}}")]
    [InlineData("\"temperature\":null,\"tools\":null,\"thinking\":null,\"metadata\":null,\"stop_sequences\":null,\"system\":null,\"tool_choice\":null")]
    public void What_the_dialect_knows_or_may_come_to_know_is_taken_and_goes_through_as_it_came(string member)
    {
        string body = AnthropicBodies.Message(member);
        string relayed = AnthropicBodies.Relayed(body);
        Assert.Contains(member, relayed, StringComparison.Ordinal);
        AnthropicBodies.Translated(body); // can always be written, whoever is to choose
    }

    [Theory]
    [InlineData("\"max_tokens\":-1", "max_tokens")]
    [InlineData("\"temperature\":1.5", "temperature")]
    [InlineData("\"temperature\":\"hot\"", "temperature")]
    [InlineData("\"top_p\":2", "top_p")]
    [InlineData("\"top_k\":-1", "top_k")]
    [InlineData("\"stream\":\"yes\"", "stream")]
    [InlineData("\"system\":7", "system")]
    [InlineData("\"system\":[\"x\"]", "system[0]")]
    [InlineData("\"system\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"u\"}}]", "system[1]")]
    [InlineData("\"stop_sequences\":\"x\"", "stop_sequences")]
    [InlineData("\"stop_sequences\":[\"x\",1]", "stop_sequences[1]")]
    [InlineData("\"tools\":{}", "tools")]
    [InlineData("\"tools\":[1]", "tools[0]")]
    [InlineData("\"tools\":[{\"name\":\"f\"}]", "tools[0].input_schema")]
    [InlineData("\"tools\":[{\"input_schema\":{}}]", "tools[0].name")]
    [InlineData("\"tools\":[{\"name\":\"\",\"input_schema\":{}}]", "tools[0].name")]
    [InlineData("\"tools\":[{\"name\":\"f\",\"input_schema\":{},\"description\":1}]", "tools[0].description")]
    [InlineData("\"tools\":[{\"name\":\"f\",\"input_schema\":{},\"strict\":1}]", "tools[0].strict")]
    [InlineData("\"tools\":[{\"name\":\"f\",\"input_schema\":{},\"cache_control\":1}]", "tools[0].cache_control")]
    [InlineData("\"tools\":[{\"type\":4}]", "tools[0].type")]
    [InlineData("\"tool_choice\":\"auto\"", "tool_choice")]
    [InlineData("\"tool_choice\":{}", "tool_choice.type")]
    [InlineData("\"tool_choice\":{\"type\":\"tool\"}", "tool_choice.name")]
    [InlineData("\"tool_choice\":{\"type\":\"any\",\"disable_parallel_tool_use\":1}", "tool_choice.disable_parallel_tool_use")]
    [InlineData("\"thinking\":\"on\"", "thinking")]
    [InlineData("\"thinking\":{}", "thinking.type")]
    [InlineData("\"thinking\":{\"type\":\"enabled\"}", "thinking.budget_tokens")]
    [InlineData("\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1023}", "thinking.budget_tokens")]
    [InlineData("\"thinking\":{\"type\":\"adaptive\",\"display\":true}", "thinking.display")]
    [InlineData("\"metadata\":[]", "metadata")]
    [InlineData("\"metadata\":{\"user_id\":5}", "metadata.user_id")]
    [InlineData("\"service_tier\":1", "service_tier")]
    [InlineData("\"speed\":1", "speed")]
    [InlineData("\"inference_geo\":1", "inference_geo")]
    [InlineData("\"output_config\":1", "output_config")]
    [InlineData("\"output_config\":{\"effort\":3}", "output_config.effort")]
    [InlineData("\"output_config\":{\"format\":{}}", "output_config.format.type")]
    [InlineData("\"output_config\":{\"format\":{\"type\":\"json_schema\"}}", "output_config.format.schema")]
    [InlineData("\"output_format\":{\"type\":\"json_schema\"}", "output_format.schema")]
    [InlineData("\"cache_control\":{\"type\":1}", "cache_control.type")]
    [InlineData("\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":5}", "cache_control.ttl")]
    [InlineData("\"container\":4", "container")]
    [InlineData("\"mcp_servers\":{}", "mcp_servers")]
    [InlineData("\"mcp_servers\":[4]", "mcp_servers[0]")]
    [InlineData("\"context_management\":4", "context_management")]
    [InlineData("\"diagnostics\":4", "diagnostics")]
    [InlineData("\"fallbacks\":4", "fallbacks")]
    [InlineData("\"fallbacks\":[\"a\"]", "fallbacks[0]")]
    [InlineData("\"fallbacks\":[{\"model\":\"a b\"}]", "fallbacks[0].model")]
    [InlineData("\"fallbacks\":[{\"model\":\"a\",\"max_tokens\":3}]", "fallbacks[0]")]
    [InlineData("\"fallbacks\":[{\"model\":\"a\"}],\"models\":[\"b\"]", "fallbacks")]
    [InlineData("\"Max_Tokens\":5", "max_tokens")]
    public void What_is_wrong_is_refused_with_its_place(string member, string param)
    {
        string body = AnthropicBodies.Message(member);
        if (param == "max_tokens" && member.StartsWith("\"max_tokens\"", StringComparison.Ordinal))
            body = body.Replace("\"max_tokens\":16,", "", StringComparison.Ordinal);
        Problem problem = AnthropicBodies.Refused(body);
        Assert.Equal(ProblemKind.FieldInvalid, problem.Kind);
        Assert.Equal(param, problem.Param);
    }

    [Theory]
    [InlineData("4", "messages[0]")]
    [InlineData("{\"content\":\"x\"}", "messages[0].role")]
    [InlineData("{\"role\":\"tool\",\"content\":\"x\"}", "messages[0].role")]
    [InlineData("{\"role\":\"user\"}", "messages[0].content")]
    [InlineData("{\"role\":\"user\",\"content\":null}", "messages[0].content")]
    [InlineData("{\"role\":\"user\",\"content\":[4]}", "messages[0].content[0]")]
    [InlineData("{\"role\":\"user\",\"content\":[{\"text\":\"x\"}]}", "messages[0].content[0].type")]
    [InlineData("{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}", "messages[0].content[0].text")]
    [InlineData("{\"content\":[{\"text\":\"x\",\"type\":\"text\"},{\"source\":4,\"type\":\"image\"}],\"role\":\"user\"}", "messages[0].content[1].source")]
    [InlineData("{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"text/html\",\"data\":\"\"}}]}", "messages[0].content[0].source.media_type")]
    [InlineData("{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\"}}]}", "messages[0].content[0].source.data")]
    [InlineData("{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"url\"}}]}", "messages[0].content[0].source.url")]
    [InlineData("{\"role\":\"user\",\"content\":[{\"type\":\"document\",\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\"}}]}", "messages[0].content[0].source.data")]
    [InlineData("{\"role\":\"user\",\"content\":[{\"type\":\"document\",\"source\":{\"type\":\"content\",\"content\":[{\"type\":\"text\"}]}}]}", "messages[0].content[0].source.content[0].text")]
    [InlineData("{\"role\":\"user\",\"content\":[{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}}]}", "messages[0].content[0]")]
    [InlineData("{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":\"{}\"}]}", "messages[0].content[0].input")]
    [InlineData("{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"a\"}]}", "messages[0].content[0]")]
    [InlineData("{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"a\"}]}", "messages[0].content[0].signature")]
    [InlineData("{\"role\":\"assistant\",\"content\":[{\"type\":\"redacted_thinking\"}]}", "messages[0].content[0].data")]
    [InlineData("{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"a\",\"content\":4}]}", "messages[0].content[0].content")]
    [InlineData("{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"a\",\"is_error\":\"no\"}]}", "messages[0].content[0].is_error")]
    [InlineData("{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"a\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":1}}]}]}", "messages[0].content[0].content[1].source.url")]
    [InlineData("{\"role\":\"user\",\"content\":[{\"type\":\"search_result\",\"source\":\"s\",\"title\":\"t\",\"content\":\"c\"}]}", "messages[0].content[0].content")]
    [InlineData("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\",\"cache_control\":{}}]}", "messages[0].content[0].cache_control.type")]
    [InlineData("{\"role\":\"system\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"u\"}}]}", "messages[0].content[0]")]
    public void A_wrong_message_is_refused_with_its_place(string message, string param)
    {
        Problem problem = AnthropicBodies.Refused(AnthropicBodies.Conversation(message));
        Assert.Equal(ProblemKind.FieldInvalid, problem.Kind);
        Assert.Equal(param, problem.Param);
    }

    [Fact]
    public void What_is_missing_is_named()
    {
        Assert.Equal("model", AnthropicBodies.Refused("""{"max_tokens":1,"messages":[{"role":"user","content":"x"}]}""").Param);
        Assert.Equal("messages", AnthropicBodies.Refused("""{"model":"m","max_tokens":1}""").Param);
        Assert.Equal("messages", AnthropicBodies.Refused("""{"model":"m","max_tokens":1,"messages":[]}""").Param);
        Assert.Equal("max_tokens", AnthropicBodies.Refused("""{"model":"m","messages":[{"role":"user","content":"x"}]}""").Param);
    }

    [Fact]
    public void A_count_of_tokens_needs_no_limit_and_is_not_streamed()
    {
        const string Body = """{"model":"m","messages":[{"role":"user","content":"x"}]}""";
        Assert.Equal(Route.CountTokens, AnthropicBodies.Request(Body, Route.CountTokens).Route);
        Assert.Equal("stream", AnthropicBodies.Refused(Body.Replace("}]}", "}],\"stream\":true}", StringComparison.Ordinal), Route.CountTokens).Param);
    }

    [Fact]
    public void A_limit_of_none_fills_a_cache_and_stays_in_its_dialect()
    {
        InferenceRequest request = AnthropicBodies.Request("""{"model":"m","max_tokens":0,"messages":[{"role":"user","content":"x"}]}""");
        Assert.Equal(0, request.MaxOutputTokens);
        Assert.Equal("max_tokens", request.BoundToDialect);
    }

    [Fact]
    public void Routing_is_read_as_at_the_other_door()
    {
        InferenceRequest request = AnthropicBodies.Request(
            AnthropicBodies.Message("\"models\":[\"b/c\"],\"provider\":{\"sort\":\"price\",\"require_parameters\":true},\"stream\":true"));
        Assert.Equal(("o/m", true, true, 16L), (request.Model, request.Stream, request.IncludeUsage, request.MaxOutputTokens!.Value));
        Assert.Equal(["b/c"], request.FallbackModels);
        Assert.Equal(RoutePolicy.Cheapest, request.Preferences.Policy);
        Assert.True(request.Preferences.RequireParameters);
    }

    [Fact]
    public void Anthropics_fallbacks_are_models_to_fall_back_on_and_do_not_go_upstream()
    {
        string body = AnthropicBodies.Message("\"fallbacks\":[{\"model\":\"b\"},{\"model\":\"c\\u002fd\"}]");
        Assert.Equal(["b", "c/d"], AnthropicBodies.Request(body).FallbackModels);
        Assert.DoesNotContain("fallbacks", AnthropicBodies.Relayed(body), StringComparison.Ordinal);
        Assert.Equal("fallbacks", AnthropicBodies.Refused(body.Replace("\"o/m\"", "\"o/m:together\"", StringComparison.Ordinal)).Param);
    }

    [Fact]
    public void The_same_dialect_gets_the_bytes_that_came_but_for_name_and_our_fields()
    {
        const string Body = """{ "messages": [ {"role":"user","content":"\u00e9 ü"} ], "provider": {"sort":"price"}, "max_tokens" : 1e1, "x": [1.50], "models":["b"], "model":"m" }""";
        Assert.Equal("""{"messages": [ {"role":"user","content":"\u00e9 ü"} ],"max_tokens" : 1e1,"x": [1.50],"model":"up/m"}""", AnthropicBodies.Relayed(Body));
        Assert.Null(AnthropicBodies.Adapted(Body, Dialect.Anthropic));
    }

    [Fact]
    public void Needs_and_uses_are_what_the_request_asks_for()
    {
        InferenceRequest request = AnthropicBodies.Request(AnthropicBodies.User(
            """{"type":"image","source":{"type":"url","url":"https://example.org/a.png"}}""",
            """
            "tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"auto","disable_parallel_tool_use":true},"temperature":0.5,"top_p":1,"top_k":3,
            "thinking":{"type":"adaptive"},"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}
            """));
        Assert.Equal(Abilities.Tools | Abilities.Images | Abilities.StructuredOutput, request.Needs);
        Assert.Equal(
            Parameters.Tools | Parameters.ParallelToolCalls | Parameters.Temperature | Parameters.TopK | Parameters.ReasoningEffort | Parameters.StructuredOutput, request.Uses);
        Assert.Equal(Parameters.None, AnthropicBodies.Request(AnthropicBodies.Message("\"temperature\":1,\"top_p\":1")).Uses);
    }

    [Fact]
    public void Pictures_and_pages_are_counted_apart_from_text()
    {
        string data = new('A', 400_000);
        InferenceRequest image = AnthropicBodies.Request(AnthropicBodies.User($$$"""{"type":"image","source":{"type":"base64","media_type":"image/png","data":"{{{data}}}"}}"""));
        Assert.InRange(image.InputTokensExpected, 1024, 1200);
        Assert.InRange(image.InputTokensAtMost, 4096, 4500);
        InferenceRequest pdf = AnthropicBodies.Request(AnthropicBodies.User($$$"""{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"{{{data}}}"}}"""));
        Assert.InRange(pdf.InputTokensExpected, 2000, 20_000);
        Assert.InRange(pdf.InputTokensAtMost, pdf.InputTokensExpected, 1_000_000);
    }

    [Theory]
    [InlineData("\"container\":\"c\"", "container")]
    [InlineData("\"mcp_servers\":[{\"url\":\"u\"}]", "mcp_servers")]
    [InlineData("\"inference_geo\":\"us\"", "inference_geo")]
    [InlineData("\"thread\":{\"type\":\"create\"}", "thread")]
    [InlineData("\"tools\":[{\"type\":\"bash_20250124\",\"name\":\"bash\"},{\"type\":\"computer_toolset_20260801\"}]", "tools.bash_20250124, tools.computer_toolset_20260801")]
    [InlineData("\"tool_choice\":{\"type\":\"of_tomorrow\"}", "tool_choice")]
    [InlineData("\"thinking\":{\"type\":\"of_tomorrow\"}", "thinking.type")]
    [InlineData("\"output_config\":{\"format\":{\"type\":\"regex\"}}", "output_config.format")]
    public void What_would_mean_something_else_elsewhere_binds_the_request_to_its_dialect(string member, string names) =>
        Assert.Equal(names, AnthropicBodies.Request(AnthropicBodies.Message(member)).BoundToDialect);

    [Theory]
    [InlineData("""{"type":"container_upload","file_id":"f"}""", "messages.container_upload")]
    [InlineData("""{"type":"of_tomorrow","x":1}""", "messages.of_tomorrow")]
    [InlineData("""{"type":"image","source":{"type":"file","file_id":"f"}}""", "messages.image.source")]
    [InlineData("""{"type":"document","source":{"type":"url","url":"https://example.org/a.pdf"}}""", "messages.document.source")]
    [InlineData("""{"type":"tool_result","tool_use_id":"a","toolset_name":"browser"}""", "messages.toolset_name")]
    public void A_block_that_only_Anthropic_can_read_binds_it_too(string block, string names) =>
        Assert.Equal(names, AnthropicBodies.Request(AnthropicBodies.User(block)).BoundToDialect);

    [Theory]
    [InlineData("\"cache_control\":{\"type\":\"ephemeral\"}", "cache_control")]
    [InlineData("\"service_tier\":\"standard_only\"", "service_tier")]
    [InlineData("\"speed\":\"fast\"", "speed")]
    [InlineData("\"diagnostics\":{}", "diagnostics")]
    [InlineData("\"context_management\":{}", "context_management")]
    [InlineData("\"metadata\":{\"user_id\":\"u\",\"team\":\"t\"}", "metadata.team")]
    [InlineData("\"output_config\":{\"task_budget\":{}}", "output_config.task_budget")]
    [InlineData("\"thinking\":{\"type\":\"adaptive\",\"display\":\"omitted\"}", "thinking.display")]
    [InlineData("\"stop_sequences\":[\"a\",\"b\",\"c\",\"d\",\"e\"]", "stop_sequences")]
    [InlineData("\"tools\":[{\"name\":\"f\",\"input_schema\":{},\"defer_loading\":true,\"input_examples\":[{}]}]", "tools.defer_loading, tools.input_examples")]
    [InlineData("\"x_new\":1,\"ключ\":2", "x_new, others")]
    [InlineData("\"fallbacks\":\"default\"", "fallbacks")]
    public void What_is_dropped_in_translation_is_named(string member, string names)
    {
        string body = AnthropicBodies.Message(member);
        Assert.Equal(names, AnthropicBodies.Request(body).LostInTranslation);
        Assert.Null(AnthropicBodies.Request(body).BoundToDialect);
        Assert.Equal(names, AnthropicBodies.Adapted(body));
    }

    [Fact]
    public void A_request_that_both_dialects_can_say_loses_nothing()
    {
        string body = AnthropicBodies.User(
            """{"type":"text","text":"a"},{"type":"image","source":{"type":"url","url":"u"}}""",
            """
            "system":"s","stop_sequences":["x"],"temperature":0.2,"tools":[{"type":"custom","name":"f","description":"d","input_schema":{"type":"object"},"strict":true}],
            "tool_choice":{"type":"tool","name":"f"},"thinking":{"type":"enabled","budget_tokens":2000},"metadata":{"user_id":"u"},"service_tier":"auto","speed":"standard"
            """);
        Assert.Null(AnthropicBodies.Request(body).LostInTranslation);
        Assert.Null(AnthropicBodies.Request(body).BoundToDialect);
        Assert.Null(AnthropicBodies.Adapted(body));
    }
}
