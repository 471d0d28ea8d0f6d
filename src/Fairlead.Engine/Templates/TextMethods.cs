using System.Text;

namespace Fairlead.Engine.Templates;

/// <summary>The methods of Python's <c>str</c>: their names, and how each takes its arguments. What they do is in <see cref="PythonText"/>, <see cref="TextSplitting"/> and <see cref="Characters"/>.</summary>
internal static class TextMethods
{
    private delegate Value Method(TextValue text, Budget budget, Arguments arguments);

    private static readonly Dictionary<string, Method> ByName = new(StringComparer.Ordinal)
    {
        ["capitalize"] = static (text, budget, _) => budget.Text(Characters.Capitalize(text.Text)),
        ["casefold"] = static (text, budget, _) => budget.Text(Characters.Lower(text.Text).Replace("ß", "ss", StringComparison.Ordinal).Replace('ς', 'σ')),
        ["center"] = static (text, budget, arguments) => Pad(text, budget, arguments, "center", 0),
        ["count"] = Count,
        ["endswith"] = static (text, budget, arguments) => Value.Of(Affix(text, arguments, "endswith", static (text, part) => text.EndsWith(part, StringComparison.Ordinal))),
        ["expandtabs"] = ExpandTabs,
        ["find"] = static (text, _, arguments) => Value.Of(Search(text, arguments, "find", last: false)),
        ["format"] = static (text, budget, arguments) => BraceFormat.Apply(text.Text, arguments, budget),
        ["index"] = static (text, _, arguments) => Found(Search(text, arguments, "index", last: false)),
        ["isalnum"] = static (text, _, _) => All(text, static rune => Rune.IsLetterOrDigit(rune) || Rune.IsNumber(rune)),
        ["isalpha"] = static (text, _, _) => All(text, Rune.IsLetter),
        ["isascii"] = static (text, _, _) => Value.Of(Ascii.IsValid(text.Text)),
        ["isdecimal"] = static (text, _, _) => All(text, Rune.IsDigit),
        ["isdigit"] = static (text, _, _) => All(text, static rune => Rune.IsDigit(rune) || "²³¹".Contains(rune.ToString(), StringComparison.Ordinal)),
        ["islower"] = static (text, _, _) => Value.Of(PythonText.IsCase(text.Text, upper: false)),
        ["isnumeric"] = static (text, _, _) => All(text, Rune.IsNumber),
        ["isprintable"] = static (text, _, _) => Value.Of(text.Text.EnumerateRunes().All(static rune => Characters.IsPrintable(rune.Value))),
        ["isspace"] = static (text, _, _) => Value.Of(text.Text.Length > 0 && text.Text.All(Characters.IsSpace)),
        ["istitle"] = static (text, _, _) => Value.Of(text.Text.Any(char.IsLetter) && Characters.Title(text.Text) == text.Text),
        ["isupper"] = static (text, _, _) => Value.Of(PythonText.IsCase(text.Text, upper: true)),
        ["join"] = Join,
        ["ljust"] = static (text, budget, arguments) => Pad(text, budget, arguments, "ljust", 1),
        ["lower"] = static (text, budget, _) => budget.Text(Characters.Lower(text.Text)),
        ["lstrip"] = static (text, budget, arguments) => Strip(text, budget, arguments, "lstrip", left: true, right: false),
        ["partition"] = static (text, budget, arguments) => Partition(text, budget, arguments, last: false),
        ["removeprefix"] = static (text, budget, arguments) => Affixed(text, arguments, "removeprefix") is var part && text.Text.StartsWith(part, StringComparison.Ordinal)
            ? budget.Text(text.Text[part.Length..]) : text,
        ["removesuffix"] = static (text, budget, arguments) => Affixed(text, arguments, "removesuffix") is var part && part.Length > 0 && text.Text.EndsWith(part, StringComparison.Ordinal)
            ? budget.Text(text.Text[..^part.Length]) : text,
        ["replace"] = static (text, budget, arguments) => arguments.Bind("replace", "old", "new", "count") is var bound
            ? PythonText.Replace(text.Text, Part(bound[0], "replace"), Part(bound[1], "replace"), Arguments.Whole(bound[2], -1, "replace"), budget) : text,
        ["rfind"] = static (text, _, arguments) => Value.Of(Search(text, arguments, "rfind", last: true)),
        ["rindex"] = static (text, _, arguments) => Found(Search(text, arguments, "rindex", last: true)),
        ["rjust"] = static (text, budget, arguments) => Pad(text, budget, arguments, "rjust", -1),
        ["rpartition"] = static (text, budget, arguments) => Partition(text, budget, arguments, last: true),
        ["rsplit"] = static (text, budget, arguments) => Split(text, budget, arguments, "rsplit", fromEnd: true),
        ["rstrip"] = static (text, budget, arguments) => Strip(text, budget, arguments, "rstrip", left: false, right: true),
        ["split"] = static (text, budget, arguments) => Split(text, budget, arguments, "split", fromEnd: false),
        ["splitlines"] = static (text, budget, arguments) => arguments.Bind("splitlines", "keepends") is var bound
            ? Texts(TextSplitting.Lines(text.Text, bound[0]?.IsTrue ?? false), budget) : text,
        ["startswith"] = static (text, budget, arguments) => Value.Of(Affix(text, arguments, "startswith", static (text, part) => text.StartsWith(part, StringComparison.Ordinal))),
        ["strip"] = static (text, budget, arguments) => Strip(text, budget, arguments, "strip", left: true, right: true),
        ["swapcase"] = static (text, budget, _) => budget.Text(string.Concat(text.Text.Select(static c => char.IsUpper(c) ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c)))),
        ["title"] = static (text, budget, _) => budget.Text(Characters.Title(text.Text)),
        ["upper"] = static (text, budget, _) => budget.Text(Characters.Upper(text.Text)),
        ["zfill"] = ZeroFill,
    };

    /// <summary>The method bound to its text; null where <c>str</c> has none of that name.</summary>
    public static Value? Find(TextValue text, string name)
    {
        if (!ByName.TryGetValue(name, out Method? method))
            return null;
        return new CallableValue(name, "builtin_function_or_method", (budget, arguments) =>
        {
            // Every method reads its text once.
            budget.Spend(text.Weight);
            Value result = method(text, budget, arguments);
            return text.IsMarkup && result is TextValue { IsMarkup: false } plain ? new TextValue(plain.Text, isMarkup: true) : result;
        });
    }

    private static TextValue Pad(TextValue text, Budget budget, Arguments arguments, string name, int side)
    {
        Value?[] bound = arguments.Bind(name, "width", "fillchar");
        return PythonText.Pad(text.Text, Arguments.Required(bound[0], name, "width"), Arguments.TextOrNone(bound[1], name), side, budget);
    }

    private static TextValue ZeroFill(TextValue text, Budget budget, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("zfill", "width");
        string sign = text.Text is ['+' or '-', ..] ? text.Text[..1] : "";
        long width = Math.Max(0, Arguments.Whole(Arguments.Required(bound[0], "zfill", "width"), 0, "zfill") - (long)sign.Length);
        return budget.Text(sign + PythonText.Pad(text.Text[sign.Length..], Value.Of(width), "0", -1, budget).Text);
    }

    private static TextValue ExpandTabs(TextValue text, Budget budget, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("expandtabs", "tabsize");
        int size = Math.Clamp(Arguments.Whole(bound[0], 8, "expandtabs"), 0, 1_000);
        BoundedText expanded = new(budget);
        int column = 0;
        foreach (char c in text.Text)
        {
            string piece = c != '\t' ? c.ToString() : size == 0 ? "" : new string(' ', size - (column % size));
            expanded.Append(piece);
            column = c is '\n' or '\r' ? 0 : column + piece.Length;
        }

        return new TextValue(expanded.Finish());
    }

    private static Value Count(TextValue text, Budget budget, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("count", "sub", "start", "end");
        string part = Part(bound[0], "count");
        string within = PythonText.Within(text, bound[1], bound[2]).Text;
        if (part.Length == 0)
            return Value.Of(new TextValue(within).Length + 1);
        int count = 0;
        for (int at = 0; (at = within.IndexOf(part, at, StringComparison.Ordinal)) >= 0; at += part.Length)
            count++;
        return Value.Of(count);
    }

    private static int Search(TextValue text, Arguments arguments, string name, bool last)
    {
        Value?[] bound = arguments.Bind(name, "sub", "start", "end");
        string part = Part(bound[0], name);
        (string within, long start) = PythonText.Within(text, bound[1], bound[2]);
        if (start > text.Length)
            return -1;
        int found = last ? within.LastIndexOf(part, StringComparison.Ordinal) : within.IndexOf(part, StringComparison.Ordinal);
        return found < 0 ? -1 : new TextValue(within[..found]).Length + (int)start;
    }

    private static Value Found(int place) => place >= 0 ? Value.Of(place) : throw new TemplateFault("substring not found");

    private static bool Affix(TextValue text, Arguments arguments, string name, Func<string, string, bool> fits)
    {
        Value?[] bound = arguments.Bind(name, "prefix", "start", "end");
        string within = bound[1] is null && bound[2] is null ? text.Text : PythonText.Within(text, bound[1], bound[2]).Text;
        return bound[0] is TupleValue several
            ? several.Items.Any(part => fits(within, Part(part, name)))
            : fits(within, Part(bound[0], name));
    }

    private static string Affixed(TextValue text, Arguments arguments, string name) => Part(arguments.Bind(name, "part")[0], name);

    private static string Part(Value? value, string name) => value switch
    {
        TextValue text => text.Text,
        null => throw new TemplateFault($"{name}() needs an argument"),
        UndefinedValue missing => throw missing.Fault(),
        _ => throw new TemplateFault($"{name} first arg must be str or a tuple of str, not {value.TypeName}"),
    };

    private static BoolValue All(TextValue text, Predicate<Rune> holds) =>
        text.Text.Length > 0 && text.Text.EnumerateRunes().All(rune => holds(rune)) ? BoolValue.True : BoolValue.False;

    private static TextValue Join(TextValue separator, Budget budget, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("join", "iterable");
        BoundedText joined = new(budget);
        IReadOnlyList<Value> items = Containers.Items(Arguments.Required(bound[0], "join", "iterable"), budget);
        for (int i = 0; i < items.Count; i++)
        {
            if (i > 0)
                joined.Append(separator.Text);
            joined.Append(items[i] is TextValue text
                ? text.Text
                : throw new TemplateFault($"sequence item {i}: expected str instance, {items[i].TypeName} found"));
        }

        return new TextValue(joined.Finish());
    }

    private static TextValue Strip(TextValue text, Budget budget, Arguments arguments, string name, bool left, bool right) =>
        budget.Text(PythonText.Strip(text.Text, Arguments.TextOrNone(arguments.Bind(name, "chars")[0], name), left, right));

    private static TupleValue Partition(TextValue text, Budget budget, Arguments arguments, bool last)
    {
        string separator = Part(arguments.Bind("partition", "sep")[0], "partition");
        if (separator.Length == 0)
            throw new TemplateFault("empty separator");
        budget.Build(text.Text.Length);
        int at = last ? text.Text.LastIndexOf(separator, StringComparison.Ordinal) : text.Text.IndexOf(separator, StringComparison.Ordinal);
        if (at < 0)
            return last ? new TupleValue([Value.Of(""), Value.Of(""), text]) : new TupleValue([text, Value.Of(""), Value.Of("")]);
        return new TupleValue([Value.Of(text.Text[..at]), Value.Of(separator), Value.Of(text.Text[(at + separator.Length)..])]);
    }

    private static ListValue Split(TextValue text, Budget budget, Arguments arguments, string name, bool fromEnd)
    {
        Value?[] bound = arguments.Bind(name, "sep", "maxsplit");
        int most = Arguments.Whole(bound[1], -1, name);
        if (most < 0)
            most = int.MaxValue;
        string? separator = Arguments.TextOrNone(bound[0], name);
        if (separator is "")
            throw new TemplateFault("empty separator");
        List<string> parts = separator is null
            ? TextSplitting.AtSpace(text.Text, most, fromEnd)
            : TextSplitting.At(text.Text, separator, most, fromEnd);
        return Texts(parts, budget);
    }

    private static ListValue Texts(IReadOnlyList<string> parts, Budget budget)
    {
        budget.Spend(parts.Count);
        return new ListValue([.. parts.Select(budget.Text)]);
    }
}
