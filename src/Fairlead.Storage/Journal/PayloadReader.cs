using System.Buffers.Binary;
using System.Text;

namespace Fairlead.Storage.Journal;

/// <summary>Reads what <see cref="PayloadWriter"/> wrote. Every length is checked against what is there; anything odd is a <see cref="JournalFormatException"/>.</summary>
internal ref struct PayloadReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>Nothing may be left.</summary>
    public readonly void End()
    {
        if (!_rest.IsEmpty)
            throw new JournalFormatException("bytes after the end of a record");
    }

    public byte Byte() => Take(1)[0];

    /// <summary>A byte that is 0 or 1.</summary>
    public bool Flag() => Byte() switch
    {
        0 => false,
        1 => true,
        byte other => throw new JournalFormatException($"{other} where a flag should be"),
    };

    /// <summary>A byte that names a member of <typeparamref name="T"/>, whose underlying type is byte.</summary>
    public T Word<T>() where T : struct, Enum
    {
        byte number = Byte();
        T word = System.Runtime.CompilerServices.Unsafe.BitCast<byte, T>(number);
        return Enum.IsDefined(word) ? word : throw new JournalFormatException($"{number} is no {typeof(T).Name}");
    }

    public ulong Unsigned()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte b = Byte();
            if (shift == 63 && b > 1)
                break;
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
                return value;
        }
        throw new JournalFormatException("a number of more than 64 bits");
    }

    public long Signed()
    {
        ulong raw = Unsigned();
        return (long)(raw >> 1) ^ -(long)(raw & 1);
    }

    public long? OptionalSigned() => Flag() ? Signed() : null;

    public Guid Id() => new(Take(16), bigEndian: true);

    public UInt128 Hash() => BinaryPrimitives.ReadUInt128LittleEndian(Take(16));

    public double Real() => BinaryPrimitives.ReadDoubleLittleEndian(Take(8));

    public double? OptionalReal() => Flag() ? Real() : null;

    public string? OptionalText()
    {
        ulong length = Unsigned();
        if (length == 0)
            return null;
        if (length - 1 > RecordLimits.TextBytes)
            throw new JournalFormatException($"a text of {length - 1} bytes");
        return Encoding.UTF8.GetString(Take((int)(length - 1)));
    }

    public string Text() => OptionalText() ?? throw new JournalFormatException("a text that must be there is missing");

    public int Count()
    {
        ulong count = Unsigned();
        return count <= RecordLimits.ListCount ? (int)count : throw new JournalFormatException($"a list of {count}");
    }

    public DateTimeOffset Time()
    {
        long ms = Signed();
        // The range of DateTimeOffset: years 1 to 9999.
        return ms is >= -62_135_596_800_000 and <= 253_402_300_799_999
            ? DateTimeOffset.FromUnixTimeMilliseconds(ms)
            : throw new JournalFormatException($"{ms} ms is no time");
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (_rest.Length < count)
            throw new JournalFormatException($"{count} bytes expected, {_rest.Length} are left");
        ReadOnlySpan<byte> taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }
}
