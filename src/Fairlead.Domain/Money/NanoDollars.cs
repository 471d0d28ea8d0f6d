using System.Globalization;

namespace Fairlead.Domain.Money;

/// <summary>US dollars in whole nano-dollars (1e-9 USD); range ±9.2 billion USD, overflow throws.</summary>
/// <remarks>Never a <c>double</c>: 0.1 + 0.2 is somebody's invoice.</remarks>
public readonly record struct NanoDollars(long Value) : IComparable<NanoDollars>
{
    /// <summary>Nano-dollars in one US dollar.</summary>
    public const long PerDollar = 1_000_000_000;

    /// <summary>No money.</summary>
    public static NanoDollars Zero => default;

    public static NanoDollars operator +(NanoDollars a, NanoDollars b) => new(checked(a.Value + b.Value));
    public static NanoDollars operator -(NanoDollars a, NanoDollars b) => new(checked(a.Value - b.Value));
    public static NanoDollars operator -(NanoDollars a) => new(checked(-a.Value));
    public static bool operator <(NanoDollars a, NanoDollars b) => a.Value < b.Value;
    public static bool operator >(NanoDollars a, NanoDollars b) => a.Value > b.Value;
    public static bool operator <=(NanoDollars a, NanoDollars b) => a.Value <= b.Value;
    public static bool operator >=(NanoDollars a, NanoDollars b) => a.Value >= b.Value;

    public static NanoDollars Min(NanoDollars a, NanoDollars b) => a.Value <= b.Value ? a : b;

    public static NanoDollars Max(NanoDollars a, NanoDollars b) => a.Value >= b.Value ? a : b;

    public int CompareTo(NanoDollars other) => Value.CompareTo(other.Value);

    /// <summary>Reads plain decimal text such as <c>0.0375</c> or <c>20</c>; at most nine places after the point.</summary>
    /// <returns>False for signs, exponents, more than nine places, or an amount beyond the range.</returns>
    public static bool TryParseDollars(ReadOnlySpan<char> text, out NanoDollars amount)
    {
        amount = default;
        if (text.Length is 0 or > 24 || !char.IsAsciiDigit(text[0]))
            return false;
        Int128 value = 0;
        int places = -1;
        foreach (char c in text)
        {
            if (c == '.')
            {
                if (places >= 0)
                    return false;
                places = 0;
                continue;
            }
            if (!char.IsAsciiDigit(c) || places == 9)
                return false;
            value = value * 10 + (c - '0');
            if (places >= 0)
                places++;
        }
        if (places == 0)
            return false;
        for (int i = Math.Max(places, 0); i < 9; i++)
            value *= 10;
        if (value > long.MaxValue)
            return false;
        amount = new NanoDollars((long)value);
        return true;
    }

    /// <summary>US dollars, plain decimal, nine places: <c>0.000006400</c>. The form of <c>x-fairlead-cost</c>.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{(Value < 0 ? "-" : "")}{UInt128.CreateChecked(Int128.Abs(Value)) / PerDollar}.{(long)(Int128.Abs(Value) % PerDollar):D9}");

    /// <summary>Writes <see cref="ToString"/>'s form as ASCII; <paramref name="destination"/> needs 21 bytes.</summary>
    public bool TryFormatUtf8(Span<byte> destination, out int written)
    {
        written = 0;
        if (Value < 0)
        {
            if (destination.IsEmpty)
                return false;
            destination[0] = (byte)'-';
            written = 1;
        }
        UInt128 whole = UInt128.CreateChecked(Int128.Abs(Value));
        if (!((ulong)(whole / PerDollar)).TryFormat(destination[written..], out int digits, provider: CultureInfo.InvariantCulture))
            return false;
        written += digits;
        if (destination.Length < written + 10)
            return false;
        destination[written++] = (byte)'.';
        ((ulong)(whole % PerDollar)).TryFormat(destination[written..], out digits, "D9", CultureInfo.InvariantCulture);
        written += digits;
        return true;
    }
}
