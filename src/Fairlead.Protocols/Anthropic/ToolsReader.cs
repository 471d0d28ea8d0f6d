using Fairlead.Domain.Problems;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Anthropic;

/// <summary>Checks <c>tools</c> and <c>tool_choice</c>, and notes what of them no other dialect can say.</summary>
internal static class ToolsReader
{
    /// <param name="value">As written, checked as JSON and not null.</param>
    /// <param name="facts">What is noted.</param>
    /// <param name="any">True when there is at least one.</param>
    public static Problem? ReadTools(ReadOnlySpan<byte> value, ConversationFacts facts, out bool any)
    {
        any = false;
        if (!JsonSpan.IsArray(value))
            return ValueReader.Wrong(value, "tools", "an array of tools");
        var elements = new JsonElements(value);
        for (int index = 0; elements.Next(out ReadOnlySpan<byte> element); index++)
        {
            any = true;
            if (ReadTool(element, index, facts) is { } problem)
                return problem;
        }
        return null;
    }

    /// <param name="value">As written, checked as JSON and not null.</param>
    /// <param name="facts">What is noted.</param>
    /// <param name="single">True when at most one call at a time is wanted.</param>
    public static Problem? ReadChoice(ReadOnlySpan<byte> value, ConversationFacts facts, out bool single)
    {
        single = false;
        if (!JsonSpan.IsObject(value))
            return ValueReader.Wrong(value, "tool_choice", "an object such as {\"type\": \"auto\"}");
        ToolChoice choice = ToolChoice.Read(value);
        if (!JsonSpan.IsString(choice.Type))
            return ValueReader.Wrong(choice.Type, "tool_choice.type", "\"auto\", \"any\", \"tool\" or \"none\"");
        if (choice.IsTool && !JsonSpan.IsString(choice.Name))
            return ValueReader.Wrong(choice.Name, "tool_choice.name", "the name of one of the tools");
        if (JsonSpan.IsSet(choice.Single) && choice.Single is not ([(byte)'t', ..] or [(byte)'f', ..]))
            return ValueReader.Wrong(choice.Single, "tool_choice.disable_parallel_tool_use", "true or false");
        if (!choice.IsKnown)
            facts.Bound.Add("tool_choice");
        single = JsonSpan.IsTrue(choice.Single);
        return null;
    }

    private static Problem? ReadTool(ReadOnlySpan<byte> tool, int index, ConversationFacts facts)
    {
        if (!JsonSpan.IsObject(tool))
            return ValueReader.Wrong(tool, $"tools[{index}]", "an object such as {\"name\": \"…\", \"input_schema\": {\"type\": \"object\"}}");
        ReadOnlySpan<byte> type = JsonMembers.Find(tool, "type"u8);
        if (JsonSpan.IsSet(type) && !JsonSpan.IsString(type))
            return ValueReader.Wrong(type, $"tools[{index}].type", "a string such as \"custom\"");
        if (JsonSpan.IsSet(type) && !JsonSpan.Is(type, "custom"u8))
        {
            // Anthropic's own: what it can do and how it is called stands nowhere in the request.
            facts.Bound.Add("tools", JsonSpan.Inner(type));
            return null;
        }
        ReadOnlySpan<byte> schema = default;
        ReadOnlySpan<byte> called = default;
        var members = new JsonMembers(tool);
        while (members.Next(out ReadOnlySpan<byte> name, out bool escaped, out ReadOnlySpan<byte> value))
        {
            if (JsonText.Is(name, escaped, "type"u8))
                continue;
            if (JsonText.Is(name, escaped, "name"u8))
            {
                called = value;
            }
            else if (JsonText.Is(name, escaped, "input_schema"u8))
            {
                schema = value;
            }
            else if (!JsonSpan.IsSet(value))
            {
                continue;
            }
            else if (JsonText.Is(name, escaped, "description"u8))
            {
                if (!JsonSpan.IsString(value))
                    return ValueReader.Wrong(value, $"tools[{index}].description", "a string");
            }
            else if (JsonText.Is(name, escaped, "strict"u8))
            {
                if (value is not ([(byte)'t', ..] or [(byte)'f', ..]))
                    return ValueReader.Wrong(value, $"tools[{index}].strict", "true or false");
            }
            else if (JsonText.Is(name, escaped, "cache_control"u8))
            {
                if (CacheControl.Check(value, $"tools[{index}].cache_control") is { } problem)
                    return problem;
                facts.Lost.Add("cache_control");
            }
            else if (!SaysNothing(name, value))
            {
                facts.Lost.Add("tools", name);
            }
        }
        if (!JsonSpan.IsString(called) || called.Length <= 2)
            return ValueReader.Wrong(called, $"tools[{index}].name", "a name");
        return JsonSpan.IsObject(schema) ? null : ValueReader.Wrong(schema, $"tools[{index}].input_schema", "a JSON schema such as {\"type\": \"object\"}");
    }

    /// <summary>A wish that is what happens anyhow where it cannot be said.</summary>
    private static bool SaysNothing(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) =>
        name.SequenceEqual("allowed_callers"u8) ? value.IndexOf("\"direct\""u8) >= 0
        : (name.SequenceEqual("defer_loading"u8) || name.SequenceEqual("eager_input_streaming"u8)) && value is [(byte)'f', ..];
}

/// <summary>A <c>tool_choice</c>, its members found and not yet judged; each as written, empty where it is not there.</summary>
internal ref struct ToolChoice
{
    public ReadOnlySpan<byte> Type { get; private set; }
    public ReadOnlySpan<byte> Name { get; private set; }

    /// <summary>The value of <c>disable_parallel_tool_use</c>.</summary>
    public ReadOnlySpan<byte> Single { get; private set; }

    public readonly bool IsAuto => JsonSpan.Is(Type, "auto"u8);
    public readonly bool IsAny => JsonSpan.Is(Type, "any"u8);
    public readonly bool IsTool => JsonSpan.Is(Type, "tool"u8);
    public readonly bool IsNone => JsonSpan.Is(Type, "none"u8);
    public readonly bool IsKnown => IsAuto || IsAny || IsTool || IsNone;

    /// <summary>Reads an object that has been checked as JSON.</summary>
    public static ToolChoice Read(ReadOnlySpan<byte> value) => new()
    {
        Type = JsonMembers.Find(value, "type"u8),
        Name = JsonMembers.Find(value, "name"u8),
        Single = JsonMembers.Find(value, "disable_parallel_tool_use"u8),
    };
}
