using System.Globalization;
using System.Numerics;

namespace Fairlead.Engine.Templates;

/// <summary>Python's <c>'…%s…' % values</c> with the conversions s, r, d, i, u, x, X, o, c, e, f, g and %.</summary>
internal static class PercentFormat
{
    public static TextValue Apply(string format, Value values, Budget budget)
    {
        IReadOnlyList<Value> positional = values is TupleValue tuple ? tuple.Items : [values];
        BoundedText text = new(budget);
        int next = 0;
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                int end = format.IndexOf('%', i);
                end = end < 0 ? format.Length : end;
                text.Append(format[i..end]);
                i = end - 1;
                continue;
            }

            string? name = null;
            i++;
            if (i < format.Length && format[i] == '(')
            {
                int close = format.IndexOf(')', i);
                if (close < 0)
                    throw new TemplateFault("incomplete format key");
                name = format[(i + 1)..close];
                i = close + 1;
            }

            FormatSpec spec = FormatSpec.ReadPercent(format, ref i);
            if (i >= format.Length)
                throw new TemplateFault("incomplete format");
            if (format[i] == '%')
            {
                text.Append("%");
                continue;
            }

            Value value = name is not null ? ByName(values, name)
                : next < positional.Count ? positional[next++]
                : throw new TemplateFault("not enough arguments for format string");
            text.Append(Convert(value, spec with { Kind = format[i] }, budget));
        }

        if (next < positional.Count && values is not DictValue)
            throw new TemplateFault("not all arguments converted during string formatting");
        return new TextValue(text.Finish());
    }

    private static Value ByName(Value values, string name) => values is DictValue dict
        ? dict[name] ?? throw new TemplateFault($"the format names '{name}', which is not given")
        : throw new TemplateFault("format requires a mapping");

    private static string Convert(Value value, FormatSpec spec, Budget budget)
    {
        switch (spec.Kind)
        {
            case 's':
                return spec.Text(Printing.Text(value, budget), budget);
            case 'r' or 'a':
                return spec.Text(Printing.Representation(value, budget), budget);
            case 'c' when value is TextValue { Length: 1 } character:
                return spec.Text(character.Text, budget);
            case 'd' or 'i' or 'u' when value is FloatValue real && double.IsFinite(real.Value):
                return spec.Number(Value.Of(new BigInteger(Math.Truncate(real.Value))), budget);
            default:
                return Arithmetic.IsNumber(value)
                    ? spec.Number(value, budget)
                    : throw new TemplateFault($"%{spec.Kind} format: a real number is required, not {value.TypeName}");
        }
    }
}

/// <summary>Python's <c>'…{}…'.format(values)</c>. Fields name arguments only: members and items of them cannot be reached.</summary>
internal static class BraceFormat
{
    public static TextValue Apply(string format, Arguments arguments, Budget budget)
    {
        BoundedText text = new(budget);
        int next = 0;
        for (int i = 0; i < format.Length; i++)
        {
            char c = format[i];
            if (c is not ('{' or '}'))
            {
                int end = format.AsSpan(i).IndexOfAny('{', '}');
                end = end < 0 ? format.Length : i + end;
                text.Append(format[i..end]);
                i = end - 1;
                continue;
            }

            if (i + 1 < format.Length && format[i + 1] == c)
            {
                text.Append(c == '{' ? "{" : "}");
                i++;
                continue;
            }

            int close = c == '{' ? format.IndexOf('}', i) : -1;
            if (close < 0)
                throw new TemplateFault($"Single '{c}' encountered in format string");
            text.Append(Field(format[(i + 1)..close], arguments, ref next, budget));
            i = close;
        }

        return new TextValue(text.Finish());
    }

    private static string Field(string field, Arguments arguments, ref int next, Budget budget)
    {
        int colon = field.IndexOf(':');
        string name = colon < 0 ? field : field[..colon];
        bool asRepresentation = name.EndsWith("!r", StringComparison.Ordinal);
        if (asRepresentation || name.EndsWith("!s", StringComparison.Ordinal))
            name = name[..^2];
        Value value;
        if (name.Length == 0 || name.All(char.IsAsciiDigit))
        {
            int place = name.Length == 0 ? next++ : name.Length < 6 ? int.Parse(name, CultureInfo.InvariantCulture) : int.MaxValue;
            value = place < arguments.Positional.Count
                ? arguments.Positional[place]
                : throw new TemplateFault($"Replacement index {place} out of range for positional args tuple");
        }
        else if (!arguments.Named.TryGetValue(name, out value!))
        {
            throw new TemplateFault($"the format names '{name}', which is not given");
        }

        if (value is UndefinedValue missing && colon >= 0 && colon + 1 < field.Length)
            throw missing.Fault();
        if (asRepresentation)
            value = Value.Of(Printing.Representation(value, budget));
        FormatSpec spec = FormatSpec.ReadBrace(colon < 0 ? "" : field[(colon + 1)..]);
        return Arithmetic.IsNumber(value) && (value is not BoolValue || spec.Kind != '\0')
            ? spec.Number(value, budget)
            : spec.Text(Printing.Text(value, budget), budget);
    }
}

