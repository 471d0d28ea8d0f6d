using System.Buffers;
using Fairlead.Protocols.Json;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Translation;

/// <summary>Writes the messages of a chat as Anthropic's <c>system</c> and its turns of user and assistant.</summary>
/// <remarks>
/// The instructions at the beginning are <c>system</c>; later ones are part of what the user says. Whatever stands between two messages of the assistant is one turn of the
/// user's, the results of tools first. Where Anthropic needs a turn of the user's and there is none, or an empty one, it says <c>.</c>, and that is noted.
/// </remarks>
/// <param name="messages">Of a request that was scanned.</param>
/// <param name="draft">Where they go.</param>
internal readonly ref struct TurnWriter(ChatMessages messages, ChatDraft draft)
{
    private readonly ChatMessages _messages = messages;
    private readonly ChatDraft _draft = draft;
    private readonly int _instructions = CountInstructions(messages);

    /// <summary>The last message that says something is the assistant's: it is to be continued.</summary>
    public bool EndsWithAssistant
    {
        get
        {
            int last = LastWords(_messages.Count);
            return last >= _instructions && _messages[last].Role == ChatRole.Assistant;
        }
    }

    /// <summary>Every turn of the tool loop that is under way begins with its thinking, as models that think by a budget need it.</summary>
    public bool LoopHasThinking
    {
        get
        {
            bool calls = false;
            for (int i = _messages.Count - 1; i >= _instructions; i--)
            {
                ChatMessage message = _messages[i];
                bool assistant = message.Role == ChatRole.Assistant;
                if (!assistant && !message.IsResult && _messages.CountParts(message) > 0)
                    return true; // the loop is over: the user has spoken
                calls = assistant && (calls || message.Calls);
                if (calls && !message.Thinks && !_messages.SaysNothing(message))
                    return false; // also what is said before a call: it is the beginning of the same turn
            }
            return true;
        }
    }

    /// <summary>Writes <c>system</c>, if there is any.</summary>
    public void WriteSystem()
    {
        int parts = 0;
        bool marked = false;
        for (int i = 0; i < _instructions; i++)
        {
            parts += _messages.CountParts(_messages[i]);
            marked |= IsMarked(_messages[i]);
        }
        if (parts == 0)
            return;
        if (parts > 1 || marked)
            _draft.Json.OpenArray("system"u8);
        for (int i = 0; i < _instructions; i++)
        {
            if (parts > 1 || marked)
                WriteBlocks(_messages[i], trimmed: false);
            else
                WriteSingle("system"u8, _messages[i], trimmed: false);
        }
        if (parts > 1 || marked)
            _draft.Json.Close();
    }

    /// <summary>Writes <c>messages</c>.</summary>
    public void WriteMessages()
    {
        NoteStrayThoughts();
        _draft.Json.OpenArray("messages"u8);
        bool any = false;
        bool assistant = false;
        for (int i = _instructions; i < _messages.Count;)
        {
            if (_messages.SaysNothing(_messages[i]))
            {
                i++;
                continue;
            }
            assistant = _messages[i].Role == ChatRole.Assistant;
            int end = EndOfTurn(i, assistant);
            if (assistant && !any)
                WriteFiller();
            if (assistant)
                WriteAssistant(i, end);
            else
                WriteUser(i, end);
            any = true;
            i = end;
        }
        if (!any || (assistant && !_draft.Rules.Prefill))
            WriteFiller();
        _draft.Json.Close();
    }

    private void NoteStrayThoughts()
    {
        for (int i = _instructions; i < _messages.Count; i++)
        {
            if (_messages[i].Role == ChatRole.Assistant && _messages[i].HasStrayThoughts)
                _draft.Note("messages.thinking_blocks");
        }
    }

    private static int CountInstructions(ChatMessages messages)
    {
        int count = 0;
        while (count < messages.Count && messages[count].Instructs)
            count++;
        return count;
    }

    /// <summary>The last message before <paramref name="end"/> that says something; -1 when there is none.</summary>
    private int LastWords(int end)
    {
        int last = end - 1;
        while (last >= 0 && _messages.SaysNothing(_messages[last]))
            last--;
        return last;
    }

    private int EndOfTurn(int start, bool assistant)
    {
        int end = start + 1;
        while (end < _messages.Count && (_messages.SaysNothing(_messages[end]) || (_messages[end].Role == ChatRole.Assistant) == assistant))
            end++;
        return end;
    }

    private void WriteFiller()
    {
        _draft.Json.Json("""{"role":"user","content":"."}"""u8);
        _draft.Note("messages");
    }

    private void WriteUser(int start, int end)
    {
        int parts = 0;
        bool blocks = false;
        for (int i = start; i < end; i++)
        {
            ChatMessage message = _messages[i];
            if (message.IsResult)
            {
                blocks = true;
                continue;
            }
            int count = _messages.CountParts(message);
            parts += count;
            blocks |= count > 0 && (IsMarked(message) || HasMedia(message));
        }
        if (parts == 0 && !blocks)
        {
            WriteFiller();
            return;
        }
        JsonSink json = _draft.Json;
        json.Open();
        json.Literal("role"u8, "user"u8);
        if (parts > 1 || blocks)
            json.OpenArray("content"u8);
        for (int i = start; i < end && blocks; i++)
        {
            if (_messages[i].IsResult)
                WriteResult(i);
        }
        for (int i = start; i < end; i++)
        {
            ChatMessage message = _messages[i];
            if (message.IsResult)
                continue;
            if (parts > 1 || blocks)
                WriteBlocks(message, trimmed: false);
            else
                WriteSingle("content"u8, message, trimmed: false);
        }
        if (parts > 1 || blocks)
            json.Close();
        json.Close();
    }

    private void WriteAssistant(int start, int end)
    {
        int parts = 0;
        bool blocks = false;
        for (int i = start; i < end; i++)
        {
            ChatMessage message = _messages[i];
            int count = _messages.CountParts(message);
            parts += count;
            blocks |= message.Calls || message.Thinks || (count > 0 && IsMarked(message));
        }
        // What an answer is to go on from must not end in white space.
        int last = end == _messages.Count ? LastWords(end) : -1;
        JsonSink json = _draft.Json;
        json.Open();
        json.Literal("role"u8, "assistant"u8);
        if (parts > 1 || blocks)
            json.OpenArray("content"u8);
        for (int i = start; i < end; i++)
        {
            ChatMessage message = _messages[i];
            if (parts > 1 || blocks)
                WriteAssistant(message, i, trimmed: i == last);
            else
                WriteSingle("content"u8, message, trimmed: i == last);
        }
        if (parts > 1 || blocks)
            json.Close();
        json.Close();
    }

    private void WriteAssistant(ChatMessage message, int index, bool trimmed)
    {
        WriteThinking(_messages.Of(message.ThinkingBlocks));
        WriteBlocks(message, trimmed && !message.Calls);
        WriteCalls(_messages.Of(message.ToolCalls));
        ReadOnlySpan<byte> single = _messages.Of(message.FunctionCall);
        if (single.IsEmpty)
            return;
        var cursor = new JsonCursor(single, JsonBounds.Scanned);
        cursor.Peek();
        var call = ChatCall.Read(ref cursor, single, bare: true);
        WriteCall(ref call, FunctionCallId(index));
    }

    /// <summary>Thinking goes back as it came, signatures and all.</summary>
    private void WriteThinking(ReadOnlySpan<byte> blocks)
    {
        if (blocks.IsEmpty)
            return;
        for (var elements = new JsonElements(blocks); elements.Next(out ReadOnlySpan<byte> element);)
        {
            if (ChatMessages.IsThought(element))
                WriteThought(element);
        }
    }

    /// <summary>Without the number that it had in a stream of ours (<see cref="ThinkingKeeper"/>): Anthropic refuses members that it does not know.</summary>
    private void WriteThought(ReadOnlySpan<byte> block)
    {
        if (block.IndexOf("\"index\""u8) < 0)
        {
            _draft.Json.Json(block);
            return;
        }
        _draft.Json.Open();
        var cursor = new JsonCursor(block, JsonBounds.Scanned);
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out _))
        {
            cursor.Skip(out Range range);
            if (!name.SequenceEqual("index"u8))
                _draft.Json.Json(name, block[range]);
        }
        _draft.Json.Close();
    }

    private void WriteCalls(ReadOnlySpan<byte> calls)
    {
        if (calls.IsEmpty)
            return;
        var cursor = new JsonCursor(calls, JsonBounds.Scanned);
        cursor.Enter();
        bool first = true;
        while (cursor.NextElement(ref first))
        {
            if (cursor.Peek() != JsonKind.Object)
            {
                cursor.Skip(); // the request is bound to its dialect
                continue;
            }
            var call = ChatCall.Read(ref cursor, calls, bare: false);
            WriteCall(ref call, null);
        }
    }

    private void WriteCall(scoped ref ChatCall call, string? id)
    {
        JsonSink json = _draft.Json;
        json.Open();
        json.Literal("type"u8, "tool_use"u8);
        if (id is null)
            ToolUseIds.Write("id"u8, call.Id, json);
        else
            json.Plain("id"u8, id);
        json.Text("name"u8, call.Name);
        if (!call.ArgumentsObject.IsEmpty)
            json.Json("input"u8, call.ArgumentsObject);
        else if (call.Arguments.IsBlank || !TryWriteInput(call.Arguments))
            json.Json("input"u8, "{}"u8);
        json.Close();
    }

    /// <summary>Writes arguments that are a JSON object; false, noted and with nothing written, when they are none.</summary>
    private bool TryWriteInput(JsonString arguments)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent(arguments.Raw.Length);
        try
        {
            ReadOnlySpan<byte> text = bytes.AsSpan(0, arguments.Unescape(bytes)).Trim(" \t\r\n"u8);
            var cursor = new JsonCursor(text, JsonBounds.Default, MemberNames.ForOneText());
            if (cursor.Peek() == JsonKind.Object && cursor.Skip() && cursor.AtEnd())
            {
                _draft.Json.Json("input"u8, text);
                return true;
            }
            _draft.Note("messages.tool_calls.arguments");
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private void WriteResult(int index)
    {
        ChatMessage message = _messages[index];
        JsonSink json = _draft.Json;
        json.Open();
        json.Literal("type"u8, "tool_result"u8);
        if (message.Role == ChatRole.Function)
            json.Plain("tool_use_id"u8, FunctionCallId(CallOf(index)));
        else
            ToolUseIds.Write("tool_use_id"u8, _messages.StringOf(message.ToolCallId), json);
        JsonString single = _messages.StringOf(message.Content);
        if (single is { Exists: true, IsBlank: false })
        {
            json.Text("content"u8, single);
        }
        else if (_messages.CountParts(message) > 0)
        {
            json.OpenArray("content"u8);
            ChatPartReader parts = _messages.PartsOf(message);
            while (parts.Next(out ChatPart part))
                WriteBlock(ref part, part.Text, default);
            json.Close();
        }
        _draft.Mark(_messages.Of(message.CacheControl));
        json.Close();
    }

    /// <summary>The message that called the function whose result stands at <paramref name="index"/>: the nearest one before it of that name.</summary>
    private int CallOf(int index)
    {
        string name = _messages.StringOf(_messages[index].Name).ToString();
        for (int i = index - 1; i >= 0; i--)
        {
            ReadOnlySpan<byte> single = _messages.Of(_messages[i].FunctionCall);
            if (single.IsEmpty)
                continue;
            var cursor = new JsonCursor(single, JsonBounds.Scanned);
            cursor.Peek();
            if (ChatCall.Read(ref cursor, single, bare: true).Name.ToString() == name)
                return i;
        }
        return index;
    }

    /// <summary>Calls of functions, as they were called before, have no ids.</summary>
    private static string FunctionCallId(int message) => $"function_call_{message}";

    private bool IsMarked(ChatMessage message)
    {
        if (!message.CacheControl.Equals(default))
            return true;
        ChatPartReader parts = _messages.PartsOf(message);
        while (parts.Next(out ChatPart part))
        {
            if (part.IsMarked)
                return true;
        }
        return false;
    }

    private bool HasMedia(ChatMessage message)
    {
        ChatPartReader parts = _messages.PartsOf(message);
        while (parts.Next(out ChatPart part))
        {
            if (part.Kind != ChatPartKind.Text)
                return true;
        }
        return false;
    }

    /// <summary>Writes the text of a message that is one text as a member; nothing where the message has none.</summary>
    private void WriteSingle(ReadOnlySpan<byte> name, ChatMessage message, bool trimmed)
    {
        ChatPartReader parts = _messages.PartsOf(message);
        if (parts.Next(out ChatPart part))
            _draft.Json.Text(name, trimmed ? part.Text.TrimEnd() : part.Text);
    }

    /// <summary>Writes what a message says as blocks.</summary>
    /// <param name="message">The message; its own mark goes to the last block.</param>
    /// <param name="trimmed">The last block ends without white space.</param>
    private void WriteBlocks(ChatMessage message, bool trimmed)
    {
        ReadOnlySpan<byte> mark = _messages.Of(message.CacheControl);
        int left = trimmed || !mark.IsEmpty ? _messages.CountParts(message) : int.MaxValue;
        ChatPartReader parts = _messages.PartsOf(message);
        while (parts.Next(out ChatPart part))
        {
            bool last = --left == 0;
            WriteBlock(ref part, trimmed && last ? part.Text.TrimEnd() : part.Text, last ? mark : default);
        }
    }

    private void WriteBlock(scoped ref ChatPart part, JsonString text, ReadOnlySpan<byte> mark)
    {
        JsonSink json = _draft.Json;
        json.Open();
        if (part.Kind == ChatPartKind.Text)
        {
            json.Literal("type"u8, "text"u8);
            json.Text("text"u8, text);
        }
        else
        {
            MediaBlock.Write(ref part, json);
        }
        _draft.Mark(mark, ref part);
        json.Close();
    }
}
