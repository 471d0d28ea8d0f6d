using Fairlead.Protocols.Anthropic;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Translation;

/// <summary>Writes the turns of a conversation as the messages of a chat.</summary>
/// <remarks>A result of a tool is a message of its own there, and holds text alone: its pictures and documents follow in the user's next message, which says
/// whose they are. Thoughts are left out: no upstream of that dialect takes them back.</remarks>
internal sealed class ChatTurns(PooledBuffer output)
{
    private bool _any;

    /// <param name="system">A string, blocks of text, or nothing.</param>
    public void WriteSystem(ReadOnlySpan<byte> system)
    {
        if (JsonSpan.IsString(system) || (JsonSpan.IsArray(system) && new JsonElements(system).Next(out _)))
            WriteTexts("system"u8, system);
    }

    public void WriteMessages(ReadOnlySpan<byte> messages)
    {
        for (var elements = new JsonElements(messages); elements.Next(out ReadOnlySpan<byte> message);)
        {
            ReadOnlySpan<byte> role = JsonMembers.Find(message, "role"u8);
            ReadOnlySpan<byte> content = JsonMembers.Find(message, "content"u8);
            if (JsonSpan.Is(role, "system"u8))
                WriteTexts("system"u8, content);
            else if (JsonSpan.Is(role, "assistant"u8))
                WriteAssistant(content);
            else
                WriteUser(content);
        }
    }

    /// <summary>A message that holds one string: texts that were blocks are paragraphs of it.</summary>
    private void WriteTexts(ReadOnlySpan<byte> role, ReadOnlySpan<byte> content)
    {
        Begin(role);
        if (JsonSpan.IsString(content))
        {
            output.Append(content);
        }
        else
        {
            output.Append("\""u8);
            var text = new Paragraphs(output);
            for (var blocks = new JsonElements(content); blocks.Next(out ReadOnlySpan<byte> element);)
            {
                var block = new ContentBlock(element);
                if (block.Kind == BlockType.Text)
                    text.Add(JsonSpan.Inner(block.Text));
            }
            output.Append("\""u8);
        }
        output.Append("}"u8);
    }

    private void WriteAssistant(ReadOnlySpan<byte> content)
    {
        Begin("assistant"u8);
        if (JsonSpan.IsString(content))
        {
            output.Append(content);
            output.Append("}"u8);
            return;
        }
        int start = output.Length;
        int calls = 0;
        bool apart = false;
        bool text = false;
        output.Append("\""u8);
        for (var blocks = new JsonElements(content); blocks.Next(out ReadOnlySpan<byte> element);)
        {
            var block = new ContentBlock(element);
            if (block.Kind == BlockType.Text)
            {
                // Neighbours are one text, cut where a citation began; what something else stood between is two.
                if (text && apart)
                    output.Append("\\n\\n"u8);
                output.Append(JsonSpan.Inner(block.Text));
                text |= block.Text.Length > 2;
                apart = false;
                continue;
            }
            apart = true;
            calls += block.Kind == BlockType.ToolUse ? 1 : 0;
        }
        output.Append("\""u8);
        if (calls > 0)
        {
            if (!text)
            {
                output.Truncate(start);
                output.Append("null"u8);
            }
            WriteCalls(content);
        }
        output.Append("}"u8);
    }

    private void WriteCalls(ReadOnlySpan<byte> content)
    {
        output.Append(",\"tool_calls\":"u8);
        bool first = true;
        for (var blocks = new JsonElements(content); blocks.Next(out ReadOnlySpan<byte> element);)
        {
            var block = new ContentBlock(element);
            if (block.Kind != BlockType.ToolUse)
                continue;
            output.Append(first ? "[{\"id\":"u8 : ",{\"id\":"u8);
            first = false;
            output.Append(block.Id);
            output.Append(",\"type\":\"function\",\"function\":{\"name\":"u8);
            output.Append(block.Name);
            output.Append(",\"arguments\":\""u8);
            JsonSplice.CompactWithinString(block.Input, output);
            output.Append("\"}}"u8);
        }
        output.Append("]"u8);
    }

    private void WriteUser(ReadOnlySpan<byte> content)
    {
        if (JsonSpan.IsString(content))
        {
            Begin("user"u8);
            output.Append(content);
            output.Append("}"u8);
            return;
        }
        bool results = false;
        for (var blocks = new JsonElements(content); blocks.Next(out ReadOnlySpan<byte> element);)
        {
            var block = new ContentBlock(element);
            if (block.Kind != BlockType.ToolResult)
                continue;
            results = true;
            WriteResult(block);
        }
        var parts = new ChatParts(this, output);
        for (var blocks = new JsonElements(content); results && blocks.Next(out ReadOnlySpan<byte> element);)
        {
            var block = new ContentBlock(element);
            if (block.Kind == BlockType.ToolResult)
                parts.AddAttachments(block);
        }
        for (var blocks = new JsonElements(content); blocks.Next(out ReadOnlySpan<byte> element);)
        {
            var block = new ContentBlock(element);
            if (block.Kind != BlockType.ToolResult)
                parts.Add(block);
        }
        parts.End(needed: !results);
    }

    /// <summary>A result of a tool, as text.</summary>
    private void WriteResult(in ContentBlock result)
    {
        output.Append(_any ? ",{\"role\":\"tool\",\"tool_call_id\":"u8 : "{\"role\":\"tool\",\"tool_call_id\":"u8);
        _any = true;
        output.Append(result.ToolUseId);
        output.Append(JsonSpan.IsTrue(result.IsError) ? ",\"content\":\"Error: "u8 : ",\"content\":\""u8);
        if (JsonSpan.IsString(result.Content))
        {
            output.Append(JsonSpan.Inner(result.Content));
        }
        else if (JsonSpan.IsArray(result.Content))
        {
            var text = new Paragraphs(output);
            BlockTexts.WriteAll(result.Content, ref text);
        }
        output.Append("\"}"u8);
    }

    /// <summary>Begins a message, up to its content.</summary>
    public void Begin(ReadOnlySpan<byte> role)
    {
        output.Append(_any ? ",{\"role\":\""u8 : "{\"role\":\""u8);
        _any = true;
        output.Append(role);
        output.Append("\",\"content\":"u8);
    }
}
