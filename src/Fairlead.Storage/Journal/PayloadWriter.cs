using System.Buffers.Binary;
using System.Text;

namespace Fairlead.Storage.Journal;

/// <summary>A growing run of records: integers as variable-length, little end first (signed ones zigzag), texts as length + 1 and UTF-8.</summary>
internal sealed class PayloadWriter
{
    private const int Initial = 16 << 10;
    private byte[] _bytes = new byte[Initial];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public Span<byte> From(int start) => _bytes.AsSpan(start, Length - start);

    /// <summary>Forgets what was written; memory beyond 1 MiB is given back.</summary>
    public void Clear()
    {
        Length = 0;
        if (_bytes.Length > 1 << 20)
            _bytes = new byte[Initial];
    }

    public void Truncate(int length) => Length = length;

    public void Skip(int count) => Take(count).Clear();

    public void Byte(byte value) => Take(1)[0] = value;

    public void Unsigned(ulong value)
    {
        Span<byte> room = Room(10);
        int i = 0;
        for (; value >= 0x80; value >>= 7)
            room[i++] = (byte)(value | 0x80);
        room[i++] = (byte)value;
        Length += i;
    }

    public void Signed(long value) => Unsigned((ulong)((value << 1) ^ (value >> 63)));

    public void Optional(long? value)
    {
        Byte(value.HasValue ? (byte)1 : (byte)0);
        if (value is { } present)
            Signed(present);
    }

    public void Id(Guid value) => value.TryWriteBytes(Take(16), bigEndian: true, out _);

    public void Hash(UInt128 value) => BinaryPrimitives.WriteUInt128LittleEndian(Take(16), value);

    public void Real(double value) => BinaryPrimitives.WriteDoubleLittleEndian(Take(8), value);

    public void Optional(double? value)
    {
        Byte(value.HasValue ? (byte)1 : (byte)0);
        if (value is { } present)
            Real(present);
    }

    /// <summary>Null is told from empty; longer than <see cref="RecordLimits.TextBytes"/> is cut at a character.</summary>
    public void Text(string? value)
    {
        if (value is null)
        {
            Byte(0);
            return;
        }
        ReadOnlySpan<char> chars = value.AsSpan();
        int bytes = Encoding.UTF8.GetByteCount(chars);
        while (bytes > RecordLimits.TextBytes)
        {
            // Every character that goes takes at most three bytes with it, so this cuts too little, never too much, and ends soon.
            int cut = chars.Length - Math.Max(1, (bytes - RecordLimits.TextBytes) / 3);
            if (cut > 0 && char.IsHighSurrogate(chars[cut - 1]))
                cut--;
            chars = chars[..cut];
            bytes = Encoding.UTF8.GetByteCount(chars);
        }
        Unsigned((ulong)bytes + 1);
        Encoding.UTF8.GetBytes(chars, Take(bytes));
    }

    private Span<byte> Take(int count)
    {
        Span<byte> room = Room(count)[..count];
        Length += count;
        return room;
    }

    private Span<byte> Room(int atLeast)
    {
        if (_bytes.Length - Length < atLeast)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Length + atLeast));
        return _bytes.AsSpan(Length);
    }
}
