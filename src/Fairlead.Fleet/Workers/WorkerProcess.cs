using System.ComponentModel;
using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Fairlead.Fleet.Workers;

/// <summary>One running worker: a child process of this one that holds one model and answers HTTP on a Unix socket.</summary>
/// <remarks>
/// The three standard streams are the whole contract beside HTTP. Its standard input is a pipe whose other end only we hold: the line
/// <c>stop</c> asks it to finish what it has begun, and the end of the pipe, which the system brings about however we die, ends it at once.
/// (Linux's parent-death signal would not do: it comes when the thread that started the child ends, and ours are a pool's.) On its standard
/// output it says <c>ready</c> when the model is loaded; what it writes to standard error is its log.
/// </remarks>
public sealed partial class WorkerProcess
{
    private const string ReadyLine = "ready";

    /// <summary>What a worker gets of our environment: what a program needs to run, and nothing that could be a secret.</summary>
    private static readonly string[] Inherited = ["PATH", "HOME", "TMPDIR", "LANG", "DOTNET_ROOT", "DOTNET_ROOT_X64", "DOTNET_ROOT_ARM64"];

    /// <summary>A process that has ended may still have words in its pipes; where something else holds them open they are not waited for.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);

    private readonly Process _process;
    private readonly WorkerSpec _spec;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly LogTail _tail = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _stopping;
    private int _exitCode;

    private WorkerProcess(Process process, WorkerSpec spec, string socket, TimeProvider time, ILogger log)
    {
        _process = process;
        _spec = spec;
        _time = time;
        _log = log;
        Socket = socket;
        Id = process.Id;
        Exited = WatchAsync();
    }

    /// <summary>Process id.</summary>
    public int Id { get; }

    /// <summary>Path of the socket that it answers on.</summary>
    public string Socket { get; }

    /// <summary>Ends when the process has ended, its last words are read and its socket is gone.</summary>
    public Task Exited { get; }

    /// <summary>Its last lines, oldest first.</summary>
    public IReadOnlyList<string> LastLines => _tail.Lines;

    /// <summary>Starts a worker; it is not ready yet.</summary>
    /// <param name="command">The program.</param>
    /// <param name="spec">What it shall hold.</param>
    /// <param name="socket">Path that does not exist, in a folder that only this user may enter.</param>
    /// <param name="time">For patience.</param>
    /// <param name="log">Gets its lines.</param>
    /// <exception cref="WorkerFailedException">There is no such program, or it may not be run.</exception>
    public static WorkerProcess Start(WorkerCommand command, WorkerSpec spec, string socket, TimeProvider time, ILogger log)
    {
        var start = new ProcessStartInfo(command.Program, command.LineFor(spec, socket))
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        foreach (string name in Inherited)
        {
            if (Environment.GetEnvironmentVariable(name) is { } value)
                start.Environment[name] = value;
        }
        try
        {
            Process process = Process.Start(start)!; // null only where a shell would have been used
            LogStarted(log, spec.Model, process.Id);
            return new WorkerProcess(process, spec, socket, time, log);
        }
        catch (Win32Exception e)
        {
            throw new WorkerFailedException($"the worker could not be started: {command.Program}: {e.Message}", e);
        }
    }

    /// <summary>Waits until the model is loaded.</summary>
    /// <exception cref="WorkerFailedException">It ended before it was, or took longer than <paramref name="limit"/> and was ended.</exception>
    public async Task ReadyAsync(TimeSpan limit)
    {
        try
        {
            await _ready.Task.WaitAsync(limit, _time);
        }
        catch (TimeoutException e)
        {
            await KillAsync();
            throw new WorkerFailedException($"the model was not loaded within {limit.TotalSeconds:0} s", e);
        }
    }

