using System.Text;

namespace Fairlead.Engine.Templates;

/// <summary>What Python's texts do that .NET's do not, or do otherwise. Positions and widths count code points.</summary>
internal static class PythonText
{
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

    /// <summary>The part between two positions as Python's searches take them, negative ones from the end, and where it begins; null or none: no border.</summary>
    public static (string Text, long Start) Within(TextValue text, Value? start, Value? end)
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

    /// <summary>With the first <paramref name="count"/> occurrences replaced; below 0: all.</summary>
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
