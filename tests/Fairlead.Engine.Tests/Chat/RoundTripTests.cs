using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Engine.Chat;
using Fairlead.Engine.Templates;
using Fairlead.Engine.Tests.Templates;

namespace Fairlead.Engine.Tests.Chat;

/// <summary>An assistant's turn with tool calls, written by the model's own template, cut out and read back.</summary>
public class RoundTripTests
{
    private const string Tools = """
        [{"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": {"type": "object", "properties": {
            "city": {"type": "string", "description": "c"}, "days": {"type": "integer", "description": "d"}, "exact": {"type": "boolean", "description": "e"}, "notes": {"type": "string", "description": "n"},
            "tags": {"type": "array", "items": {"type": "string"}, "description": "t"}, "where": {"type": "object", "properties": {"lat": {"type": "number", "description": "l"}}, "description": "w"}}, "required": ["city"]}}},
         {"type": "function", "function": {"name": "add", "description": "Adds", "parameters": {"type": "object", "properties": {"a": {"type": "integer", "description": "a"}, "b": {"type": "integer", "description": "b"}}, "required": ["a", "b"]}}}]
        """;

    private static readonly string[] Arguments =
    [
        """{"city":"Oslo"}""",
        """{"city":"Paris — é 日本 🙂","days":3,"exact":true,"notes":"42"}""",
        """{"city":"a \"quoted\" word, {braces} [brackets]","days":-1}""",
        """{"city":"two\nlines","tags":["a","b c"],"where":{"lat":1.5}}""",
        """{"city":"<b>tags</b> & \\ back","exact":false}""",
        """{}""",
    ];

    /// <summary>Templates that write no calls at all, or refuse them: there is nothing to read back.</summary>
    private static readonly Dictionary<string, string> WithoutCalls = new()
    {
        ["CohereForAI-c4ai-command-r-plus-tool_use"] = "wants old-form tools with types",
        ["HuggingFaceTB-SmolLM3-3B"] = "leaves calls out", ["LFM2-8B-A1B"] = "leaves calls out", ["LFM2.5-Instruct"] = "leaves calls out", ["google-gemma-2-2b-it"] = "knows no tools",
        ["ibm-granite-granite-3.3-2B-Instruct"] = "leaves calls out", ["llama-cpp-rwkv-world"] = "knows no tools", ["microsoft-Phi-3.5-mini-instruct"] = "knows no tools",
        ["Kimi-K2-Instruct"] = "appends to a list, which the sandbox refuses", ["Kimi-K2-Thinking"] = "appends to a list, which the sandbox refuses",
        ["fireworks-ai-llama-3-firefunction-v2"] = "wants a variable 'functions'", ["llama-cpp-deepseek-r1"] = "writes a generator as JSON, which Python refuses",
    };

    /// <summary>Templates that write the first call of a turn and no other.</summary>
    private static readonly string[] OneCall = ["GigaChat3-10B-A1.8B", "GigaChat3.1-10B-A1.8B", "openai-gpt-oss-120b"];

    [Fact]
    public void Calls_written_by_every_real_template_are_read_back_as_they_were()
    {
        RealTemplates real = RealTemplates.Load();
        List<string> wrong = [];
        int read = 0;
        foreach (string name in real.Names)
        {
            ChatTemplate template = real.Template(name);
            ChatFormat format = ChatFormat.Detect(template, RealTemplates.Tokens("<s>", "</s>"));
            foreach (string arguments in Arguments)
            {
                foreach (bool parallel in OneCall.Contains(name) ? (bool[])[false] : [false, true])
                {
                    (string, string)[] calls = parallel ? [("get_weather", arguments), ("add", """{"a":1,"b":2}""")] : [("get_weather", arguments)];
                    switch (Check(template, format, real.Clock, calls))
                    {
                        case null:
                            read++;
                            break;
                        case { } difference when !WithoutCalls.ContainsKey(name) && !(parallel && difference.Contains("single tool-calls", StringComparison.Ordinal)):
                            wrong.Add($"{name}: {difference}");
                            break;
                    }
                }
            }
        }

        Assert.True(wrong.Count == 0, $"{wrong.Count} wrong, {read} right:\n{string.Join('\n', wrong)}");
        Assert.True(read > 480, $"{read} turns were read back");
    }

