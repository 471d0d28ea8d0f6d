using System.Text;

namespace Fairlead.Engine.Chat;

/// <summary>
/// Splits what a model writes into content, reasoning and tool calls while it is being written. Text that turns out to be no call becomes
/// content; no event ever holds half of a mark.
/// </summary>
/// <remarks>
/// How the text is cut changes only where events are cut: joined, they are the same. Feed it the text with the special tokens that are
/// <see cref="ChatFormat.Keeps"/> names, without end tokens. One thread.
/// </remarks>
public sealed class ChatOutputParser
{
    private readonly ChatFormat _format;
    private readonly List<ChatEvent> _events = [];
    private readonly Arrived _text = new();
    private readonly CallSink _sink;
    private readonly bool _withTools;
    private readonly HarmonyReader? _harmony;

    /// <summary>White space that has arrived and is passed on only if text follows it.</summary>
    private readonly StringBuilder _space = new();
    private readonly Queue<ToolCallSyntax> _alternatives = new();
    private CallReader? _reader;
    private string _mark = "";
    private bool _isReasoning;
    private bool _dropSpace;
    private bool _hasContent;
    private bool _mayBeBare;

    internal ChatOutputParser(ChatFormat format, string prompt, ToolSchemas tools, ulong seed)
    {
        _format = format;
        _withTools = tools.Any && format.Calls.Count > 0;
        _sink = new CallSink(_events, tools, seed);
        _mayBeBare = _withTools && format.Calls[0].Open.Length == 0;
        if (format.Calls is [ToolCallSyntax.Harmony])
            _harmony = new HarmonyReader(_sink, _events, _withTools);
        string end = prompt.TrimEnd();
        _isReasoning = format.OpensReasoning(prompt);
        _dropSpace = _isReasoning;
        // Functionary's prompt ends with the mark of a call: what comes first is a name.
        if (format.Calls is [ToolCallSyntax.Named { ContentName: not null } named] && end.EndsWith(named.Open, StringComparison.Ordinal))
            BeginCalls(named.Open, fromPrompt: true);
    }

    /// <summary>Takes more text.</summary>
    /// <returns>What it means, in order.</returns>
    public IReadOnlyList<ChatEvent> Append(string text)
    {
        _events.Clear();
        if (text.Length > 0)
        {
            _text.Append(text);
            Read();
        }

        return _events.Count == 0 ? [] : [.. _events];
    }

    /// <summary>The text is complete.</summary>
    /// <returns>What was held back.</returns>
    public IReadOnlyList<ChatEvent> Finish()
    {
        _events.Clear();
        _text.Ended = true;
        Read();
        _reader?.End();
        _harmony?.End();
        // The answer's own last white space is part of it; before a call, after reasoning, it is not.
        if (_space.Length > 0 && !_isReasoning && _hasContent && !_dropSpace)
            _events.Add(new ChatEvent.Content(_space.ToString()));
        _space.Clear();
        return [.. _events];
    }

    private void Read()
    {
        if (_harmony is not null)
        {
            _harmony.Read(_text);
            return;
        }

        while (_reader is null ? ReadText() : ReadCalls())
        {
        }
    }

    /// <summary>Ordinary text up to the next mark. False: it needs more.</summary>
    private bool ReadText()
    {
        if (_mayBeBare && !_isReasoning)
        {
            int first = _text.Space();
            if (first == _text.Length && !_text.Ended)
                return false;
            _mayBeBare = false;
            if (first < _text.Length && _text.Rest[first] is '{' or '[')
            {
                BeginCalls("", fromPrompt: false);
                return true;
            }
        }

        // In the middle of an answer the mark of reasoning is a word like any other: somebody asks how a prompt is written.
        if (!_isReasoning && !_hasContent && _format.Reasoning is { } reasoning)
        {
            int first = _text.Space();
            switch (_text.At(first, reasoning.Open))
            {
                case Match.Open:
                    return false;
                case Match.Yes:
                    _text.Skip(first + reasoning.Open.Length);
                    _isReasoning = true;
                    _space.Clear();
                    _dropSpace = true;
                    return true;
            }
        }

        (int at, string? mark, bool undecided) = FindMark(_text.Rest);
        Emit(_text.Take(at));
        if (mark is null || undecided)
            return false;
        _text.Skip(mark.Length);
        Act(mark);
        return true;
    }

