using System.Numerics;

namespace Fairlead.Engine.Templates;

/// <summary>The functions that every template finds.</summary>
internal static class Globals
{
    /// <summary>The longest range, as in Jinja2's sandbox.</summary>
    private const int MaxRange = 100_000;

    /// <param name="clock">What <c>strftime_now</c> reads.</param>
    public static Dictionary<string, Value> Create(TimeProvider clock) => new(StringComparer.Ordinal)
    {
        ["range"] = Function("range", Range),
        ["dict"] = Function("dict", static (budget, arguments) => Pairs(budget, arguments, "dict")),
        ["namespace"] = Function("namespace", Namespace),
        ["cycler"] = Function("cycler", Cycler),
        ["joiner"] = Function("joiner", Joiner),
        ["raise_exception"] = Function("raise_exception", static (budget, arguments) =>
            throw new TemplateFault(Printing.Text(Arguments.Required(arguments.Bind("raise_exception", "message")[0], "raise_exception", "message"), budget), byTemplate: true)),
        ["strftime_now"] = Function("strftime_now", (budget, arguments) => budget.Text(StrfTime.Format(
            clock.GetLocalNow(), Arguments.Text(Arguments.Required(arguments.Bind("strftime_now", "format")[0], "strftime_now", "format"), "", "strftime_now")))),
    };

    private static CallableValue Function(string name, Func<Budget, Arguments, Value> body) => new(name, "function", body);

    private static RangeValue Range(Budget budget, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("range", "start", "stop", "step");
        BigInteger first = Whole(Arguments.Required(bound[0], "range", "start"));
        BigInteger start = bound[1] is null ? BigInteger.Zero : first;
        BigInteger stop = bound[1] is { } given ? Whole(given) : first;
        BigInteger step = bound[2] is { } stride ? Whole(stride) : BigInteger.One;
        if (step.IsZero)
            throw new TemplateFault("range() arg 3 must not be zero");
        BigInteger count = step.Sign > 0 ? (stop - start + step - 1) / step : (start - stop - step - 1) / -step;
        if (count > MaxRange)
            throw new TemplateFault($"Range too big. The sandbox blocks ranges larger than MAX_RANGE ({MaxRange}).");
        if (BigInteger.Max(BigInteger.Abs(start), BigInteger.Max(BigInteger.Abs(stop), BigInteger.Abs(step))) > long.MaxValue / 4)
            throw new TemplateFault("range() is asked for numbers beyond 61 bits");
        return new RangeValue((long)start, (long)stop, (long)step, (long)BigInteger.Max(count, BigInteger.Zero));

        static BigInteger Whole(Value value) => value switch
        {
            IntValue or BoolValue => Arithmetic.AsWhole(value),
            UndefinedValue missing => throw missing.Fault(),
            _ => throw new TemplateFault($"'{value.TypeName}' object cannot be interpreted as an integer"),
        };
    }

    private static DictValue Pairs(Budget budget, Arguments arguments, string callee)
    {
        DictValue pairs = new();
        if (arguments.Positional.Count > 1)
            throw new TemplateFault($"{callee} expected at most 1 argument, got {arguments.Positional.Count}");
        if (arguments.Positional is [DictValue from])
        {
            budget.Spend(from.Weight);
            foreach ((Value key, Value value) in from.Items)
                pairs.Put(key, value);
        }
        else if (arguments.Positional is [var items])
        {
            foreach (Value item in Containers.Items(items, budget))
            {
                if (Containers.Items(item, budget) is not [var key, var value])
                    throw new TemplateFault($"{callee} needs a sequence of pairs");
                budget.Spend(key.Weight);
                pairs.Put(key, value);
            }
        }

        foreach ((string name, Value value) in arguments.Named)
            pairs.Put(Value.Of(name), value);
        return pairs;
    }

    private static NamespaceValue Namespace(Budget budget, Arguments arguments)
    {
        NamespaceValue space = new();
        foreach ((Value key, Value value) in Pairs(budget, arguments, "namespace").Items)
            space.Members[key is TextValue name ? name.Text : Printing.Text(key, budget)] = value;
        return space;
    }

    private static MembersValue Cycler(Budget budget, Arguments arguments)
    {
        IReadOnlyList<Value> items = arguments.Positional;
        if (items.Count == 0)
            throw new TemplateFault("at least one item has to be provided");
        int at = 0;
        return new MembersValue("Cycler", name => name switch
        {
            "current" => items[at],
            "next" => Function("next", (_, _) =>
            {
                Value current = items[at];
                at = (at + 1) % items.Count;
                return current;
            }),
            "reset" => Function("reset", (_, _) =>
            {
                at = 0;
                return NoneValue.Instance;
            }),
            _ => null,
        });
    }

    private static MembersValue Joiner(Budget budget, Arguments arguments)
    {
        Value separator = arguments.Bind("joiner", "sep")[0] ?? Value.Of(", ");
        bool used = false;
        return new MembersValue("Joiner", static _ => null, (_, _) =>
        {
            if (used)
                return separator;
            used = true;
            return Value.Of("");
        });
    }
}
