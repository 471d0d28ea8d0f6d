using System.Globalization;
using System.Numerics;

namespace Fairlead.Engine.Templates;

/// <summary>Filters that make a number of what they are given.</summary>
internal static class NumberFilters
{
    public static Value Abs(Budget budget, Value value, Arguments arguments) => RequireNumber(value, "abs") is FloatValue real
        ? new FloatValue(Math.Abs(real.Value))
        : Value.Of(BigInteger.Abs(Arithmetic.AsWhole(value)));

    /// <summary>Digits behind the point that <c>round</c> can keep: as many as a double has for certain.</summary>
    private const int MostDigits = 15;

    public static Value Round(Budget budget, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("round", "precision", "method");
        int precision = Arguments.Whole(bound[0], 0, "round");
        if (precision is < 0 or > MostDigits)
            throw new TemplateFault($"round: precision must be from 0 to {MostDigits}, not {precision}");
        string method = Arguments.Text(bound[1], "common", "round");
        double number = Arithmetic.AsDouble(RequireNumber(value, "round"));
        if (method == "common")
            return value is FloatValue ? new FloatValue(Math.Round(number, precision, MidpointRounding.ToEven)) : value;
        double scale = Math.Pow(10, precision);
        return new FloatValue(method switch
        {
            "ceil" => Math.Ceiling(number * scale) / scale,
            "floor" => Math.Floor(number * scale) / scale,
            _ => throw new TemplateFault("method must be common, ceil or floor"),
        });
    }

    public static Value Float(Budget budget, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("float", "default");
        return value switch
        {
            UndefinedValue missing => throw missing.Fault(),
            _ when Arithmetic.IsNumber(value) => new FloatValue(Arithmetic.AsDouble(value)),
            TextValue text when double.TryParse(text.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) => new FloatValue(number),
            _ => bound[0] ?? new FloatValue(0),
        };
    }

    public static Value Int(Budget budget, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("int", "default", "base");
        int radix = Arguments.Whole(bound[1], 10, "int");
        switch (value)
        {
            case UndefinedValue missing:
                throw missing.Fault();
            case BoolValue or IntValue:
                return Value.Of(Arithmetic.AsWhole(value));
            case FloatValue real when double.IsFinite(real.Value):
                return Value.Of(new BigInteger(Math.Truncate(real.Value)));
            case TextValue text when ParseWhole(text.Text, radix) is { } whole:
                return Value.Of(whole);
            // "4.2"|int is 4: the reference reads the text as a float where it is no whole number.
            case TextValue text when double.TryParse(text.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number):
                return Value.Of(new BigInteger(Math.Truncate(number)));
            default:
                return bound[0] ?? Value.Of(BigInteger.Zero);
        }
    }

    private static BigInteger? ParseWhole(string text, int radix)
    {
        ReadOnlySpan<char> digits = text.AsSpan().Trim();
        if (digits.Length > 4_300)
            return null;
        if (radix == 10)
            return BigInteger.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger whole) ? whole : null;

        bool isNegative = digits.StartsWith("-");
        digits = digits.TrimStart("+-");
        string prefix = radix switch { 2 => "0b", 8 => "0o", 16 => "0x", _ => "" };
        if (prefix.Length > 0 && digits.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            digits = digits[2..];
        BigInteger value = BigInteger.Zero;
        foreach (char c in digits)
        {
            int digit = char.IsAsciiDigit(c) ? c - '0' : char.IsAsciiLetter(c) ? char.ToLowerInvariant(c) - 'a' + 10 : 99;
            if (digit >= radix)
                return null;
            value = (value * radix) + digit;
        }

        return digits.Length == 0 ? null : isNegative ? -value : value;
    }

    private static Value RequireNumber(Value value, string filter) => value switch
    {
        _ when Arithmetic.IsNumber(value) => value,
        UndefinedValue missing => throw missing.Fault(),
        _ => throw new TemplateFault($"bad operand type for {filter}(): '{value.TypeName}'"),
    };
}