    private void Act(string mark)
    {
        if (_isReasoning)
        {
            _isReasoning = false;
            _space.Clear();
            _dropSpace = true;
            _mayBeBare = _withTools && _format.Calls[0].Open.Length == 0;
        }
        else if (_withTools && _format.Calls.Any(syntax => syntax.Open == mark))
        {
            BeginCalls(mark, fromPrompt: false);
        }
    }

    private void BeginCalls(string mark, bool fromPrompt)
    {
        _mark = fromPrompt ? "" : mark;
        _alternatives.Clear();
        foreach (ToolCallSyntax syntax in _format.Calls)
        {
            if (syntax.Open == mark)
                _alternatives.Enqueue(syntax);
        }

        NextReader();
    }

    private void NextReader()
    {
        _sink.BeginSection();
        _reader = !_alternatives.TryDequeue(out ToolCallSyntax? syntax) ? null : syntax switch
        {
            ToolCallSyntax.Json json => new JsonCallReader(json, _sink),
            ToolCallSyntax.Named named => new NamedCallReader(named, _sink),
            ToolCallSyntax.Tagged tagged => new TaggedCallReader(tagged, _sink),
            ToolCallSyntax.Python python => new LiteralCallReader(python.Close, isGemma: false, _sink),
            ToolCallSyntax.Gemma gemma => new LiteralCallReader(gemma.Close, isGemma: true, _sink),
            _ => throw new InvalidOperationException(syntax.GetType().Name),
        };
    }

    /// <summary>False: it needs more.</summary>
    private bool ReadCalls()
    {
        if (_sink.CallsHere == 0 && _format.Calls is [ToolCallSyntax.Named { ContentName: { } content }])
        {
            // ">>>all" and a line end: what follows is the answer.
            Match named = _text.At(0, content + "\n");
            if (named == Match.Open)
                return false;
            if (named == Match.Yes || !_withTools)
            {
                _text.Skip(named == Match.Yes ? content.Length + 1 : 0);
                _reader = null;
                _space.Clear();
                return true;
            }
        }

        switch (_reader!.Read(_text))
        {
            case Reading.Waits:
                return false;
            case Reading.Done:
                _reader = null;
                _space.Clear();
                _dropSpace = true;
                return true;
            default:
                NextReader();
                if (_reader is null)
                    Emit(_mark);
                return true;
        }
    }

    /// <summary>Where the next mark stands, or, undecided, where one may be arriving.</summary>
    private (int At, string? Mark, bool Undecided) FindMark(ReadOnlySpan<char> text)
    {
        IReadOnlyList<string> marks = _format.MarksFor(_isReasoning, _withTools);
        int best = text.Length;
        string? found = null;
        foreach (string mark in marks)
        {
            int at = text.IndexOf(mark, StringComparison.Ordinal);
            if (at >= 0 && (at < best || (at == best && mark.Length > found!.Length)))
                (best, found) = (at, mark);
        }

        if (_text.Ended)
            return (best, found, false);
        int arriving = text.Length;
        foreach (string mark in marks)
        {
            // Only what begins no later than the mark that was found can change anything; there it may be the longer one.
            for (int length = Math.Min(mark.Length - 1, text.Length); length > 0 && text.Length - length < arriving; length--)
            {
                if (text[^length..].SequenceEqual(mark.AsSpan(0, length)))
                    arriving = text.Length - length;
            }
        }

        return arriving < text.Length && arriving <= best ? (arriving, null, true) : (best, found, false);
    }

    /// <summary>Passes text on; white space at its end waits for what follows.</summary>
    private void Emit(string text)
    {
        if (text.Length == 0)
            return;
        int from = 0;
        if (_dropSpace)
        {
            while (from < text.Length && char.IsWhiteSpace(text[from]))
                from++;
            if (from == text.Length)
                return;
            _dropSpace = false;
        }

        int to = text.Length;
        while (to > from && char.IsWhiteSpace(text[to - 1]))
            to--;
        if (to > from)
        {
            string piece = _space + text[from..to];
            _space.Clear();
            if (!_isReasoning)
                _hasContent = true;
            _events.Add(_isReasoning ? new ChatEvent.Reasoning(piece) : new ChatEvent.Content(piece));
        }

        _space.Append(text, to, text.Length - to);
    }
}
