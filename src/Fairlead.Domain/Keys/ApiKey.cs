using System.Security.Cryptography;
using System.Text;

namespace Fairlead.Domain.Keys;

/// <summary>A caller's secret: <c>hf_FL</c>, 26 random characters of base 62 (154 bits), and 6 that are the CRC-32 of all before them.
/// 37 characters in all, the length of a Hugging Face token, so their clients accept it.</summary>
/// <remarks>The type prints <c>hf_FL***</c>: a secret cannot be formatted into text by accident. The checksum tells a typing mistake, and a
/// scanner's false positive, from a key that was revoked.</remarks>
public sealed class ApiKey
{
    public const string Prefix = "hf_FL";
    public const int Length = 37;
    private const int RandomLength = 26;
    private const int ChecksumLength = 6;
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private readonly string _secret;

    private ApiKey(string secret) => _secret = secret;

    /// <summary>Draws a new key from <paramref name="random"/>, which fills a span with unpredictable bytes.</summary>
    public static ApiKey Create(RandomBytes random)
    {
        Span<char> text = stackalloc char[Length];
        Prefix.CopyTo(text);
        Span<byte> one = stackalloc byte[1];
        for (int i = Prefix.Length; i < Prefix.Length + RandomLength;)
        {
            random(one);
            // 248 is the largest multiple of 62 in a byte: the rest would make the first characters likelier.
            if (one[0] < 248)
                text[i++] = Alphabet[one[0] % 62];
        }
        WriteChecksum(text);
        return new ApiKey(new string(text));
    }

    /// <summary>Checks form and checksum without any look-up.</summary>
    public static bool IsWellFormed(ReadOnlySpan<char> text)
    {
        if (text.Length != Length || !text.StartsWith(Prefix, StringComparison.Ordinal))
            return false;
        foreach (char c in text[Prefix.Length..])
        {
            if (!char.IsAsciiLetterOrDigit(c))
                return false;
        }
        Span<char> expected = stackalloc char[Length];
        text.CopyTo(expected);
        WriteChecksum(expected);
        return expected.SequenceEqual(text);
    }

    /// <summary>The secret itself, for the one place that shows it to its owner once.</summary>
    public string Reveal() => _secret;

    /// <summary>The last four characters, for lists.</summary>
    public string Tail => _secret[^4..];

    /// <summary>Keyed hash under which the key is stored and found: HMAC-SHA-256 with the server's pepper.</summary>
    public static KeyHash Hash(ReadOnlySpan<char> secret, ReadOnlySpan<byte> pepper)
    {
        Span<byte> ascii = stackalloc byte[Length];
        Span<byte> mac = stackalloc byte[32];
        int length = Encoding.ASCII.GetBytes(secret[..Math.Min(secret.Length, Length)], ascii);
        HMACSHA256.HashData(pepper, ascii[..length], mac);
        return KeyHash.Of(mac);
    }

    public override string ToString() => Prefix + "***";

    private static void WriteChecksum(Span<char> text)
    {
        uint crc = Crc32(text[..(Length - ChecksumLength)]);
        for (int i = Length - 1; i >= Length - ChecksumLength; i--)
        {
            text[i] = Alphabet[(int)(crc % 62)];
            crc /= 62;
        }
    }

    /// <summary>CRC-32 as of ISO 3309 (zip), over ASCII.</summary>
    private static uint Crc32(ReadOnlySpan<char> ascii)
    {
        uint crc = 0xFFFF_FFFF;
        foreach (char c in ascii)
        {
            crc ^= c;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB8_8320 : crc >> 1;
        }
        return ~crc;
    }
}

/// <summary>Fills <paramref name="destination"/> with unpredictable bytes.</summary>
public delegate void RandomBytes(Span<byte> destination);

/// <summary>HMAC-SHA-256 of a key: 256 bits, compared as two words.</summary>
public readonly record struct KeyHash(UInt128 High, UInt128 Low)
{
    /// <param name="mac">32 bytes.</param>
    public static KeyHash Of(ReadOnlySpan<byte> mac) => new(
        System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(mac), System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(mac[16..]));
}