/// <summary>How one field is written: sign, fill, width, precision and kind, from either of Python's two notations.</summary>
internal sealed record FormatSpec
{
    public char Fill { get; init; } = ' ';

    /// <summary><c>&lt;</c>, <c>&gt;</c>, <c>^</c>, <c>=</c> (after the sign); null: texts left, numbers right.</summary>
    public char? Align { get; init; }

    /// <summary><c>+</c> or a blank before positive numbers; null: nothing.</summary>
    public char? Sign { get; init; }

    public bool Alternate { get; init; }

    public char? Thousands { get; init; }

    public int Width { get; init; }

    public int? Precision { get; init; }

    /// <summary>The conversion letter, or NUL where none is written.</summary>
    public char Kind { get; init; }

    private bool IsPercent { get; init; }

    public static FormatSpec ReadPercent(string format, ref int at)
    {
        FormatSpec spec = new() { IsPercent = true, Align = '>' };
        for (; at < format.Length && format[at] is '-' or '+' or ' ' or '0' or '#'; at++)
        {
            spec = format[at] switch
            {
                '-' => spec with { Align = '<', Fill = ' ' },
                '+' => spec with { Sign = '+' },
                ' ' => spec.Sign is null ? spec with { Sign = ' ' } : spec,
                '#' => spec with { Alternate = true },
                _ => spec.Align == '<' ? spec : spec with { Fill = '0', Align = '=' },
            };
        }

        return ReadSizes(spec, format, ref at);
    }

    public static FormatSpec ReadBrace(string text)
    {
        FormatSpec spec = new();
        int at = 0;
        if (text.Length > 1 && text[1] is '<' or '>' or '^' or '=')
        {
            spec = spec with { Fill = text[0], Align = text[1] };
            at = 2;
        }
        else if (text is ['<' or '>' or '^' or '=', ..])
        {
            spec = spec with { Align = text[0] };
            at = 1;
        }

        if (at < text.Length && text[at] is '+' or '-' or ' ')
            spec = spec with { Sign = text[at] == '-' ? null : text[at], };
        if (at < text.Length && text[at] is '+' or '-' or ' ')
            at++;
        if (at < text.Length && text[at] == '#')
        {
            spec = spec with { Alternate = true };
            at++;
        }

        if (at < text.Length && text[at] == '0' && spec.Align is null)
            spec = spec with { Fill = '0', Align = '=' };
        spec = ReadSizes(spec, text, ref at);
        if (at < text.Length)
            spec = spec with { Kind = text[at++] };
        return at == text.Length ? spec : throw new TemplateFault("Invalid format specifier");
    }

    public string Text(string text, Budget budget)
    {
        if (Kind is not ('\0' or 's' or 'r' or 'a' or 'c'))
            throw new TemplateFault($"Unknown format code '{Kind}' for object of type 'str'");
        if (Precision is { } most)
            text = PythonText.Slice(new TextValue(text), 0, most, 1, budget).Text;
        return Fit("", text, Align is '=' or null ? (IsPercent ? '>' : '<') : Align.Value, Fill == '0' && IsPercent ? ' ' : Fill, budget);
    }

    public string Number(Value value, Budget budget)
    {
        bool isNegative = value is FloatValue real ? double.IsNegative(real.Value) : Arithmetic.AsWhole(value).Sign < 0;
        string digits = Digits(value);
        string sign = isNegative ? "-" : Sign?.ToString() ?? "";
        return Fit(sign, digits, Align ?? '>', Fill, budget);
    }

    private static FormatSpec ReadSizes(FormatSpec spec, string text, ref int at)
    {
        spec = spec with { Width = ReadNumber(text, ref at) ?? 0 };
        if (at < text.Length && text[at] is ',' or '_')
            spec = spec with { Thousands = text[at++] };
        if (at < text.Length && text[at] == '.')
        {
            at++;
            spec = spec with { Precision = ReadNumber(text, ref at) ?? 0 };
        }

        return spec;
    }

