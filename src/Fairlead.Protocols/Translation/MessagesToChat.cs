using System.Buffers;
using Fairlead.Domain.Inference;
using Fairlead.Protocols.Anthropic;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Json;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Translation;

/// <summary>Writes a message request as the chat completion that asks for the same.</summary>
/// <remarks>First in OpenAI's own form, then as every body of that dialect: the provider's quirks hold for both. Texts go over as they were escaped, and data
/// of images and documents is copied once.</remarks>
internal static class MessagesToChat
{
    public static void Write(ReadOnlySpan<byte> body, ScannedRequest request, in BodyEdits edits, IBufferWriter<byte> output)
    {
        using var chat = new PooledBuffer(body.Length + 512);
        var members = new BodyMembers(chat);
        chat.Append("{"u8);
        WriteMembers(body, request, members, chat);
        chat.Append("}"u8);
        var canonical = new ScannedRequest(
            request.Request with { Route = Route.Chat }, request.AskedModel, members.Written, request.Encoding, hasDeveloperRole: false, request.HasToolCallIds);
        UpstreamBodyWriter.Write(chat.Span, canonical, edits, output);
    }

    /// <summary>What the provider gets otherwise than the caller wrote it: what is lost, and ids that a quirk changes.</summary>
    public static string? Adapted(ScannedRequest request, RequestQuirks quirks)
    {
        string? lost = request.Request.LostInTranslation;
        if (!quirks.Has(RequestQuirks.NineCharToolCallIds) || !request.HasToolCallIds)
            return lost;
        return lost is null ? "messages" : $"{lost}, messages";
    }

    private static void WriteMembers(ReadOnlySpan<byte> body, ScannedRequest request, BodyMembers members, PooledBuffer output)
    {
        var conversation = new ChatTurns(output);
        bool hasTools = false;
        members.Add("model", "null"u8); // the writer of the dialect puts the offer's own there
        members.Begin("messages");
        output.Append("["u8);
        conversation.WriteSystem(request.Value(body, "system"));
        conversation.WriteMessages(request.Value(body, "messages"));
        output.Append("]"u8);
        members.End();

        foreach (TopMember member in request.Members)
        {
            ReadOnlySpan<byte> value = body[member.Value];
            if (!JsonSpan.IsSet(value))
                continue;
            switch (member.Name)
            {
                case "max_tokens" or "temperature" or "top_p" or "top_k":
                    members.Add(member.Name, value);
                    break;
                case "tools" when !value.SequenceEqual("[]"u8):
                    hasTools |= ToolsToChat.WriteTools(value, members, output);
                    break;
                case "stop_sequences":
                    WriteStops(value, members, output);
                    break;
                case "metadata" when JsonMembers.Find(value, "user_id"u8) is var user && JsonSpan.IsString(user):
                    members.Add("user", user);
                    break;
                case "output_format" when !HasFormat(body, request):
                    WriteFormat(value, members, output);
                    break;
                case "output_config" when JsonMembers.Find(value, "format"u8) is var format && JsonSpan.IsSet(format):
                    WriteFormat(format, members, output);
                    break;
            }
        }
        if (request.Value(body, "tool_choice") is var choice && JsonSpan.IsSet(choice))
            ToolsToChat.WriteChoice(choice, hasTools, members, output);
        if (Effort(body, request) is { IsEmpty: false } effort)
            members.Add("reasoning_effort", effort);
        if (request.Request.Stream)
        {
            members.Add("stream", "true"u8);
            members.Add("stream_options", "{\"include_usage\":true}"u8);
        }
    }

    private static void WriteStops(ReadOnlySpan<byte> value, BodyMembers members, PooledBuffer output)
    {
        int count = 0;
        for (var elements = new JsonElements(value); count < MessagesDraft.MostStopsElsewhere && elements.Next(out ReadOnlySpan<byte> element); count++)
        {
            if (count == 0)
                members.Begin("stop");
            output.Append(count == 0 ? "["u8 : ","u8);
            output.Append(element);
        }
        if (count == 0)
            return;
        output.Append("]"u8);
        members.End();
    }

    /// <summary>A schema has no name and no strictness here: it is always kept to. A form of another kind binds the request to its own dialect.</summary>
    private static void WriteFormat(ReadOnlySpan<byte> format, BodyMembers members, PooledBuffer output)
    {
        ReadOnlySpan<byte> schema = JsonMembers.Find(format, "schema"u8);
        if (!JsonSpan.IsObject(schema))
            return;
        members.Begin("response_format");
        output.Append("{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"output\",\"schema\":"u8);
        output.Append(schema);
        output.Append(",\"strict\":true}}"u8);
        members.End();
    }

    private static bool HasFormat(ReadOnlySpan<byte> body, ScannedRequest request) =>
        request.Value(body, "output_config") is var config && JsonSpan.IsSet(config) && JsonSpan.IsSet(JsonMembers.Find(config, "format"u8));

    /// <summary>How much to think: no thinking where that is said, else the effort where one is said, else what a budget comes to. Empty: nothing is said.</summary>
    private static ReadOnlySpan<byte> Effort(ReadOnlySpan<byte> body, ScannedRequest request)
    {
        ReadOnlySpan<byte> thinking = request.Value(body, "thinking");
        ReadOnlySpan<byte> type = JsonSpan.IsSet(thinking) ? JsonMembers.Find(thinking, "type"u8) : default;
        if (JsonSpan.Is(type, "disabled"u8) || JsonSpan.Is(type, "between_tools"u8))
            return "\"none\""u8;
        ReadOnlySpan<byte> config = request.Value(body, "output_config");
        ReadOnlySpan<byte> effort = JsonSpan.IsSet(config) ? JsonMembers.Find(config, "effort"u8) : default;
        if (JsonSpan.IsSet(effort))
            return effort;
        if (!JsonSpan.Is(type, "enabled"u8) || !JsonText.TryWhole(JsonMembers.Find(thinking, "budget_tokens"u8), out long budget))
            return default;
        return budget switch { < 2048 => "\"low\""u8, < 8192 => "\"medium\""u8, _ => "\"high\""u8 };
    }
}
