namespace Fairlead.Domain.Ids;

/// <summary>Names one request, from the door to the ledger. A UUIDv7, printed as <c>req_</c> and 26 characters of base 32, so ids sort by time.</summary>
public readonly record struct RequestId(Guid Value) : IComparable<RequestId>
{
    /// <summary>What every printed id begins with.</summary>
    public const string Prefix = "req_";

    /// <summary>A new id at <paramref name="now"/>.</summary>
    public static RequestId New(DateTimeOffset now) => new(UuidV7.New(now));

    /// <summary>Reads the printed form; false for anything else.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out RequestId id)
    {
        id = default;
        if (!text.StartsWith(Prefix, StringComparison.Ordinal) || !Base32.TryRead(text[Prefix.Length..], out UInt128 bits))
            return false;
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, bits);
        id = new RequestId(new Guid(bytes, bigEndian: true));
        return true;
    }

    public int CompareTo(RequestId other) => Value.CompareTo(other.Value);

    public override string ToString() => string.Create(Prefix.Length + Base32.Length, Value, static (span, value) =>
    {
        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        Prefix.CopyTo(span);
        Base32.Write(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes), span[Prefix.Length..]);
    });
}
