namespace Fairlead.Engine.Chat;

/// <summary>Reads <see cref="ToolCallSyntax.Named"/>: a header with the name, then arguments as JSON. One call for each mark.</summary>
internal sealed class NamedCallReader(ToolCallSyntax.Named syntax, CallSink sink) : CallReader(sink)
{
    private ArgumentStream? _arguments;
    private bool _argumentsRead;

    public override Reading Read(Arrived text)
    {
        if (_arguments is null)
        {
            Reading? header = ReadHeader(text);
            if (header is not null)
                return header.Value;
        }

        if (!_argumentsRead && !_arguments!.Read(text))
            return Reading.Waits;
        if (!_argumentsRead)
        {
            _argumentsRead = true;
            Sink.EndOpenCall(isComplete: true);
        }

        return ReadClose(text);
    }

    private Reading? ReadHeader(Arrived text)
    {
        foreach (HeaderPattern pattern in syntax.Headers)
        {
            Match match = pattern.Read(text.Rest, text.Ended, out Dictionary<string, string> fields, out int length);
            if (match == Match.No)
                continue;
            int at = match == Match.Yes ? text.Space(length) : length;
            if (match == Match.Open || at == text.Length)
                return text.Ended || text.Length > MaxHeader ? Reading.NoCall : Reading.Waits;
            if (text.Rest[at] != '{')
                continue;
            (string name, string? id) = NameOf(fields);
            text.Skip(at);
            Sink.Start(name, id);
            _arguments = new ArgumentStream(Sink);
            return null;
        }

        return Reading.NoCall;
    }

    private Reading ReadClose(Arrived text)
    {
        if (syntax.Close.Length == 0)
            return Reading.Done;
        // DeepSeek R1 closes its Markdown block before its own mark.
        int at = text.Space();
        Match fence = text.At(at, "```");
        if (fence == Match.Yes)
            at = text.Space(at + 3);
        Match close = text.At(at, syntax.Close);
        if (fence == Match.Open || close == Match.Open || (at == text.Length && !text.Ended))
            return Reading.Waits;
        if (close == Match.Yes)
            text.Skip(at + syntax.Close.Length);
        return Reading.Done;
    }

    /// <summary>The name, which Kimi writes inside the id: <c>functions.NAME:0</c>.</summary>
    private static (string Name, string? Id) NameOf(Dictionary<string, string> fields)
    {
        string? id = fields.GetValueOrDefault("id");
        if (fields.TryGetValue("name", out string? name))
            return (name, id);
        name = id!;
        int colon = name.LastIndexOf(':');
        if (colon > 0)
            name = name[..colon];
        return (name.StartsWith("functions.", StringComparison.Ordinal) ? name[10..] : name, id);
    }
}
