using System.Text;

namespace Fairlead.Engine.Templates;

/// <summary>Filters that make a text of what they are given.</summary>
internal static class TextFilters
{
    public static TextValue Center(Budget budget, Value value, Arguments arguments) => PythonText.Pad(
        Printing.Text(value, budget), arguments.Bind("center", "width") is [{ } width] ? width : Value.Of(80), filler: null, side: 0, budget);

    public static Value Format(Budget budget, Value value, Arguments arguments) => PercentFormat.Apply(
        Printing.Text(value, budget), arguments.Named.Count > 0 ? Named(arguments) : new TupleValue(arguments.Positional), budget);

    public static TextValue Indent(Budget budget, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("indent", "width", "first", "blank");
        string indent = bound[0] is TextValue text ? text.Text : new string(' ', Math.Clamp(Arguments.Whole(bound[0], 4, "indent"), 0, 10_000));
        bool blankToo = bound[2]?.IsTrue ?? false;
        string[] lines = TextSplitting.Lines(Printing.Text(value, budget) + "\n", keepEnds: false);
        BoundedText indented = new(budget);
        for (int i = 0; i < lines.Length; i++)
        {
            if (i > 0)
                indented.Append("\n");
            if (i == 0 ? bound[1]?.IsTrue ?? false : blankToo || lines[i].Length > 0)
                indented.Append(indent);
            indented.Append(lines[i]);
        }

        return new TextValue(indented.Finish());
    }

    public static TextValue Join(Budget budget, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("join", "d", "attribute");
        string separator = bound[0] is { } given ? Printing.Text(given, budget) : "";
        BoundedText text = new(budget);
        bool isFirst = true;
        foreach (Value item in Containers.Items(value, budget))
        {
            if (!isFirst)
                text.Append(separator);
            isFirst = false;
            text.Append(Printing.Text(AttributePath.OrItself(budget, item, bound[1]), budget));
        }

        return new TextValue(text.Finish());
    }

    public static Value Replace(Budget budget, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("replace", "old", "new", "count");
        string old = Printing.Text(Arguments.Required(bound[0], "replace", "old"), budget);
        string fresh = Printing.Text(Arguments.Required(bound[1], "replace", "new"), budget);
        return PythonText.Replace(Printing.Text(value, budget), old, fresh, Arguments.Whole(bound[2], -1, "replace"), budget);
    }

    /// <summary>Jinja2's own title case: words are what stands between white space, hyphens and brackets.</summary>
    public static TextValue Title(Budget budget, Value value, Arguments arguments)
    {
        StringBuilder title = new();
        string text = Printing.Text(value, budget);
        for (int from = 0, to; from < text.Length; from = to)
        {
            to = from + 1;
            while (to < text.Length && IsBreak(text[to]) == IsBreak(text[from]))
                to++;
            string part = text[from..to];
            title.Append(IsBreak(text[from]) ? part : Characters.Upper(part[..1]) + Characters.Lower(part[1..]));
        }

        return budget.Text(title.ToString());

        static bool IsBreak(char c) => Characters.IsSpace(c) || c is '-' or '(' or '{' or '[' or '<';
    }

    public static TextValue ToJson(Budget budget, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys");
        string? indent = bound[1] switch
        {
            null or NoneValue => null,
            TextValue text => text.Text,
            { } width => new string(' ', Math.Clamp(Arguments.Whole(width, 0, "tojson"), 0, 1_000)),
        };
        (string? item, string? key) = bound[2] switch
        {
            null or NoneValue => ((string?)null, (string?)null),
            { } pair => Containers.Items(pair, budget) is [TextValue first, TextValue second]
                ? (first.Text, second.Text)
                : throw new TemplateFault("tojson: separators must be two texts"),
        };
        return new TextValue(JsonText.Write(value, budget, bound[0]?.IsTrue ?? false, indent, item, key, bound[3]?.IsTrue ?? false));
    }

    public static TextValue Trim(Budget budget, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("trim", "chars");
        return budget.Text(PythonText.Strip(Printing.Text(value, budget), Arguments.TextOrNone(bound[0], "trim"), left: true, right: true));
    }

    public static TextValue Truncate(Budget budget, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("truncate", "length", "killwords", "end", "leeway");
        TextValue text = new(Printing.Text(value, budget));
        int length = Arguments.Whole(bound[0], 255, "truncate");
        TextValue end = new(Arguments.Text(bound[2], "...", "truncate"));
        int leeway = Arguments.Whole(bound[3], 5, "truncate");
        if (length < end.Length)
            throw new TemplateFault($"expected length >= {end.Length}, got {length}");
        if (text.Length <= (long)length + leeway)
            return text;
        string kept = PythonText.Slice(text, 0, length - end.Length, 1, budget).Text;
        if (!(bound[1]?.IsTrue ?? false) && kept.LastIndexOf(' ') is >= 0 and var space)
            kept = kept[..space];
        return budget.Text(kept + end.Text);
    }

    /// <summary>Slashes stay: what is encoded is a path.</summary>
    public static TextValue UrlEncode(Budget budget, Value value, Arguments arguments) =>
        budget.Text(Uri.EscapeDataString(Printing.Text(value, budget)).Replace("%2F", "/", StringComparison.Ordinal));

    public static Value WordCount(Budget budget, Value value, Arguments arguments) =>
        Value.Of(Printing.Text(value, budget).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length);

    private static DictValue Named(Arguments arguments)
    {
        if (arguments.Positional.Count > 0)
            throw new TemplateFault("can't handle positional and keyword arguments at the same time");
        DictValue named = new();
        foreach ((string name, Value value) in arguments.Named)
            named.Put(Value.Of(name), value);
        return named;
    }
}