    /// <summary>Null where the calls come back.</summary>
    private static string? Check(ChatTemplate template, ChatFormat format, TimeProvider clock, (string Name, string Arguments)[] calls)
    {
        JsonElement tools = Json(Tools);
        (string Prompt, string Turn)? written;
        try
        {
            written = Write(template, format, clock, calls, tools);
        }
        catch (ChatTemplateException refused)
        {
            return $"refused: {refused.Reason}";
        }

        if (written is not var (prompt, turn))
            return "no turn";
        string expected = string.Join(" | ", calls.Select(static call => $"{call.Name} {Canonical(call.Arguments)}"));
        ChatOutputParser parser = format.NewParser(prompt, tools, 7);
        List<ChatEvent> whole = [.. parser.Append(turn)];
        whole.AddRange(parser.Finish());
        if (Calls(whole) != expected)
            return $"{expected} came back as {Calls(whole)} from {JsonSerializer.Serialize(turn)}";
        ChatOutputParser slow = format.NewParser(prompt, tools, 7);
        List<ChatEvent> single = [];
        foreach (char c in turn)
            single.AddRange(slow.Append(c.ToString()));
        single.AddRange(slow.Finish());
        return Joined(single) == Joined(whole) ? null : $"cut at every character: {Joined(single)} instead of {Joined(whole)}";
    }

    private static (string, string)? Write(ChatTemplate template, ChatFormat format, TimeProvider clock, (string Name, string Arguments)[] calls, JsonElement tools)
    {
        JsonArray messages = [JsonNode.Parse("""{"role": "user", "content": "Weather?"}""")];
        string prompt = Render(template, format, clock, messages, tools, generate: true);
        string open = Render(template, format, clock, messages, tools, generate: false);
        messages.Add(new JsonObject
        {
            ["role"] = "assistant",
            ["content"] = null,
            ["tool_calls"] = new JsonArray([.. calls.Select(static (call, i) => new JsonObject
            {
                ["id"] = $"call_{i}",
                ["type"] = "function",
                ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = call.Arguments },
            })]),
        });
        string whole = Render(template, format, clock, messages, tools, generate: false);
        string start = whole.StartsWith(prompt, StringComparison.Ordinal) ? prompt : open;
        int from = whole.AsSpan().CommonPrefixLength(start);
        string turn = whole[from..];
        // A model that continues the prompt does not write the header of its turn again.
        if (format.Calls is [{ Open: "" }, ..] and not [ToolCallSyntax.Harmony])
            turn = turn[Math.Max(0, turn.IndexOf('{'))..];
        foreach (string end in (string[])["<|eot_id|>", "<|eom_id|>"])
            turn = turn.EndsWith(end, StringComparison.Ordinal) ? turn[..^end.Length] : turn;
        return (whole[..from], turn);
    }

    private static string Render(ChatTemplate template, ChatFormat format, TimeProvider clock, JsonArray messages, JsonElement tools, bool generate) =>
        template.Render(ChatConversation.Prepare(JsonSerializer.SerializeToElement(messages), tools, format) with { AddGenerationPrompt = generate, ContinueFinalMessage = false, SpecialTokens = RealTemplates.Tokens("<s>", "</s>") }, clock);

    private static string Calls(IReadOnlyList<ChatEvent> events) => string.Join(" | ", events.OfType<ChatEvent.CallStarted>().Select(start =>
        $"{start.Name} {Canonical(string.Concat(events.OfType<ChatEvent.CallArguments>().Where(part => part.Index == start.Index).Select(static part => part.Fragment)))}"));

    /// <summary>Events with what belongs together put together: cuts do not show.</summary>
    internal static string Joined(IReadOnlyList<ChatEvent> events)
    {
        StringBuilder text = new();
        Type? last = null;
        foreach (ChatEvent one in events)
        {
            if (one.GetType() != last || one is ChatEvent.CallStarted or ChatEvent.CallEnded)
                text.Append(" / ").Append(one.GetType().Name).Append(' ');
            last = one.GetType();
            text.Append(one switch
            {
                ChatEvent.Content content => content.Text,
                ChatEvent.Reasoning reasoning => reasoning.Text,
                ChatEvent.CallArguments arguments => arguments.Fragment,
                ChatEvent.CallStarted started => started.Name,
                ChatEvent.CallEnded ended => ended.IsComplete,
                _ => one.ToString(),
            });
        }

        return text.ToString();
    }

    private static string Canonical(string json)
    {
        try
        {
            JsonNode? node = JsonNode.Parse(json);
            return node is JsonObject members ? new JsonObject(members.OrderBy(static member => member.Key, StringComparer.Ordinal).Select(static member => KeyValuePair.Create(member.Key, member.Value?.DeepClone()))).ToJsonString() : json;
        }
        catch (JsonException)
        {
            return "no JSON: " + json;
        }
    }

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;
}
