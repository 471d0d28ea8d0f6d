using System.Numerics;

namespace Fairlead.Engine.Templates;

/// <summary>Filters that compare the items of a list: which comes first, which are alike.</summary>
internal static class OrderFilters
{
    public static ListValue Sort(Budget budget, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("sort", "reverse", "case_sensitive", "attribute");
        bool caseSensitive = bound[1]?.IsTrue ?? false;
        IReadOnlyList<Value> items = Containers.Items(value, budget);
        SpendSort(budget, value, items.Count);
        return new ListValue(Sorting.Sort(items, item => SortKeys(item), bound[0]?.IsTrue ?? false));

        // attribute='a,b' sorts by a, then by b.
        Value SortKeys(Value item) => bound[2] is TextValue path && path.Text.Contains(',')
            ? new ListValue([.. path.Text.Split(',').Select(part => SortKey(budget, item, Value.Of(part), caseSensitive))])
            : SortKey(budget, item, bound[2], caseSensitive);
    }

    public static ListValue DictSort(Budget budget, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("dictsort", "case_sensitive", "by", "reverse");
        bool caseSensitive = bound[0]?.IsTrue ?? false;
        string by = Arguments.Text(bound[1], "key", "dictsort");
        if (by is not ("key" or "value"))
            throw new TemplateFault("You can only sort by either \"key\" or \"value\"");
        if (value is not DictValue dict)
            throw value is UndefinedValue missing ? missing.Fault() : new TemplateFault($"'{value.TypeName} object' has no attribute 'items'");
        SpendSort(budget, value, dict.Items.Count);
        return new ListValue([.. Sorting
            .Sort(dict.Items, item => IgnoreCase(by == "key" ? item.Key : item.Value, caseSensitive), bound[2]?.IsTrue ?? false)
            .Select(static item => new TupleValue([item.Key, item.Value]))]);
    }

    public static ListValue GroupBy(Budget budget, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("groupby", "attribute", "default", "case_sensitive");
        Value attribute = Arguments.Required(bound[0], "groupby", "attribute");
        bool caseSensitive = bound[2]?.IsTrue ?? false;
        IReadOnlyList<Value> items = Containers.Items(value, budget);
        SpendSort(budget, value, items.Count);
        IReadOnlyList<(Value Key, Value Item)> sorted = Sorting.Sort<(Value Key, Value Item)>(
            [.. items.Select(item => (KeyOf(item), item))], pair => IgnoreCase(pair.Key, caseSensitive));
        List<Value> groups = [];
        for (int from = 0, to; from < sorted.Count; from = to)
        {
            to = from + 1;
            while (to < sorted.Count && Comparison.AreEqual(IgnoreCase(sorted[from].Key, caseSensitive), IgnoreCase(sorted[to].Key, caseSensitive)))
                to++;
            groups.Add(new TupleValue([sorted[from].Key, new ListValue([.. sorted.Skip(from).Take(to - from).Select(static pair => pair.Item)])]));
        }

        return new ListValue(groups);

        Value KeyOf(Value item) => AttributePath.Of(budget, item, attribute) is var key && key is UndefinedValue && bound[1] is { } fallback ? fallback : key;
    }

    public static GeneratorValue Unique(Budget budget, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("unique", "case_sensitive", "attribute");
        HashSet<Value> seen = new(Comparison.Keys);
        List<Value> unique = [];
        foreach (Value item in Containers.Items(value, budget))
        {
            Value key = SortKey(budget, item, bound[1], bound[0]?.IsTrue ?? false);
            budget.Spend(key.Weight);
            Comparison.RequireHashable(key);
            if (seen.Add(key))
                unique.Add(item);
        }

        return new GeneratorValue(unique);
    }

    public static Value Extreme(Budget budget, Value value, Arguments arguments, string sign)
    {
        Value?[] bound = arguments.Bind(sign == "<" ? "min" : "max", "case_sensitive", "attribute");
        bool caseSensitive = bound[0]?.IsTrue ?? false;
        IReadOnlyList<Value> items = Containers.Items(value, budget);
        if (items.Count == 0)
            return new UndefinedValue("No aggregated item, sequence was empty.");
        Value best = items[0];
        for (int i = 1; i < items.Count; i++)
        {
            if (Comparison.Holds(SortKey(budget, items[i], bound[1], caseSensitive), sign, SortKey(budget, best, bound[1], caseSensitive), budget))
                best = items[i];
        }

        return best;
    }

    private static Value SortKey(Budget budget, Value item, Value? attribute, bool caseSensitive) =>
        IgnoreCase(AttributePath.OrItself(budget, item, attribute), caseSensitive);

    private static Value IgnoreCase(Value value, bool caseSensitive) =>
        !caseSensitive && value is TextValue text ? new TextValue(Characters.Lower(text.Text)) : value;

    private static void SpendSort(Budget budget, Value value, int count) =>
        budget.Spend(value.Weight < 1L << 40 ? value.Weight * (BitOperations.Log2((uint)count + 1) + 1) : value.Weight);
}
