using System.Text.Json;
using Fairlead.Engine.Templates;

namespace Fairlead.Engine.Chat;

/// <summary>Finds out what a template does by rendering small conversations with it.</summary>
internal sealed class TemplateProbe(ChatTemplate template, IReadOnlyDictionary<string, string> specialTokens)
{
    private const string Tools = """[{"type": "function", "function": {"name": "probe_tool", "description": "d", "parameters": {"type": "object", "properties": {"city": {"type": "string", "description": "d"}, "days": {"type": "integer", "description": "d"}}, "required": ["city"]}}}]""";
    private const string User = """{"role": "user", "content": "q"}""";

    /// <summary>A fixed moment: nothing that is asked here depends on it.</summary>
    private static readonly TimeProvider Clock = new StandingClock();

    /// <summary>Forms of an assistant's turn with a call, the likeliest first.</summary>
    private static readonly (bool Text, bool Null)[] Forms = [(false, false), (false, true), (true, false), (true, true)];

    public ChatFormat Find(Func<string, bool>? isToken, IEnumerable<string> special)
    {
        ReasoningSyntax? reasoning = ReasoningSyntax.Detect(template.Source, isToken);
        TemplateTraits traits = new()
        {
            ContentParts = TakesParts(),
            DeveloperRole = KnowsDeveloper(),
            ShortIds = !Renders(Turn("call_0123456789", false, false)) && !Renders(Turn("call_0123456789", true, false)) && Renders(Turn("abcdef123", false, false)),
        };
        foreach ((bool text, bool isNull) in Forms)
        {
            if (TurnWithCall(text, isNull) is not var (prompt, turn))
                continue;
            foreach (IReadOnlyList<ToolCallSyntax> family in ToolCallSyntax.Known)
            {
                if (ReadsBack(family[0], prompt, turn))
                    return new ChatFormat(family, Fitting(reasoning, family), traits with { ArgumentsAsText = text, NullContentBesideCalls = isNull }, special);
            }
        }

        // The template writes no calls. It may still tell the model how to: then the marks stand in its text.
        IReadOnlyList<ToolCallSyntax>? told = ToolCallSyntax.Known.FirstOrDefault(family => family[0].Open.Length > 2 && template.Source.Contains(family[0].Open, StringComparison.Ordinal))
            ?? (isToken is null ? null : ToolCallSyntax.Known.FirstOrDefault(family => family[0].Open.Length > 2 && isToken(family[0].Open)));
        return new ChatFormat(told ?? [], reasoning, traits with { NullContentBesideCalls = !Renders(Turn("abcdef123", false, false)) && Renders(Turn("abcdef123", false, true)) }, special);
    }

    /// <summary>Harmony has channels for reasoning; a mark found besides is only text of the template.</summary>
    private static ReasoningSyntax? Fitting(ReasoningSyntax? reasoning, IReadOnlyList<ToolCallSyntax> family) => family is [ToolCallSyntax.Harmony] ? null : reasoning;

    /// <summary>The assistant's turn as the template writes it, and what stands before it; null where it cannot.</summary>
    private (string Prompt, string Turn)? TurnWithCall(bool asText, bool isNull)
    {
        string? before = Render($"[{User}]", generate: true);
        string? open = Render($"[{User}]", generate: false);
        string call = Turn("abcdef123", asText, isNull);
        string? whole = Render($"[{User}, {call}]", generate: false)
            // Some look for the result of a call, or write it only once the turn is over.
            ?? Render($$"""[{{User}}, {{call}}, {"role": "tool", "tool_call_id": "abcdef123", "name": "probe_tool", "content": "r"}]""", generate: false);
        if (whole is null)
            return null;
        string start = before is not null && whole.StartsWith(before, StringComparison.Ordinal) ? before : open ?? "";
        int from = whole.AsSpan().CommonPrefixLength(start);
        return (whole[..from], whole[from..]);
    }

    private static bool ReadsBack(ToolCallSyntax syntax, string prompt, string turn)
    {
        using JsonDocument tools = JsonDocument.Parse(Tools);
        ChatFormat format = new([syntax], null, new TemplateTraits());
        // Bare JSON stands at the beginning of an answer, behind whatever the template puts before it.
        if (syntax.Open.Length == 0 && syntax is ToolCallSyntax.Json)
            turn = turn[Math.Max(0, turn.IndexOf('{', StringComparison.Ordinal))..];
        if (syntax is ToolCallSyntax.Harmony && !turn.Contains("<|message|>", StringComparison.Ordinal))
            return false;
        ChatOutputParser parser = format.NewParser(prompt, tools.RootElement, 0);
        List<ChatEvent> events = [.. parser.Append(turn), .. parser.Finish()];
        string arguments = string.Concat(events.OfType<ChatEvent.CallArguments>().Select(static part => part.Fragment));
        return events.OfType<ChatEvent.CallStarted>().ToArray() is [{ Name: "probe_tool" }]
            && events.OfType<ChatEvent.CallEnded>().All(static end => end.IsComplete) && IsProbe(arguments);
    }

    private static bool IsProbe(string arguments)
    {
        using JsonDocument json = JsonDocument.Parse(arguments);
        return json.RootElement.ValueKind == JsonValueKind.Object
            && json.RootElement.TryGetProperty("city", out JsonElement city) && city.ValueKind == JsonValueKind.String && city.ValueEquals("Oslo")
            && json.RootElement.TryGetProperty("days", out JsonElement days) && days.ValueKind == JsonValueKind.Number && days.GetInt32() == 3;
    }

    private bool TakesParts()
    {
        string? prompt = Render("""[{"role": "user", "content": [{"type": "text", "text": "part-a"}, {"type": "text", "text": "part-b"}]}]""", generate: true);
        return prompt is not null && prompt.Contains("part-a", StringComparison.Ordinal) && prompt.Contains("part-b", StringComparison.Ordinal)
            // A list that is printed as Python prints it was not understood.
            && !prompt.Contains("'part-a'", StringComparison.Ordinal) && !prompt.Contains("\"part-a\"", StringComparison.Ordinal);
    }

    /// <summary>Known is a role that the template names; one that it copies like any word is not.</summary>
    private bool KnowsDeveloper() =>
        (template.Source.Contains("'developer'", StringComparison.Ordinal) || template.Source.Contains("\"developer\"", StringComparison.Ordinal))
        && Render($$"""[{"role": "developer", "content": "rule-a"}, {{User}}]""", generate: true)?.Contains("rule-a", StringComparison.Ordinal) == true;

    private bool Renders(string turn) => Render($"[{User}, {turn}]", generate: false) is not null;

    private static string Turn(string id, bool asText, bool isNull) =>
        $$$"""{"role": "assistant", "content": {{{(isNull ? "null" : "\"\"")}}}, "tool_calls": [{"id": "{{{id}}}", "type": "function", "function": {"name": "probe_tool", "arguments": {{{(asText ? "\"{\\\"city\\\": \\\"Oslo\\\", \\\"days\\\": 3}\"" : "{\"city\": \"Oslo\", \"days\": 3}")}}}}}]}""";

    private string? Render(string messages, bool generate)
    {
        using JsonDocument conversation = JsonDocument.Parse(messages);
        using JsonDocument tools = JsonDocument.Parse(Tools);
        try
        {
            return template.Render(
                new ChatTemplateInput { Messages = conversation.RootElement, Tools = tools.RootElement, AddGenerationPrompt = generate, SpecialTokens = specialTokens }, Clock);
        }
        catch (ChatTemplateException)
        {
            // That it refuses this form is what we wanted to know.
            return null;
        }
    }

    private sealed class StandingClock : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch;
    }
}
