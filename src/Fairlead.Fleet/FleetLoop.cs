using Fairlead.Domain.Fleet;
using Fairlead.Fleet.Asks;
using Fairlead.Fleet.Models;
using Fairlead.Fleet.Packs;
using Fairlead.Fleet.Turns;
using Fairlead.Fleet.Workers;
using Microsoft.Extensions.Logging;

namespace Fairlead.Fleet;

/// <summary>Runs the models of one's own: one loop that owns all state of their workers, lets <see cref="FleetPlan"/> decide, and does what it says.</summary>
/// <remarks>
/// Whatever happens is a message (<see cref="Mail"/>). A turn takes what has come (<see cref="MessageHandler"/>), lets the plan decide on each and does what it says (<see cref="PlanRunner"/>), shows what
/// has changed (<see cref="StatusPublisher"/>), and then tells those who await it (<see cref="Askers"/>). A busy loop goes on on the thread that it has, and hands itself to the pool after
/// <see cref="MostInARow"/> messages. Nothing in a turn waits: starts, stops, probes and files are tasks whose outcome is a message again.
/// </remarks>
public sealed class FleetLoop : IAsyncDisposable
{
    /// <summary>Messages that one thread reads at most before another goes on: it may be that of a request, which wants to go on too.</summary>
    private const int MostInARow = 64;

    /// <summary>Patience of <see cref="DisposeAsync"/>: nobody is answered any more.</summary>
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(1);

    /// <summary>How long a killed process may take to be gone at the end. Only one that waits inside the system for a broken disk takes so long, and this server does not wait for that.</summary>
    private static readonly TimeSpan Dying = TimeSpan.FromSeconds(10);

    /// <summary>What everybody is told from the beginning of the end.</summary>
    internal static readonly FleetRefusal Stopping = new(FleetRefusalKind.Stopping, "this server is going down", TimeSpan.FromSeconds(5));

    private readonly FleetOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly LoadHistory? _history;
    private readonly PackFolders? _packs;
    private readonly Mail _mail = new();
    private readonly ServedModels _models;
    private readonly FleetPlan _plan;
    private readonly PlanClock _clock;
    private readonly Askers _askers = new();
    private readonly Teller _teller;
    private readonly StatusPublisher _statuses;
    private readonly ProgressRounds _rounds;
    private readonly MessageHandler _handler;
    private readonly Task _running;
    private long _asks;
    private int _closed;

    private FleetLoop(FleetOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        (_options, _time, _log) = (options, time, loggers.CreateLogger<FleetLoop>());
        LoadForecast forecast = new();
        if (options.HistoryFile is { } path)
        {
            _history = new LoadHistory(path, _log);
            _history.ReadInto(forecast);
        }
        if (options.PackFolder is { } folder)
            _packs = new PackFolders(folder, time, _log);
        _models = new ServedModels(time, _mail, _log);
        _plan = new FleetPlan(forecast);
        _clock = new PlanClock(time, _mail);
        _teller = new Teller(_log);
        _statuses = new StatusPublisher(_plan, _clock, _models, Announce, time, _mail);
        _rounds = new ProgressRounds(_plan, _askers, _models, _statuses, _teller, time, _mail);
        var runner = new PlanRunner(_plan, _clock, _askers, new Leases(_mail, _log), _statuses, (start, model) => new RunningWorker(start, model, _mail, _models, _packs, options, time, _log), time);
        _handler = new MessageHandler(runner, _askers, _models, _statuses, _rounds, _clock, forecast, _history, time, _log);
        _running = Task.Run(RunAsync);
    }

    /// <summary>Told on a thread of the pool with the model's name when a model was taken out of the catalogue or came back, or when it became known what it
    /// is: whoever lists models looks again.</summary>
#pragma warning disable MA0046 // the model's name is all there is to say; who sent it is the loop that was subscribed to
    public event Action<string>? Changed;
#pragma warning restore MA0046

    /// <summary>What was done so far.</summary>
    public FleetTotals Totals => _handler.Totals;

