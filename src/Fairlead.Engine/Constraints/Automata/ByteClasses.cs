namespace Fairlead.Engine.Constraints.Automata;

/// <summary>Splits the 256 bytes into classes whose members a state cannot tell apart: one derivative then serves a whole class.</summary>
internal ref struct ByteClasses
{
    private readonly Span<byte> _classOf;
    private readonly Span<ushort> _size;

    /// <summary>One class of all bytes. <paramref name="classOf"/> and <paramref name="size"/> are room for 256 each.</summary>
    public ByteClasses(Span<byte> classOf, Span<ushort> size)
    {
        _classOf = classOf;
        _size = size;
        classOf.Clear();
        size.Clear();
        size[0] = 256;
        Count = 1;
    }

    /// <summary>Classes so far.</summary>
    public int Count { get; private set; }

    /// <summary>The class of each byte.</summary>
    public readonly ReadOnlySpan<byte> ClassOf => _classOf;

    /// <summary>From now on <paramref name="value"/> is alone.</summary>
    public void Separate(byte value)
    {
        byte old = _classOf[value];
        if (_size[old] == 1)
            return;
        _size[old]--;
        _size[Count] = 1;
        _classOf[value] = (byte)Count++;
    }

    /// <summary>From now on no class has members both inside and outside of <paramref name="set"/>.</summary>
    public void Separate(in ByteSet set)
    {
        Span<ushort> inside = stackalloc ushort[256];
        Span<byte> target = stackalloc byte[256];
        inside.Clear();
        for (int value = 0; value < 256; value++)
        {
            if (set.Contains((byte)value))
                inside[_classOf[value]]++;
        }

        // Classes that lie partly in the set lose that part to a class of its own.
        for (int old = Count - 1; old >= 0; old--)
        {
            target[old] = (byte)old;
            if (inside[old] == 0 || inside[old] == _size[old])
                continue;
            target[old] = (byte)Count;
            _size[Count++] = inside[old];
            _size[old] -= inside[old];
        }

        for (int value = 0; value < 256; value++)
        {
            if (set.Contains((byte)value))
                _classOf[value] = target[_classOf[value]];
        }
    }
}
