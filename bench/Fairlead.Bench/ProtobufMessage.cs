using System.Text;

namespace Fairlead.Bench;

/// <summary>A message in the encoding of Protocol Buffers, written field by field. What is large is kept by reference and not copied.</summary>
internal sealed class ProtobufMessage
{
    private readonly List<byte[]> _parts = [];
    private long _bytes;

    /// <summary>An integer or an enumeration.</summary>
    public ProtobufMessage Number(int field, long value)
    {
        Add(Varint((ulong)field << 3));
        Add(Varint((ulong)value));
        return this;
    }

    /// <summary>A number in single precision.</summary>
    public ProtobufMessage Single(int field, float value)
    {
        Add(Varint(((ulong)field << 3) | 5));
        Add(BitConverter.GetBytes(value));
        return this;
    }

    /// <summary>Text.</summary>
    public ProtobufMessage Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    /// <summary>Bytes as they are.</summary>
    public ProtobufMessage Bytes(int field, byte[] value)
    {
        Begin(field, value.Length);
        Add(value);
        return this;
    }

    /// <summary>A message within this one; it must be complete.</summary>
    public ProtobufMessage Message(int field, ProtobufMessage value)
    {
        Begin(field, value._bytes);
        _parts.AddRange(value._parts);
        _bytes += value._bytes;
        return this;
    }

    /// <summary>Writes what is there.</summary>
    public void Save(string file)
    {
        using FileStream stream = File.Create(file, 1 << 20);
        foreach (byte[] part in _parts)
            stream.Write(part);
    }

    private void Begin(int field, long length)
    {
        Add(Varint(((ulong)field << 3) | 2));
        Add(Varint((ulong)length));
    }

    private void Add(byte[] part)
    {
        _parts.Add(part);
        _bytes += part.Length;
    }

    private static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7)
            bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
        return [.. bytes];
    }
}
