using System.Globalization;
using System.Text;

namespace Fairlead.Engine.Chat;

/// <summary>Reads calls whose arguments stand in a notation of their own, Python's or Gemma's, a whole call at a time.</summary>
internal sealed class LiteralCallReader(string close, bool isGemma, CallSink sink) : CallReader(sink)
{
    public override Reading Read(Arrived text)
    {
        while (true)
        {
            int at = text.Space();
            if (Sink.CallsHere > 0)
            {
                while (at < text.Length && text.Rest[at] is ',' or ']' or ';')
                    at = text.Space(at + 1);
                if (at == text.Length && !text.Ended)
                    return Reading.Waits;
                Match end = close.Length == 0 ? Match.No : text.At(at, close);
                if (end == Match.Open)
                    return Reading.Waits;
                if (end == Match.Yes)
                {
                    text.Skip(at + close.Length);
                    return Reading.Done;
                }
            }
            else if (!isGemma && at < text.Length && text.Rest[at] == '[')
            {
                at = text.Space(at + 1);
            }

            CallText call = new(text.Rest[at..], isGemma);
            Match match = call.Read(out string name, out string arguments, out int length);
            if (match == Match.Open && !text.Ended && text.Length <= MaxHeader)
                return Reading.Waits;
            if (match != Match.Yes)
                return Over;
            text.Skip(at + length);
            Sink.Start(name, null);
            Sink.Arguments(arguments);
            Sink.EndOpenCall(isComplete: true);
        }
    }

    /// <summary>Makes JSON of a value that was printed by Python; null where it is none.</summary>
    public static string? PythonAsJson(string value)
    {
        // The blank ends a number or word at the end.
        CallText text = new($"{value} ", isGemma: false);
        return text.ReadAlone();
    }

