using System.Text;

namespace Fairlead.Engine.Templates;

/// <summary>The methods of Python's <c>str</c>. Positions count code points.</summary>
internal static class TextMethods
{
    private delegate Value Method(TextValue text, Renderer renderer, Arguments arguments);

    private static readonly Dictionary<string, Method> ByName = new(StringComparer.Ordinal)
    {
        ["capitalize"] = static (text, renderer, _) => renderer.Budget.Text(Characters.Capitalize(text.Text)),
        ["casefold"] = static (text, renderer, _) => renderer.Budget.Text(Characters.Lower(text.Text).Replace("ß", "ss", StringComparison.Ordinal).Replace('ς', 'σ')),
        ["center"] = static (text, renderer, arguments) => Pad(text, renderer, arguments, "center", 0),
        ["count"] = Count,
        ["endswith"] = static (text, renderer, arguments) => Value.Of(Affix(text, arguments, "endswith", static (text, part) => text.EndsWith(part, StringComparison.Ordinal))),
        ["expandtabs"] = ExpandTabs,
        ["find"] = static (text, _, arguments) => Value.Of(Search(text, arguments, "find", last: false)),
        ["format"] = static (text, renderer, arguments) => BraceFormat.Apply(text.Text, arguments, renderer.Budget),
        ["index"] = static (text, _, arguments) => Found(Search(text, arguments, "index", last: false)),
        ["isalnum"] = static (text, _, _) => All(text, static rune => Rune.IsLetterOrDigit(rune) || Rune.IsNumber(rune)),
        ["isalpha"] = static (text, _, _) => All(text, Rune.IsLetter),
        ["isascii"] = static (text, _, _) => Value.Of(Ascii.IsValid(text.Text)),
        ["isdecimal"] = static (text, _, _) => All(text, Rune.IsDigit),
        ["isdigit"] = static (text, _, _) => All(text, static rune => Rune.IsDigit(rune) || "²³¹".Contains(rune.ToString(), StringComparison.Ordinal)),
        ["islower"] = static (text, _, _) => Value.Of(IsCase(text.Text, upper: false)),
        ["isnumeric"] = static (text, _, _) => All(text, Rune.IsNumber),
        ["isprintable"] = static (text, _, _) => Value.Of(text.Text.EnumerateRunes().All(static rune => Characters.IsPrintable(rune.Value))),
        ["isspace"] = static (text, _, _) => Value.Of(text.Text.Length > 0 && text.Text.All(Characters.IsSpace)),
        ["istitle"] = static (text, _, _) => Value.Of(text.Text.Any(char.IsLetter) && Characters.Title(text.Text) == text.Text),
        ["isupper"] = static (text, _, _) => Value.Of(IsCase(text.Text, upper: true)),
        ["join"] = Join,
        ["ljust"] = static (text, renderer, arguments) => Pad(text, renderer, arguments, "ljust", 1),
        ["lower"] = static (text, renderer, _) => renderer.Budget.Text(Characters.Lower(text.Text)),
        ["lstrip"] = static (text, renderer, arguments) => Strip(text, renderer, arguments, "lstrip", left: true, right: false),
        ["partition"] = static (text, renderer, arguments) => Partition(text, renderer, arguments, last: false),
        ["removeprefix"] = static (text, renderer, arguments) => Affixed(text, arguments, "removeprefix") is var part && text.Text.StartsWith(part, StringComparison.Ordinal)
            ? renderer.Budget.Text(text.Text[part.Length..]) : text,
        ["removesuffix"] = static (text, renderer, arguments) => Affixed(text, arguments, "removesuffix") is var part && part.Length > 0 && text.Text.EndsWith(part, StringComparison.Ordinal)
            ? renderer.Budget.Text(text.Text[..^part.Length]) : text,
        ["replace"] = static (text, renderer, arguments) => arguments.Bind("replace", "old", "new", "count") is var bound
            ? Replace(text.Text, Part(bound[0], "replace"), Part(bound[1], "replace"), Arguments.Whole(bound[2], -1, "replace"), renderer.Budget) : text,
        ["rfind"] = static (text, _, arguments) => Value.Of(Search(text, arguments, "rfind", last: true)),
        ["rindex"] = static (text, _, arguments) => Found(Search(text, arguments, "rindex", last: true)),
        ["rjust"] = static (text, renderer, arguments) => Pad(text, renderer, arguments, "rjust", -1),
        ["rpartition"] = static (text, renderer, arguments) => Partition(text, renderer, arguments, last: true),
        ["rsplit"] = static (text, renderer, arguments) => Split(text, renderer, arguments, "rsplit", fromEnd: true),
        ["rstrip"] = static (text, renderer, arguments) => Strip(text, renderer, arguments, "rstrip", left: false, right: true),
        ["split"] = static (text, renderer, arguments) => Split(text, renderer, arguments, "split", fromEnd: false),
        ["splitlines"] = static (text, renderer, arguments) => arguments.Bind("splitlines", "keepends") is var bound
            ? Texts(SplitLines(text.Text, bound[0]?.IsTrue ?? false), renderer) : text,
        ["startswith"] = static (text, renderer, arguments) => Value.Of(Affix(text, arguments, "startswith", static (text, part) => text.StartsWith(part, StringComparison.Ordinal))),
        ["strip"] = static (text, renderer, arguments) => Strip(text, renderer, arguments, "strip", left: true, right: true),
        ["swapcase"] = static (text, renderer, _) => renderer.Budget.Text(string.Concat(text.Text.Select(static c => char.IsUpper(c) ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c)))),
        ["title"] = static (text, renderer, _) => renderer.Budget.Text(Characters.Title(text.Text)),
        ["upper"] = static (text, renderer, _) => renderer.Budget.Text(Characters.Upper(text.Text)),
        ["zfill"] = ZeroFill,
    };

    /// <summary>The method bound to its text; null where <c>str</c> has none of that name.</summary>
    public static Value? Find(TextValue text, string name)
    {
        if (!ByName.TryGetValue(name, out Method? method))
            return null;
        return new CallableValue(name, "builtin_function_or_method", (renderer, arguments) =>
        {
            // Every method reads its text once.
            renderer.Budget.Spend(text.Weight);
            Value result = method(text, renderer, arguments);
            return text.IsMarkup && result is TextValue { IsMarkup: false } plain ? new TextValue(plain.Text, isMarkup: true) : result;
        });
    }

    /// <summary>Every <paramref name="step"/>th code point from <paramref name="from"/> up to, not including, <paramref name="to"/>.</summary>
    public static TextValue Slice(TextValue text, long from, long to, long step, Budget budget)
    {
        // Code points beyond UTF-16's first plane have to be counted from the beginning.
        if (!text.IsFlat)
            budget.Spend(text.Weight);
        if (step == 1)
        {
            int start = Units(text, Math.Min(from, text.Length));
            int end = Units(text, Math.Min(Math.Max(from, to), text.Length));
            budget.Build(end - start);
            return new TextValue(text.Text[start..end], text.IsMarkup);
        }

        budget.Build(text.Text.Length);
        Rune[] runes = [.. text.Text.EnumerateRunes()];
        StringBuilder slice = new();
        for (long i = from; step > 0 ? i < to : i > to; i += step)
            slice.Append(runes[i].ToString());
        return new TextValue(slice.ToString(), text.IsMarkup);
    }

    /// <summary>Without the characters of <paramref name="characters"/> (null: white space) at its ends.</summary>
    public static string Strip(string text, string? characters, bool left, bool right)
    {
        int from = 0;
        int to = text.Length;
        while (left && from < to && Goes(text[from]))
            from++;
        while (right && to > from && Goes(text[to - 1]))
            to--;
        return text[from..to];

        bool Goes(char c) => characters is null ? Characters.IsSpace(c) : characters.Contains(c);
    }

    public static Value Replace(string text, string old, string fresh, int count, Budget budget)
    {
        if (count < 0)
            count = int.MaxValue;
        BoundedText replaced = new(budget);
        int at = 0;
        if (old.Length == 0)
        {
            // Python puts the new text before every character and at the end.
            foreach (Rune rune in text.EnumerateRunes())
            {
                budget.Spend();
                if (count-- > 0)
                    replaced.Append(fresh);
                replaced.Append(rune.ToString());
            }

            if (count > 0)
                replaced.Append(fresh);
            return new TextValue(replaced.Finish());
        }

        for (int found; count > 0 && (found = text.IndexOf(old, at, StringComparison.Ordinal)) >= 0; count--)
        {
            budget.Spend();
            replaced.Append(text[at..found]);
            replaced.Append(fresh);
            at = found + old.Length;
        }

        replaced.Append(text[at..]);
        return new TextValue(replaced.Finish());
    }

    /// <summary>Python's <c>str.splitlines</c>, with all the line ends it knows.</summary>
    public static string[] SplitLines(string text, bool keepEnds)
    {
        List<string> lines = [];
        int from = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] is not ('\n' or '\r' or '\v' or '\f' or '\x1c' or '\x1d' or '\x1e' or '\x85' or '\u2028' or '\u2029'))
                continue;
            int end = text[i] == '\r' && i + 1 < text.Length && text[i + 1] == '\n' ? i + 2 : i + 1;
            lines.Add(text[from..(keepEnds ? end : i)]);
            from = end;
            i = end - 1;
        }

        if (from < text.Length)
            lines.Add(text[from..]);
        return [.. lines];
    }

    /// <summary>Fills to <paramref name="width"/> code points: on the right (1), on the left (−1) or on both sides (0).</summary>
    public static TextValue Pad(string text, Value? width, string? filler, int side, Budget budget)
    {
        TextValue value = new(text);
        long missing = Math.Max(0, Arguments.Whole(width, 0, "center") - (long)value.Length);
        string fill = filler ?? " ";
        if (new TextValue(fill).Length != 1)
            throw new TemplateFault("The fill character must be exactly one character long");
        budget.Build(text.Length + (missing * fill.Length));
        // CPython puts the odd one to the left where both the gap and the width are odd.
        long left = side switch { 1 => 0, -1 => missing, _ => (missing / 2) + (missing & (value.Length + missing) & 1) };
        return new TextValue(Repeat(fill, left) + text + Repeat(fill, missing - left));

        static string Repeat(string fill, long times) => new StringBuilder().Insert(0, fill, (int)times).ToString();
    }

    /// <summary>Python's <c>islower</c> and <c>isupper</c>: there are letters with case, and all are of this one.</summary>
    public static bool IsCase(string text, bool upper)
    {
        bool any = false;
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (Rune.IsUpper(rune) || Rune.IsLower(rune))
            {
                if (Rune.IsUpper(rune) != upper)
                    return false;
                any = true;
            }
        }

        return any;
    }

    private static TextValue Pad(TextValue text, Renderer renderer, Arguments arguments, string name, int side)
    {
        Value?[] bound = arguments.Bind(name, "width", "fillchar");
        return Pad(text.Text, Arguments.Required(bound[0], name, "width"), Arguments.TextOrNone(bound[1], name), side, renderer.Budget);
    }

    private static TextValue ZeroFill(TextValue text, Renderer renderer, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("zfill", "width");
        string sign = text.Text is ['+' or '-', ..] ? text.Text[..1] : "";
        long width = Math.Max(0, Arguments.Whole(Arguments.Required(bound[0], "zfill", "width"), 0, "zfill") - (long)sign.Length);
        return renderer.Budget.Text(sign + Pad(text.Text[sign.Length..], Value.Of(width), "0", -1, renderer.Budget).Text);
    }

    private static TextValue ExpandTabs(TextValue text, Renderer renderer, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("expandtabs", "tabsize");
        int size = Math.Clamp(Arguments.Whole(bound[0], 8, "expandtabs"), 0, 1_000);
        BoundedText expanded = new(renderer.Budget);
        int column = 0;
        foreach (char c in text.Text)
        {
            string piece = c != '\t' ? c.ToString() : size == 0 ? "" : new string(' ', size - (column % size));
            expanded.Append(piece);
            column = c is '\n' or '\r' ? 0 : column + piece.Length;
        }

        return new TextValue(expanded.Finish());
    }

    private static Value Count(TextValue text, Renderer renderer, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("count", "sub", "start", "end");
        string part = Part(bound[0], "count");
        string within = Within(text, bound[1], bound[2]).Text;
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
        (string within, long start) = Within(text, bound[1], bound[2]);
        if (start > text.Length)
            return -1;
        int found = last ? within.LastIndexOf(part, StringComparison.Ordinal) : within.IndexOf(part, StringComparison.Ordinal);
        return found < 0 ? -1 : new TextValue(within[..found]).Length + (int)start;
    }

    private static Value Found(int place) => place >= 0 ? Value.Of(place) : throw new TemplateFault("substring not found");

    private static (string Text, long Start) Within(TextValue text, Value? start, Value? end)
    {
        long from = Border(start, 0);
        long to = Math.Min(Border(end, text.Length), text.Length);
        if (from >= to)
            return ("", from);
        return (text.Text[Units(text, from)..Units(text, to)], from);

        long Border(Value? value, long fallback)
        {
            long border = value is null or NoneValue ? fallback : Arguments.Whole(value, 0, "find");
            return border < 0 ? Math.Max(0, border + text.Length) : border;
        }
    }

    private static bool Affix(TextValue text, Arguments arguments, string name, Func<string, string, bool> fits)
    {
        Value?[] bound = arguments.Bind(name, "prefix", "start", "end");
        string within = bound[1] is null && bound[2] is null ? text.Text : Within(text, bound[1], bound[2]).Text;
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

    private static TextValue Join(TextValue separator, Renderer renderer, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("join", "iterable");
        BoundedText joined = new(renderer.Budget);
        IReadOnlyList<Value> items = renderer.Iterate(Arguments.Required(bound[0], "join", "iterable"));
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

    private static TextValue Strip(TextValue text, Renderer renderer, Arguments arguments, string name, bool left, bool right) =>
        renderer.Budget.Text(Strip(text.Text, Arguments.TextOrNone(arguments.Bind(name, "chars")[0], name), left, right));

    private static TupleValue Partition(TextValue text, Renderer renderer, Arguments arguments, bool last)
    {
        string separator = Part(arguments.Bind("partition", "sep")[0], "partition");
        if (separator.Length == 0)
            throw new TemplateFault("empty separator");
        renderer.Budget.Build(text.Text.Length);
        int at = last ? text.Text.LastIndexOf(separator, StringComparison.Ordinal) : text.Text.IndexOf(separator, StringComparison.Ordinal);
        if (at < 0)
            return last ? new TupleValue([Value.Of(""), Value.Of(""), text]) : new TupleValue([text, Value.Of(""), Value.Of("")]);
        return new TupleValue([Value.Of(text.Text[..at]), Value.Of(separator), Value.Of(text.Text[(at + separator.Length)..])]);
    }

    private static ListValue Split(TextValue text, Renderer renderer, Arguments arguments, string name, bool fromEnd)
    {
        Value?[] bound = arguments.Bind(name, "sep", "maxsplit");
        int most = Arguments.Whole(bound[1], -1, name);
        if (most < 0)
            most = int.MaxValue;
        string? separator = Arguments.TextOrNone(bound[0], name);
        if (separator is "")
            throw new TemplateFault("empty separator");
        List<string> parts = separator is null
            ? SplitSpace(text.Text, most, fromEnd)
            : SplitAt(text.Text, separator, most, fromEnd);
        return Texts(parts, renderer);
    }

    private static ListValue Texts(IReadOnlyList<string> parts, Renderer renderer)
    {
        renderer.Budget.Spend(parts.Count);
        return new ListValue([.. parts.Select(renderer.Budget.Text)]);
    }

    private static List<string> SplitAt(string text, string separator, int most, bool fromEnd)
    {
        List<string> parts = [];
        if (!fromEnd)
        {
            int from = 0;
            for (int found; parts.Count < most && (found = text.IndexOf(separator, from, StringComparison.Ordinal)) >= 0; from = found + separator.Length)
                parts.Add(text[from..found]);
            parts.Add(text[from..]);
            return parts;
        }

        int to = text.Length;
        for (int found; parts.Count < most && (found = text.AsSpan(0, to).LastIndexOf(separator, StringComparison.Ordinal)) >= 0; to = found)
            parts.Add(text[(found + separator.Length)..to]);
        parts.Add(text[..to]);
        parts.Reverse();
        return parts;
    }

    private static List<string> SplitSpace(string text, int most, bool fromEnd)
    {
        List<string> parts = [];
        int from = 0;
        int to = text.Length;
        while (true)
        {
            while (from < to && Characters.IsSpace(text[from]) && (!fromEnd || parts.Count == most))
                from++;
            while (to > from && Characters.IsSpace(text[to - 1]) && fromEnd)
                to--;
            if (from >= to)
                break;
            if (parts.Count == most)
            {
                // What is left stays together, without the white space on the side that was cut.
                parts.Add(fromEnd ? text[..to] : text[from..]);
                break;
            }

            int cut = fromEnd ? to : from;
            while (fromEnd ? cut > from && !Characters.IsSpace(text[cut - 1]) : cut < to && !Characters.IsSpace(text[cut]))
                cut += fromEnd ? -1 : 1;
            parts.Add(fromEnd ? text[cut..to] : text[from..cut]);
            if (fromEnd)
                to = cut;
            else
                from = cut;
        }

        if (fromEnd)
            parts.Reverse();
        return parts;
    }

    /// <summary>Where code point number <paramref name="place"/> begins in the UTF-16 text.</summary>
    private static int Units(TextValue text, long place)
    {
        if (text.IsFlat)
            return (int)place;
        int at = 0;
        for (; place > 0 && at < text.Text.Length; place--)
            at += char.IsSurrogatePair(text.Text, at) ? 2 : 1;
        return at;
    }
}
