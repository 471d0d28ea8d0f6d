using System.Globalization;
using System.Numerics;
using System.Text;

namespace Fairlead.Engine.Templates;

/// <summary>The filters: <c>value | name(…)</c>. Jinja2's own without those for web pages, files and chance, plus <c>tojson</c> as chat templates use it.</summary>
internal static class Filters
{
    private delegate Value Filter(Renderer renderer, Value value, Arguments arguments);

    private static readonly Dictionary<string, Filter> ByName = new(StringComparer.Ordinal)
    {
        ["abs"] = static (_, value, _) => value is FloatValue real ? new FloatValue(Math.Abs(real.Value)) : Value.Of(BigInteger.Abs(Arithmetic.AsWhole(RequireNumber(value)))),
        ["attr"] = Attr,
        ["batch"] = Batch,
        ["capitalize"] = static (renderer, value, _) => renderer.Budget.Text(Characters.Capitalize(Soft(value, renderer))),
        ["center"] = static (renderer, value, arguments) => TextMethods.Pad(Soft(value, renderer), arguments.Bind("center", "width") is [{ } width] ? width : Value.Of(80), null, 0, renderer.Budget),
        ["count"] = Length,
        ["d"] = Default,
        ["default"] = Default,
        ["dictsort"] = DictSort,
        ["e"] = Escaped,
        ["escape"] = Escaped,
        ["first"] = static (renderer, value, _) => renderer.Iterate(value) is [var first, ..] ? first : new UndefinedValue("No first item, sequence was empty."),
        ["float"] = ToFloat,
        ["forceescape"] = static (renderer, value, _) => new TextValue(Escape(Printing.Text(value, renderer.Budget), renderer.Budget), isMarkup: true),
        ["format"] = static (renderer, value, arguments) => PercentFormat.Apply(Soft(value, renderer), arguments.Named.Count > 0 ? Named(arguments) : new TupleValue(arguments.Positional), renderer.Budget),
        ["groupby"] = GroupBy,
        ["indent"] = Indent,
        ["int"] = ToInt,
        ["items"] = Items,
        ["join"] = Join,
        ["last"] = static (renderer, value, _) => renderer.Iterate(value) is [.., var last] ? last : new UndefinedValue("No last item, sequence was empty."),
        ["length"] = Length,
        ["list"] = static (renderer, value, _) => new ListValue([.. renderer.Iterate(value)]),
        ["lower"] = static (renderer, value, _) => renderer.Budget.Text(Characters.Lower(Soft(value, renderer))),
        ["map"] = Map,
        ["max"] = static (renderer, value, arguments) => Extreme(renderer, value, arguments, ">"),
        ["min"] = static (renderer, value, arguments) => Extreme(renderer, value, arguments, "<"),
        ["reject"] = static (renderer, value, arguments) => Select(renderer, value, arguments, keep: false),
        ["rejectattr"] = static (renderer, value, arguments) => SelectAttribute(renderer, value, arguments, keep: false),
        ["replace"] = Replace,
        ["reverse"] = Reverse,
        ["round"] = Round,
        ["safe"] = static (renderer, value, _) => new TextValue(Printing.Text(value, renderer.Budget), isMarkup: true),
        ["select"] = static (renderer, value, arguments) => Select(renderer, value, arguments, keep: true),
        ["selectattr"] = static (renderer, value, arguments) => SelectAttribute(renderer, value, arguments, keep: true),
        ["slice"] = SliceColumns,
        ["sort"] = Sort,
        ["string"] = static (renderer, value, _) => value is TextValue ? value : Value.Of(Printing.Text(value, renderer.Budget)),
        ["sum"] = Sum,
        ["title"] = Title,
        ["tojson"] = ToJson,
        ["trim"] = Trim,
        ["truncate"] = Truncate,
        ["unique"] = Unique,
        ["upper"] = static (renderer, value, _) => renderer.Budget.Text(Characters.Upper(Soft(value, renderer))),
        ["urlencode"] = static (renderer, value, _) => renderer.Budget.Text(Uri.EscapeDataString(Soft(value, renderer)).Replace("%2F", "/", StringComparison.Ordinal)),
        ["wordcount"] = static (renderer, value, _) => Value.Of(Soft(value, renderer).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length),
    };