    /// <summary>One call in one of the two notations, made into JSON while it is read.</summary>
    private ref struct CallText(ReadOnlySpan<char> text, bool isGemma)
    {
        private const int MaxDepth = 64;
        private const string GemmaQuote = "<|\"|>";

        private readonly ReadOnlySpan<char> _text = text;
        private readonly StringBuilder _json = new();
        private int _at;

        public Match Read(out string name, out string arguments, out int length)
        {
            (name, arguments, length) = ("", "", 0);
            if (isGemma)
            {
                Match head = Take("call:");
                if (head != Match.Yes)
                    return head;
            }

            Match named = ReadName(out name, dots: true);
            if (named != Match.Yes)
                return named;
            // Llama writes its built-in tools as methods.
            if (!isGemma && name.EndsWith(".call", StringComparison.Ordinal))
                name = name[..^5];
            Match open = Take(isGemma ? "{" : "(");
            if (open != Match.Yes)
                return open;
            Match body = ReadMembers(isGemma ? '}' : ')', isGemma ? ':' : '=', 0);
            arguments = _json.ToString();
            length = _at;
            return body;
        }

        public string? ReadAlone()
        {
            if (ReadValue(0) != Match.Yes)
                return null;
            SkipSpace();
            return _at == _text.Length ? _json.ToString() : null;
        }

        private Match ReadMembers(char end, char assign, int depth)
        {
            _json.Append('{');
            for (bool isFirst = true; ; isFirst = false)
            {
                SkipSpace();
                if (_at == _text.Length)
                    return Match.Open;
                if (_text[_at] == end)
                {
                    _at++;
                    _json.Append('}');
                    return Match.Yes;
                }

                if (!isFirst)
                {
                    Match comma = Take(",");
                    if (comma != Match.Yes)
                        return comma;
                    SkipSpace();
                    _json.Append(", ");
                }

                if (_at == _text.Length)
                    return Match.Open;
                string key;
                Match named = _text[_at] is '\'' or '"' || (isGemma && _text[_at] == '<') ? ReadText(out key) : ReadName(out key, dots: false);
                if (named != Match.Yes)
                    return named;
                _json.Append(JsonValue.Quote(key)).Append(": ");
                SkipSpace();
                Match sign = Take(assign.ToString());
                if (sign != Match.Yes)
                    return sign;
                Match value = ReadValue(depth + 1);
                if (value != Match.Yes)
                    return value;
            }
        }

        private Match ReadValue(int depth)
        {
            SkipSpace();
            if (_at == _text.Length)
                return Match.Open;
            if (depth > MaxDepth)
                return Match.No;
            switch (_text[_at])
            {
                case '\'' or '"' or '<':
                    Match quoted = ReadText(out string read);
                    if (quoted == Match.Yes)
                        _json.Append(JsonValue.Quote(read));
                    return quoted;
                case '[':
                    _at++;
                    return ReadItems(depth);
                case '{':
                    _at++;
                    return ReadMembers('}', ':', depth);
                default:
                    return ReadWord();
            }
        }

        private Match ReadItems(int depth)
        {
            _json.Append('[');
            for (bool isFirst = true; ; isFirst = false)
            {
                SkipSpace();
                if (_at == _text.Length)
                    return Match.Open;
                if (_text[_at] == ']')
                {
                    _at++;
                    _json.Append(']');
                    return Match.Yes;
                }

                if (!isFirst)
                {
                    Match comma = Take(",");
                    if (comma != Match.Yes)
                        return comma;
                    _json.Append(", ");
                }

                Match value = ReadValue(depth + 1);
                if (value != Match.Yes)
                    return value;
            }
        }

        private Match ReadWord()
        {
            int from = _at;
            while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || _text[_at] is '-' or '+' or '.' or '_'))
                _at++;
            if (_at == _text.Length)
                return Match.Open;
            string word = _text[from.._at].ToString();
            string? json = word switch
            {
                "True" or "true" => "true",
                "False" or "false" => "false",
                "None" or "null" or "none" => "null",
                _ => double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number) ? word.TrimStart('+') : null,
            };
            if (json is null)
                return Match.No;
            _json.Append(json);
            return Match.Yes;
        }

        private Match ReadText(out string text)
        {
            text = "";
            if (isGemma && _text[_at] == '<')
            {
                Match open = Take(GemmaQuote);
                if (open != Match.Yes)
                    return open;
                int end = _text[_at..].IndexOf(GemmaQuote, StringComparison.Ordinal);
                if (end < 0)
                    return Match.Open;
                text = _text.Slice(_at, end).ToString();
                _at += end + GemmaQuote.Length;
                return Match.Yes;
            }

            char quote = _text[_at];
            if (quote is not ('\'' or '"'))
                return Match.No;
            StringBuilder read = new();
            for (int i = _at + 1; i < _text.Length; i++)
            {
                if (_text[i] == quote)
                {
                    text = read.ToString();
                    _at = i + 1;
                    return Match.Yes;
                }

                if (_text[i] != '\\')
                {
                    read.Append(_text[i]);
                    continue;
                }

                if (i + 1 == _text.Length)
                    break;
                string piece = "'";
                int used = _text[i + 1] == '\'' ? 2 : JsonExtent.Unescape(_text[i..], out piece);
                if (used == 0)
                    return Match.Open;
                // An escape that JSON does not know stays as it is, as in Python.
                read.Append(used < 0 ? "\\" : piece);
                i += Math.Max(used, 1) - 1;
            }

            return Match.Open;
        }

        private Match ReadName(out string name, bool dots)
        {
            int from = _at;
            while (_at < _text.Length && (char.IsLetterOrDigit(_text[_at]) || _text[_at] is '_' or '-' || (dots && _text[_at] == '.')))
                _at++;
            name = _text[from.._at].ToString();
            return _at == _text.Length ? Match.Open : name.Length > 0 ? Match.Yes : Match.No;
        }

        private Match Take(string sign)
        {
            ReadOnlySpan<char> rest = _text[_at..];
            if (rest.StartsWith(sign, StringComparison.Ordinal))
            {
                _at += sign.Length;
                return Match.Yes;
            }

            return rest.Length < sign.Length && sign.AsSpan().StartsWith(rest, StringComparison.Ordinal) ? Match.Open : Match.No;
        }

        private void SkipSpace()
        {
            while (_at < _text.Length && char.IsWhiteSpace(_text[_at]))
                _at++;
        }
    }
}
