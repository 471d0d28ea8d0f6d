using System.Text.Encodings.Web;
using System.Text.Json;

namespace Fairlead.Engine.Chat;

/// <summary>Reads <see cref="ToolCallSyntax.Tagged"/> and makes JSON of it, an argument at a time.</summary>
internal sealed class TaggedCallReader(ToolCallSyntax.Tagged syntax, CallSink sink) : CallReader(sink)
{
    private string? _name;
    private string? _key;
    private string? _kind;
    private bool _hasArguments;
    private int _searched;

    public override Reading Read(Arrived text)
    {
        while (true)
        {
            Reading? reading = _name is null ? ReadCall(text) : _key is null ? ReadParameter(text) : ReadValue(text);
            if (reading is not null)
                return reading.Value;
        }
    }

    private Reading? ReadCall(Arrived text)
    {
        int at = text.Space();
        if (Sink.CallsHere > 0)
        {
            if (syntax.Close.Length == 0)
                return Reading.Done;
            switch (text.At(at, syntax.Close))
            {
                case Match.Yes:
                    text.Skip(at + syntax.Close.Length);
                    return Reading.Done;
                case Match.Open:
                    return Reading.Waits;
            }
        }

        Match match = syntax.Call.Read(text.Rest, text.Ended, out Dictionary<string, string> fields, out int length);
        if (match == Match.Open)
            return text.Ended || text.Length > MaxHeader ? Over : Reading.Waits;
        if (match == Match.No)
            return Over;
        // GLM's header is the bare name: only what must follow it tells a call from a word.
        if (syntax.Call.Text.EndsWith('}'))
        {
            Match parameter = syntax.Parameter.Read(text.Rest[length..], text.Ended, out _, out _);
            Match end = text.At(text.Space(length), syntax.CallEnd);
            if (parameter != Match.Yes && end != Match.Yes)
                return parameter == Match.Open || end == Match.Open ? (text.Ended || text.Length > MaxHeader ? Over : Reading.Waits) : Over;
        }

        text.Skip(length);
        _name = fields["name"];
        _hasArguments = false;
        Sink.Start(_name, null);
        return null;
    }

    private Reading? ReadParameter(Arrived text)
    {
        int at = text.Space();
        switch (text.At(at, syntax.CallEnd))
        {
            case Match.Open:
                return Reading.Waits;
            case Match.Yes:
                text.Skip(at + syntax.CallEnd.Length);
                Sink.Arguments(_hasArguments ? "}" : "{}");
                Sink.EndOpenCall(isComplete: true);
                _name = null;
                return null;
        }

        Match match = syntax.Parameter.Read(text.Rest, text.Ended, out Dictionary<string, string> fields, out int length);
        if (match == Match.Open && !text.Ended && text.Length <= MaxHeader)
            return Reading.Waits;
        if (match != Match.Yes)
        {
            // Neither an argument nor the end: the call stays as far as it came, and the rest is text.
            Sink.EndOpenCall(isComplete: false);
            return Reading.Done;
        }

        text.Skip(length);
        _key = fields["key"];
        _kind = fields.GetValueOrDefault("string");
        _searched = 0;
        return null;
    }

    private Reading? ReadValue(Arrived text)
    {
        // Looked at once: a long value is not searched again from its beginning with every token.
        int from = Math.Max(0, _searched - syntax.ParameterEnd.Length);
        int end = text.Rest[from..].IndexOf(syntax.ParameterEnd, StringComparison.Ordinal);
        if (end < 0)
        {
            _searched = text.Length;
            return Reading.Waits;
        }

        string value = text.Take(from + end);
        text.Skip(syntax.ParameterEnd.Length);
        if (syntax.Padded)
        {
            value = value.StartsWith('\n') ? value[1..] : value;
            value = value.EndsWith('\n') ? value[..^1] : value;
        }

        Sink.Arguments($"{(_hasArguments ? ", " : "{")}{Quote(_key!)}: {AsJson(value)}");
        _hasArguments = true;
        _key = null;
        return null;
    }

    /// <summary>The value as JSON: what the notation or the tool's schema says is text becomes a text, other JSON stays what it is.</summary>
    private string AsJson(string value)
    {
        bool isText = _kind is null ? Sink.Tools.IsText(_name!, _key!) : _kind == "true";
        if (!isText)
        {
            try
            {
                using JsonDocument parsed = JsonDocument.Parse(value);
                return value.Trim();
            }
            catch (JsonException)
            {
                // No JSON: some templates print values as Python does, and models follow them. Anything else can only be meant as text.
                if (LiteralCallReader.PythonAsJson(value) is { } json)
                    return json;
            }
        }

        return Quote(value);
    }

    private static string Quote(string text) => JsonValue.Quote(text);
}

/// <summary>Texts as JSON writes them, with only what must be escaped.</summary>
internal static class JsonValue
{
    public static string Quote(string text) => $"\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text)}\"";
}
