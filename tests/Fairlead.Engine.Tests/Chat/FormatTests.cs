using System.Text.Json;
using Fairlead.Engine.Chat;
using Fairlead.Engine.Constraints;
using Fairlead.Engine.Templates;
using Fairlead.Engine.Tests.Templates;

namespace Fairlead.Engine.Tests.Chat;

/// <summary>What real templates say about their models' answers, found by trying them.</summary>
public class FormatTests
{
    private const string Tools = """
        [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city", "days"]}}},
         {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}}]
        """;

    [Theory]
    [InlineData("Qwen-Qwen3-0.6B", "<tool_call>", "<think>")]
    [InlineData("Qwen-Qwen2.5-7B-Instruct", "<tool_call>", null)]
    [InlineData("Qwen3-Coder", "<tool_call>", null)]
    [InlineData("NousResearch-Hermes-3-Llama-3.1-8B-tool_use", "<tool_call>", null)]
    [InlineData("meta-llama-Llama-3.1-8B-Instruct", "", null)]
    [InlineData("meta-llama-Llama-3.2-3B-Instruct", "", null)]
    [InlineData("mistralai-Mistral-Nemo-Instruct-2407", "[TOOL_CALLS]", null)]
    [InlineData("mistralai-Ministral-3-14B-Reasoning-2512", "[TOOL_CALLS]", "[THINK]")]
    [InlineData("deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", "<｜tool▁call▁begin｜>", "<think>")]
    [InlineData("deepseek-ai-DeepSeek-V3.2", "<｜DSML｜function_calls>", "<think>")]
    [InlineData("ibm-granite-granite-3.3-2B-Instruct", "<|tool_call|>", "<think>")]
    [InlineData("ibm-granite-granite-4.0", "<tool_call>", null)]
    [InlineData("google-gemma-4-31B-it", "<|tool_call>", "<|channel>thought\n")]
    [InlineData("meetkai-functionary-medium-v3.2", ">>>", null)]
    [InlineData("CohereForAI-c4ai-command-r7b-12-2024-tool_use", "<|START_ACTION|>", "<|START_THINKING|>")]
    [InlineData("GLM-4.6", "<tool_call>", "<think>")]
    [InlineData("MiniMax-M2", "<minimax:tool_call>", "<think>")]
    [InlineData("moonshotai-Kimi-K2", "<|tool_call_begin|>", null)]
    [InlineData("google-gemma-2-2b-it", null, null)]
    [InlineData("microsoft-Phi-3.5-mini-instruct", null, null)]
    public void A_template_s_notations_are_found(string name, string? calls, string? reasoning)
    {
        ChatFormat format = Detect(name);

        Assert.Equal(calls, format.Calls.Count > 0 ? format.Calls[0].Open : null);
        Assert.Equal(reasoning, format.Reasoning?.Open);
    }

    [Fact]
    public void A_vocabulary_tells_what_the_template_leaves_out()
    {
        ChatTemplate template = RealTemplates.Load().Template("LFM2-8B-A1B");

        ChatFormat format = ChatFormat.Detect(template, RealTemplates.Tokens("<s>", "</s>"), static token => token is "<|tool_call_start|>" or "<think>" or "</think>", []);

        Assert.IsType<ToolCallSyntax.Python>(format.Calls[0]);
        Assert.Equal("<think>", format.Reasoning?.Open);
    }

    [Fact]
    public void What_a_template_wants_is_found_by_trying_it()
    {
        Assert.True(Detect("mistralai-Mistral-Nemo-Instruct-2407").Traits.ShortIds);
        Assert.False(Detect("Qwen-Qwen3-0.6B").Traits.ShortIds);
        Assert.True(Detect("deepseek-ai-DeepSeek-R1-Distill-Llama-8B").Traits is { ArgumentsAsText: true, NullContentBesideCalls: true });
        Assert.True(Detect("meetkai-functionary-medium-v3.2").Traits.ArgumentsAsText);
        Assert.False(Detect("Qwen-Qwen2.5-7B-Instruct").Traits.ArgumentsAsText);
        Assert.True(Detect("openai-gpt-oss-120b").Traits.DeveloperRole);
        Assert.False(Detect("Qwen-Qwen2.5-7B-Instruct").Traits.DeveloperRole);
        Assert.True(Detect("GLM-4.6").Traits.ContentParts);
        Assert.False(Detect("Qwen-Qwen2.5-7B-Instruct").Traits.ContentParts);
    }

    [Fact]
    public void Special_tokens_of_the_notation_stay_in_the_text_and_others_do_not()
    {
        ChatFormat mistral = Detect("mistralai-Ministral-3-14B-Reasoning-2512");

        Assert.True(mistral.Keeps("[TOOL_CALLS]"));
        Assert.True(mistral.Keeps("[ARGS]"));
        Assert.True(mistral.Keeps("[/THINK]"));
        Assert.False(mistral.Keeps("</s>"));
        Assert.False(mistral.Keeps("[INST]"));
    }

