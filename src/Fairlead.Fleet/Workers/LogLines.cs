using System.Text;

namespace Fairlead.Fleet.Workers;

/// <summary>Lines out of what a stranger writes to a pipe.</summary>
internal static class LogLines
{
    /// <summary>Calls <paramref name="take"/> with each line of a stream until it ends; control characters are spaces, and a line without end is cut.</summary>
    public static void Read(TextReader reader, Action<string> take)
    {
        var line = new StringBuilder(LogRing.MostLength);
        var buffer = new char[1024];
        while (reader.Read(buffer, 0, buffer.Length) is > 0 and int count)
        {
            foreach (char c in buffer.AsSpan(0, count))
            {
                if (c == '\n')
                {
                    Flush();
                }
                else if (line.Length < LogRing.MostLength)
                {
                    line.Append(Neutral(c));
                }
            }
        }
        if (line.Length > 0)
            Flush();

        void Flush()
        {
            take(line.ToString().TrimEnd());
            line.Clear();
        }
    }

    /// <summary>A text without control characters: what would move a terminal's cursor or end a line is a space.</summary>
    public static string Neutral(ReadOnlySpan<char> text) => string.Create(text.Length, text, static (span, from) =>
    {
        for (int i = 0; i < span.Length; i++)
            span[i] = Neutral(from[i]);
    });

    // The separators U+2028 and U+2029 end a line in JavaScript and in some terminals, and the embedding marks turn what follows around.
    private static char Neutral(char c) => char.IsControl(c) || c is '\u2028' or '\u2029' or (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069') ? ' ' : c;
}
