using System.Buffers;
using System.Text;
using System.Text.Json;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Translation;

/// <summary>A string as it stands in a JSON text: the bytes between its quotes, escapes as written. Copied into another JSON text it means the same.</summary>
internal readonly ref struct JsonString(ReadOnlySpan<byte> raw, bool escaped)
{
    /// <summary>The string that a value is.</summary>
    /// <param name="value">JSON; anything but a string gives one that does not exist.</param>
    public static JsonString Of(ReadOnlySpan<byte> value) =>
        value.Length >= 2 && value[0] == (byte)'"' ? new JsonString(value[1..^1], value.Contains((byte)'\\')) : default;

    /// <summary>The bytes between the quotes.</summary>
    public ReadOnlySpan<byte> Raw { get; } = raw;

    public bool Escaped { get; } = escaped;

    /// <summary>The string stands there, be it empty.</summary>
    public bool Exists { get; } = true;

    public bool Is(ReadOnlySpan<byte> plain) => Exists && JsonText.Is(Raw, Escaped, plain);

    public override string ToString() => JsonText.Unescape(Raw, Escaped);

    /// <summary>Holds nothing that can be seen.</summary>
    public bool IsBlank => SeenUpTo(stopAtFirst: true) == 0;

    /// <summary>Without the white space at its end.</summary>
    public JsonString TrimEnd() => new(Raw[..SeenUpTo(stopAtFirst: false)], Escaped);

    /// <summary>Writes its characters as UTF-8.</summary>
    /// <param name="into">At least as long as <see cref="Raw"/>.</param>
    /// <returns>Bytes written.</returns>
    public int Unescape(Span<byte> into)
    {
        if (!Escaped)
        {
            Raw.CopyTo(into);
            return Raw.Length;
        }
        byte[] quoted = ArrayPool<byte>.Shared.Rent(Raw.Length + 2);
        try
        {
            quoted[0] = (byte)'"';
            Raw.CopyTo(quoted.AsSpan(1));
            quoted[Raw.Length + 1] = (byte)'"';
            var reader = new Utf8JsonReader(quoted.AsSpan(0, Raw.Length + 2));
            reader.Read();
            return reader.CopyString(into);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(quoted);
        }
    }

    /// <summary>Where the last character that is no white space ends (the first one, if that is enough); 0 when there is none.</summary>
    private int SeenUpTo(bool stopAtFirst)
    {
        int seen = 0;
        for (int at = 0; at < Raw.Length;)
        {
            (int length, bool space) = Next(Raw[at..]);
            at += length;
            if (space)
                continue;
            seen = at;
            if (stopAtFirst)
                break;
        }
        return seen;
    }

    private static (int Length, bool Space) Next(ReadOnlySpan<byte> raw)
    {
        if (raw[0] != (byte)'\\')
        {
            Rune.DecodeFromUtf8(raw, out Rune rune, out int length);
            return (length, Rune.IsWhiteSpace(rune));
        }
        if (raw[1] != (byte)'u')
            return (2, raw[1] is (byte)'n' or (byte)'r' or (byte)'t' or (byte)'f');
        int unit = 0;
        foreach (byte digit in raw[2..6])
            unit = (unit << 4) | (digit <= (byte)'9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
        return (6, char.IsWhiteSpace((char)unit)); // half of a pair is no space
    }
}
