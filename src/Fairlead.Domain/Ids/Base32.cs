namespace Fairlead.Domain.Ids;

/// <summary>Crockford's base 32 of 128 bits: 26 characters that sort as the bits do and survive being read aloud.</summary>
internal static class Base32
{
    public const int Length = 26;
    private const string Alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

    public static void Write(UInt128 value, Span<char> destination)
    {
        for (int i = Length - 1; i >= 0; i--)
        {
            destination[i] = Alphabet[(int)(uint)(value & 31)];
            value >>= 5;
        }
    }

    public static bool TryRead(ReadOnlySpan<char> text, out UInt128 value)
    {
        value = 0;
        if (text.Length != Length || text[0] > '7')
            return false;
        foreach (char c in text)
        {
            int digit = Alphabet.IndexOf(c, StringComparison.Ordinal);
            if (digit < 0)
                return false;
            value = (value << 5) | (uint)digit;
        }
        return true;
    }
}
