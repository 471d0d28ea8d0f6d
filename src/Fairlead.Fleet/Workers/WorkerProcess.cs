using System.Collections.Immutable;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Fairlead.Domain.Fleet;
using Fairlead.Fleet.Isolation;
using Microsoft.Extensions.Logging;

namespace Fairlead.Fleet.Workers;

/// <summary>One running worker: a child process of this one that holds one model and answers HTTP, on a Unix socket or on a loopback port.</summary>
/// <remarks>
/// <para>The three standard streams are the whole contract beside HTTP. On its standard output a worker of our own says <c>needs {…}</c> before it reads a
/// weight, <c>progress 0.62</c> while it reads them, and <c>ready</c>; what it writes to standard error is its log. Its standard input is a pipe whose other
/// end only we hold: the line <c>load</c> lets it read its weights, <c>stop</c> asks it to finish what it has begun, and the end of the pipe, which the system
/// brings about however we die, ends it at once.</para>
/// <para>Another's engine knows nothing of this. Our own program stands in for it until it is let load, and then becomes it (<c>worker exec</c>); that it is
/// ready its own HTTP says, and that it shall stop a signal.</para>
/// </remarks>
public sealed partial class WorkerProcess
{
    private const string ReadyLine = "ready";
    private const string NeedsMark = "needs ";
    private const string ProgressMark = "progress ";

    /// <summary>Longest epitaph, in characters.</summary>
    private const int MostEpitaph = 240;

    /// <summary>What a worker gets of our environment: what a program needs to run, and nothing that could be a secret.</summary>
    private static readonly string[] Inherited = ["PATH", "HOME", "TMPDIR", "LANG", "DOTNET_ROOT", "DOTNET_ROOT_X64", "DOTNET_ROOT_ARM64", "FAIRLEAD_KERNELS"];

