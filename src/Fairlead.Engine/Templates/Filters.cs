namespace Fairlead.Engine.Templates;

/// <summary>The filters: <c>value | name(…)</c>. Jinja2's own without those for web pages, files and chance, plus <c>tojson</c> as chat templates use it.</summary>
internal static class Filters
{
    private delegate Value Filter(Budget budget, Value value, Arguments arguments);

    private static readonly Dictionary<string, Filter> ByName = new(StringComparer.Ordinal)
    {
        ["abs"] = NumberFilters.Abs,
        ["attr"] = Attr,
        ["batch"] = SequenceFilters.Batch,
        ["capitalize"] = static (budget, value, _) => budget.Text(Characters.Capitalize(Printing.Text(value, budget))),
        ["center"] = TextFilters.Center,
        ["count"] = Length,
        ["d"] = Default,
        ["default"] = Default,
        ["dictsort"] = OrderFilters.DictSort,
        ["e"] = Markup.Escaped,
        ["escape"] = Markup.Escaped,
        ["first"] = SequenceFilters.First,
        ["float"] = NumberFilters.Float,
        ["forceescape"] = Markup.EscapedAgain,
        ["format"] = TextFilters.Format,
        ["groupby"] = OrderFilters.GroupBy,
        ["indent"] = TextFilters.Indent,
        ["int"] = NumberFilters.Int,
        ["items"] = SequenceFilters.Items,
        ["join"] = TextFilters.Join,
        ["last"] = SequenceFilters.Last,
        ["length"] = Length,
        ["list"] = static (budget, value, _) => new ListValue([.. Containers.Items(value, budget)]),
        ["lower"] = static (budget, value, _) => budget.Text(Characters.Lower(Printing.Text(value, budget))),
        ["map"] = SelectionFilters.Map,
        ["max"] = static (budget, value, arguments) => OrderFilters.Extreme(budget, value, arguments, ">"),
        ["min"] = static (budget, value, arguments) => OrderFilters.Extreme(budget, value, arguments, "<"),
        ["reject"] = static (budget, value, arguments) => SelectionFilters.Select(budget, value, arguments, keep: false),
        ["rejectattr"] = static (budget, value, arguments) => SelectionFilters.SelectAttribute(budget, value, arguments, keep: false),
        ["replace"] = TextFilters.Replace,
        ["reverse"] = SequenceFilters.Reverse,
        ["round"] = NumberFilters.Round,
        ["safe"] = Markup.Safe,
        ["select"] = static (budget, value, arguments) => SelectionFilters.Select(budget, value, arguments, keep: true),
        ["selectattr"] = static (budget, value, arguments) => SelectionFilters.SelectAttribute(budget, value, arguments, keep: true),
        ["slice"] = SequenceFilters.SliceColumns,
        ["sort"] = OrderFilters.Sort,
        ["string"] = static (budget, value, _) => value is TextValue ? value : Value.Of(Printing.Text(value, budget)),
        ["sum"] = SequenceFilters.Sum,
        ["title"] = TextFilters.Title,
        ["tojson"] = TextFilters.ToJson,
        ["trim"] = TextFilters.Trim,
        ["truncate"] = TextFilters.Truncate,
        ["unique"] = OrderFilters.Unique,
        ["upper"] = static (budget, value, _) => budget.Text(Characters.Upper(Printing.Text(value, budget))),
        ["urlencode"] = TextFilters.UrlEncode,
        ["wordcount"] = TextFilters.WordCount,
    };

    public static bool Exists(string name) => ByName.ContainsKey(name);

    public static Value Apply(string name, Budget budget, Value value, Arguments arguments)
    {
        if (!ByName.TryGetValue(name, out Filter? filter))
            throw new TemplateFault($"No filter named '{name}' found.");
        // A filter reads a text it is given; what it walks of a list, it pays where it walks.
        budget.Spend(value is TextValue ? value.Weight : 1);
        return filter(budget, value, arguments);
    }

    private static Value Attr(Budget budget, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("attr", "name");
        // Attributes only, no keys: a dictionary answers with its methods.
        string name = Arguments.Text(Arguments.Required(bound[0], "attr", "name"), "", "attr");
        if (value is UndefinedValue missing)
            throw missing.Fault();
        return value is DictValue dict
            ? ContainerMethods.Find(dict, name) ?? new UndefinedValue($"'dict object' has no attribute '{name}'")
            : Access.Member(value, name, budget);
    }

    private static Value Default(Budget budget, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("default", "default_value", "boolean");
        bool falseToo = bound[1]?.IsTrue ?? false;
        return value is UndefinedValue || (falseToo && !value.IsTrue) ? bound[0] ?? Value.Of("") : value;
    }

    private static Value Length(Budget budget, Value value, Arguments arguments) => Value.Of(Containers.Length(value));
}
