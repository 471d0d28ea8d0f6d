using System.Text;
using System.Threading.Channels;

namespace Fairlead.Tests.Process;

/// <summary>A verb that goes on, and what it has printed so far.</summary>
internal sealed class WatchedVerb
{
    private readonly System.Diagnostics.Process _process;
    private readonly Lock _gate = new();
    private readonly StringBuilder _said = new();
    private readonly StringBuilder _errors = new();
    private readonly Channel<bool> _news = Channel.CreateUnbounded<bool>();

    public WatchedVerb(System.Diagnostics.Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, e) => Note(_said, e.Data);
        process.ErrorDataReceived += (_, e) => Note(_errors, e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Its standard output so far.</summary>
    public string Said
    {
        get
        {
            lock (_gate)
                return _said.ToString();
        }
    }

    /// <summary>Waits until it has printed a text.</summary>
    public async Task SawAsync(string text, int times = 1)
    {
        using var deadline = new CancellationTokenSource(FairleadProcess.Patience);
        while (Said.Split(text).Length <= times)
        {
            try
            {
                await _news.Reader.ReadAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"Not printed: {text}\n{Said}\n{_errors}");
            }
        }
    }

    public Task InterruptAsync() => FairleadProcess.SignalAsync(_process.Id, "INT");

    public async Task<(int Code, string Out, string Error)> EndAsync()
    {
        using (_process)
        {
            await _process.WaitForExitAsync();
            return (_process.ExitCode, Said, _errors.ToString());
        }
    }

    private void Note(StringBuilder to, string? line)
    {
        lock (_gate)
            to.AppendLine(line);
        _news.Writer.TryWrite(true);
    }
}
