using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Fairlead.Domain.Ids;

/// <summary>UUIDs of version 7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then 74 random ones.</summary>
/// <remarks>What <see cref="Guid.CreateVersion7(DateTimeOffset)"/> makes, without asking the kernel for ten bytes at a time: a request's id cost
/// 0.6 µs that way and costs 30 ns this way. The bytes come from the same generator, each is used once.</remarks>
internal static class UuidV7
{
    private const int RandomBytes = 10;
    private const int Stock = 64 * RandomBytes;

    [ThreadStatic]
    private static byte[]? _stock;

    [ThreadStatic]
    private static int _left;

    /// <param name="now">Before the year 10889, as every <see cref="DateTimeOffset"/> is; before 1970 counts as 1970.</param>
    public static Guid New(DateTimeOffset now)
    {
        byte[] stock = _stock ??= new byte[Stock];
        if (_left == 0)
        {
            RandomNumberGenerator.Fill(stock);
            _left = Stock;
        }
        Span<byte> random = stock.AsSpan(_left -= RandomBytes, RandomBytes);
        Span<byte> uuid = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(uuid, Math.Max(0, now.ToUnixTimeMilliseconds()) << 16);
        random.CopyTo(uuid[6..]);
        random.Clear();
        uuid[6] = (byte)((uuid[6] & 0x0F) | 0x70);
        uuid[8] = (byte)((uuid[8] & 0x3F) | 0x80);
        return new Guid(uuid, bigEndian: true);
    }
}