    public static bool Exists(string name) => ByName.ContainsKey(name);

    public static Value Apply(string name, Renderer renderer, Value value, Arguments arguments)
    {
        if (!ByName.TryGetValue(name, out Filter? filter))
            throw new TemplateFault($"No filter named '{name}' found.");
        // A filter reads a text it is given; what it walks of a list, it pays where it walks.
        renderer.Budget.Spend(value is TextValue ? value.Weight : 1);
        return filter(renderer, value, arguments);
    }

    /// <summary>Text for HTML, as markupsafe writes it.</summary>
    public static string Escape(string text, Budget budget)
    {
        StringBuilder escaped = new(text.Length);
        foreach (char c in text)
        {
            _ = c switch
            {
                '&' => escaped.Append("&amp;"),
                '<' => escaped.Append("&lt;"),
                '>' => escaped.Append("&gt;"),
                '"' => escaped.Append("&#34;"),
                '\'' => escaped.Append("&#39;"),
                _ => escaped.Append(c),
            };
        }

        budget.Build(escaped.Length);
        return escaped.ToString();
    }

    /// <summary>Jinja2's <c>soft_str</c>: a text stays, everything else is printed.</summary>
    private static string Soft(Value value, Renderer renderer) => Printing.Text(value, renderer.Budget);

    private static Value RequireNumber(Value value) => value switch
    {
        _ when Arithmetic.IsNumber(value) => value,
        UndefinedValue missing => throw missing.Fault(),
        _ => throw new TemplateFault($"bad operand type for abs(): '{value.TypeName}'"),
    };

    private static DictValue Named(Arguments arguments)
    {
        if (arguments.Positional.Count > 0)
            throw new TemplateFault("can't handle positional and keyword arguments at the same time");
        DictValue named = new();
        foreach ((string name, Value value) in arguments.Named)
            named.Put(Value.Of(name), value);
        return named;
    }

    private static Value Attr(Renderer renderer, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("attr", "name");
        // Attributes only, no keys: a dictionary answers with its methods.
        string name = Arguments.Text(Arguments.Required(bound[0], "attr", "name"), "", "attr");
        if (value is UndefinedValue missing)
            throw missing.Fault();
        return value is DictValue dict
            ? ContainerMethods.Find(dict, name) ?? new UndefinedValue($"'dict object' has no attribute '{name}'")
            : renderer.Member(value, name);
    }

    private static GeneratorValue Batch(Renderer renderer, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("batch", "linecount", "fill_with");
        int size = Math.Max(1, Arguments.Whole(Arguments.Required(bound[0], "batch", "linecount"), 1, "batch"));
        List<Value> batches = [];
        foreach (Value[] part in renderer.Iterate(value).Chunk(size))
        {
            List<Value> batch = [.. part];
            if (bound[1] is { } filler and not NoneValue && batch.Count < size)
            {
                renderer.Budget.Spend(size - batch.Count);
                batch.AddRange(Enumerable.Repeat(filler, size - batch.Count));
            }

            batches.Add(new ListValue(batch));
        }

        return new GeneratorValue(batches);
    }

