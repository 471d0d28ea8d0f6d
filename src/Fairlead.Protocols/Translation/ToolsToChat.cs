using Fairlead.Protocols.Anthropic;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Translation;

/// <summary>Writes tools as functions, and the choice among them.</summary>
internal static class ToolsToChat
{
    /// <summary>True when any was written: tools of the provider's own have no form here, and a request with one is not translated.</summary>
    public static bool WriteTools(ReadOnlySpan<byte> tools, BodyMembers members, PooledBuffer output)
    {
        bool any = false;
        for (var elements = new JsonElements(tools); elements.Next(out ReadOnlySpan<byte> tool);)
        {
            ReadOnlySpan<byte> type = JsonMembers.Find(tool, "type"u8);
            if (JsonSpan.IsSet(type) && !JsonSpan.Is(type, "custom"u8))
                continue;
            if (!any)
                members.Begin("tools");
            output.Append(any ? ","u8 : "["u8);
            any = true;
            WriteTool(tool, output);
        }
        if (any)
        {
            output.Append("]"u8);
            members.End();
        }
        return any;
    }

    public static void WriteChoice(ReadOnlySpan<byte> value, bool hasTools, BodyMembers members, PooledBuffer output)
    {
        ToolChoice choice = ToolChoice.Read(value);
        if (choice.IsTool)
        {
            members.Begin("tool_choice");
            output.Append("{\"type\":\"function\",\"function\":{\"name\":"u8);
            output.Append(choice.Name);
            output.Append("}}"u8);
            members.End();
        }
        else if (choice.IsAny)
        {
            members.Add("tool_choice", "\"required\""u8);
        }
        else if (hasTools) // without tools it says nothing, and OpenAI refuses it
        {
            members.Add("tool_choice", choice.IsNone ? "\"none\""u8 : "\"auto\""u8);
        }
        if (hasTools && JsonSpan.IsTrue(choice.Single))
            members.Add("parallel_tool_calls", "false"u8);
    }

    private static void WriteTool(ReadOnlySpan<byte> tool, PooledBuffer output)
    {
        output.Append("{\"type\":\"function\",\"function\":{\"name\":"u8);
        output.Append(JsonMembers.Find(tool, "name"u8));
        Member(",\"description\":"u8, JsonMembers.Find(tool, "description"u8), output);
        Member(",\"parameters\":"u8, JsonMembers.Find(tool, "input_schema"u8), output);
        Member(",\"strict\":"u8, JsonMembers.Find(tool, "strict"u8), output);
        output.Append("}}"u8);
    }

    private static void Member(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, PooledBuffer output)
    {
        if (!JsonSpan.IsSet(value))
            return;
        output.Append(name);
        output.Append(value);
    }
}