    [Fact]
    public void A_call_written_to_the_grammar_is_read_as_that_call_in_every_notation()
    {
        RealTemplates real = RealTemplates.Load();
        JsonElement tools = JsonDocument.Parse(Tools).RootElement;
        List<string> wrong = [];
        int forced = 0;
        foreach (string name in real.Names)
        {
            ChatFormat format = Detect(name);
            if (format.GrammarFor(tools, "", "get_weather") is not { } grammar)
                continue;
            forced++;
            string prompt = format.Calls[0] is ToolCallSyntax.Named { ContentName: not null } ? ">>>" : "";
            string text = Write(grammar);
            Assert.Null(Fairlead.Engine.Tests.Constraints.Reading.RefusedAt(grammar, text));
            ChatOutputParser parser = format.NewParser(prompt, tools, 1);
            List<ChatEvent> events = [.. parser.Append(text)];
            events.AddRange(parser.Finish());
            string arguments = string.Concat(events.OfType<ChatEvent.CallArguments>().Select(static part => part.Fragment));
            bool right = events.OfType<ChatEvent.CallStarted>().ToArray() is [{ Name: "get_weather" }]
                && events.OfType<ChatEvent.CallEnded>().ToArray() is [{ IsComplete: true }]
                && !events.OfType<ChatEvent.Content>().Any()
                && arguments.Replace(" ", "", StringComparison.Ordinal) == """{"city":"Oslo","days":3}""";
            if (!right)
                wrong.Add($"{name}: {JsonSerializer.Serialize(text)} → {RoundTripTests.Joined(events)}");
            Assert.NotNull(format.GrammarFor(tools, ""));
            Assert.Null(format.GrammarFor(tools, "", "nosuch"));
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(forced >= 45, $"{forced} notations can be forced");

        // One text that keeps to the grammar.
        static string Write(ConstraintSpec spec) => spec switch
        {
            ConstraintSpec.Literal literal => literal.Text,
            ConstraintSpec.JsonSchema json => json.Schema.Contains("\"city\"", StringComparison.Ordinal) ? """{"city": "Oslo", "days": 3}""" : "3",
            ConstraintSpec.TextWithout => "Oslo",
            ConstraintSpec.Regex pattern => pattern.Pattern.Contains('A') ? "abcdef123" : "0",
            ConstraintSpec.Sequence sequence => string.Concat(sequence.Parts.Select(Write)),
            ConstraintSpec.Repeat repeat => Write(repeat.Part),
            _ => throw new InvalidOperationException(spec.ToString()),
        };
    }

    [Fact]
    public void A_required_call_comes_after_the_reasoning_that_the_prompt_has_opened()
    {
        ChatFormat format = Detect("Qwen-QwQ-32B");
        JsonElement tools = JsonDocument.Parse(Tools).RootElement;
        ConstraintSpec grammar = format.GrammarFor(tools, "<|im_start|>assistant\n<think>\n")!;
        const string Call = "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call>";

        Assert.Null(Fairlead.Engine.Tests.Constraints.Reading.RefusedAt(grammar, $"I add.\n</think>\n\n{Call}\n{Call}"));
        Assert.NotNull(Fairlead.Engine.Tests.Constraints.Reading.RefusedAt(grammar, Call));
        Assert.Null(Fairlead.Engine.Tests.Constraints.Reading.RefusedAt(format.GrammarFor(tools, "<|im_start|>assistant\n")!, Call));
        Assert.NotNull(Fairlead.Engine.Tests.Constraints.Reading.RefusedAt(format.GrammarFor(tools, "", parallel: false)!, $"{Call}\n{Call}"));
    }

    [Fact]
    public void Marks_that_are_special_tokens_are_asked_for_as_tokens()
    {
        ChatTemplate template = RealTemplates.Load().Template("mistralai-Ministral-3-14B-Reasoning-2512");
        ChatFormat format = ChatFormat.Detect(template, RealTemplates.Tokens("<s>", "</s>"), null, ["<s>", "[TOOL_CALLS]", "[ARGS]", "[INST]"]);

        ConstraintSpec.Sequence grammar = Assert.IsType<ConstraintSpec.Sequence>(format.GrammarFor(JsonDocument.Parse(Tools).RootElement, "", "add", parallel: false));
        ConstraintSpec.Sequence call = Assert.IsType<ConstraintSpec.Sequence>(Assert.Single(grammar.Parts));
        Assert.Equal(new ConstraintSpec.SpecialToken("[TOOL_CALLS]"), call.Parts[0]);
        Assert.Equal(new ConstraintSpec.Literal("add"), call.Parts[1]);
        Assert.Equal(new ConstraintSpec.SpecialToken("[ARGS]"), call.Parts[2]);
        Assert.IsType<ConstraintSpec.JsonSchema>(call.Parts[3]);
    }

    internal static ChatFormat Detect(string name) => ChatFormat.Detect(RealTemplates.Load().Template(name), RealTemplates.Tokens("<s>", "</s>"));
}