    private static GeneratorValue SliceColumns(Renderer renderer, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("slice", "slices", "fill_with");
        IReadOnlyList<Value> items = renderer.Iterate(value);
        int slices = Arguments.Whole(Arguments.Required(bound[0], "slice", "slices"), 1, "slice");
        if (slices <= 0)
            throw new TemplateFault("integer division or modulo by zero");
        renderer.Budget.Spend(slices);
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

    private static Value Default(Renderer renderer, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("default", "default_value", "boolean");
        bool falseToo = bound[1]?.IsTrue ?? false;
        return value is UndefinedValue || (falseToo && !value.IsTrue) ? bound[0] ?? Value.Of("") : value;
    }

    private static Value Length(Renderer renderer, Value value, Arguments arguments) => Value.Of(Renderer.Length(value));

    private static ListValue DictSort(Renderer renderer, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("dictsort", "case_sensitive", "by", "reverse");
        bool caseSensitive = bound[0]?.IsTrue ?? false;
        string by = Arguments.Text(bound[1], "key", "dictsort");
        if (by is not ("key" or "value"))
            throw new TemplateFault("You can only sort by either \"key\" or \"value\"");
        if (value is not DictValue dict)
            throw value is UndefinedValue missing ? missing.Fault() : new TemplateFault($"'{value.TypeName} object' has no attribute 'items'");
        SpendSort(renderer, value, dict.Items.Count);
        return new ListValue([.. Sorting
            .Sort(dict.Items, item => IgnoreCase(by == "key" ? item.Key : item.Value, caseSensitive), bound[2]?.IsTrue ?? false)
            .Select(static item => new TupleValue([item.Key, item.Value]))]);
    }

    private static Value IgnoreCase(Value value, bool caseSensitive) =>
        !caseSensitive && value is TextValue text ? new TextValue(Characters.Lower(text.Text)) : value;

    private static void SpendSort(Renderer renderer, Value value, int count) =>
        renderer.Budget.Spend(value.Weight < 1L << 40 ? value.Weight * (BitOperations.Log2((uint)count + 1) + 1) : value.Weight);

    private static Value Escaped(Renderer renderer, Value value, Arguments arguments) =>
        value is TextValue { IsMarkup: true } ? value : new TextValue(Escape(Printing.Text(value, renderer.Budget), renderer.Budget), isMarkup: true);

    private static Value ToFloat(Renderer renderer, Value value, Arguments arguments)
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

    private static Value ToInt(Renderer renderer, Value value, Arguments arguments)
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

    private static GeneratorValue Items(Renderer renderer, Value value, Arguments arguments) => value switch
    {
        UndefinedValue => new GeneratorValue([]),
        DictValue dict => new GeneratorValue([.. dict.Items.Select(static item => new TupleValue([item.Key, item.Value]))]),
        _ => throw new TemplateFault("Can only get item pairs from a mapping."),
    };

    private static TextValue Join(Renderer renderer, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("join", "d", "attribute");
        string separator = bound[0] is { } given ? Soft(given, renderer) : "";
        BoundedText text = new(renderer.Budget);
        bool isFirst = true;
        foreach (Value item in renderer.Iterate(value))
        {
            if (!isFirst)
                text.Append(separator);
            isFirst = false;
            text.Append(Soft(bound[1] is { } attribute and not NoneValue ? Path(renderer, item, attribute) : item, renderer));
        }

        return new TextValue(text.Finish());
    }

    /// <summary>The member that <c>attribute='a.b.0'</c> names.</summary>
    private static Value Path(Renderer renderer, Value item, Value attribute)
    {
        if (attribute is not TextValue path)
            return renderer.Item(item, attribute);
        foreach (string part in path.Text.Split('.'))
            item = renderer.Item(item, part.Length is > 0 and < 10 && part.All(char.IsAsciiDigit) ? Value.Of(BigInteger.Parse(part, CultureInfo.InvariantCulture)) : Value.Of(part));
        return item;
    }

    private static GeneratorValue Map(Renderer renderer, Value value, Arguments arguments)
    {
        List<Value> mapped = [];
        if (arguments.Positional.Count == 0 && arguments.Named.TryGetValue("attribute", out Value? attribute))
        {
            Value?[] bound = arguments.Bind("map", "attribute", "default");
            foreach (Value item in Chosen(renderer, value))
            {
                Value member = Path(renderer, item, attribute);
                mapped.Add(member is UndefinedValue && bound[1] is { } fallback and not NoneValue ? fallback : member);
            }

            return new GeneratorValue(mapped);
        }

        if (arguments.Positional.Count == 0)
            throw new TemplateFault("map requires a filter argument");
        string filter = Arguments.Text(arguments.Positional[0], "", "map");
        Arguments rest = arguments.Skip(1);
        foreach (Value item in Chosen(renderer, value))
            mapped.Add(Apply(filter, renderer, item, rest));
        return new GeneratorValue(mapped);
    }

    private static Value Extreme(Renderer renderer, Value value, Arguments arguments, string sign)
    {
        Value?[] bound = arguments.Bind(sign == "<" ? "min" : "max", "case_sensitive", "attribute");
        bool caseSensitive = bound[0]?.IsTrue ?? false;
        IReadOnlyList<Value> items = renderer.Iterate(value);
        if (items.Count == 0)
            return new UndefinedValue("No aggregated item, sequence was empty.");
        Value best = items[0];
        for (int i = 1; i < items.Count; i++)
        {
            if (renderer.Holds(SortKey(renderer, items[i], bound[1], caseSensitive), sign, SortKey(renderer, best, bound[1], caseSensitive)))
                best = items[i];
        }

        return best;
    }

    private static Value SortKey(Renderer renderer, Value item, Value? attribute, bool caseSensitive) =>
        IgnoreCase(attribute is null or NoneValue ? item : Path(renderer, item, attribute), caseSensitive);

    private static GeneratorValue Select(Renderer renderer, Value value, Arguments arguments, bool keep)
    {
        List<Value> selected = [];
        foreach (Value item in Chosen(renderer, value))
        {
            if (Passes(renderer, item, arguments) == keep)
                selected.Add(item);
        }

        return new GeneratorValue(selected);
    }

    private static GeneratorValue SelectAttribute(Renderer renderer, Value value, Arguments arguments, bool keep)
    {
        if (arguments.Positional.Count == 0)
            throw new TemplateFault("Missing parameter for attribute name");
        Arguments test = arguments.Skip(1);
        List<Value> selected = [];
        foreach (Value item in Chosen(renderer, value))
        {
            if (Passes(renderer, Path(renderer, item, arguments.Positional[0]), test) == keep)
                selected.Add(item);
        }

        return new GeneratorValue(selected);
    }

    /// <summary>What map and select walk: nothing of a false value, so that <c>none | selectattr(…)</c> is empty and no error.</summary>
    private static IReadOnlyList<Value> Chosen(Renderer renderer, Value value) => value.IsTrue ? renderer.Iterate(value) : [];

    /// <summary>Whether the test that the first argument names holds; without one, whether the value is true.</summary>
    private static bool Passes(Renderer renderer, Value value, Arguments test) => test.Positional.Count == 0
        ? value.IsTrue
        : ValueTests.Apply(Arguments.Text(test.Positional[0], "", "select"), renderer, value, test.Skip(1));

    private static Value Replace(Renderer renderer, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("replace", "old", "new", "count");
        string old = Soft(Arguments.Required(bound[0], "replace", "old"), renderer);
        string fresh = Soft(Arguments.Required(bound[1], "replace", "new"), renderer);
        return TextMethods.Replace(Soft(value, renderer), old, fresh, Arguments.Whole(bound[2], -1, "replace"), renderer.Budget);
    }

    private static Value Reverse(Renderer renderer, Value value, Arguments arguments) => value is TextValue
        ? ContainerMethods.Slice(value, null, null, Value.Of(BigInteger.MinusOne), renderer.Budget)
        : new GeneratorValue([.. renderer.Iterate(value).Reverse()]);

    private static Value Round(Renderer renderer, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("round", "precision", "method");
        int precision = Arguments.Whole(bound[0], 0, "round");
        string method = Arguments.Text(bound[1], "common", "round");
        double number = Arithmetic.AsDouble(RequireNumber(value));
        if (method == "common")
            return value is FloatValue ? new FloatValue(precision is >= 0 and <= 15 ? Math.Round(number, precision, MidpointRounding.ToEven) : number) : value;
        double scale = Math.Pow(10, precision);
        return new FloatValue(method switch
        {
            "ceil" => Math.Ceiling(number * scale) / scale,
            "floor" => Math.Floor(number * scale) / scale,
            _ => throw new TemplateFault("method must be common, ceil or floor"),
        });
    }

    private static ListValue Sort(Renderer renderer, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("sort", "reverse", "case_sensitive", "attribute");
        bool caseSensitive = bound[1]?.IsTrue ?? false;
        IReadOnlyList<Value> items = renderer.Iterate(value);
        SpendSort(renderer, value, items.Count);
        return new ListValue(Sorting.Sort(items, item => SortKeys(item), bound[0]?.IsTrue ?? false));

        // attribute='a,b' sorts by a, then by b.
        Value SortKeys(Value item) => bound[2] is TextValue path && path.Text.Contains(',')
            ? new ListValue([.. path.Text.Split(',').Select(part => SortKey(renderer, item, Value.Of(part), caseSensitive))])
            : SortKey(renderer, item, bound[2], caseSensitive);
    }

    private static ListValue GroupBy(Renderer renderer, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("groupby", "attribute", "default", "case_sensitive");
        Value attribute = Arguments.Required(bound[0], "groupby", "attribute");
        bool caseSensitive = bound[2]?.IsTrue ?? false;
        IReadOnlyList<Value> items = renderer.Iterate(value);
        SpendSort(renderer, value, items.Count);
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

        Value KeyOf(Value item) => Path(renderer, item, attribute) is var key && key is UndefinedValue && bound[1] is { } fallback ? fallback : key;
    }

    private static Value Sum(Renderer renderer, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("sum", "attribute", "start");
        Value sum = bound[1] ?? Value.Of(BigInteger.Zero);
        foreach (Value item in renderer.Iterate(value))
            sum = Arithmetic.Apply("+", sum, bound[0] is { } attribute and not NoneValue ? Path(renderer, item, attribute) : item, renderer.Budget);
        return sum;
    }

    /// <summary>Jinja2's own title case: words are what stands between white space, hyphens and brackets.</summary>
    private static TextValue Title(Renderer renderer, Value value, Arguments arguments)
    {
        StringBuilder title = new();
        string text = Soft(value, renderer);
        for (int from = 0, to; from < text.Length; from = to)
        {
            to = from + 1;
            while (to < text.Length && IsBreak(text[to]) == IsBreak(text[from]))
                to++;
            string part = text[from..to];
            title.Append(IsBreak(text[from]) ? part : Characters.Upper(part[..1]) + Characters.Lower(part[1..]));
        }

        return renderer.Budget.Text(title.ToString());

        static bool IsBreak(char c) => Characters.IsSpace(c) || c is '-' or '(' or '{' or '[' or '<';
    }

    private static TextValue ToJson(Renderer renderer, Value value, Arguments arguments)
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
            { } pair => renderer.Iterate(pair) is [TextValue first, TextValue second]
                ? (first.Text, second.Text)
                : throw new TemplateFault("tojson: separators must be two texts"),
        };
        return new TextValue(JsonText.Write(value, renderer.Budget, bound[0]?.IsTrue ?? false, indent, item, key, bound[3]?.IsTrue ?? false));
    }

    private static TextValue Trim(Renderer renderer, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("trim", "chars");
        return renderer.Budget.Text(TextMethods.Strip(Soft(value, renderer), Arguments.TextOrNone(bound[0], "trim"), left: true, right: true));
    }

    private static TextValue Truncate(Renderer renderer, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("truncate", "length", "killwords", "end", "leeway");
        TextValue text = new(Soft(value, renderer));
        int length = Arguments.Whole(bound[0], 255, "truncate");
        TextValue end = new(Arguments.Text(bound[2], "...", "truncate"));
        int leeway = Arguments.Whole(bound[3], 5, "truncate");
        if (length < end.Length)
            throw new TemplateFault($"expected length >= {end.Length}, got {length}");
        if (text.Length <= (long)length + leeway)
            return text;
        string kept = TextMethods.Slice(text, 0, length - end.Length, 1, renderer.Budget).Text;
        if (!(bound[1]?.IsTrue ?? false) && kept.LastIndexOf(' ') is >= 0 and var space)
            kept = kept[..space];
        return renderer.Budget.Text(kept + end.Text);
    }

    private static GeneratorValue Unique(Renderer renderer, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("unique", "case_sensitive", "attribute");
        HashSet<Value> seen = new(Comparison.Keys);
        List<Value> unique = [];
        foreach (Value item in renderer.Iterate(value))
        {
            Value key = SortKey(renderer, item, bound[1], bound[0]?.IsTrue ?? false);
            renderer.Budget.Spend(key.Weight);
            Comparison.RequireHashable(key);
            if (seen.Add(key))
                unique.Add(item);
        }

        return new GeneratorValue(unique);
    }

    private static TextValue Indent(Renderer renderer, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("indent", "width", "first", "blank");
        string indent = bound[0] is TextValue text ? text.Text : new string(' ', Math.Clamp(Arguments.Whole(bound[0], 4, "indent"), 0, 10_000));
        bool blankToo = bound[2]?.IsTrue ?? false;
        string[] lines = TextMethods.SplitLines(Soft(value, renderer) + "\n", keepEnds: false);
        BoundedText indented = new(renderer.Budget);
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
}
