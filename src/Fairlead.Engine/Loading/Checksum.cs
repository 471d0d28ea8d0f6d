using System.Buffers.Binary;
using System.Numerics;

namespace Fairlead.Engine.Loading;

/// <summary>Tells bytes that a disk or a power cut has damaged from those that were written. It proves nothing about who wrote them.</summary>
/// <remarks>
/// Four sums of CRC-32C side by side, the word i of 64 bits in sum i mod 4, and a fifth over these: the instruction for one takes three cycles before the next can begin, so that
/// one sum alone would be slower than a copy from the page cache. A burst of up to 32 bits within one sum's word is always seen, other damage but for one case in four thousand million.
/// </remarks>
internal struct Checksum
{
    /// <summary>Lengths are multiples of so many bytes.</summary>
    public const int Step = 4 * sizeof(ulong);

    private uint _a;
    private uint _b;
    private uint _c;
    private uint _d;

    /// <summary>Of some bytes alone.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        var sum = new Checksum();
        sum.Add(bytes);
        return sum.Value;
    }

    /// <summary>Takes more bytes in.</summary>
    /// <param name="bytes">A multiple of <see cref="Step"/>.</param>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length % Step != 0)
            throw new ArgumentException($"{bytes.Length} bytes are no multiple of {Step}", nameof(bytes));
        (uint a, uint b, uint c, uint d) = (_a, _b, _c, _d);
        for (; !bytes.IsEmpty; bytes = bytes[Step..])
        {
            a = BitOperations.Crc32C(a, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            b = BitOperations.Crc32C(b, BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]));
            c = BitOperations.Crc32C(c, BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]));
            d = BitOperations.Crc32C(d, BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]));
        }

        (_a, _b, _c, _d) = (a, b, c, d);
    }

    /// <summary>Of all that was taken in. Bytes that are all zero have a sum of their own, so that an empty piece of a file is no good one.</summary>
    public readonly uint Value =>
        BitOperations.Crc32C(BitOperations.Crc32C(uint.MaxValue, ((ulong)_a << 32) | _b), ((ulong)_c << 32) | _d);
}
