namespace Fairlead.Engine.Templates;

/// <summary>The methods of Python's <c>dict</c>, <c>list</c> and <c>tuple</c> that change nothing, and slices of everything.</summary>
internal static class ContainerMethods
{
    /// <summary>The method bound to its dictionary; one that would change it is undefined and says so when used.</summary>
    public static Value? Find(DictValue dict, string name) => name switch
    {
        "get" => Bound(name, (budget, arguments) =>
        {
            Value?[] bound = arguments.Bind("get", "key", "default");
            Value key = Arguments.Required(bound[0], "get", "key");
            budget.Spend(key.Weight);
            return dict.TryGet(key, out Value? value) ? value! : bound[1] ?? NoneValue.Instance;
        }),
        "items" => View(name, "dict_items", dict, static item => new TupleValue([item.Key, item.Value])),
        "keys" => View(name, "dict_keys", dict, static item => item.Key),
        "values" => View(name, "dict_values", dict, static item => item.Value),
        "copy" => Bound(name, (_, _) => dict),
        "clear" or "pop" or "popitem" or "setdefault" or "update" => Unsafe(dict, name),
        _ => null,
    };

    public static Value? Find(ListValue list, string name) => name switch
    {
        "count" or "index" => Sequence(list.Items, name),
        "copy" => Bound(name, (_, _) => list),
        "append" or "clear" or "extend" or "insert" or "pop" or "remove" or "reverse" or "sort" => Unsafe(list, name),
        _ => null,
    };

    public static Value? Find(TupleValue tuple, string name) => name is "count" or "index" ? Sequence(tuple.Items, name) : null;

    /// <summary>Python's <c>value[from:to:step]</c>.</summary>
    public static Value Slice(Value value, Value? from, Value? to, Value? step, Budget budget)
    {
        long count = value switch
        {
            TextValue or ListValue or TupleValue or RangeValue => Containers.Length(value),
            UndefinedValue missing => throw missing.Fault(),
            DictValue => throw new TemplateFault("unhashable type: 'slice'"),
            _ => throw new TemplateFault($"'{value.TypeName}' object is not subscriptable"),
        };
        long stride = Border(step) ?? 1;
        if (stride == 0)
            throw new TemplateFault("slice step cannot be zero");
        long start = Clamp(Border(from), stride > 0 ? 0 : count - 1);
        long end = Clamp(Border(to), stride > 0 ? count : -1);
        if (value is TextValue text)
            return PythonText.Slice(text, start, end, stride, budget);

        long length = stride > 0 ? Math.Max(0, (end - start + stride - 1) / stride) : Math.Max(0, (start - end - stride - 1) / -stride);
        budget.Spend(length);
        Value[] items = new Value[length];
        for (long i = 0; i < length; i++)
            items[i] = At(start + (i * stride));
        return value is TupleValue ? new TupleValue(items) : new ListValue(items);

        Value At(long place) => value switch
        {
            ListValue list => list.Items[(int)place],
            TupleValue tuple => tuple.Items[(int)place],
            _ => ((RangeValue)value).At(place),
        };

        long Clamp(long? border, long fallback)
        {
            if (border is not { } given)
                return fallback;
            if (given < 0)
                given += count;
            return stride > 0 ? Math.Clamp(given, 0, count) : Math.Clamp(given, -1, count - 1);
        }
    }

    private static long? Border(Value? value) => value switch
    {
        null or NoneValue => null,
        IntValue or BoolValue => Arithmetic.AsClamped(value),
        UndefinedValue missing => throw missing.Fault(),
        _ => throw new TemplateFault("slice indices must be integers or None or have an __index__ method"),
    };

    private static CallableValue Bound(string name, Func<Budget, Arguments, Value> body) => new(name, "builtin_function_or_method", body);

    private static CallableValue View(string name, string type, DictValue dict, Func<KeyValuePair<Value, Value>, Value> part) =>
        Bound(name, (budget, arguments) =>
        {
            arguments.Bind(name);
            budget.Spend(dict.Items.Count);
            return new ViewValue(type, [.. dict.Items.Select(part)]);
        });

    private static CallableValue Sequence(IReadOnlyList<Value> items, string name) => Bound(name, (budget, arguments) =>
    {
        Value wanted = Arguments.Required(arguments.Bind(name, "value")[0], name, "value");
        int count = 0;
        for (int i = 0; i < items.Count; i++)
        {
            budget.Spend(Math.Min(items[i].Weight, wanted.Weight));
            if (!Comparison.AreEqual(items[i], wanted))
                continue;
            if (name == "index")
                return Value.Of(i);
            count++;
        }

        return name == "count" ? Value.Of(count) : throw new TemplateFault("the value is not in the list");
    });

    /// <summary>The sandbox of the reference refuses these too, in these words.</summary>
    private static UndefinedValue Unsafe(Value value, string name) =>
        new($"access to attribute '{name}' of '{value.TypeName}' object is unsafe.");
}
