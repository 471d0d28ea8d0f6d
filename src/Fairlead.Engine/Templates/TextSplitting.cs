namespace Fairlead.Engine.Templates;

/// <summary>How Python cuts a text into pieces: at a separator, at white space, at the ends of lines.</summary>
internal static class TextSplitting
{
    /// <summary>At each separator, at most so often, counted from the beginning or from the end.</summary>
    /// <param name="text">What is cut.</param>
    /// <param name="separator">Not empty.</param>
    /// <param name="most">Cuts; one piece more comes of them.</param>
    /// <param name="fromEnd">From which side.</param>
    public static List<string> At(string text, string separator, int most, bool fromEnd)
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

    /// <summary>At each run of white space, which belongs to no piece; at most so often, counted from the beginning or from the end.</summary>
    public static List<string> AtSpace(string text, int most, bool fromEnd)
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

    /// <summary>Python's <c>str.splitlines</c>, with all the line ends it knows.</summary>
    public static string[] Lines(string text, bool keepEnds)
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
}
