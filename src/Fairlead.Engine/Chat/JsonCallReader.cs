using System.Text;

namespace Fairlead.Engine.Chat;

/// <summary>Streams one JSON object that a model writes as arguments, also where it wrote it as a text that holds JSON.</summary>
internal sealed class ArgumentStream(CallSink sink)
{
    private readonly JsonExtent _extent = new();
    private bool _isText;
    private bool _begun;

    /// <summary>Whether the arguments can begin with this character.</summary>
    public static bool CanBegin(char c) => c is '{' or '"';

    /// <summary>Passes on what has arrived; true once the value is complete.</summary>
    public bool Read(Arrived text)
    {
        if (!_begun && text.Length > 0)
        {
            _begun = true;
            _isText = text.Rest[0] == '"';
            if (_isText)
                text.Skip(1);
        }

        if (_isText)
            return ReadText(text);
        int count = _extent.Take(text.Rest, out bool complete);
        sink.Arguments(text.Take(count));
        return complete;
    }

    private bool ReadText(Arrived text)
    {
        StringBuilder fragment = new();
        bool complete = false;
        int at = 0;
        ReadOnlySpan<char> rest = text.Rest;
        for (; at < rest.Length && !complete; at++)
        {
            if (rest[at] == '"')
            {
                complete = true;
            }
            else if (rest[at] == '\\')
            {
                int used = JsonExtent.Unescape(rest[at..], out string unescaped);
                if (used == 0)
                    break;
                fragment.Append(used > 0 ? unescaped : "\\");
                at += Math.Max(used, 1) - 1;
            }
            else
            {
                fragment.Append(rest[at]);
            }
        }

        text.Skip(at);
        sink.Arguments(fragment.ToString());
        return complete;
    }
}

/// <summary>Reads <see cref="ToolCallSyntax.Json"/>: objects with a name and arguments, alone, one after another, or in a list.</summary>
internal sealed class JsonCallReader(ToolCallSyntax.Json syntax, CallSink sink) : CallReader(sink)
{
    private State _state;
    private ArgumentStream? _arguments;
    private bool _inList;

    private enum State
    {
        /// <summary>Before an object.</summary>
        Between,
        Arguments,

        /// <summary>Behind the arguments, before the brace that ends the object.</summary>
        Tail,

        /// <summary>Behind the list.</summary>
        AfterList,
    }

    public override Reading Read(Arrived text)
    {
        while (true)
        {
            switch (_state)
            {
                case State.Between:
                    if (ReadBetween(text) is { } reading)
                        return reading;
                    break;
                case State.Arguments:
                    if (!_arguments!.Read(text))
                        return Reading.Waits;
                    _state = State.Tail;
                    break;
                case State.Tail:
                    Match tail = ReadTail(text);
                    if (tail == Match.Open)
                        return Reading.Waits;
                    Sink.EndOpenCall(isComplete: true);
                    if (tail == Match.No)
                        return Reading.Done;
                    _state = State.Between;
                    break;
                case State.AfterList:
                    int at = text.Space();
                    Match close = syntax.Close.Length == 0 ? Match.No : text.At(at, syntax.Close);
                    if (close == Match.Open || (at == text.Length && !text.Ended && syntax.Close.Length > 0))
                        return Reading.Waits;
                    if (close == Match.Yes)
                        text.Skip(at + syntax.Close.Length);
                    return Reading.Done;
            }
        }
    }

    /// <summary>Finds the next object. Null: go on in the state that is set now.</summary>
    private Reading? ReadBetween(Arrived text)
    {
        // Nothing is taken before the first call is sure.
        int at = text.Space();
        if (syntax.Fence && Sink.CallsHere == 0)
        {
            Match fence = text.At(at, "```json");
            if (fence == Match.Open)
                return Reading.Waits;
            if (fence == Match.Yes)
                at = text.Space(at + 7);
        }

        bool opensList = false;
        while (at < text.Length && (text.Rest[at] is ',' or ';' || (text.Rest[at] == '[' && !_inList && !opensList && Sink.CallsHere == 0)))
        {
            opensList |= text.Rest[at] == '[';
            if (text.Rest[at] is ',' or ';' && Sink.CallsHere == 0)
                return Over;
            at = text.Space(at + 1);
        }

        if (at == text.Length)
            return text.Ended || at > MaxHeader ? Over : Reading.Waits;
        if (syntax.Close.Length > 0 && Sink.CallsHere > 0)
        {
            switch (text.At(at, syntax.Close))
            {
                case Match.Open:
                    return Reading.Waits;
                case Match.Yes:
                    text.Skip(at + syntax.Close.Length);
                    return Reading.Done;
            }
        }

        if (text.Rest[at] == ']' && _inList)
        {
            text.Skip(at + 1);
            _state = State.AfterList;
            return null;
        }

        if (text.Rest[at] != '{')
            return Over;
        Match header = ReadHeader(text.Rest, at, out string name, out string? id, out string? ready, out int end);
        if (header == Match.Open)
            return text.Ended || text.Length > MaxHeader ? Over : Reading.Waits;
        // Bare JSON is a call only where it names a tool that was offered; anything else may be an answer in JSON.
        if (header == Match.No || (syntax.Open.Length == 0 && !Sink.Tools.Has(name)))
            return Over;
        _inList |= opensList;
        text.Skip(end);
        Sink.Start(name, id);
        _arguments = new ArgumentStream(Sink);
        if (ready is not null)
            Sink.Arguments(ready);
        _state = ready is null ? State.Arguments : State.Tail;
        return null;
    }

