using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Fairlead.Protocols.Json;

/// <summary>Turns single values that a <see cref="JsonCursor"/> found into .NET values.</summary>
public static class JsonText
{
    /// <summary>The characters of a string whose raw bytes (between the quotes) are given.</summary>
    public static string Unescape(ReadOnlySpan<byte> raw, bool escaped)
    {
        if (!escaped)
            return Encoding.UTF8.GetString(raw);
        byte[] quoted = [(byte)'"', .. raw, (byte)'"'];
        var reader = new Utf8JsonReader(quoted);
        reader.Read();
        return reader.GetString()!;
    }

    /// <summary>Whether the string means <paramref name="plain"/>, however it is spelled.</summary>
    public static bool Is(ReadOnlySpan<byte> raw, bool escaped, ReadOnlySpan<byte> plain) =>
        escaped ? raw.Length > plain.Length && Encoding.UTF8.GetBytes(Unescape(raw, escaped: true)).AsSpan().SequenceEqual(plain) : raw.SequenceEqual(plain);

    /// <summary>A number that is a whole one, however it is spelled (<c>16</c>, <c>16.0</c>, <c>1.6e1</c>).</summary>
    public static bool TryWhole(ReadOnlySpan<byte> number, out long value)
    {
        if (Utf8Parser.TryParse(number, out value, out int consumed) && consumed == number.Length)
            return true;
        value = 0;
        if (!TryReal(number, out double real) || real != Math.Floor(real) || Math.Abs(real) > 1L << 53)
            return false;
        value = (long)real;
        return true;
    }

    /// <summary>A number as a double; false when it is beyond its range.</summary>
    public static bool TryReal(ReadOnlySpan<byte> number, out double value) =>
        double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);
}
