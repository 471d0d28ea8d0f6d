namespace Fairlead.Protocols.Json;

/// <summary>Goes through the members of one object within a text that has been checked as a whole.</summary>
/// <param name="value">The object as written, without white space around it.</param>
public ref struct JsonMembers(ReadOnlySpan<byte> value)
{
    private readonly ReadOnlySpan<byte> _value = value;
    private JsonCursor _cursor = new(value, JsonBounds.Scanned);
    private bool _entered;
    private bool _first = true;

    /// <summary>Moves to the next member; false when there is none.</summary>
    /// <param name="name">What stands between the quotes of its name, escapes as written.</param>
    /// <param name="escaped">True when the name holds escapes.</param>
    /// <param name="member">Its value as written.</param>
    public bool Next(out ReadOnlySpan<byte> name, out bool escaped, out ReadOnlySpan<byte> member)
    {
        member = default;
        if (!_entered)
            _entered = _cursor.Peek() == JsonKind.Object && _cursor.Enter();
        bool first = _first;
        _first = false;
        if (!_cursor.NextMember(ref first, out name, out escaped) || !_cursor.Skip(out Range range))
            return false;
        member = _value[range];
        return true;
    }

    /// <summary>The value of one member; empty where it does not stand there.</summary>
    public static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> value, ReadOnlySpan<byte> wanted)
    {
        var members = new JsonMembers(value);
        while (members.Next(out ReadOnlySpan<byte> name, out bool escaped, out ReadOnlySpan<byte> member))
        {
            if (JsonText.Is(name, escaped, wanted))
                return member;
        }
        return default;
    }
}

/// <summary>Goes through the elements of one array within a text that has been checked as a whole.</summary>
/// <param name="value">The array as written, without white space around it.</param>
public ref struct JsonElements(ReadOnlySpan<byte> value)
{
    private readonly ReadOnlySpan<byte> _value = value;
    private JsonCursor _cursor = new(value, JsonBounds.Scanned);
    private bool _entered;
    private bool _first = true;

    /// <summary>Moves to the next element; false when there is none.</summary>
    /// <param name="element">As written.</param>
    public bool Next(out ReadOnlySpan<byte> element)
    {
        element = default;
        if (!_entered)
            _entered = _cursor.Peek() == JsonKind.Array && _cursor.Enter();
        bool first = _first;
        _first = false;
        if (!_cursor.NextElement(ref first) || !_cursor.Skip(out Range range))
            return false;
        element = _value[range];
        return true;
    }
}
