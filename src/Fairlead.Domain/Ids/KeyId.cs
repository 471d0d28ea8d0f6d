namespace Fairlead.Domain.Ids;

/// <summary>Names one API key; not the secret. A UUIDv7, printed as <c>key_</c> and 26 characters of base 32, so ids sort by time.</summary>
public readonly record struct KeyId(Guid Value) : IComparable<KeyId>
{
    /// <summary>What every printed id begins with.</summary>
    public const string Prefix = "key_";

    /// <summary>A new id at <paramref name="now"/>.</summary>
    public static KeyId New(DateTimeOffset now) => new(UuidV7.New(now));

    /// <summary>Reads the printed form; false for anything else.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out KeyId id)
    {
        id = default;
        if (!text.StartsWith(Prefix, StringComparison.Ordinal) || !Base32.TryRead(text[Prefix.Length..], out UInt128 bits))
            return false;
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, bits);
        id = new KeyId(new Guid(bytes, bigEndian: true));
        return true;
    }

    public int CompareTo(KeyId other) => Value.CompareTo(other.Value);

    public override string ToString() => string.Create(Prefix.Length + Base32.Length, Value, static (span, value) =>
    {
        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        Prefix.CopyTo(span);
        Base32.Write(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes), span[Prefix.Length..]);
    });
}
