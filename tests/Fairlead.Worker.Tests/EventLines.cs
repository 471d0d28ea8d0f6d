using System.Collections.Concurrent;

namespace Fairlead.Worker.Tests;

/// <summary>A worker's standard output as whoever started it hears it.</summary>
internal sealed class EventLines : StringWriter
{
    private readonly Lock _gate = new();
    private readonly List<(string Start, TaskCompletionSource<string> Heard)> _waiting = [];

    /// <summary>Ends with the line <c>ready</c>.</summary>
    public Task Ready => LineAsync("ready");

    /// <summary>The first line that begins so, as soon as it is there.</summary>
    public Task<string> LineAsync(string start)
    {
        lock (_gate)
        {
            var heard = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add((start, heard));
            Tell();
            return heard.Task;
        }
    }

    public override void Write(string? value)
    {
        lock (_gate)
            base.Write(value);
    }

    public override void Flush()
    {
        lock (_gate)
            Tell();
    }

    public override string ToString()
    {
        lock (_gate)
            return base.ToString();
    }

    private void Tell()
    {
        string[] lines = base.ToString().Split('\n')[..^1];
        foreach ((string start, TaskCompletionSource<string> heard) in _waiting)
        {
            if (Array.Find(lines, line => line.StartsWith(start, StringComparison.Ordinal)) is { } line)
                heard.TrySetResult(line);
        }
    }
}

/// <summary>A worker's standard input, line by line; reading waits until there is one.</summary>
internal sealed class Pipe
{
    private readonly BlockingCollection<string> _lines = [];

    public Pipe() => Reader = new Lines(_lines);

    public TextReader Reader { get; }

    public void Say(string line) => _lines.Add(line);

    private sealed class Lines(BlockingCollection<string> lines) : TextReader
    {
        public override string ReadLine() => lines.Take();
    }
}
