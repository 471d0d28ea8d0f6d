using System.Text.Json;
using Fairlead.Engine.Chat;
using Fairlead.Engine.Tests.Templates;
using Fairlead.Shared;

namespace Fairlead.Engine.Tests.Chat;

/// <summary>What is told while an answer is being written.</summary>
public class OutputParserTests
{
    private const string Tools = """[{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}, "s": {"type": "string"}}}}}]""";

    private static readonly ToolCallSyntax Hermes = new ToolCallSyntax.Json("<tool_call>", "</tool_call>");
    private static readonly ReasoningSyntax Think = ReasoningSyntax.Known[0];

    public static TheoryData<string, string> Answers => new()
    {
        { "Hello there.", " / Content Hello there." },
        { "<think>\nhm, well\n</think>\n\nYes.", " / Reasoning hm, well / Content Yes." },
        { "<think></think>Yes.", " / Content Yes." },
        { "<think>\nnever ends", " / Reasoning never ends" },
        { "Use <think> like so.", " / Content Use <think> like so." },
        { "a </think> b", " / Content a </think> b" },
        { "1 < 2 and <tool", " / Content 1 < 2 and <tool" },
        { "I call it.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>", " / Content I call it. / CallStarted f / CallArguments {\"a\": 1} / CallEnded True" },
        { "<think>x</think>\n<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>\n<tool_call>{\"arguments\": {\"a\": 2}, \"name\": \"f\"}</tool_call>", " / Reasoning x / CallStarted f / CallArguments {} / CallEnded True / CallStarted f / CallArguments {\"a\": 2} / CallEnded True" },
        { "<tool_call>{\"name\": \"f\", \"arguments\": \"{\\\"a\\\": 3, \\\"s\\\": \\\"\\\\u00e9\\\"}\"}</tool_call>", " / CallStarted f / CallArguments {\"a\": 3, \"s\": \"\\u00e9\"} / CallEnded True" },
        { "<tool_call>{\"name\": \"f\"}</tool_call>", " / CallStarted f / CallArguments {} / CallEnded True" },
        { "<tool_call>{\"name\": \"f\", \"arguments\": null}</tool_call>", " / CallStarted f / CallArguments {} / CallEnded True" },
        { "<tool_call>not json</tool_call>", " / Content <tool_call>not json</tool_call>" },
        { "<tool_call>{\"no\": \"name\"}</tool_call>", " / Content <tool_call>{\"no\": \"name\"}</tool_call>" },
        { "<tool_call>", " / Content <tool_call>" },
        { "<tool_call>{\"name\": \"f\", \"argum", " / Content <tool_call>{\"name\": \"f\", \"argum" },
        { "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": 1, \"s\": \"cut o", " / CallStarted f / CallArguments {\"a\": 1, \"s\": \"cut o / CallEnded False" },
        { "<tool_call>{\"name\": \"f\", \"arguments\": {a: 1}}</tool_call>", " / CallStarted f / CallArguments {a: 1} / CallEnded False" },
        { "<tool_call>{\"name\": \"f\", \"arguments\": {\"s\": \"</tool_call>\"}}</tool_call> done", " / CallStarted f / CallArguments {\"s\": \"</tool_call>\"} / CallEnded True / Content done" },
        { "two  spaces  \n", " / Content two  spaces  \n" },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public void An_answer_is_told_apart_however_it_is_cut(string text, string expected)
    {
        ChatFormat format = new([Hermes], Think, new TemplateTraits());

        Assert.Equal(expected, Told(format, "", [text]));
        Assert.Equal(expected, Told(format, "", [.. text.Select(static c => c.ToString())]));
        for (int at = 1; at < text.Length; at++)
            Assert.Equal(expected, Told(format, "", [text[..at], text[at..]]));
    }

    [Fact]
    public void Reasoning_that_the_prompt_has_opened_needs_no_mark_of_its_own()
    {
        ChatFormat format = new([Hermes], Think, new TemplateTraits());

        Assert.Equal(" / Reasoning hm / Content Yes.", Told(format, "<|assistant|>\n<think>\n", ["hm\n</think>\n\nYes."]));
        Assert.Equal(" / Content Yes.", Told(format, "<|assistant|>\n<think>\n\n</think>\n\n", ["Yes."]));
    }

    [Fact]
    public void Without_tools_nothing_is_taken_for_a_call()
    {
        ChatFormat format = new([Hermes], null, new TemplateTraits());
        ChatOutputParser parser = format.NewParser("", null, 0);
        string text = "<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>";
        List<ChatEvent> events = [.. parser.Append(text)];
        events.AddRange(parser.Finish());

        Assert.Equal(" / Content " + text, RoundTripTests.Joined(events));
    }

    [Fact]
    public void Bare_json_is_a_call_only_where_it_names_a_tool_that_was_offered()
    {
        ChatFormat format = FormatTests.Detect("meta-llama-Llama-3.1-8B-Instruct");

        Assert.Equal(" / CallStarted f / CallArguments {\"a\": 1} / CallEnded True", Told(format, "", ["{\"name\": \"f\", \"parameters\": {\"a\": 1}}"]));
        Assert.Equal(" / CallStarted f / CallArguments {\"a\": 1} / CallEnded True", Told(format, "", ["<|python_tag|>{\"type\": \"function\", \"name\": \"f\", \"parameters\": {\"a\": 1}}"]));
        Assert.Equal(" / CallStarted f / CallArguments {\"s\": \"x y\", \"a\": 2} / CallEnded True", Told(format, "", ["<|python_tag|>f.call(s=\"x y\", a=2)"]));
        Assert.Equal(" / Content {\"name\": \"Oslo\", \"parameters\": {}}", Told(format, "", ["{\"name\": \"Oslo\", \"parameters\": {}}"]));
        Assert.Equal(" / Content {\"answer\": 42}", Told(format, "", ["{\"answer\": 42}"]));
        Assert.Equal(" / Content [1, 2]", Told(format, "", ["[1, 2]"]));
        Assert.Equal(" / Content So: {\"name\": \"f\", \"parameters\": {}}", Told(format, "", ["So: {\"name\": \"f\", \"parameters\": {}}"]));
    }

    [Fact]
    public void Every_family_s_own_marks_are_understood()
    {
        Assert.Equal(" / Reasoning Let me see. / Content Hi. / CallStarted f / CallArguments {\"a\": 1} / CallEnded True",
            Told(FormatTests.Detect("openai-gpt-oss-120b"), "<|start|>assistant", ["<|channel|>analysis<|message|>Let me see.<|end|><|start|>assistant<|channel|>final<|message|>Hi.<|end|><|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{\"a\": 1}<|call|>"]));
        Assert.Equal(" / CallStarted f / CallArguments {\"a\": 1} / CallEnded True", Told(FormatTests.Detect("meetkai-functionary-medium-v3.2"), "…\n\n>>>", ["f\n{\"a\": 1}"]));
        Assert.Equal(" / Content Hi. / CallStarted f / CallArguments {\"a\": 1} / CallEnded True", Told(FormatTests.Detect("meetkai-functionary-medium-v3.2"), "…\n\n>>>", ["all\nHi.\n>>>f\n{\"a\": 1}"]));
        Assert.Equal(" / CallStarted f / CallArguments {\"s\": \"it's\", \"a\": 1} / CallEnded True", Told(FormatTests.Detect("LFM2.5-8B-A1B"), "", ["<|tool_call_start|>[f(s='it\\'s', a=1)]<|tool_call_end|>"]));
        Assert.Equal(" / CallStarted f / CallArguments {\"s\": \"1\", \"a\": 1} / CallEnded True", Told(FormatTests.Detect("GLM-4.6"), "", ["<tool_call>f\n<arg_key>s</arg_key>\n<arg_value>1</arg_value>\n<arg_key>a</arg_key>\n<arg_value>1</arg_value>\n</tool_call>"]));
        Assert.Equal(" / Content <tool_call>is a mark", Told(FormatTests.Detect("GLM-4.6"), "", ["<tool_call>is a mark"]));
        Assert.Equal(" / Reasoning Plan. / CallStarted f / CallArguments {\"a\": 1} / CallEnded True", Told(FormatTests.Detect("CohereForAI-c4ai-command-r7b-12-2024-tool_use"), "", ["<|START_THINKING|>Plan.<|END_THINKING|><|START_ACTION|>[\n    {\"tool_call_id\": \"0\", \"tool_name\": \"f\", \"parameters\": {\"a\": 1}}\n]<|END_ACTION|>"]));
        Assert.Equal(" / Reasoning One. / Content Two.", Told(FormatTests.Detect("Apriel-1.6-15b-Thinker-fixed"), "<|begin_assistant|>\nHere are my reasoning steps:\n", ["One.\n[BEGIN FINAL RESPONSE]\nTwo."]));
        Assert.Equal(" / Reasoning One. / Content Two.", Told(FormatTests.Detect("ibm-granite-granite-3.3-2B-Instruct"), "", ["<think>One.</think><response>Two.</response>"]));
    }

    [Fact]
    public void Arguments_arrive_while_they_are_written_and_ids_are_the_model_s_or_made_from_the_seed()
    {
        ChatOutputParser parser = new ChatFormat([Hermes], null, new TemplateTraits()).NewParser("", Json(Tools), 5);

        Assert.Empty(parser.Append("<tool_call>\n{\"name\": \"f\", \"argu"));
        ChatEvent[] begun = [.. parser.Append("ments\": {\"s\": \"ab")];
        Assert.Equal("f", Assert.IsType<ChatEvent.CallStarted>(begun[0]).Name);
        Assert.Equal("{\"s\": \"ab", Assert.IsType<ChatEvent.CallArguments>(begun[1]).Fragment);
        Assert.Equal("c", Assert.IsType<ChatEvent.CallArguments>(Assert.Single(parser.Append("c"))).Fragment);
        string id = ((ChatEvent.CallStarted)begun[0]).Id;
        Assert.Matches("^[A-Za-z0-9]{9}$", id);
        Assert.Equal(ToolCallIds.Make(5, 0), id);
        Assert.NotEqual(ToolCallIds.Make(6, 0), id);

        ChatOutputParser kimi = FormatTests.Detect("moonshotai-Kimi-K2").NewParser("", Json(Tools), 5);
        ChatEvent.CallStarted started = Assert.Single(kimi.Append("<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{}<|tool_call_end|>").OfType<ChatEvent.CallStarted>());
        Assert.Equal(("f", "functions.f:0"), (started.Name, started.Id));
    }

    /// <summary>Random crossings of marks, calls and text in every notation: cuts never show, and nothing of the text is lost or made up.</summary>
    [Fact]
    [Trait("Category", Fuzz.Category)]
    public void Random_text_gives_the_same_events_however_it_is_cut()
    {
        string[] pieces =
        [
            .. ToolCallSyntax.Known.SelectMany(static family => family).Select(static syntax => syntax.Open).Where(static open => open.Length > 0), "<think>", "</think>", "</tool_call>", "<|END_ACTION|>", "[ARGS]", "[CALL_ID]", "<arg_key>a</arg_key>", "<arg_value>", "</arg_value>",
            "<function=f>", "<parameter=a>", "</parameter>", "</function>", "{\"name\": \"f\", \"arguments\": ", "{\"a\": 1}", "}", "{", "[", "]", "\"", "\\", "\\u00e9", "\\ud83d", "\\ude00", "f", "f\n", "(a=1)", "call:f{", "<|\"|>", "a:1", "<｜tool▁sep｜>", "```json\n", "```", "<|channel|>final<|message|>", "<|end|>",
            "<|start|>assistant", " to=functions.f", "functions.f:0", "<|tool_call_argument_begin|>", "<|tool_call_end|>", " ", "\n", "🙂", "text", ",", ";", ":", "1", "true", "<", "<|", "é", "all\n", ">>>",
        ];
        Random random = new(20261126);
        foreach (int _ in Fuzz.Rounds(100))
        {
            ChatFormat format = new(ToolCallSyntax.Known[random.Next(ToolCallSyntax.Known.Count)], random.Next(3) == 0 ? null : ReasoningSyntax.Known[random.Next(ReasoningSyntax.Known.Count)], new TemplateTraits());
            string prompt = random.Next(4) switch { 0 => "<think>", 1 => ">>>", _ => "" };
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 25)).Select(_ => pieces[random.Next(pieces.Length)]));
            string whole = Told(format, prompt, [text]);
            List<string> cuts = [];
            for (int at = 0, next; at < text.Length; at = next)
            {
                next = Math.Min(text.Length, at + random.Next(1, 4));
                cuts.Add(text[at..next]);
            }

            Assert.True(whole == Told(format, prompt, cuts), $"{format.Calls[0]} {JsonSerializer.Serialize(text)}:\n{whole}\n{Told(format, prompt, cuts)}");
        }
    }

    private static string Told(ChatFormat format, string prompt, IReadOnlyList<string> cuts)
    {
        ChatOutputParser parser = format.NewParser(prompt, Json(Tools), 3);
        List<ChatEvent> events = [];
        foreach (string cut in cuts)
            events.AddRange(parser.Append(cut));
        events.AddRange(parser.Finish());
        return RoundTripTests.Joined(events);
    }

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;
}