    /// <summary>Whether it has ended, or does so within <paramref name="patience"/>: a connection that breaks is seen before its process is gone.</summary>
    public async ValueTask<bool> EndsWithinAsync(TimeSpan patience)
    {
        await Exited.WaitAsync(patience, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // which of the two it was is asked below; no timer outlives it
        return Exited.IsCompleted;
    }

    /// <summary>Why it ended, in one sentence; only after <see cref="Exited"/>.</summary>
    public string Epitaph()
    {
        string how = _exitCode switch
        {
            > 128 and var signal => $"was ended by signal {signal - 128}", // how the framework, and every shell, tells a signal
            var code => $"ended with code {code}",
        };
        string text = _tail.Last is { Length: > 0 } last ? $"the worker {how}; its last line: {last}" : $"the worker {how} without a word";
        return text.Length <= 240 ? text : string.Concat(text.AsSpan(0, 239), "…");
    }

    /// <summary>Asks it to take on nothing new and to end when it has answered; ends it when <paramref name="patience"/> is over.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        if (Exited.IsCompleted)
            return;
        _stopping = true;
        try
        {
            await _process.StandardInput.WriteLineAsync("stop");
            await _process.StandardInput.FlushAsync();
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or ObjectDisposedException)
        {
            LogDeafToStop(_log, _spec.Model, e.Message); // it is ending by itself, or is ended below
        }
        if (!await EndsWithinAsync(patience))
            await KillAsync();
    }

    private async Task KillAsync()
    {
        _stopping = true;
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException e)
        {
            LogDeafToStop(_log, _spec.Model, e.Message); // it has just ended by itself
        }
        await Exited;
    }

    private async Task WatchAsync()
    {
        // Threads of their own: on Unix a pipe is read by blocking, and the pool has as few threads as the machine has cores.
        int open = 2;
        Listen("out", _process.StandardOutput, HearEvent);
        Listen("err", _process.StandardError, HearLine);
        await _process.WaitForExitAsync();
        await _heard.Task.WaitAsync(LastWords, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _exitCode = _process.ExitCode;
        _process.Dispose();
        File.Delete(Socket); // it removes its own, unless it was killed
        if (_stopping)
            LogStopped(_log, _spec.Model, Id);
        else
            LogGone(_log, _spec.Model, Id, Epitaph());
        if (_ready.TrySetException(new WorkerFailedException(Epitaph())))
            _ = _ready.Task.Exception; // nobody may be waiting any more

        void Listen(string name, StreamReader stream, Action<string> take) => new Thread(() =>
        {
            try
            {
                LogTail.ReadLines(stream, take);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                take($"(its output could not be read: {e.Message})");
            }
            if (Interlocked.Decrement(ref open) == 0)
                _heard.TrySetResult();
        })
        { IsBackground = true, Name = $"{_spec.Model} {name}" }.Start();
    }

    private void HearEvent(string line)
    {
        if (line == ReadyLine)
        {
            LogReady(_log, _spec.Model, Id);
            _ready.TrySetResult();
        }
        else
        {
            HearLine(line);
        }
    }

    private void HearLine(string line)
    {
        if (line.Length == 0)
            return;
        _tail.Add(line);
        LogLine(_log, _spec.Model, line);
    }

    [LoggerMessage(EventId = 4101, Level = LogLevel.Information, Message = "{Model}: worker {Process} was started")]
    private static partial void LogStarted(ILogger log, string model, int process);

    [LoggerMessage(EventId = 4102, Level = LogLevel.Information, Message = "{Model}: worker {Process} is ready")]
    private static partial void LogReady(ILogger log, string model, int process);

    [LoggerMessage(EventId = 4103, Level = LogLevel.Information, Message = "{Model}: worker {Process} has stopped")]
    private static partial void LogStopped(ILogger log, string model, int process);

    [LoggerMessage(EventId = 4104, Level = LogLevel.Warning, Message = "{Model}: worker {Process} is gone: {Epitaph}. The next request starts it again")]
    private static partial void LogGone(ILogger log, string model, int process, string epitaph);

    [LoggerMessage(EventId = 4105, Level = LogLevel.Information, Message = "{Model}: {Line}")]
    private static partial void LogLine(ILogger log, string model, string line);

    [LoggerMessage(EventId = 4106, Level = LogLevel.Information, Message = "{Model}: the worker does not listen any more: {Why}")]
    private static partial void LogDeafToStop(ILogger log, string model, string why);
}