    /// <summary>Where every configured model stands, in the order of the configuration. A copy; what only time changes in it is at most a second old.</summary>
    public IReadOnlyList<ModelStatus> Statuses => _models.Board.Statuses();

    /// <summary>A loop without models, which waits for <see cref="Configure"/>. Sockets that an earlier process left behind are removed.</summary>
    /// <exception cref="IOException">The folder of sockets cannot be made or cleared.</exception>
    /// <exception cref="UnauthorizedAccessException">It is another's.</exception>
    public static FleetLoop Start(FleetOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        if (!Directory.Exists(options.SocketFolder))
            Directory.CreateDirectory(options.SocketFolder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        ClearSockets(options.SocketFolder);
        return new FleetLoop(options, time, loggers);
    }

    /// <summary>Where a model stands; null where none of this name is configured. Known as soon as <see cref="Configure"/> has returned.</summary>
    public ModelStatus? Status(string model) => _models.Board[model]?.Status;

    /// <summary>What its worker found in its files; null before its first start, and after they have changed.</summary>
    public WorkerFacts? Facts(string model) => _models.Board[model]?.Notes.Facts;

    /// <summary>What its worker last said of itself; null while it has none that has answered.</summary>
    public WorkerHealth? Health(string model) => _models.Board[model]?.Notes.Health;

    /// <summary>The last lines that its workers wrote, oldest first, over as many starts as there were.</summary>
    public IReadOnlyList<string> Lines(string model) => _models.Board[model] is { } served ? served.Lines.Lines : [];

    /// <summary>Those of these lines that were written after the first <paramref name="seen"/>, and how many were written by now: for whoever follows them.</summary>
    public (IReadOnlyList<string> Lines, long Written) LinesAfter(string model, long seen) => _models.Board[model] is { } served && served.Lines.After(seen) is var (lines, written) ? (lines, written) : ([], 0);

    /// <summary>Its present process, to be looked at; null while it has none.</summary>
    public WorkerProcess? Worker(string model) => _models.Board[model]?.Notes.Worker;

    /// <summary>These are the models from now on, and their limits. One that is gone finishes what it has begun; one of other terms does, and is loaded anew
    /// by its next request.</summary>
    /// <exception cref="ArgumentException">Two models have one name.</exception>
    public void Configure(IReadOnlyList<ServedSpec> models, FleetLimits limits)
    {
        _models.Configure(models, limits);
        _packs?.Bound(limits.Packs);
    }

    /// <summary>A place in a model's worker, when there is one; to be disposed when the request has left it. The model is loaded where it is not.</summary>
    /// <exception cref="FleetRefusedException">There is none, why, and when to try again.</exception>
    /// <exception cref="OperationCanceledException">The caller left before it had one.</exception>
    public ValueTask<WorkerLease> EnterAsync(WorkerAsk ask, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<WorkerLease>(cancellationToken);
        ServedModel? model = _models.Board[ask.Model];
        var asked = new FleetEvent.Asked(Interlocked.Increment(ref _asks), model?.Name ?? ask.Model, ask.Tenant, ask.Patience, ask.MayLoad);
        var waiting = new WaitingAsk(asked, model, _time.GetTimestamp(), ask.Waiting);
        if (!_mail.Post(asked, waiting))
            return ValueTask.FromException<WorkerLease>(new FleetRefusedException(Stopping));
        if (!waiting.IsTold && cancellationToken.CanBeCanceled)
            waiting.Heed(_mail, cancellationToken);
        return waiting.Decided;
    }

    /// <summary>Loads a model now, whatever it rests from, and waits until it is ready. Who leaves does not stop the load.</summary>
    /// <exception cref="FleetRefusedException">It is not loaded, and why.</exception>
    public Task LoadAsync(string model, CancellationToken cancellationToken)
    {
        if (_models.Board[model] is not { } served)
            return Task.FromException(new FleetRefusedException(Unknown(model)));
        var wish = new LoadWish(new FleetEvent.Asked(Interlocked.Increment(ref _asks), served.Name, LoadWish.Tenant, served.Terms.QueueWait));
        return _mail.Post(new FleetEvent.LoadWanted(served.Name), wish) ? wish.Decided.WaitAsync(cancellationToken) : Task.FromException(new FleetRefusedException(Stopping));
    }

    /// <summary>Unloads a model, and waits until its process is gone. The next request loads it again. Who leaves does not keep it.</summary>
    /// <param name="model">Which.</param>
    /// <param name="now">True: what it is answering is broken off; false: it finishes that first.</param>
    /// <exception cref="FleetRefusedException">No such model is configured.</exception>
    public Task<StopOutcome> StopAsync(string model, bool now, CancellationToken cancellationToken)
    {
        if (_models.Board[model] is not { } served)
            return Task.FromException<StopOutcome>(new FleetRefusedException(Unknown(model)));
        var wish = new StopWish();
        if (!_mail.Post(new FleetEvent.StopWanted(served.Name, now), wish))
            return Task.FromException<StopOutcome>(new FleetRefusedException(Stopping));
        return wish.Done.WaitAsync(cancellationToken);
    }

    /// <summary>Takes no requests any more, lets the workers finish within a patience what they have begun, and ends with the last process. Loads are broken
    /// off, and those who wait are refused.</summary>
    public async Task CloseAsync(TimeSpan patience)
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0)
            _mail.Post(null, new Closing(patience));
        try
        {
            await _running.WaitAsync(patience + Dying, _time);
        }
        catch (TimeoutException)
        {
            _log.LogLeftBehind(patience + Dying); // it was killed, and ends with this process at the latest
        }
    }

    /// <summary>The same with a second's patience: nobody is answered any more.</summary>
    public async ValueTask DisposeAsync() => await CloseAsync(Farewell);

    private static void ClearSockets(string folder)
    {
        foreach (string left in Directory.EnumerateFiles(folder, "*.sock"))
            File.Delete(left);
    }

    private static FleetRefusal Unknown(string model) => new(FleetRefusalKind.Unknown, $"no model {model} is configured here");

    private async Task RunAsync()
    {
        while (await _mail.WaitAsync().ConfigureAwait(false)) // of a caller's context nothing is kept: the turn may run on his thread
        {
            int taken = 0;
            while (_mail.TryTake(out Message message))
            {
                _handler.Take(message);
                if (++taken % MostInARow != 0)
                    continue;
                EndTurn();
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            }
            EndTurn();
            if (_handler.IsDone)
                _mail.Close();
        }
        await EndAsync();
    }

    /// <summary>What has changed is shown, what was decided is told, and the clock is set.</summary>
    private void EndTurn()
    {
        try
        {
            if (!_handler.IsClosing)
                _statuses.Publish();
        }
        catch (Exception e)
        {
            _log.LogBroken(e, "the showing of a turn"); // a fault of ours, and no reason to let anybody wait
        }
        _askers.Tell();
        try
        {
            if (!_handler.IsClosing)
                _clock.Wake(_plan.WakeAt);
        }
        catch (Exception e)
        {
            _log.LogBroken(e, "the end of a turn"); // a fault of ours; the next turn may do better
        }
    }

    private void Announce(string model)
    {
        if (Changed is { } changed)
            ThreadPool.UnsafeQueueUserWorkItem(static told => told.Loop.Announce(told.Changed, told.Model), (Loop: this, Changed: changed, Model: model), preferLocal: false);
    }

    private void Announce(Action<string> changed, string model)
    {
        try
        {
            changed(model);
        }
        catch (Exception e)
        {
            _log.LogNotAnnounced(e, model); // a fault of whoever lists models
        }
    }

    private async Task EndAsync()
    {
        await _clock.DisposeAsync();
        await _rounds.DisposeAsync();
        await _statuses.DisposeAsync();
        await _teller.DisposeAsync();
        if (_history is not null)
            await _history.Written;
        if (_packs is not null)
            await _packs.Swept;
        try
        {
            ClearSockets(_options.SocketFolder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _log.LogSocketsStay(e, _options.SocketFolder);
        }
    }
}
