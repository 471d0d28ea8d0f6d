using System.Globalization;
using System.Text;

namespace Fairlead.Engine.Templates;

/// <summary>How Python prints values: <c>str(x)</c> where a template writes one, <c>repr(x)</c> for what stands inside lists.</summary>
internal static class Printing
{
    /// <summary>Python's <c>str(value)</c>. Of a text, the text itself.</summary>
    public static string Text(Value value, Budget budget)
    {
        if (value is TextValue text)
            return text.Text;
        if (value is UndefinedValue)
            return "";
        BoundedText to = new(budget);
        Represent(value, to, 0);
        return to.Finish();
    }

    /// <summary>Python's <c>repr(value)</c>.</summary>
    public static string Representation(Value value, Budget budget)
    {
        BoundedText to = new(budget);
        Represent(value, to, 0);
        return to.Finish();
    }

    /// <summary>Python's <c>repr(float)</c>: the shortest digits that read back the same, exponents from 1e16 up and below 1e-4.</summary>
    public static string Float(double value)
    {
        if (double.IsNaN(value))
            return "nan";
        if (double.IsInfinity(value))
            return value > 0 ? "inf" : "-inf";
        string scientific = value.ToString("E16", CultureInfo.InvariantCulture);
        string shortest = value.ToString("R", CultureInfo.InvariantCulture);
        int exponent = int.Parse(scientific.AsSpan(scientific.IndexOf('E') + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        string sign = shortest[0] == '-' ? "-" : "";
        string digits = Digits(shortest);
        if (value == 0)
            return sign + "0.0";
        if (exponent is < -4 or >= 16)
        {
            string mantissa = digits.Length == 1 ? digits : $"{digits[0]}.{digits[1..]}";
            return $"{sign}{mantissa}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }

        if (exponent < 0)
            return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
        if (digits.Length <= exponent + 1)
            return $"{sign}{digits.PadRight(exponent + 1, '0')}.0";
        return $"{sign}{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";

        // The significant digits of .NET's shortest form, which may stand with or without an exponent.
        static string Digits(string shortest)
        {
            int end = shortest.IndexOf('E');
            StringBuilder digits = new();
            foreach (char c in end < 0 ? shortest : shortest[..end])
            {
                if (char.IsAsciiDigit(c))
                    digits.Append(c);
            }

            string all = digits.ToString().TrimStart('0').TrimEnd('0');
            return all.Length == 0 ? "0" : all;
        }
    }

    private static void Represent(Value value, BoundedText to, int depth)
    {
        to.Visit(depth);
        switch (value)
        {
            case NoneValue:
                to.Append("None");
                break;
            case BoolValue flag:
                to.Append(flag.Value ? "True" : "False");
                break;
            case IntValue whole:
                to.Append(whole.Value.ToString(CultureInfo.InvariantCulture));
                break;
            case FloatValue real:
                to.Append(Float(real.Value));
                break;
            case TextValue { IsMarkup: true } markup:
                to.Append("Markup(");
                Quote(markup.Text, to);
                to.Append(")");
                break;
            case TextValue text:
                Quote(text.Text, to);
                break;
            case ListValue list:
                Sequence("[", list.Items, "]", to, depth);
                break;
            case TupleValue tuple:
                Sequence("(", tuple.Items, tuple.Items.Count == 1 ? ",)" : ")", to, depth);
                break;
            case DictValue dict:
                Pairs(dict.Items, to, depth);
                break;
            case ViewValue view:
                Sequence($"{view.TypeName}([", view.Items, "])", to, depth);
                break;
            case RangeValue range:
                to.Append(range.Step == 1 ? $"range({range.Start}, {range.Stop})" : $"range({range.Start}, {range.Stop}, {range.Step})");
                break;
            case NamespaceValue space:
                to.Append("<Namespace ");
                Pairs([.. space.Members.Select(member => new KeyValuePair<Value, Value>(Value.Of(member.Key), member.Value))], to, depth);
                to.Append(">");
                break;
            case CallableValue callable:
                to.Append($"<{callable.TypeName} {callable.Name}>");
                break;
            default:
                to.Append(value is UndefinedValue ? "Undefined" : $"<{value.TypeName} object>");
                break;
        }
    }

    private static void Sequence(string open, IReadOnlyList<Value> items, string close, BoundedText to, int depth)
    {
        to.Append(open);
        for (int i = 0; i < items.Count; i++)
        {
            if (i > 0)
                to.Append(", ");
            Represent(items[i], to, depth + 1);
        }

        to.Append(close);
    }

    private static void Pairs(IReadOnlyList<KeyValuePair<Value, Value>> pairs, BoundedText to, int depth)
    {
        to.Append("{");
        for (int i = 0; i < pairs.Count; i++)
        {
            if (i > 0)
                to.Append(", ");
            Represent(pairs[i].Key, to, depth + 1);
            to.Append(": ");
            Represent(pairs[i].Value, to, depth + 1);
        }

        to.Append("}");
    }

    private static void Quote(string text, BoundedText to)
    {
        char quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        StringBuilder quoted = new(text.Length + 2);
        quoted.Append(quote);
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c == quote || c == '\\')
                quoted.Append('\\').Append(c);
            else if (c == '\n')
                quoted.Append("\\n");
            else if (c == '\r')
                quoted.Append("\\r");
            else if (c == '\t')
                quoted.Append("\\t");
            else if (c is >= ' ' and < '\x7f')
                quoted.Append(c);
            else if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                QuoteRune(char.ConvertToUtf32(c, text[++i]), quoted);
            else
                QuoteRune(c, quoted);
        }

        to.Append(quoted.Append(quote).ToString());
    }

    private static void QuoteRune(int codePoint, StringBuilder to)
    {
        if (Characters.IsPrintable(codePoint))
            to.Append(char.ConvertFromUtf32(codePoint));
        else if (codePoint < 0x100)
            to.Append(CultureInfo.InvariantCulture, $"\\x{codePoint:x2}");
        else if (codePoint < 0x10000)
            to.Append(CultureInfo.InvariantCulture, $"\\u{codePoint:x4}");
        else
            to.Append(CultureInfo.InvariantCulture, $"\\U{codePoint:x8}");
    }
}

/// <summary>A text under construction that stops at the budget instead of growing.</summary>
internal sealed class BoundedText(Budget budget)
{
    private readonly StringBuilder _text = new();

    public int Length => _text.Length;

    public void Append(string text)
    {
        budget.Build(text.Length);
        _text.Append(text);
    }

    /// <summary>One more value is looked at, so many levels down.</summary>
    public void Visit(int depth)
    {
        budget.Spend();
        // Values nest 100 levels at most by themselves; only a namespace that holds itself goes on.
        if (depth > 200)
            throw new TemplateFault("a value contains itself");
    }

    public string Finish() => _text.ToString();
}
