using Fairlead.Protocols.Json;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Translation;

/// <summary>Writes a chat's tools, and how the model may choose among them.</summary>
internal static class ChatTools
{
    /// <summary>Writes <c>tools</c> and <c>tool_choice</c>, as far as there is anything to write.</summary>
    /// <param name="body">The request.</param>
    /// <param name="request">Scanned.</param>
    /// <param name="choice">Read off it.</param>
    /// <param name="thinks">The model will think, and cannot be made to call a tool.</param>
    /// <param name="draft">Where they go.</param>
    public static void Write(ReadOnlySpan<byte> body, Dialects.ScannedRequest request, scoped ref ChatToolChoice choice, bool thinks, ChatDraft draft)
    {
        bool any = false;
        WriteTools(request.Value(body, "tools"), bare: false, ref choice, draft, ref any);
        WriteTools(request.Value(body, "functions"), bare: true, ref choice, draft, ref any);
        if (any)
        {
            draft.Json.Close();
            WriteChoice(ref choice, thinks, request.Value(body, "parallel_tool_calls").SequenceEqual("false"u8), draft);
        }
        else if (choice.Forces)
        {
            draft.Note("tool_choice"); // there is nothing to call
        }
    }

    private static void WriteTools(ReadOnlySpan<byte> tools, bool bare, scoped ref ChatToolChoice choice, ChatDraft draft, ref bool any)
    {
        if (tools.IsEmpty || tools[0] != (byte)'[')
            return;
        var cursor = new JsonCursor(tools, JsonBounds.Scanned);
        cursor.Enter();
        bool first = true;
        while (cursor.NextElement(ref first))
        {
            if (cursor.Peek() != JsonKind.Object)
            {
                cursor.Skip();
                continue;
            }
            var tool = ChatTool.Read(ref cursor, tools, bare);
            if (!tool.IsFunction || !choice.Allows(tool.Name))
                continue;
            if (!any)
                draft.Json.OpenArray("tools"u8);
            any = true;
            WriteTool(ref tool, draft);
        }
    }

    private static void WriteTool(scoped ref ChatTool tool, ChatDraft draft)
    {
        JsonSink json = draft.Json;
        json.Open();
        json.Text("name"u8, tool.Name);
        if (tool.Description.Exists)
            json.Text("description"u8, tool.Description);
        WriteSchema(tool.Parameters, json);
        if (tool.Strict && draft.Rules.StructuredOutput)
            json.Json("strict"u8, "true"u8);
        else if (tool.Strict)
            draft.Note("tools.strict");
        draft.Mark(tool.CacheControl);
        json.Close();
    }

    /// <summary>A schema must say that it is an object's; OpenAI takes one that leaves it to be understood, and none at all for a function without arguments.</summary>
    private static void WriteSchema(ReadOnlySpan<byte> schema, JsonSink json)
    {
        if (schema.IsEmpty)
        {
            json.Json("input_schema"u8, """{"type":"object","properties":{}}"""u8);
            return;
        }
        if (HasType(schema))
        {
            json.Json("input_schema"u8, schema);
            return;
        }
        json.Open("input_schema"u8);
        json.Literal("type"u8, "object"u8);
        ReadOnlySpan<byte> members = schema[1..^1];
        if (!members.Trim(" \t\r\n"u8).IsEmpty)
            json.Json(members);
        json.Close();
    }

    private static bool HasType(ReadOnlySpan<byte> schema)
    {
        var cursor = new JsonCursor(schema, JsonBounds.Scanned);
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            if (JsonText.Is(name, escaped, "type"u8))
                return true;
            cursor.Skip();
        }
        return false;
    }

    private static void WriteChoice(scoped ref ChatToolChoice choice, bool thinks, bool oneAtATime, ChatDraft draft)
    {
        bool forced = choice.Forces;
        if (forced && (thinks || !draft.Rules.ForcedTools))
        {
            forced = false;
            draft.Note("tool_choice");
        }
        if (choice.Mode == ToolChoiceMode.Unsaid && !oneAtATime)
            return;
        JsonSink json = draft.Json;
        json.Open("tool_choice"u8);
        if (choice.Mode == ToolChoiceMode.None)
        {
            json.Literal("type"u8, "none"u8);
            json.Close();
            return;
        }
        json.Literal("type"u8, !forced ? "auto"u8 : choice.Mode == ToolChoiceMode.Required ? "any"u8 : "tool"u8);
        if (forced && choice.Mode == ToolChoiceMode.Named)
            json.Text("name"u8, choice.Name);
        if (oneAtATime)
            json.Json("disable_parallel_tool_use"u8, "true"u8);
        json.Close();
    }
}
