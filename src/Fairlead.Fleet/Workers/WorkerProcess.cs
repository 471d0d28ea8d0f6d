using System.ComponentModel;
using System.Diagnostics;
using Fairlead.Fleet.Isolation;
using Fairlead.Fleet.Packs;
using Microsoft.Extensions.Logging;

namespace Fairlead.Fleet.Workers;

/// <summary>One running worker: a child process of this one that holds one model and answers HTTP, on a Unix socket or on a loopback port.</summary>
/// <remarks>
/// <para>The three standard streams are the whole contract beside HTTP. On its standard output a worker of our own says what it needs before it reads a
/// weight, how far it is while it reads them, and that it is ready (<see cref="WorkerWord"/>); what it writes to standard error is its log. Its standard input is a pipe whose other
/// end only we hold: the line <c>load</c> lets it read its weights, <c>stop</c> asks it to finish what it has begun, and the end of the pipe, which the system
/// brings about however we die, ends it at once.</para>
/// <para>Another's engine knows nothing of this. Our own program stands in for it until it is let load, and then becomes it (<c>worker exec</c>); that it is
/// ready its own HTTP says, and that it shall stop a signal.</para>
/// </remarks>
public sealed class WorkerProcess
{
    /// <summary>A process that has ended may still have words in its pipes, which end when all that holds them has. Only where something got away from its
    /// group they are waited for no longer than this; long, since a machine that is short of time reads late, and a death without its reason helps nobody.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(5);

    private readonly Process _process;
    private readonly WorkerSpec _spec;
    private readonly TimeProvider _time;
    private readonly LoopbackPort? _port;
    private readonly ProcessStarter _starter;
    private readonly WorkerLog _log;
    private readonly WorkerTree _tree;
    private readonly WorkerStreams _streams;
    private readonly WorkerProbe _probe;
    private readonly TaskCompletionSource<WorkerFacts> _measured = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _stopping;
    private double _share;
    private string? _epitaph;

    private WorkerProcess(Process process, WorkerSpec spec, WorkerAddress address, WorkerProbe probe, LoopbackPort? port, ProcessStarter starter, TimeProvider time, WorkerLog log)
    {
        (_process, _spec, _probe, _port, _starter, _time, _log) = (process, spec, probe, port, starter, time, log);
        Address = address;
        _tree = new WorkerTree(process.Id, why => log.Hear($"(it has no control group of its own: {why})"));
        _streams = new WorkerStreams(process, spec.Model, log);
    }

    /// <summary>Process id.</summary>
    public int Id => _tree.Id;

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

    /// <summary>Called when it has kept the packed form of its weights on disk; on a thread of this worker, so it must return at once. To be set before <see cref="LetLoad"/>.</summary>
    public Action? Kept { get; set; }

    /// <summary>What bounds it, as it was when it was let load, and again when it was ready.</summary>
    public Sandbox Sandbox { get; private set; } = Sandbox.None;

    private bool IsConfined => _starter.Unconfined is null;

    /// <summary>Starts a worker. It loads nothing before <see cref="LetLoad"/>.</summary>
    /// <param name="own">How our own worker program is started.</param>
    /// <param name="spec">What the worker shall hold.</param>
    /// <param name="socket">Path that does not exist, in a folder that only this user may enter; ends with <c>.sock</c>.</param>
    /// <param name="packs">Where one of our own may keep the packed form of its weights; null: nowhere.</param>
    /// <param name="time">For patience.</param>
    /// <param name="log">Gets its lines.</param>
    /// <param name="lines">Keeps them.</param>
    /// <exception cref="WorkerFailedException">There is no such program, it may not be run, no port is free, or what it is to be given could be mistaken for something else.</exception>
    public static WorkerProcess Start(WorkerCommand own, WorkerSpec spec, string socket, PackPlace? packs, TimeProvider time, ILogger log, LogRing lines)
    {
        if (WorkerStart.Refuse(spec) is { } wrong)
            throw new WorkerFailedException($"the worker was not started: {wrong}");
        LoopbackPort? port = null;
        bool confines = own.Confined && spec.Engine is null;
        ProcessStarter starter = confines ? ProcessStarter.ForWorker(Path.GetDirectoryName(socket)!, packs?.Folder) : ProcessStarter.OfAnything;
        try
        {
            port = spec.Engine is { UsesSocket: false } ? LoopbackPort.Reserve() : null;
            ProcessStartInfo start = WorkerStart.For(own, spec, socket, packs, port?.Number ?? 0);
            WorkerAddress address = spec.Engine?.AddressFor(spec, socket, port?.Number ?? 0) ?? new WorkerAddress(new Uri("http://worker/v1"), socket, null);
            Process process = starter.Start(start);
            var itsLog = new WorkerLog(spec.Model, log, lines);
            itsLog.Started(process.Id);
            var worker = new WorkerProcess(process, spec, address, new WorkerProbe(address), port, starter, time, itsLog);
            if (confines && starter.Unconfined is { } why)
                itsLog.Note($"it may write files and open connections: {why}");
            worker.Begin();
            return worker;
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            port?.Dispose();
            starter.Dispose();
            throw new WorkerFailedException($"the worker could not be started: {own.Program}: {e.Message}", e);
        }
        catch
        {
            port?.Dispose();
            starter.Dispose();
            throw;
        }
    }

