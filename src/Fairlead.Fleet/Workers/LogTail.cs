using System.Text;

namespace Fairlead.Fleet.Workers;

/// <summary>The last lines that a worker wrote: what is told when it has failed. Bounded, whatever the worker writes.</summary>
internal sealed class LogTail
{
    /// <summary>Lines that are kept.</summary>
    public const int MostLines = 20;

    /// <summary>Characters of a line that are kept.</summary>
    public const int MostLength = 500;

    private readonly Lock _gate = new();
    private readonly Queue<string> _lines = new(MostLines);

    /// <summary>The lines, oldest first.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_gate)
                return [.. _lines];
        }
    }

    /// <summary>The last line that is not a frame of a stack trace; null when there is none.</summary>
    public string? Last
    {
        get
        {
            lock (_gate)
                return _lines.LastOrDefault(static line => !line.TrimStart().StartsWith("at ", StringComparison.Ordinal));
        }
    }

    public void Add(string line)
    {
        lock (_gate)
        {
            if (_lines.Count == MostLines)
                _lines.Dequeue();
            _lines.Enqueue(line);
        }
    }

    /// <summary>Calls <paramref name="take"/> with each line of a stream until it ends; control characters are spaces, and a line without end is cut.</summary>
    public static void ReadLines(TextReader reader, Action<string> take)
    {
        var line = new StringBuilder(MostLength);
        var buffer = new char[1024];
        while (reader.Read(buffer, 0, buffer.Length) is > 0 and int count)
        {
            foreach (char c in buffer.AsSpan(0, count))
            {
                if (c == '\n')
                {
                    Flush();
                }
                else if (line.Length < MostLength)
                {
                    line.Append(char.IsControl(c) ? ' ' : c);
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
}
