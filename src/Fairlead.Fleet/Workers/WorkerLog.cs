using Fairlead.Fleet.Isolation;
using Microsoft.Extensions.Logging;

namespace Fairlead.Fleet.Workers;

/// <summary>What one worker writes, and what is to be said of it: kept for its model, told in the gateway's log, and the last of its lines remembered for its epitaph.</summary>
internal sealed partial class WorkerLog(string model, ILogger log, LogRing lines)
{
    private volatile string? _lastLine;

    /// <summary>The last line that says something to whoever reads one; null: there was none.</summary>
    public string? LastLine => _lastLine;

    /// <summary>A line of its log, or one that is as good.</summary>
    public void Hear(string line)
    {
        if (line.Length == 0)
            return;
        lines.Add(line);
        if (!line.TrimStart().StartsWith("at ", StringComparison.Ordinal)) // a frame of a stack trace says nothing to whoever reads one line
            _lastLine = line;
        LogLine(log, model, line);
    }

    /// <summary>A word of ours between its lines, which is none of its own.</summary>
    public void Note(string text) => lines.Add($"({text})");

    public void Started(int process)
    {
        LogStarted(log, model, process);
        Note($"worker {process} was started");
    }

    public void Ready(int process, Sandbox sandbox)
    {
        Note($"it is ready; bounds: {sandbox}");
        LogReady(log, model, process);
    }

    /// <summary>A word to it was lost: it is ending by itself, or is ended by whoever waits for it.</summary>
    public void Deaf(string why) => LogDeaf(log, model, why);

    /// <param name="process">Its number.</param>
    /// <param name="epitaph">Why it ended.</param>
    /// <param name="wanted">Whether somebody wanted it to.</param>
    public void Gone(int process, string epitaph, bool wanted)
    {
        Note(epitaph);
        if (wanted)
            LogStopped(log, model, process);
        else
            LogGone(log, model, process, epitaph);
    }
}
