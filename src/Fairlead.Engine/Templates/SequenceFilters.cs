using System.Numerics;

namespace Fairlead.Engine.Templates;

/// <summary>Filters that take the items of a list apart or together, in the order in which they stand.</summary>
internal static class SequenceFilters
{
    public static Value First(Budget budget, Value value, Arguments arguments) =>
        Containers.Items(value, budget) is [var first, ..] ? first : new UndefinedValue("No first item, sequence was empty.");

    public static Value Last(Budget budget, Value value, Arguments arguments) =>
        Containers.Items(value, budget) is [.., var last] ? last : new UndefinedValue("No last item, sequence was empty.");

    public static GeneratorValue Batch(Budget budget, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("batch", "linecount", "fill_with");
        int size = Math.Max(1, Arguments.Whole(Arguments.Required(bound[0], "batch", "linecount"), 1, "batch"));
        List<Value> batches = [];
        foreach (Value[] part in Containers.Items(value, budget).Chunk(size))
        {
            List<Value> batch = [.. part];
            if (bound[1] is { } filler and not NoneValue && batch.Count < size)
            {
                budget.Spend(size - batch.Count);
                batch.AddRange(Enumerable.Repeat(filler, size - batch.Count));
            }

            batches.Add(new ListValue(batch));
        }

        return new GeneratorValue(batches);
    }

    public static GeneratorValue SliceColumns(Budget budget, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("slice", "slices", "fill_with");
        IReadOnlyList<Value> items = Containers.Items(value, budget);
        int slices = Arguments.Whole(Arguments.Required(bound[0], "slice", "slices"), 1, "slice");
        if (slices <= 0)
            throw new TemplateFault("integer division or modulo by zero");
        budget.Spend(slices);
        List<Value> columns = [];
        (int size, int longer) = Math.DivRem(items.Count, slices);
        for (int i = 0, at = 0; i < slices; i++)
        {
            int count = size + (i < longer ? 1 : 0);
            List<Value> column = [.. items.Skip(at).Take(count)];
            at += count;
            if (bound[1] is { } filler and not NoneValue && i >= longer)
                column.Add(filler);
            columns.Add(new ListValue(column));
        }

        return new GeneratorValue(columns);
    }

    public static GeneratorValue Items(Budget budget, Value value, Arguments arguments) => value switch
    {
        UndefinedValue => new GeneratorValue([]),
        DictValue dict => new GeneratorValue([.. dict.Items.Select(static item => new TupleValue([item.Key, item.Value]))]),
        _ => throw new TemplateFault("Can only get item pairs from a mapping."),
    };

    public static Value Reverse(Budget budget, Value value, Arguments arguments) => value is TextValue
        ? ContainerMethods.Slice(value, null, null, Value.Of(BigInteger.MinusOne), budget)
        : new GeneratorValue([.. Containers.Items(value, budget).Reverse()]);

    public static Value Sum(Budget budget, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("sum", "attribute", "start");
        Value sum = bound[1] ?? Value.Of(BigInteger.Zero);
        foreach (Value item in Containers.Items(value, budget))
            sum = Arithmetic.Apply("+", sum, AttributePath.OrItself(budget, item, bound[0]), budget);
        return sum;
    }
}