    /// <summary>Bounds its memory and lets it load. Once, after <see cref="Measured"/>.</summary>
    /// <param name="memoryBytes">What was set aside for it.</param>
    public void LetLoad(long memoryBytes)
    {
        // Of an engine whose need nobody has stated no more than a guess is known, and a guess is no reason to end it.
        bool bounds = _spec.Engine is null || _spec.Engine.Memory is not null;
        if (_tree.Bound(bounds ? memoryBytes : null, IsConfined, out string? why) is not { } sandbox)
            return; // it has ended, and Ready has failed or is about to
        if (why is not null)
            _log.Hear($"(its memory could not be bounded: {why})");
        Sandbox = sandbox;
        _port?.Dispose(); // ours until now, so that nobody else took it while this worker waited for memory
        _streams.Say("load");
        if (_spec.Engine is { } engine)
            _ = UntilReadyAsync(new EngineReadiness(engine, _spec, _probe, patience => ProbeAsync(patience, CancellationToken.None), _port, Id, _time));
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

    /// <summary>Why it ended, in one sentence of at most 240 characters, with the last line of its log.</summary>
    /// <exception cref="InvalidOperationException"><see cref="Exited"/> has not come yet.</exception>
    public string Epitaph() => _epitaph ?? throw new InvalidOperationException("A worker that lives has no epitaph.");

    /// <summary>Asks it to take on nothing new and to end when it has answered; ends it when <paramref name="patience"/> is over.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        _stopping = true;
        if (_spec.Engine is null || !_ready.Task.IsCompletedSuccessfully)
            _streams.Say("stop"); // an engine that is not let load yet is still our own program
        if (_spec.Engine is not null)
            _tree.Signal(Libc.SIGTERM); // what every engine knows; its children are its own business until its patience is over
        if (!await EndsWithinAsync(patience))
            Kill();
        await Exited;
    }

    /// <summary>Ends it at once, with everything that came of it. Does not wait: <see cref="Exited"/> does.</summary>
    public void Kill()
    {
        _stopping = true;
        _tree.Kill();
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

    private void Begin()
    {
        if (_spec.Engine is { } engine)
            _measured.TrySetResult(engine.FactsFor(_spec));
        _ = WatchAsync();
    }

    private async Task UntilReadyAsync(EngineReadiness readiness)
    {
        try
        {
            if (await readiness.WaitAsync(Exited))
                HearReady();
        }
        catch (Exception e) when (e is WorkerFailedException or ObjectDisposedException or OperationCanceledException)
        {
            _log.Hear($"(it could not be made to load its model: {e.Message})");
            _tree.Kill();
        }
    }

    private async Task WatchAsync()
    {
        _streams.Listen(Hear);
        await _process.WaitForExitAsync();
        _tree.Reaped();
        _starter.Dispose();
        _ended.SetResult();
        await _tree.EndWhatIsLeftAsync(LastWords, _time);
        await _streams.Heard.WaitAsync(LastWords, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        int exitCode = _process.ExitCode;
        _tree.Release();
        RemoveSocket();
        _port?.Dispose();
        _streams.CloseInput();
        _process.Dispose();
        string epitaph = Workers.Epitaph.Of(exitCode, _tree.WasStarved, Sandbox, _log.LastLine);
        _epitaph = epitaph;
        _log.Gone(Id, epitaph, wanted: _stopping);
        if (_measured.TrySetException(new WorkerFailedException(epitaph)))
            _ = _measured.Task.Exception; // nobody may be waiting any more
        if (_ready.TrySetException(new WorkerFailedException(epitaph)))
            _ = _ready.Task.Exception;
        _exited.SetResult();
        _probe.Dispose();
    }

    /// <summary>A worker removes its socket itself, unless it was killed.</summary>
    private void RemoveSocket()
    {
        try
        {
            if (Address.Socket is { } socket)
                File.Delete(socket);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _log.Note($"its socket could not be removed: {e.Message}"); // the next start has another; and no last line of the worker's own
        }
    }

    private void Hear(string line)
    {
        switch (_spec.Engine is null ? WorkerWord.Of(line) : null) // whatever an engine prints is its log
        {
            case WorkerWord.Ready:
                HearReady();
                break;
            case WorkerWord.Kept:
                Kept?.Invoke();
                break;
            case WorkerWord.Progress(double share):
                HearProgress(share);
                break;
            case WorkerWord.Needs(string json):
                HearNeeds(json);
                break;
            default:
                _log.Hear(line);
                break;
        }
    }

    private void HearNeeds(string json)
    {
        if (WorkerNeeds.TryParse(json, out WorkerFacts? facts))
        {
            _measured.TrySetResult(facts);
            return;
        }
        _log.Hear($"(what it needs cannot be understood: {json})");
        _tree.Kill();
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
        Sandbox = _tree.BoundsNow(IsConfined); // a stand-in may have been let load before it had done all it does to itself
        _log.Ready(Id, Sandbox);
        _ready.TrySetResult();
    }
}
