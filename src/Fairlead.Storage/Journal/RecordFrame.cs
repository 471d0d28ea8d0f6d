using System.Buffers.Binary;
using System.Numerics;

namespace Fairlead.Storage.Journal;

/// <summary>The frame around a payload: its length (u32, little-endian), its CRC-32C (u32, little-endian), then the payload.</summary>
internal static class RecordFrame
{
    /// <summary>Length and checksum.</summary>
    public const int HeaderBytes = 8;

    /// <summary>Version, kind and a request id. A run of zeros is therefore no record.</summary>
    public const int MinPayload = 18;

    /// <summary>Above what the longest record can take: see <see cref="RecordLimits"/>.</summary>
    public const int MaxPayload = 8 << 20;

    /// <summary>Writes the header in front of a payload that already lies behind it.</summary>
    public static void Seal(Span<byte> frame)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(frame, (uint)(frame.Length - HeaderBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(frame[4..], Crc32C(frame[HeaderBytes..]));
    }

    /// <summary>Length of the payload that the header at the beginning of <paramref name="bytes"/> announces; −1 when none can have that length.</summary>
    public static int PayloadLength(ReadOnlySpan<byte> bytes)
    {
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        return length is < MinPayload or > MaxPayload ? -1 : (int)length;
    }

    /// <summary>True when the checksum in the header fits the payload.</summary>
    public static bool IsWhole(ReadOnlySpan<byte> frame) =>
        BinaryPrimitives.ReadUInt32LittleEndian(frame[4..]) == Crc32C(frame[HeaderBytes..]);

    /// <summary>CRC-32C (Castagnoli), as in RFC 3720 appendix B.4; hardware does eight bytes at a time.</summary>
    public static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        while (bytes.Length >= 8)
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }
        foreach (byte b in bytes)
            crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }
}
