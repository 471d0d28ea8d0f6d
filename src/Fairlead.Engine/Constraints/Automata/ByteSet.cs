namespace Fairlead.Engine.Constraints.Automata;

/// <summary>A set of byte values: 256 bits, a value.</summary>
internal readonly record struct ByteSet(ulong Bits0, ulong Bits1, ulong Bits2, ulong Bits3)
{
    /// <summary>All 256.</summary>
    public static ByteSet All { get; } = new(ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue);

    /// <summary>The digits 0–9.</summary>
    public static ByteSet Digits { get; } = Range((byte)'0', (byte)'9');

    /// <summary>No byte at all.</summary>
    public bool IsEmpty => (Bits0 | Bits1 | Bits2 | Bits3) == 0;

    /// <summary>Every byte of <paramref name="text"/>.</summary>
    public static ByteSet Of(ReadOnlySpan<byte> text)
    {
        ByteSet set = default;
        foreach (byte value in text)
            set |= Range(value, value);
        return set;
    }

    /// <summary>From <paramref name="first"/> to <paramref name="last"/>, both included; empty where the first lies above the last.</summary>
    public static ByteSet Range(int first, int last)
    {
        return new ByteSet(Part(0), Part(64), Part(128), Part(192));

        ulong Part(int from)
        {
            int low = Math.Max(first - from, 0);
            int high = Math.Min(last - from, 63);
            return low > high ? 0 : (ulong.MaxValue >> (63 - high)) & (ulong.MaxValue << low);
        }
    }

    public static ByteSet operator |(ByteSet left, ByteSet right) =>
        new(left.Bits0 | right.Bits0, left.Bits1 | right.Bits1, left.Bits2 | right.Bits2, left.Bits3 | right.Bits3);

    /// <summary>Whether <paramref name="value"/> is in the set.</summary>
    public bool Contains(byte value)
    {
        ulong part = (value >> 6) switch { 0 => Bits0, 1 => Bits1, 2 => Bits2, _ => Bits3 };
        return ((part >> (value & 63)) & 1) != 0;
    }
}
