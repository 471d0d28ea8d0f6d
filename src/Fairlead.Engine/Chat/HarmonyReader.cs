namespace Fairlead.Engine.Chat;

/// <summary>
/// Reads <see cref="ToolCallSyntax.Harmony"/>: messages with a channel (<c>analysis</c> is reasoning, <c>final</c> the answer) and, where a
/// function is called, a recipient. Reference: the harmony response format, github.com/openai/harmony (docs/format.md).
/// </summary>
internal sealed class HarmonyReader(CallSink sink, List<ChatEvent> events, bool withTools)
{
    private const string Body = "<|message|>";

    /// <summary>Longer is no header: a role, a recipient and a channel.</summary>
    private const int MaxHeader = 1_000;

    private static readonly string[] Ends = ["<|end|>", "<|call|>", "<|return|>", "<|start|>"];
    private Kind _kind = Kind.Header;

    private enum Kind
    {
        Header,
        Content,
        Reasoning,
        Call,
    }

    public void Read(Arrived text)
    {
        while (_kind == Kind.Header ? ReadHeader(text) : ReadBody(text))
        {
        }
    }

    public void End() => sink.EndOpenCall(isComplete: _kind == Kind.Call);

    private bool ReadHeader(Arrived text)
    {
        int first = text.Space();
        ReadOnlySpan<char> rest = text.Rest[first..];
        bool mayBeHeader = rest.Length == 0 || Begins(rest, "<|channel|>") || Begins(rest, "<|start|>") || Begins(rest, "to=") || Begins(rest, "assistant");
        int end = mayBeHeader ? rest[..Math.Min(rest.Length, MaxHeader)].IndexOf(Body, StringComparison.Ordinal) : -1;
        if (end < 0)
        {
            if (mayBeHeader && rest.Length < MaxHeader && !text.Ended)
                return false;
            // A header that was cut off says nothing; anything else is an answer without one.
            if (text.Ended && (rest.Length == 0 || rest.StartsWith("<|", StringComparison.Ordinal)))
                return false;
            _kind = Kind.Content;
            return true;
        }

        text.Skip(first);
        string header = text.Take(end + Body.Length);
        string? recipient = Field(header, "to=");
        string? channel = Field(header, "<|channel|>");
        if (recipient is not null && withTools && recipient.StartsWith("functions.", StringComparison.Ordinal))
        {
            _kind = Kind.Call;
            sink.BeginSection();
            sink.Start(recipient[10..], null);
        }
        else
        {
            _kind = channel == "analysis" ? Kind.Reasoning : Kind.Content;
        }

        return true;
    }

    private bool ReadBody(Arrived text)
    {
        ReadOnlySpan<char> rest = text.Rest;
        (int at, int length) = (rest.Length, 0);
        foreach (string mark in Ends)
        {
            int found = rest.IndexOf(mark, StringComparison.Ordinal);
            if (found >= 0 && found < at)
                (at, length) = (found, mark.Length);
        }

        bool ends = length > 0;
        if (!ends && !text.Ended)
            at -= Ends.Max(mark => Beginning(text.Rest, mark));
        Emit(text.Take(at));
        if (!ends)
            return false;
        text.Skip(length);
        if (_kind == Kind.Call)
            sink.EndOpenCall(isComplete: true);
        _kind = Kind.Header;
        return true;
    }

    private void Emit(string text)
    {
        if (text.Length == 0)
            return;
        if (_kind == Kind.Call)
            sink.Arguments(text);
        else
            events.Add(_kind == Kind.Reasoning ? new ChatEvent.Reasoning(text) : new ChatEvent.Content(text));
    }

    private static string? Field(string header, string name)
    {
        int from = header.IndexOf(name, StringComparison.Ordinal);
        if (from < 0)
            return null;
        from += name.Length;
        int to = from;
        while (to < header.Length && (char.IsLetterOrDigit(header[to]) || header[to] is '_' or '.' or '-'))
            to++;
        return header[from..to];
    }

    private static bool Begins(ReadOnlySpan<char> text, string word) =>
        text.Length < word.Length ? word.AsSpan().StartsWith(text, StringComparison.Ordinal) : text.StartsWith(word, StringComparison.Ordinal);

    /// <summary>How many characters at the end of the text may be the beginning of the mark.</summary>
    private static int Beginning(ReadOnlySpan<char> text, string mark)
    {
        for (int length = Math.Min(mark.Length - 1, text.Length); length > 0; length--)
        {
            if (text[^length..].SequenceEqual(mark.AsSpan(0, length)))
                return length;
        }

        return 0;
    }
}