    /// <summary>What another's engine gets beside that: where its libraries, its devices and its models are.</summary>
    private static readonly string[] InheritedByEngines =
        ["LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "XDG_CACHE_HOME", "OLLAMA_MODELS"];

    /// <summary>A process that has ended may still have words in its pipes, which end when all that holds them has. Only where something got away from its
    /// group they are waited for no longer than this; long, since a machine that is short of time reads late, and a death without its reason helps nobody.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(5);

    /// <summary>Between two looks whether what was killed is gone: a process that ends gives back gigabytes, which takes the system a moment.</summary>
    private static readonly TimeSpan LeftPoll = TimeSpan.FromMilliseconds(10);

    /// <summary>Between two questions whether an engine is ready.</summary>
    private static readonly TimeSpan ReadyPoll = TimeSpan.FromMilliseconds(100);

    private readonly Process _process;
    private readonly WorkerSpec _spec;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly LogRing _lines;
    private readonly string? _socket;
    private readonly LoopbackPort? _port;
    private readonly WorkerProbe _probe;
    private readonly MemoryGuard? _guard;
    private readonly bool _confined;
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource<WorkerFacts> _measured = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _stopping;
    private bool _reaped;
    private volatile string? _lastLine;
    private double _share;
    private int _exitCode;

    private WorkerProcess(Process process, WorkerSpec spec, WorkerAddress address, WorkerProbe probe, LoopbackPort? port, bool confined, TimeProvider time, ILogger log, LogRing lines)
    {
        _process = process;
        _spec = spec;
        _time = time;
        _log = log;
        _lines = lines;
        _socket = address.Socket;
        _port = port;
        _probe = probe;
        _confined = confined;
        Id = process.Id;
        Address = address;
        _guard = MakeGuard();
    }

    /// <summary>Process id.</summary>
    public int Id { get; }

    /// <summary>Where it answers, once it is ready.</summary>
    public WorkerAddress Address { get; }

    /// <summary>What it needs. A worker of our own has read its headers by then and waits to be let load, as another's engine does from the beginning.</summary>
    /// <exception cref="WorkerFailedException">Of the task: it ended before it said so.</exception>
    public Task<WorkerFacts> Measured => _measured.Task;

    /// <summary>Ends when the model is loaded.</summary>
    /// <exception cref="WorkerFailedException">Of the task: it ended before it was.</exception>
    public Task Ready => _ready.Task;

    /// <summary>Ends when the process and all that came of it has ended, its last words are read and kept, and its socket is gone. Never fails.</summary>
    public Task Exited => _exited.Task;

    /// <summary>Called with how far a load has come, 0 to 1, never falling; on a thread of this worker, so it must return at once. To be set before <see cref="LetLoad"/>.</summary>
    public Action<double>? Progress { get; set; }

    /// <summary>What bounds it, as it was when it was let load, and again when it was ready.</summary>
    public Sandbox Sandbox { get; private set; } = Sandbox.None;

    /// <summary>Starts a worker. It loads nothing before <see cref="LetLoad"/>.</summary>
    /// <param name="own">How our own worker program is started.</param>
    /// <param name="spec">What the worker shall hold.</param>
    /// <param name="socket">Path that does not exist, in a folder that only this user may enter; ends with <c>.sock</c>.</param>
    /// <param name="time">For patience.</param>
    /// <param name="log">Gets its lines.</param>
    /// <param name="lines">Keeps them.</param>
    /// <exception cref="WorkerFailedException">There is no such program, it may not be run, no port is free, or what it is to be given could be mistaken for something else.</exception>
    public static WorkerProcess Start(WorkerCommand own, WorkerSpec spec, string socket, TimeProvider time, ILogger log, LogRing lines)
    {
        if ((spec.Engine is { } asked ? asked.Refuse(spec) : EscapeRules.RefuseName(spec.Model) ?? EscapeRules.RefuseSource(spec.Source)) is { } wrong)
            throw new WorkerFailedException($"the worker was not started: {wrong}");
        LoopbackPort? port = null;
        try
        {
            port = spec.Engine is { UsesSocket: false } ? LoopbackPort.Reserve() : null;
            ProcessStartInfo start = StartFor(own, spec, socket, port?.Number ?? 0);
            WorkerAddress address = spec.Engine?.AddressFor(spec, socket, port?.Number ?? 0) ?? new WorkerAddress(new Uri("http://worker/v1"), socket, null);
            ProcessStarter starter = own.Confined && spec.Engine is null ? ProcessStarter.OfWorkers(Path.GetDirectoryName(socket)!) : ProcessStarter.OfAnything;
            Process process = starter.Start(start);
            LogStarted(log, spec.Model, process.Id);
            lines.Add($"(worker {process.Id} was started)");
            var worker = new WorkerProcess(process, spec, address, new WorkerProbe(address), port, starter.Unconfined is null, time, log, lines);
            if (own.Confined && spec.Engine is null && starter.Unconfined is { } why)
                lines.Add($"(it may write files and open connections: {why})");
            worker.Begin();
            return worker;
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            port?.Dispose();
            throw new WorkerFailedException($"the worker could not be started: {own.Program}: {e.Message}", e);
        }
        catch
        {
            port?.Dispose();
            throw;
        }
    }

    /// <summary>Bounds its memory and lets it load. Once, after <see cref="Measured"/>.</summary>
    /// <param name="memoryBytes">What was set aside for it.</param>
    public void LetLoad(long memoryBytes)
    {
        lock (_gate)
        {
            if (_reaped)
                return; // its number may be another's by now, and Ready has failed
            // Of an engine whose need nobody has stated no more than a guess is known, and a guess is no reason to end it.
            if (_guard is not null && (_spec.Engine is null || _spec.Engine.Memory is not null) && _guard.Bound(Id, memoryBytes) is { } why)
                HearLine($"(its memory could not be bounded: {why})");
            Sandbox = Sandbox.Of(Id, _guard, _confined);
        }
        _port?.Dispose(); // ours until now, so that nobody else took it while this worker waited for memory
        Say("load");
        if (_spec.Engine is { } engine)
            _ = UntilReadyAsync(engine);
    }

    /// <summary>Whether its process has ended, or does so within <paramref name="patience"/>; told when <see cref="Exited"/> has come, however long its last words take.</summary>
    public async ValueTask<bool> EndsWithinAsync(TimeSpan patience)
    {
        await _ended.Task.WaitAsync(patience, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // which of the two it was is asked below; no timer outlives it
        if (!_ended.Task.IsCompleted)
            return false;
        await Exited;
        return true;
    }

    /// <summary>Why it ended, in one sentence of at most 240 characters, with the last line of its log; only after <see cref="Exited"/>.</summary>
    public string Epitaph()
    {
        string how = _exitCode switch
        {
            _ when _guard?.WasStarved == true => $"was ended by the system for want of memory: limit {Sandbox.LimitText}",
            > 128 and var signal => $"was ended by signal {signal - 128}", // how the framework, and every shell, tells a signal
            var code => $"ended with code {code}",
        };
        if (Sandbox.Level == SandboxLevel.Rlimit && _lastLine?.Contains("memory", StringComparison.OrdinalIgnoreCase) == true)
            how += $" (it may take {Sandbox.LimitText} of memory)";
        string text = _lastLine is { Length: > 0 } last ? $"the worker {how}; its last line: {last}" : $"the worker {how} without a word";
        return text.Length <= MostEpitaph ? text : string.Concat(text.AsSpan(0, MostEpitaph - 1), "…");
    }

    /// <summary>Asks it to take on nothing new and to end when it has answered; ends it when <paramref name="patience"/> is over.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        _stopping = true;
        if (_spec.Engine is null || !_ready.Task.IsCompletedSuccessfully)
            Say("stop"); // an engine that is not let load yet is still our own program
        if (_spec.Engine is not null)
            Signal(Libc.SIGTERM); // what every engine knows; its children are its own business until its patience is over
        if (!await EndsWithinAsync(patience))
            Kill();
        await Exited;
    }

    /// <summary>Ends it at once, with everything that came of it. Does not wait: <see cref="Exited"/> does.</summary>
    public void Kill()
    {
        _stopping = true;
        KillTree();
    }

    /// <summary>Bytes of memory that it and all that came of it occupy now; null when it has ended.</summary>
    public long? ResidentBytes() => Exited.IsCompleted ? null : ProcessTree.ResidentBytes(Id);

    /// <summary>Asks it how it is.</summary>
    /// <param name="limit">How long it may take to answer.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null: it did not answer in time, or nobody listens there.</returns>
    public async Task<WorkerHealth?> ProbeAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(limit, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            return await _probe.GetAsync(_spec.Engine?.ReadyPath ?? "/health", either.Token) is var (good, body) ? WorkerHealth.Parse(good, body) : null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
        catch (ObjectDisposedException)
        {
            return null; // it has just ended
        }
    }

    private static ProcessStartInfo StartFor(WorkerCommand own, WorkerSpec spec, string socket, int port)
    {
        ImmutableArray<string> line = own.LineFor(spec, socket);
        if (spec.Engine is { } engine)
        {
            ImmutableArray<string> command = engine.LineFor(spec, socket, port);
            line = own.LineFor(command.SetItem(0, ProgramPath.Find(command[0])));
        }
        var start = new ProcessStartInfo(own.Program, line)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        start.Environment[ChildConduct.ParentVariable] = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        start.Environment["DOTNET_EnableDiagnostics"] = "0"; // the runtime's door for debuggers: a socket in the temporary folder, and a way into the process
        foreach (string name in spec.Engine is null ? Inherited : [.. Inherited, .. InheritedByEngines])
        {
            if (Environment.GetEnvironmentVariable(name) is { } value)
                start.Environment[name] = value;
        }
        foreach ((string name, string value) in spec.Engine?.EnvironmentFor(spec, socket, port) ?? [])
            start.Environment[name] = value;
        return start;
    }

    /// <summary>A control group of its own where there can be one; it is in it before it does anything worth counting.</summary>
    private MemoryGuard? MakeGuard()
    {
        if (ControlGroups.OfThisProcess.Groups is { } groups)
        {
            try
            {
                ControlGroup group = groups.Make();
                group.Add(Id);
                return group;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                HearLine($"(it has no control group of its own: {e.Message})");
            }
        }
        return OperatingSystem.IsLinux() ? new DataLimit() : null;
    }

    private void Begin()
    {
        if (_spec.Engine is { } engine)
        {
            long files = ModelFiles.Bytes(_spec.Source);
            var need = new MemoryNeed(engine.Memory ?? files, 0, engine.Memory is null ? EngineCommand.Allowance : 0);
            _measured.TrySetResult(new WorkerFacts(need, "unknown", _spec.Context, _spec.Slots, null, files));
        }
        _ = WatchAsync();
    }

    private async Task UntilReadyAsync(EngineCommand engine)
    {
        using var poll = new PeriodicTimer(ReadyPoll, _time);
        try
        {
            while (!Exited.IsCompleted)
            {
                if (await ProbeAsync(TimeSpan.FromSeconds(5), CancellationToken.None) is { Status: "ready" })
                {
                    if (_port is not null && !LoopbackPort.IsHeldBy(_port.Number, ProcessTree.Members(Id)))
                        throw new WorkerFailedException($"port {_port.Number} of this machine is answered by another program");
                    if (engine.LoadCall is { } call)
                        await LoadByCallAsync(call);
                    HearReady();
                    return;
                }
                await poll.WaitForNextTickAsync();
            }
        }
        catch (Exception e) when (e is WorkerFailedException or ObjectDisposedException or OperationCanceledException)
        {
            HearLine($"(it could not be made to load its model: {e.Message})");
            KillTree();
        }
    }

    private async Task LoadByCallAsync(EngineLoadCall call)
    {
        string body = call.BodyFor(_spec);
        if (await _probe.PostAsync(call.Path, body, CancellationToken.None) is not var (good, answer))
            throw new WorkerFailedException($"{call.Path} was not answered");
        if (!good)
            throw new WorkerFailedException($"{call.Path}: {LogLines.Neutral(System.Text.Encoding.UTF8.GetString(answer.AsSpan(0, Math.Min(answer.Length, 300))))}");
    }

    private void Signal(int signal)
    {
        lock (_gate)
        {
            if (!_reaped)
                _ = Libc.Kill(Id, signal); // ending already is as good
        }
    }

    private void KillTree()
    {
        lock (_gate)
        {
            if (_reaped)
                return; // its number may be another's by now, and what it left behind is ended already
            _guard?.Kill();
            ProcessTree.Kill(Id);
        }
    }

    private void Say(string word)
    {
        try
        {
            lock (_gate)
            {
                // Some bytes in a pipe of 64 KiB: this never waits for the worker to read.
                _process.StandardInput.Write(word + "\n");
                _process.StandardInput.Flush();
            }
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or ObjectDisposedException)
        {
            LogDeaf(_log, _spec.Model, e.Message); // it is ending by itself, or is ended by whoever waits for it
        }
    }

    /// <summary>The framework leaves the streams of a process to the collector once they were used: the pipes of workers that come and go would pile up until it runs.</summary>
    private void CloseInput()
    {
        lock (_gate)
            _process.StandardInput.BaseStream.Dispose(); // not its writer, which might still want to write to the dead
    }

    private async Task WatchAsync()
    {
        // Threads of their own: on Unix a pipe is read by blocking, and the pool has as few threads as the machine has cores.
        int open = 2;
        Listen("out", _process.StandardOutput, HearEvent);
        Listen("err", _process.StandardError, HearLine);
        await _process.WaitForExitAsync();
        lock (_gate)
            _reaped = true;
        _ended.SetResult();
        await EndWhatIsLeftAsync();
        await _heard.Task.WaitAsync(LastWords, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _exitCode = _process.ExitCode;
        _guard?.Release();
        RemoveSocket();
        _port?.Dispose();
        CloseInput();
        _process.Dispose();
        string epitaph = Epitaph();
        _lines.Add($"({epitaph})");
        if (_stopping)
            LogStopped(_log, _spec.Model, Id);
        else
            LogGone(_log, _spec.Model, Id, epitaph);
        if (_measured.TrySetException(new WorkerFailedException(epitaph)))
            _ = _measured.Task.Exception; // nobody may be waiting any more
        if (_ready.TrySetException(new WorkerFailedException(epitaph)))
            _ = _ready.Task.Exception;
        _exited.SetResult();
        _probe.Dispose();

        void Listen(string name, StreamReader stream, Action<string> take) => new Thread(() =>
        {
            try
            {
                LogLines.Read(stream, take);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                take($"(its output could not be read: {e.Message})");
            }
            stream.Dispose(); // not before its end, which may be later than the worker's: what it has started may hold the other end
            if (Interlocked.Decrement(ref open) == 0)
                _heard.TrySetResult();
        })
        { IsBackground = true, Name = $"{_spec.Model} {name}" }.Start();
    }

    /// <summary>Ends what it started and left behind, and sees it gone: its memory and its port are the next one's.</summary>
    private async Task EndWhatIsLeftAsync()
    {
        if (!ProcessTree.IsAnyLeft(Id))
            return;
        ProcessTree.KillGroup(Id);
        using var poll = new PeriodicTimer(LeftPoll, _time);
        for (TimeSpan waited = TimeSpan.Zero; waited < LastWords && ProcessTree.IsAnyLeft(Id); waited += LeftPoll)
            await poll.WaitForNextTickAsync();
    }

    /// <summary>A worker removes its socket itself, unless it was killed.</summary>
    private void RemoveSocket()
    {
        try
        {
            if (_socket is not null)
                File.Delete(_socket);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _lines.Add($"(its socket could not be removed: {e.Message})"); // the next start has another; and no last line of the worker's own
        }
    }

    private void HearEvent(string line)
    {
        if (_spec.Engine is not null)
            HearLine(line); // whatever an engine prints is its log
        else if (line == ReadyLine)
            HearReady();
        else if (line.StartsWith(ProgressMark, StringComparison.Ordinal) && double.TryParse(line.AsSpan(ProgressMark.Length), NumberStyles.Float, CultureInfo.InvariantCulture, out double share))
            HearProgress(share);
        else if (line.StartsWith(NeedsMark, StringComparison.Ordinal))
            HearNeeds(line[NeedsMark.Length..]);
        else
            HearLine(line);
    }

    private void HearNeeds(string json)
    {
        if (WorkerNeeds.TryParse(json, out WorkerFacts? facts))
        {
            _measured.TrySetResult(facts);
            return;
        }
        HearLine($"(what it needs cannot be understood: {json})");
        KillTree();
    }

    private void HearProgress(double share)
    {
        if (!(share >= _share)) // also not a number
            return;
        _share = Math.Min(share, 1);
        Progress?.Invoke(_share);
    }

    private void HearReady()
    {
        Sandbox = Sandbox.Of(Id, _guard, _confined); // a stand-in may have been let load before it had done all it does to itself
        _lines.Add($"(it is ready; bounds: {Sandbox})");
        LogReady(_log, _spec.Model, Id);
        _ready.TrySetResult();
    }

    private void HearLine(string line)
    {
        if (line.Length == 0)
            return;
        _lines.Add(line);
        if (!line.TrimStart().StartsWith("at ", StringComparison.Ordinal)) // a frame of a stack trace says nothing to whoever reads one line
            _lastLine = line;
        LogLine(_log, _spec.Model, line);
    }
}
