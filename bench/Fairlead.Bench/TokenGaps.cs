using System.Diagnostics;
using System.Globalization;

namespace Fairlead.Bench;

/// <summary>When the tokens of several answers came, and how long the callers waited from one to the next.</summary>
/// <remarks>
/// A token whose text is not complete (the first bytes of a character) comes together with the next one. Nobody kept the answer waiting then, so the time before such an event is none of the gaps.
/// </remarks>
internal sealed class TokenGaps(int answers) : IDisposable
{
    private readonly List<(long At, int Tokens)>[] _events = [.. Enumerable.Range(0, answers).Select(static _ => new List<(long, int)>())];
    private readonly SemaphoreSlim _came = new(0);

    /// <summary>Some tokens of an answer are here. Called by one thread for each answer.</summary>
    public void Came(int answer, int tokens)
    {
        lock (_events[answer])
            _events[answer].Add((Stopwatch.GetTimestamp(), tokens));
        _came.Release(tokens);
    }

    /// <summary>Waits for tokens, of whichever answers, or for the first reader that has failed, whose exception this throws.</summary>
    /// <param name="tokens">That nobody has waited for yet; null for all that are here.</param>
    /// <param name="readers">Of the answers, none of which ends before it is stopped.</param>
    public async Task UntilAsync(int? tokens, Task[] readers)
    {
        int count = tokens ?? _came.CurrentCount;
        await await Task.WhenAny([CountAsync(), .. readers]);

        async Task CountAsync()
        {
            for (int i = 0; i < count; i++)
                await _came.WaitAsync();
        }
    }

    public void Dispose() => _came.Dispose();

    /// <summary>The head of the table that has a row for each <see cref="Row"/>.</summary>
    public static string Head => "| phase | gap p50, ms | p99, ms | longest, ms | tokens/s of all streams |\n|---|---:|---:|---:|---:|";

    /// <summary>The gaps that ended from one moment to another.</summary>
    /// <param name="phase">What it was.</param>
    /// <param name="from">By <see cref="Stopwatch.GetTimestamp"/>, as <paramref name="to"/>.</param>
    public string Row(string phase, long from, long to)
    {
        var gaps = new List<double>();
        int tokens = 0;
        foreach (List<(long At, int Tokens)> events in _events)
        {
            lock (events)
            {
                for (int i = 1; i < events.Count; i++)
                {
                    if (events[i].At <= from || events[i].At > to)
                        continue;
                    tokens += events[i].Tokens;
                    if (events[i].Tokens == 1)
                        gaps.Add(Stopwatch.GetElapsedTime(events[i - 1].At, events[i].At).TotalMilliseconds);
                }
            }
        }

        gaps.Sort();
        double seconds = Stopwatch.GetElapsedTime(from, to).TotalSeconds;
        return gaps.Count == 0
            ? $"| {phase} | no token came | | | 0 |"
            : string.Create(CultureInfo.InvariantCulture, $"| {phase} | {gaps[gaps.Count / 2]:0.0} | {gaps[(int)((gaps.Count - 1) * 0.99)]:0.0} | {gaps[^1]:0.0} | {tokens / seconds:0.0} |");
    }
}
