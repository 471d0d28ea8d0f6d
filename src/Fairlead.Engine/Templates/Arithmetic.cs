using System.Numerics;

namespace Fairlead.Engine.Templates;

/// <summary>The operators of the language: Python's arithmetic, concatenation and repetition.</summary>
internal static class Arithmetic
{
    public static BigInteger AsWhole(Value value) => value switch
    {
        IntValue whole => whole.Value,
        BoolValue flag => flag.Value ? BigInteger.One : BigInteger.Zero,
        _ => throw new InvalidOperationException($"a {value.TypeName} is no whole number"),
    };

    /// <summary>A whole number that fits 32 bits; larger ones are pulled to the border, where every use of them ends in a limit anyway.</summary>
    public static int AsClamped(Value value) => (int)BigInteger.Clamp(AsWhole(value), int.MinValue, int.MaxValue);

    public static double AsDouble(Value value) => value is FloatValue real ? real.Value : (double)AsWhole(value);

    public static bool IsNumber(Value value) => value is BoolValue or IntValue or FloatValue;

    public static Value Apply(string sign, Value a, Value b, Budget budget)
    {
        if (a is UndefinedValue x)
            throw x.Fault();
        if (b is UndefinedValue y)
            throw y.Fault();
        return sign switch
        {
            "+" => Add(a, b, budget),
            "*" => Multiply(a, b, budget),
            "%" when a is TextValue format => PercentFormat.Apply(format.Text, b, budget),
            _ when IsNumber(a) && IsNumber(b) => Calculate(sign, a, b),
            _ => throw Unsupported(sign, a, b),
        };
    }

    public static Value Negate(Value value) => value switch
    {
        FloatValue real => new FloatValue(-real.Value),
        BoolValue or IntValue => Value.Of(-AsWhole(value)),
        UndefinedValue missing => throw missing.Fault(),
        _ => throw new TemplateFault($"bad operand type for unary -: '{value.TypeName}'"),
    };

    public static Value Plus(Value value) => value switch
    {
        FloatValue => value,
        BoolValue or IntValue => Value.Of(AsWhole(value)),
        UndefinedValue missing => throw missing.Fault(),
        _ => throw new TemplateFault($"bad operand type for unary +: '{value.TypeName}'"),
    };

    private static Value Add(Value a, Value b, Budget budget)
    {
        switch (a, b)
        {
            case (TextValue x, TextValue y):
                // markupsafe: what meets a safe text with + is escaped unless it is safe itself.
                string left = y.IsMarkup && !x.IsMarkup ? Markup.Escape(x.Text, budget) : x.Text;
                string right = x.IsMarkup && !y.IsMarkup ? Markup.Escape(y.Text, budget) : y.Text;
                budget.Build((long)left.Length + right.Length);
                return new TextValue(left + right, x.IsMarkup || y.IsMarkup);
            case (TextValue x, _):
                throw new TemplateFault($"can only concatenate {x.TypeName} (not \"{b.TypeName}\") to {x.TypeName}");
            case (ListValue x, ListValue y):
                budget.Spend((long)x.Items.Count + y.Items.Count);
                return new ListValue([.. x.Items, .. y.Items]);
            case (TupleValue x, TupleValue y):
                budget.Spend((long)x.Items.Count + y.Items.Count);
                return new TupleValue([.. x.Items, .. y.Items]);
            case (ListValue or TupleValue, _):
                throw new TemplateFault($"can only concatenate {a.TypeName} (not \"{b.TypeName}\") to {a.TypeName}");
            case var _ when IsNumber(a) && IsNumber(b):
                return Calculate("+", a, b);
            default:
                throw Unsupported("+", a, b);
        }
    }

