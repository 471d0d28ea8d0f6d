using System.Buffers;

namespace Fairlead.Protocols.Json;

public enum JsonKind : byte
{
    Object = 1,
    Array,
    String,
    Number,
    True,
    False,
    Null,
}

/// <summary>Walks a UTF-8 JSON text (RFC 8259) forwards, once, without copying: the caller looks at what it wants and skips the rest.</summary>
/// <remarks>
/// Strings are passed over with a vectorised search, so a body costs little more than reading its bytes. Whatever is skipped is still
/// checked: structure, escapes, numbers, bounds. The text must be valid UTF-8 already (<see cref="System.Text.Unicode.Utf8.IsValid"/>).
/// After a fault every further call does nothing and <see cref="Fault"/> tells the first one.
/// </remarks>
/// <param name="text">The whole text.</param>
/// <param name="bounds">How much structure it may have.</param>
/// <param name="names">Where names are noted, so that a member that stands twice in its object is a fault; null does not look.</param>
public ref struct JsonCursor(ReadOnlySpan<byte> text, JsonBounds bounds, MemberNames? names = null)
{
    private static readonly SearchValues<byte> StringStops = SearchValues.Create([(byte)'"', (byte)'\\', .. Enumerable.Range(0, 32).Select(static i => (byte)i)]);

    private readonly ReadOnlySpan<byte> _text = text;
    private readonly JsonBounds _bounds = bounds;
    private readonly MemberNames? _names = names;
    private int _depth;
    private int _members;
    private int _values;

    /// <summary>Byte the cursor stands at.</summary>
    public int Position { get; private set; }

    /// <summary>Byte of the quote before the name that <see cref="NextMember"/> read last.</summary>
    public int NameStart { get; private set; }

    /// <summary>Half of a surrogate pair stood alone in what was read, where <see cref="JsonBounds.LoneHalves"/> lets it.</summary>
    public bool HasHalves { get; private set; }

    /// <summary>The first thing that was wrong; null while nothing is.</summary>
    public JsonFault? Fault { get; private set; }

    /// <summary>Kind of the value that begins here, white space passed over; 0 with a fault where none begins.</summary>
    public JsonKind Peek()
    {
        SkipSpace();
        if (Position >= _text.Length)
            return Fail<JsonKind>("the text ends where a value is expected");
        return _text[Position] switch
        {
            (byte)'{' => JsonKind.Object,
            (byte)'[' => JsonKind.Array,
            (byte)'"' => JsonKind.String,
            (byte)'t' => JsonKind.True,
            (byte)'f' => JsonKind.False,
            (byte)'n' => JsonKind.Null,
            (byte)'-' or (>= (byte)'0' and <= (byte)'9') => JsonKind.Number,
            _ => Fail<JsonKind>("a value is expected"),
        };
    }

    /// <summary>Enters an object or array that begins here.</summary>
    /// <returns>False with a fault when it lies too deep.</returns>
    public bool Enter()
    {
        if (Fault is not null)
            return false;
        if (++_depth > _bounds.Depth)
            return Fail<bool>($"it is nested more than {_bounds.Depth} deep");
        if (++_values > _bounds.Values)
            return Fail<bool>($"it has more than {_bounds.Values} values");
        Position++;
        return true;
    }

    /// <summary>Moves to the next member of the entered object and reads its name; the cursor stands before its value.</summary>
    /// <param name="first">True for the first call in an object; set to false.</param>
    /// <param name="name">The name's bytes between its quotes, escapes as written.</param>
    /// <param name="escaped">True when the name holds escapes.</param>
    /// <returns>False at the end of the object, which is left, or with a fault.</returns>
    public bool NextMember(scoped ref bool first, out ReadOnlySpan<byte> name, out bool escaped)
    {
        name = default;
        escaped = false;
        if (first && Fault is null)
            _names?.Open();
        if (!NextItem(ref first, (byte)'}'))
        {
            if (Fault is null)
                _names?.Close();
            return false;
        }
        if (Position >= _text.Length || _text[Position] != (byte)'"')
            return Fail<bool>("a member's name in double quotes is expected");
        if (++_members > _bounds.Members)
            return Fail<bool>($"it has more than {_bounds.Members} members");
        int start = Position + 1;
        if (!SkipString(out escaped))
            return false;
        NameStart = start - 1;
        name = _text[start..(Position - 1)];
        if (_names is not null && !_names.TryAdd(_text, start, name.Length, escaped))
            return FailRepeated(JsonText.Unescape(name, escaped));
        SkipSpace();
        if (Position >= _text.Length || _text[Position] != (byte)':')
            return Fail<bool>("a colon is expected after a member's name");
        Position++;
        return true;
    }

    /// <summary>Moves to the next element of the entered array; false at its end, which is left, or with a fault.</summary>
    public bool NextElement(scoped ref bool first) => NextItem(ref first, (byte)']');

    /// <summary>Passes over the value that begins here, checking it.</summary>
    /// <param name="range">Where the value stands, without white space.</param>
    public bool Skip(out Range range)
    {
        range = default;
        JsonKind kind = Peek();
        if (kind == 0)
            return false;
        int start = Position;
        bool passed = kind switch
        {
            JsonKind.Object => SkipObject(),
            JsonKind.Array => SkipArray(),
            JsonKind.String => CountValue() && SkipString(out _),
            JsonKind.Number => CountValue() && SkipNumber(),
            JsonKind.True => CountValue() && SkipWord("true"u8),
            JsonKind.False => CountValue() && SkipWord("false"u8),
            _ => CountValue() && SkipWord("null"u8),
        };
        range = start..Position;
        return passed;
    }

    public bool Skip() => Skip(out _);

    /// <summary>Reads the string that begins here: its bytes between the quotes, escapes as written.</summary>
    public bool ReadString(out ReadOnlySpan<byte> raw, out bool escaped)
    {
        raw = default;
        escaped = false;
        if (Fault is not null)
            return false;
        int start = Position + 1;
        if (!CountValue() || !SkipString(out escaped))
            return false;
        raw = _text[start..(Position - 1)];
        return true;
    }

    /// <summary>True when nothing but white space is left; a fault otherwise.</summary>
    public bool AtEnd()
    {
        SkipSpace();
        return Fault is null && (Position == _text.Length || Fail<bool>("there is something after the end of the JSON"));
    }

    private bool NextItem(scoped ref bool first, byte close)
    {
        if (Fault is not null)
            return false;
        SkipSpace();
        if (Position >= _text.Length)
            return Fail<bool>("the text ends inside an object or array");
        if (_text[Position] == close)
        {
            Position++;
            _depth--;
            return false;
        }
        if (!first)
        {
            if (_text[Position] != (byte)',')
                return Fail<bool>(close == (byte)'}' ? "a comma or '}' is expected" : "a comma or ']' is expected");
            Position++;
            SkipSpace();
            if (Position < _text.Length && _text[Position] == close)
                return Fail<bool>("a comma stands before the end of an object or array");
        }
        first = false;
        return true;
    }

    private bool SkipObject()
    {
        if (!Enter())
            return false;
        bool first = true;
        while (NextMember(ref first, out _, out _))
        {
            if (!Skip())
                return false;
        }
        return Fault is null;
    }

    private bool SkipArray()
    {
        if (!Enter())
            return false;
        bool first = true;
        while (NextElement(ref first))
        {
            if (!Skip())
                return false;
        }
        return Fault is null;
    }

    private bool SkipString(out bool escaped)
    {
        escaped = false;
        int at = Position + 1;
        while (true)
        {
            int stop = _text[at..].IndexOfAny(StringStops);
            if (stop < 0)
                return FailAt<bool>(_text.Length, "the text ends inside a string");
            at += stop;
            byte b = _text[at];
            if (b == (byte)'"')
            {
                Position = at + 1;
                return true;
            }
            if (b != (byte)'\\')
                return FailAt<bool>(at, "a control character stands unescaped in a string");
            escaped = true;
            if (!SkipEscape(ref at))
                return false;
        }
    }

    private bool SkipEscape(ref int at)
    {
        if (at + 1 >= _text.Length)
            return FailAt<bool>(at, "the text ends inside an escape");
        switch (_text[at + 1])
        {
            case (byte)'"' or (byte)'\\' or (byte)'/' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t':
                at += 2;
                return true;
            case (byte)'u':
                if (!TryHex(at + 2, out int unit))
                    return FailAt<bool>(at, "\\u is not followed by four hexadecimal digits");
                if (unit is >= 0xDC00 and <= 0xDFFF)
                    return SkipHalf(ref at);
                if (unit is >= 0xD800 and <= 0xDBFF)
                {
                    // A lone surrogate is no character: what we would count and what the provider would read might differ.
                    if (at + 7 >= _text.Length || _text[at + 6] != (byte)'\\' || _text[at + 7] != (byte)'u' || !TryHex(at + 8, out int low) || low is < 0xDC00 or > 0xDFFF)
                        return SkipHalf(ref at);
                    at += 12;
                    return true;
                }
                at += 6;
                return true;
            default:
                return FailAt<bool>(at, "an unknown escape stands in a string");
        }
    }

    private bool SkipHalf(ref int at)
    {
        if (!_bounds.LoneHalves)
            return FailAt<bool>(at, "half of a surrogate pair stands alone");
        HasHalves = true;
        at += 6;
        return true;
    }

    private readonly bool TryHex(int at, out int value)
    {
        value = 0;
        if (at + 4 > _text.Length)
            return false;
        for (int i = at; i < at + 4; i++)
        {
            // Nothing is allocated: servers that escape all but ASCII send these in every event.
            int letter = _text[i] | 0x20;
            if (char.IsAsciiDigit((char)_text[i]))
                value = (value << 4) | (_text[i] - '0');
            else if (letter is >= 'a' and <= 'f')
                value = (value << 4) | (letter - 'a' + 10);
            else
                return false;
        }
        return true;
    }

    private bool SkipNumber()
    {
        int start = Position;
        int at = start;
        if (at < _text.Length && _text[at] == (byte)'-')
            at++;
        int whole = Digits(ref at);
        if (whole == 0)
            return Fail<bool>("a number has no digits");
        if (whole > 1 && _text[at - whole] == (byte)'0')
            return Fail<bool>("a number begins with a zero");
        if (at < _text.Length && _text[at] == (byte)'.')
        {
            at++;
            if (Digits(ref at) == 0)
                return Fail<bool>("a number ends after its point");
        }
        bool exponent = at < _text.Length && (_text[at] | 0x20) == (byte)'e';
        if (exponent)
        {
            at++;
            if (at < _text.Length && _text[at] is (byte)'+' or (byte)'-')
                at++;
            if (Digits(ref at) == 0)
                return Fail<bool>("a number ends inside its exponent");
        }
        if (at - start > _bounds.NumberLength)
            return Fail<bool>($"a number has more than {_bounds.NumberLength} characters");
        // Most readers make an infinity of it, which is no JSON any more when they write it on.
        if (exponent && !JsonText.TryReal(_text[start..at], out _))
            return Fail<bool>("a number is too large for any reader");
        Position = at;
        return true;
    }

    private readonly int Digits(ref int at)
    {
        int start = at;
        while (at < _text.Length && char.IsAsciiDigit((char)_text[at]))
            at++;
        return at - start;
    }

    private bool SkipWord(scoped ReadOnlySpan<byte> word)
    {
        if (!_text[Position..].StartsWith(word))
            return Fail<bool>("a value is expected");
        Position += word.Length;
        return true;
    }

    private bool CountValue() => ++_values <= _bounds.Values || Fail<bool>($"it has more than {_bounds.Values} values");

    private void SkipSpace()
    {
        while (Position < _text.Length && _text[Position] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
            Position++;
    }

    private T? Fail<T>(string reason) => FailAt<T>(Position, reason);

    private bool FailRepeated(string name)
    {
        Fault ??= new JsonFault(NameStart, "a member stands twice in one object", name);
        Position = _text.Length;
        return false;
    }

    private T? FailAt<T>(int offset, string reason)
    {
        Fault ??= new JsonFault(offset, reason);
        Position = _text.Length;
        return default;
    }
}
