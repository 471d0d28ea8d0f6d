using Fairlead.Domain.Problems;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Anthropic;

/// <summary>Checks <c>thinking</c> and <c>output_config</c>: how much a model thinks, and what form its answer has.</summary>
internal static class EffortReader
{
    /// <summary>Fewest tokens of a budget for thinking that Anthropic takes.</summary>
    private const long LeastBudget = 1024;

    /// <param name="value">As written, checked as JSON and not null.</param>
    /// <param name="facts">What is noted.</param>
    public static Problem? ReadThinking(ReadOnlySpan<byte> value, ConversationFacts facts)
    {
        if (!JsonSpan.IsObject(value))
            return ValueReader.Wrong(value, "thinking", "an object such as {\"type\": \"adaptive\"}");
        ReadOnlySpan<byte> type = JsonMembers.Find(value, "type"u8);
        if (!JsonSpan.IsString(type))
            return ValueReader.Wrong(type, "thinking.type", "\"enabled\", \"adaptive\", \"disabled\" or \"between_tools\"");
        ReadOnlySpan<byte> budget = JsonMembers.Find(value, "budget_tokens"u8);
        bool enabled = JsonSpan.Is(type, "enabled"u8);
        if ((enabled || JsonSpan.IsSet(budget)) && (!JsonText.TryWhole(budget, out long tokens) || tokens < LeastBudget))
            return ValueReader.Wrong(budget, "thinking.budget_tokens", $"a whole number of at least {LeastBudget}");
        ReadOnlySpan<byte> display = JsonMembers.Find(value, "display"u8);
        if (JsonSpan.IsSet(display) && !JsonSpan.IsString(display))
            return ValueReader.Wrong(display, "thinking.display", "\"summarized\" or \"omitted\"");
        if (!enabled && !JsonSpan.Is(type, "adaptive"u8) && !JsonSpan.Is(type, "disabled"u8) && !JsonSpan.Is(type, "between_tools"u8))
            facts.Bound.Add("thinking.type");
        if (JsonSpan.IsSet(display) && !JsonSpan.Is(display, "summarized"u8))
            facts.Lost.Add("thinking.display");
        var members = new JsonMembers(value);
        while (members.Next(out ReadOnlySpan<byte> name, out bool escaped, out ReadOnlySpan<byte> member))
        {
            bool known = JsonText.Is(name, escaped, "type"u8) || JsonText.Is(name, escaped, "budget_tokens"u8) || JsonText.Is(name, escaped, "display"u8);
            if (!known && JsonSpan.IsSet(member))
                facts.Lost.Add("thinking", name);
        }
        return null;
    }

    /// <param name="value">As written, checked as JSON and not null.</param>
    /// <param name="facts">What is noted.</param>
    /// <param name="effort">True when it says how much to think.</param>
    /// <param name="structured">True when it asks for an answer of a form.</param>
    public static Problem? ReadOutput(ReadOnlySpan<byte> value, ConversationFacts facts, out bool effort, out bool structured)
    {
        effort = structured = false;
        if (!JsonSpan.IsObject(value))
            return ValueReader.Wrong(value, "output_config", "an object such as {\"effort\": \"low\"}");
        var members = new JsonMembers(value);
        while (members.Next(out ReadOnlySpan<byte> name, out bool escaped, out ReadOnlySpan<byte> member))
        {
            if (!JsonSpan.IsSet(member))
                continue;
            if (JsonText.Is(name, escaped, "effort"u8))
            {
                if (!JsonSpan.IsString(member))
                    return ValueReader.Wrong(member, "output_config.effort", "a string such as \"low\"");
                effort = true;
            }
            else if (JsonText.Is(name, escaped, "format"u8))
            {
                if (ReadFormat(member, "output_config.format", facts) is { } problem)
                    return problem;
                structured = true;
            }
            else
            {
                facts.Lost.Add("output_config", name);
            }
        }
        return null;
    }

    /// <param name="value">As written, checked as JSON and not null.</param>
    /// <param name="field">Where it stands: <c>output_config.format</c>, or <c>output_format</c> as it was called before.</param>
    /// <param name="facts">What is noted.</param>
    public static Problem? ReadFormat(ReadOnlySpan<byte> value, string field, ConversationFacts facts)
    {
        if (!JsonSpan.IsObject(value))
            return ValueReader.Wrong(value, field, "an object such as {\"type\": \"json_schema\", \"schema\": {…}}");
        ReadOnlySpan<byte> type = JsonMembers.Find(value, "type"u8);
        if (!JsonSpan.IsString(type))
            return ValueReader.Wrong(type, field + ".type", "\"json_schema\"");
        if (!JsonSpan.Is(type, "json_schema"u8))
        {
            facts.Bound.Add(field);
            return null;
        }
        ReadOnlySpan<byte> schema = JsonMembers.Find(value, "schema"u8);
        return JsonSpan.IsObject(schema) ? null : ValueReader.Wrong(schema, field + ".schema", "a JSON schema such as {\"type\": \"object\"}");
    }
}