    private static Value Multiply(Value a, Value b, Budget budget)
    {
        if (IsNumber(a) && IsNumber(b))
            return Calculate("*", a, b);
        if (a is BoolValue or IntValue && b is TextValue or ListValue or TupleValue)
            (a, b) = (b, a);
        if (a is not (TextValue or ListValue or TupleValue))
            throw Unsupported("*", a, b);
        if (b is not (BoolValue or IntValue))
            throw new TemplateFault($"can't multiply sequence by non-int of type '{b.TypeName}'");

        BigInteger wanted = AsWhole(b);
        long times = wanted.Sign <= 0 ? 0 : (long)BigInteger.Min(wanted, long.MaxValue);
        if (a is TextValue text)
        {
            int length = Length(text.Text.Length, times, budget.Build);
            return new TextValue(string.Create(length, text.Text, static (to, from) =>
            {
                for (; to.Length > 0; to = to[from.Length..])
                    from.CopyTo(to);
            }), text.IsMarkup);
        }

        IReadOnlyList<Value> items = a is ListValue list ? list.Items : ((TupleValue)a).Items;
        Value[] repeated = new Value[Length(items.Count, times, budget.Spend)];
        for (int i = 0; i < repeated.Length; i++)
            repeated[i] = items[i % items.Count];
        return a is ListValue ? new ListValue(repeated) : new TupleValue(repeated);

        // Asked before anything is made: 'a' * 10**9 must cost nothing.
        static int Length(int one, long times, Action<long> account)
        {
            Int128 length = (Int128)one * times;
            account(length > long.MaxValue / 4 ? long.MaxValue / 4 : (long)length);
            return (int)length;
        }
    }

    private static Value Calculate(string sign, Value a, Value b)
    {
        if (sign == "/")
            return Divide(a, b);
        if (a is FloatValue || b is FloatValue)
            return new FloatValue(Calculate(sign, AsDouble(a), AsDouble(b)));

        BigInteger x = AsWhole(a);
        BigInteger y = AsWhole(b);
        switch (sign)
        {
            case "+":
                return Value.Of(x + y);
            case "-":
                return Value.Of(x - y);
            case "*":
                return Value.Of(x * y);
            case "//" or "%":
                if (y.IsZero)
                    throw new TemplateFault("integer division or modulo by zero");
                BigInteger quotient = BigInteger.DivRem(x, y, out BigInteger rest);
                // Python rounds down, .NET towards zero.
                if (!rest.IsZero && rest.Sign != y.Sign)
                {
                    quotient -= 1;
                    rest += y;
                }

                return Value.Of(sign == "%" ? rest : quotient);
            case "**":
                return Power(x, y);
            default:
                throw new InvalidOperationException($"no operator {sign}");
        }
    }

    private static FloatValue Divide(Value a, Value b)
    {
        double y = AsDouble(b);
        if (y == 0)
            throw new TemplateFault(a is FloatValue || b is FloatValue ? "float division by zero" : "division by zero");
        double quotient = AsDouble(a) / y;
        if (!double.IsFinite(quotient) && a is not FloatValue && b is not FloatValue)
            throw new TemplateFault("integer division result too large for a float");
        return new FloatValue(quotient);
    }

    private static double Calculate(string sign, double x, double y)
    {
        switch (sign)
        {
            case "+":
                return x + y;
            case "-":
                return x - y;
            case "*":
                return x * y;
            case "//":
                return y == 0 ? throw new TemplateFault("float floor division by zero") : Math.Floor(x / y);
            case "%":
                if (y == 0)
                    throw new TemplateFault("float modulo");
                double rest = x % y;
                return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
            case "**":
                return Math.Pow(x, y);
            default:
                throw new InvalidOperationException($"no operator {sign}");
        }
    }

    private static Value Power(BigInteger x, BigInteger y)
    {
        if (y.Sign < 0)
            return x.IsZero ? throw new TemplateFault("0.0 cannot be raised to a negative power") : new FloatValue(Math.Pow((double)x, (double)y));
        // The result has about bits(x) · y bits: refused before it is made.
        if (BigInteger.Abs(x) > BigInteger.One && (x.GetBitLength() - 1) * y > IntValue.MaxBits)
            throw new TemplateFault("a whole number has more than 4300 digits");
        return Value.Of(BigInteger.Abs(x) <= BigInteger.One ? (x == BigInteger.MinusOne && !y.IsEven ? x : (y.IsZero ? BigInteger.One : BigInteger.Abs(x))) : BigInteger.Pow(x, (int)y));
    }

    private static TemplateFault Unsupported(string sign, Value a, Value b) =>
        new($"unsupported operand type(s) for {(sign == "**" ? "** or pow()" : sign)}: '{a.TypeName}' and '{b.TypeName}'");
}