    /// <summary>Digits up to a million; more is refused, as no prompt needs it.</summary>
    private static int? ReadNumber(string text, ref int at)
    {
        int from = at;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
            at++;
        if (at == from)
            return null;
        return at - from <= 6 ? int.Parse(text.AsSpan(from, at - from), CultureInfo.InvariantCulture) : throw new TemplateFault("a format asks for more than 999999 characters");
    }

    private string Digits(Value value)
    {
        int precision = Math.Min(Precision ?? 6, 300);
        char kind = Kind == '\0' ? (value is FloatValue ? (Precision is null ? 'R' : 'g') : 'd') : Kind;
        switch (kind)
        {
            case 'f' or 'F':
                return Group(Finite(value)?.ToString("F" + precision, CultureInfo.InvariantCulture) ?? Special(value));
            case '%' when !IsPercent:
                return (Finite(value) * 100)?.ToString("F" + precision, CultureInfo.InvariantCulture) + "%";
            case 'e' or 'E':
                string scientific = Finite(value)?.ToString((kind == 'e' ? "0." + new string('0', precision) + "e+00" : "0." + new string('0', precision) + "E+00"), CultureInfo.InvariantCulture) ?? Special(value);
                return precision == 0 ? scientific.Replace(".", "", StringComparison.Ordinal) : scientific;
            case 'g' or 'G':
                return Finite(value) is { } number ? General(number, Math.Max(1, precision)) : Special(value);
            case 'R':
                return Group(Printing.Float(Math.Abs(Arithmetic.AsDouble(value))));
        }

        if (value is FloatValue)
            throw new TemplateFault($"Unknown format code '{Kind}' for object of type 'float'");
        BigInteger whole = BigInteger.Abs(Arithmetic.AsWhole(value));
        string digits = kind switch
        {
            'd' or 'i' or 'u' or 'n' => Group(whole.ToString(CultureInfo.InvariantCulture)),
            'x' => (Alternate ? "0x" : "") + Radix(whole, 16),
            'X' => (Alternate ? "0X" : "") + Radix(whole, 16).ToUpperInvariant(),
            'o' => (Alternate ? "0o" : "") + Radix(whole, 8),
            'b' when !IsPercent => (Alternate ? "0b" : "") + Radix(whole, 2),
            'c' when whole < 0x110000 && (whole < 0xD800 || whole > 0xDFFF) => char.ConvertFromUtf32((int)whole),
            _ => throw new TemplateFault($"Unknown format code '{Kind}' for object of type 'int'"),
        };
        return IsPercent && Precision is { } least ? digits.PadLeft(least, '0') : digits;
    }

    private static double? Finite(Value value) => Math.Abs(Arithmetic.AsDouble(value)) is var number && double.IsFinite(number) ? number : null;

    private static string Special(Value value) => double.IsNaN(Arithmetic.AsDouble(value)) ? "nan" : "inf";

    private static string General(double number, int precision)
    {
        if (number == 0)
            return "0";
        string scientific = number.ToString("E" + (precision - 1), CultureInfo.InvariantCulture);
        int exponent = int.Parse(scientific.AsSpan(scientific.IndexOf('E') + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        if (exponent < -4 || exponent >= precision)
        {
            string mantissa = scientific[..scientific.IndexOf('E')];
            mantissa = mantissa.Contains('.') ? mantissa.TrimEnd('0').TrimEnd('.') : mantissa;
            return $"{mantissa}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }

        string fixedPoint = number.ToString("F" + Math.Max(0, precision - 1 - exponent), CultureInfo.InvariantCulture);
        return fixedPoint.Contains('.') ? fixedPoint.TrimEnd('0').TrimEnd('.') : fixedPoint;
    }

    private static string Radix(BigInteger value, int radix)
    {
        if (value.IsZero)
            return "0";
        List<char> digits = [];
        for (; !value.IsZero; value /= radix)
            digits.Add("0123456789abcdef"[(int)(value % radix)]);
        digits.Reverse();
        return string.Concat(digits);
    }

    private string Group(string digits)
    {
        if (Thousands is not { } separator)
            return digits;
        int point = digits.IndexOf('.');
        for (int at = (point < 0 ? digits.Length : point) - 3; at > 0; at -= 3)
            digits = digits.Insert(at, separator.ToString());
        return digits;
    }

    private string Fit(string sign, string text, char align, char fill, Budget budget)
    {
        int missing = Math.Max(0, Width - sign.Length - new TextValue(text).Length);
        budget.Build(missing);
        int left = align switch { '<' => 0, '^' => missing / 2, _ => missing };
        return align == '='
            ? sign + new string(fill, missing) + text
            : new string(fill, left) + sign + text + new string(fill, missing - left);
    }
}