    /// <summary>
    /// Reads the object that begins at <paramref name="at"/> up to its arguments, or, where they stand before the name, up to what follows
    /// both; then they are in <paramref name="ready"/>.
    /// </summary>
    private Match ReadHeader(ReadOnlySpan<char> text, int at, out string name, out string? id, out string? ready, out int end)
    {
        (name, id, ready, end) = ("", null, null, at);
        at++;
        while (true)
        {
            at = SkipSpace(text, at);
            if (at < text.Length && text[at] == ',')
                at = SkipSpace(text, at + 1);
            if (at < text.Length && text[at] == '}' && name.Length > 0)
            {
                // A call without arguments, or whose arguments came first.
                ready ??= "{}";
                end = at;
                return Match.Yes;
            }

            Match key = JsonExtent.ReadText(text, at, out string keyName, out at);
            if (key != Match.Yes)
                return key;
            at = SkipSpace(text, at);
            if (at == text.Length)
                return Match.Open;
            if (text[at] != ':')
                return Match.No;
            at = SkipSpace(text, at + 1);
            if (at == text.Length)
                return Match.Open;
            if (syntax.NameIsKey && name.Length == 0)
            {
                (name, end) = (keyName, at);
                return text[at] == '{' ? Match.Yes : Match.No;
            }

            switch (keyName)
            {
                case "arguments" or "parameters":
                    if (name.Length > 0 && ready is null && ArgumentStream.CanBegin(text[at]))
                    {
                        end = at;
                        return Match.Yes;
                    }

                    Match value = JsonExtent.Skip(text, at, out int valueEnd);
                    if (value != Match.Yes)
                        return value;
                    string raw = text[at..valueEnd].ToString();
                    if (raw[0] == '"' && JsonExtent.ReadText(text, at, out string inner, out _) == Match.Yes)
                        raw = inner;
                    ready = raw is "null" or "" ? "{}" : raw;
                    at = valueEnd;
                    break;
                case "name" or "tool_name" or "function" when text[at] == '"':
                    Match named = JsonExtent.ReadText(text, at, out name, out at);
                    if (named != Match.Yes)
                        return named;
                    if (name.Length == 0)
                        return Match.No;
                    break;
                default:
                    // Bare JSON with other keys is an answer, not a call.
                    if (syntax.Open.Length == 0 && keyName is not ("type" or "id"))
                        return Match.No;
                    int from = at;
                    Match skipped = JsonExtent.Skip(text, at, out at);
                    if (skipped != Match.Yes)
                        return skipped;
                    if (keyName is "id" && text[from] == '"')
                        JsonExtent.ReadText(text, from, out id!, out _);
                    break;
            }
        }
    }

    /// <summary>Passes over what stands between the arguments and the object's end: ids that come last, white space.</summary>
    private Match ReadTail(Arrived text)
    {
        ReadOnlySpan<char> rest = text.Rest;
        int at = 0;
        while (true)
        {
            at = SkipSpace(rest, at);
            if (at == rest.Length)
                return text.Ended ? Match.No : Match.Open;
            if (rest[at] == '}')
            {
                text.Skip(at + 1);
                return Match.Yes;
            }

            if (rest[at] != ',')
                return Match.No;
            Match key = JsonExtent.ReadText(rest, SkipSpace(rest, at + 1), out _, out at);
            if (key != Match.Yes)
                return text.Ended ? Match.No : key;
            at = SkipSpace(rest, at);
            if (at < rest.Length && rest[at] != ':')
                return Match.No;
            Match value = at == rest.Length ? Match.Open : JsonExtent.Skip(rest, SkipSpace(rest, at + 1), out at);
            if (value != Match.Yes)
                return text.Ended ? Match.No : value;
        }
    }

    private static int SkipSpace(ReadOnlySpan<char> text, int at)
    {
        while (at < text.Length && char.IsWhiteSpace(text[at]))
            at++;
        return at;
    }
}
