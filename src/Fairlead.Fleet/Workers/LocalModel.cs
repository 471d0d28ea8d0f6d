using Microsoft.Extensions.Logging;

namespace Fairlead.Fleet.Workers;

/// <summary>A model of one's own: no process until somebody asks, then exactly one, and another when that one has ended.</summary>
/// <remarks>However many ask at once, they wait for the same load; one that fails fails them all, once, and the next request tries again.
/// How often that may be is the circuit breaker's business, as for every offer.</remarks>
public sealed class LocalModel : IAsyncDisposable
{
    private const string Retired = "the model was just taken out of the configuration, or the server is stopping";

    private readonly WorkerSpec _spec;
    private readonly WorkerCommand _command;
    private readonly string _socketFolder;
    private readonly TimeSpan _loadLimit;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly LogRing _lines;
    private readonly Lock _gate = new();
    private static int s_starts;
    private Task<WorkerProcess>? _loading;
    private WorkerProcess? _process;
    private bool _retired;

    /// <param name="spec">What its worker holds.</param>
    /// <param name="command">How it is started.</param>
    /// <param name="socketFolder">Only this user may enter it.</param>
    /// <param name="loadLimit">How long a load may take.</param>
    /// <param name="time">For that limit.</param>
    /// <param name="log">Gets the worker's lines.</param>
    public LocalModel(WorkerSpec spec, WorkerCommand command, string socketFolder, TimeSpan loadLimit, TimeProvider time, ILogger log)
    {
        _spec = spec;
        _command = command;
        _socketFolder = socketFolder;
        _loadLimit = loadLimit;
        _time = time;
        _log = log;
        _lines = new LogRing(time);
    }

    /// <summary>What its worker holds.</summary>
    public WorkerSpec Spec => _spec;

    /// <summary>The worker, started and loaded if it was not. A caller who gives up waiting does not stop the load.</summary>
    /// <exception cref="WorkerFailedException">It did not come up, or this model was taken out of the configuration.</exception>
    /// <exception cref="OperationCanceledException">The token.</exception>
    public Task<WorkerProcess> ReadyAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_retired)
                throw new WorkerFailedException(Retired);
            if (_loading is null || _loading.IsFaulted || _process?.Exited.IsCompleted == true)
            {
                _process = null;
                _loading = Task.Run(StartAsync, CancellationToken.None);
            }
            return _loading.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Starts nothing any more, and lets the worker finish what it has begun within <paramref name="patience"/>; a load is broken off.</summary>
    public async Task RetireAsync(TimeSpan patience)
    {
        WorkerProcess? process;
        bool loaded;
        lock (_gate)
        {
            _retired = true;
            process = _process;
            loaded = _loading?.IsCompletedSuccessfully == true;
        }
        if (process is not null)
            await process.StopAsync(loaded ? patience : TimeSpan.Zero);
    }

    /// <summary>The same, for when nobody is answered any more.</summary>
    public async ValueTask DisposeAsync() => await RetireAsync(TimeSpan.FromSeconds(1));

    private async Task<WorkerProcess> StartAsync()
    {
        // A number per start: a socket that a dead worker left behind is nobody's address any more.
        string socket = Path.Combine(_socketFolder, $"{Interlocked.Increment(ref s_starts)}.sock");
        WorkerProcess worker;
        lock (_gate)
        {
            if (_retired)
                throw new WorkerFailedException(Retired);
            _process = worker = WorkerProcess.Start(_command, _spec, socket, _time, _log, _lines);
        }
        try
        {
            Task loaded = LoadedAsync(worker);
            await loaded.WaitAsync(_loadLimit, _time);
        }
        catch (TimeoutException e)
        {
            worker.Kill();
            await worker.Exited;
            throw new WorkerFailedException($"the model was not loaded within {_loadLimit.TotalSeconds:0} s", e);
        }
        return worker;
    }

    private static async Task LoadedAsync(WorkerProcess worker)
    {
        if (await Task.WhenAny(worker.Measured, worker.Ready) == worker.Measured)
            worker.LetLoad((await worker.Measured).Need.Total);
        await worker.Ready;
    }
}
