using System.Collections.Immutable;
using System.Globalization;

namespace Fairlead.Fleet.Workers;

/// <summary>The last lines that the workers of one model wrote, over as many starts as there were; bounded, whatever they write.</summary>
/// <remarks>Any thread may write and read. Each line has its time before it, and no control character but the spaces that stand for them.</remarks>
/// <param name="time">For the time of each line.</param>
public sealed class LogRing(TimeProvider time)
{
    /// <summary>Lines that are kept.</summary>
    public const int MostLines = 1_000;

    /// <summary>Characters of one line that are kept, its time not counted.</summary>
    public const int MostLength = 500;

    /// <summary>Characters of all lines together that are kept: half of what a thousand of the longest would take, as no honest log writes them.</summary>
    public const int MostCharacters = 256 * 1024;

    private readonly Lock _gate = new();
    private readonly Queue<string> _lines = new();
    private int _characters;
    private long _written;

    /// <summary>The lines, oldest first: <c>2026-11-26T16:55:47.123Z words</c>.</summary>
    public ImmutableArray<string> Lines
    {
        get
        {
            lock (_gate)
                return [.. _lines];
        }
    }

    /// <summary>The lines that were written after the first <paramref name="seen"/>, as far as they are still kept, and how many were written by now: for whoever follows.</summary>
    public (ImmutableArray<string> Lines, long Written) After(long seen)
    {
        lock (_gate)
        {
            long missing = Math.Max(0, Math.Min(_written - seen, _lines.Count));
            return ([.. _lines.Skip(_lines.Count - (int)missing)], _written);
        }
    }

    /// <summary>Keeps one more line; of a longer one its beginning, of one with line ends a single one.</summary>
    public void Add(string text)
    {
        ReadOnlySpan<char> kept = text.AsSpan(0, Math.Min(text.Length, MostLength));
        string line = string.Create(CultureInfo.InvariantCulture, $"{time.GetUtcNow():yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {LogLines.Neutral(kept)}");
        lock (_gate)
        {
            _lines.Enqueue(line);
            _characters += line.Length;
            _written++;
            while (_lines.Count > MostLines || _characters > MostCharacters)
                _characters -= _lines.Dequeue().Length;
        }
    }
}
