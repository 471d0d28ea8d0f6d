using System.Buffers;
using System.Globalization;
using System.Text;

namespace Fairlead.Domain.Fleet;

/// <summary>Words for callers: sizes, times, and what a worker has said, without the paths of the machine.</summary>
internal static class CallerText
{
    private static readonly SearchValues<char> Openers = SearchValues.Create("'\"`([{<=:");

    /// <summary>Longest sentence.</summary>
    public const int Most = 240;

    /// <summary><c>11.8 GiB</c>, <c>512 MiB</c>, <c>3 KiB</c>.</summary>
    public static string Size(long bytes) => bytes switch
    {
        >= 1L << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.#} GiB"),
        >= 1L << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):0} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, bytes) / 1024.0:0.#} KiB"),
    };

    /// <summary><c>8 s</c>, <c>3 min</c>, <c>2 h</c>; rounded up, so that nobody comes too early.</summary>
    public static string Span(TimeSpan span) => span.TotalSeconds switch
    {
        <= 1 => "1 s",
        <= 120 => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(span.TotalSeconds)} s"),
        <= 7200 => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(span.TotalMinutes)} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(span.TotalHours)} h"),
    };

    /// <summary>One line of at most <paramref name="most"/> characters: no control characters, and of a path only its last name.</summary>
    public static string Plain(string said, int most = Most)
    {
        var text = new StringBuilder(Math.Min(said.Length, 2 * Most));
        foreach (string word in said.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            if (text.Length > most)
                break;
            if (text.Length > 0)
                text.Append(' ');
            foreach (char c in LastName(word))
                text.Append(char.IsControl(c) ? '?' : c);
        }
        if (text.Length <= most)
            return text.ToString();
        int end = most - 1;
        if (char.IsHighSurrogate(text[end - 1]))
            end--;
        return text.ToString(0, end) + "…";
    }

    /// <summary>As <see cref="Plain"/>, with a full stop at its end.</summary>
    public static string Sentence(string said, int most)
    {
        string text = Plain(said, most - 1);
        return text.Length == 0 || text[^1] is '.' or '!' or '?' or '…' ? text : text + ".";
    }

    // A path is what begins like one, after a quote or a bracket if need be; "tokens/s" and an address on the net are none.
    private static ReadOnlySpan<char> LastName(string word)
    {
        int start = word.AsSpan().IndexOfAnyExcept(Openers);
        if (start < 0)
            return word;
        ReadOnlySpan<char> rest = word.AsSpan(start);
        bool path = rest.StartsWith("/") || rest.StartsWith("~/") || rest.StartsWith("./") || rest.StartsWith("../") || (rest.Length > 2 && rest[1] == ':' && rest[2] is '\\' or '/');
        if (!path)
            return word;
        int end = rest.TrimEnd("'\"`)]}>,.;:!?/\\").Length;
        int slash = rest[..end].LastIndexOfAny('/', '\\');
        return string.Concat(word.AsSpan(0, start), rest[(slash + 1)..]);
    }
}
