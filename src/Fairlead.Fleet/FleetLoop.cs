using System.Threading.Channels;
using Fairlead.Domain.Fleet;
using Fairlead.Fleet.Workers;
using Microsoft.Extensions.Logging;

namespace Fairlead.Fleet;

/// <summary>Runs the models of one's own: one loop that owns all state of their workers, lets <see cref="FleetPlan"/> decide, and does what it says.</summary>
/// <remarks>
/// Whatever happens is a message in one channel with one reader. The thread that posts a message into an idle loop runs the loop's turn itself, so a
/// request to a worker with a free place crosses no thread; a busy loop goes on on the thread that it has, and hands itself to the pool after
/// <see cref="MostInARow"/> messages. Nothing in a turn waits: starts, stops, probes and files are tasks whose outcome is a message again. The mail's
/// length needs no bound of its own: each request, each worker and each timer has at most a few messages in it.
/// </remarks>
public sealed partial class FleetLoop : IAsyncDisposable
{
    /// <summary>Messages that one thread reads at most before another goes on: it may be that of a request, which wants to go on too.</summary>
    private const int MostInARow = 64;

    /// <summary>How often one who waits is told how far it is.</summary>
    private static readonly TimeSpan TellEvery = TimeSpan.FromMilliseconds(250);

    /// <summary>How often the figures that only time changes are published again, and the files of models that have failed are looked at.</summary>
    private static readonly TimeSpan RefreshEvery = TimeSpan.FromSeconds(1);

    /// <summary>How old a reading of the machine's memory may be where nothing has freed or taken any that we know of.</summary>
    private static readonly TimeSpan MemoryAge = TimeSpan.FromMilliseconds(250);

    /// <summary>Patience of <see cref="DisposeAsync"/>: nobody is answered any more.</summary>
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(1);

    /// <summary>How long a killed process may take to be gone at the end. Only one that waits inside the system for a broken disk takes so long, and this server does not wait for that.</summary>
    private static readonly TimeSpan Dying = TimeSpan.FromSeconds(10);

    private static readonly FleetRefusal s_stopping = new(FleetRefusalKind.Stopping, "this server is going down", TimeSpan.FromSeconds(5));

    private readonly Channel<Message> _mail = Channel.CreateUnbounded<Message>(new UnboundedChannelOptions { SingleReader = true, AllowSynchronousContinuations = true });
    private readonly FleetOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly LoadForecast _forecast = new();
    private readonly LoadHistory? _history;
    private readonly FleetPlan _plan;
    private readonly Teller _teller;
    private readonly ITimer _wake;
    private readonly ITimer _tell;
    private readonly ITimer _refresh;
    private readonly long _began;
    private readonly Lock _configuring = new();
    private readonly Task _running;

    private volatile StatusBoard _board = StatusBoard.Empty;
    private volatile FleetTotals _totals = FleetTotals.None;
    private FleetLimits? _limits;
    private long _asks;
    private int _closed;
    private int _looking;

    // What follows is the loop's alone.
    private StatusBoard _planned = StatusBoard.Empty; // what the plan has heard of, while the board may be a configuration ahead of it
    private readonly Dictionary<long, WaitingAsk> _waiting = [];
    private readonly Dictionary<long, LoadWish> _wishes = [];
    private readonly Dictionary<int, RunningWorker> _workers = [];
    private readonly List<FleetEffect> _effects = [];
    private readonly List<StopWish> _stops = [];
    private readonly List<IAwaited> _decided = []; // in this turn, and not told yet
    private readonly HashSet<string> _changed = [];
    private bool _allChanged;
    private bool _closing;
    private bool _telling;
    private bool _refreshing;
    private TimeSpan? _wakeAt;
    private TimeSpan _memoryReadAt;
    private long _available;

    private FleetLoop(FleetOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        _options = options;
        _time = time;
        _log = loggers.CreateLogger<FleetLoop>();
        _began = time.GetTimestamp();
        if (options.HistoryFile is { } path)
        {
            _history = new LoadHistory(path, _log);
            _history.ReadInto(_forecast);
        }
        _plan = new FleetPlan(_forecast);
        _available = MachineMemory.Available;
        _teller = new Teller(_log);
        _wake = Timer(static fleet => fleet.Post(FleetEvent.Ticked.Instance));
        _tell = Timer(static fleet => fleet.Post(null, Pulse.Tell));
        _refresh = Timer(static fleet => fleet.Post(null, Pulse.Refresh));
        _running = Task.Run(RunAsync);

        ITimer Timer(Action<FleetLoop> fire) => time.CreateTimer(fleet => fire((FleetLoop)fleet!), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Told on a thread of the pool with the model's name when a model was taken out of the catalogue or came back, or when it became known what it
    /// is: whoever lists models looks again.</summary>
#pragma warning disable MA0046 // the model's name is all there is to say; who sent it is the loop that was subscribed to
    public event Action<string>? Changed;
#pragma warning restore MA0046

    /// <summary>What was done so far.</summary>
    public FleetTotals Totals => _totals;

    /// <summary>Where every configured model stands, in the order of the configuration. A copy; what only time changes in it is at most a second old.</summary>
    public IReadOnlyList<ModelStatus> Statuses => _board.Statuses();

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
    public ModelStatus? Status(string model) => _board[model]?.Status;

    /// <summary>What its worker found in its files; null before its first start, and after they have changed.</summary>
    public WorkerFacts? Facts(string model) => _board[model]?.Notes.Facts;

    /// <summary>What its worker last said of itself; null while it has none that has answered.</summary>
    public WorkerHealth? Health(string model) => _board[model]?.Notes.Health;

    /// <summary>The last lines that its workers wrote, oldest first, over as many starts as there were.</summary>
    public IReadOnlyList<string> Lines(string model) => _board[model] is { } served ? served.Lines.Lines : [];

    /// <summary>Those of these lines that were written after the first <paramref name="seen"/>, and how many were written by now: for whoever follows them.</summary>
    public (IReadOnlyList<string> Lines, long Written) LinesAfter(string model, long seen) => _board[model] is { } served && served.Lines.After(seen) is var (lines, written) ? (lines, written) : ([], 0);

    /// <summary>Its present process, to be looked at; null while it has none.</summary>
    public WorkerProcess? Worker(string model) => _board[model]?.Notes.Worker;

    /// <summary>These are the models from now on, and their limits. One that is gone finishes what it has begun; one of other terms does, and is loaded anew
    /// by its next request.</summary>
    /// <exception cref="ArgumentException">Two models have one name.</exception>
    public void Configure(IReadOnlyList<ServedSpec> models, FleetLimits limits)
    {
        lock (_configuring)
        {
            StatusBoard former = _board;
            Publish(StatusBoard.Of([.. models.Select(served => ServedModel.Of(served, SourceStamp.Of(served.Spec.Source), former[served.Terms.Model], _time))]), limits);
        }
    }

    /// <summary>A place in a model's worker, when there is one; to be disposed when the request has left it. The model is loaded where it is not.</summary>
    /// <exception cref="FleetRefusedException">There is none, why, and when to try again.</exception>
    /// <exception cref="OperationCanceledException">The caller left before it had one.</exception>
    public ValueTask<WorkerLease> EnterAsync(WorkerAsk ask, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<WorkerLease>(cancellationToken);
        ServedModel? model = _board[ask.Model];
        var asked = new FleetEvent.Asked(Interlocked.Increment(ref _asks), model?.Name ?? ask.Model, ask.Tenant, ask.Patience, ask.MayLoad);
        var waiting = new WaitingAsk(asked, model, _time.GetTimestamp(), ask.Waiting);
        if (!Post(asked, waiting))
            return ValueTask.FromException<WorkerLease>(new FleetRefusedException(s_stopping));
        if (!waiting.IsTold && cancellationToken.CanBeCanceled)
            waiting.Heed(this, cancellationToken);
        return waiting.Decided;
    }

    /// <summary>Loads a model now, whatever it rests from, and waits until it is ready. Who leaves does not stop the load.</summary>
    /// <exception cref="FleetRefusedException">It is not loaded, and why.</exception>
    public Task LoadAsync(string model, CancellationToken cancellationToken)
    {
        if (_board[model] is not { } served)
            return Task.FromException(new FleetRefusedException(Unknown(model)));
        var wish = new LoadWish(new FleetEvent.Asked(Interlocked.Increment(ref _asks), served.Name, LoadWish.Tenant, served.Terms.QueueWait));
        return Post(new FleetEvent.LoadWanted(served.Name), wish) ? wish.Decided.WaitAsync(cancellationToken) : Task.FromException(new FleetRefusedException(s_stopping));
    }

    /// <summary>Unloads a model, and waits until its process is gone. The next request loads it again. Who leaves does not keep it.</summary>
    /// <param name="model">Which.</param>
    /// <param name="now">True: what it is answering is broken off; false: it finishes that first.</param>
    /// <exception cref="FleetRefusedException">No such model is configured.</exception>
    public Task<StopOutcome> StopAsync(string model, bool now, CancellationToken cancellationToken)
    {
        if (_board[model] is not { } served)
            return Task.FromException<StopOutcome>(new FleetRefusedException(Unknown(model)));
        var wish = new StopWish();
        if (!Post(new FleetEvent.StopWanted(served.Name, now), wish))
            return Task.FromException<StopOutcome>(new FleetRefusedException(s_stopping));
        return wish.Done.WaitAsync(cancellationToken);
    }

    /// <summary>Takes no requests any more, lets the workers finish within a patience what they have begun, and ends with the last process. Loads are broken
    /// off, and those who wait are refused.</summary>
    public async Task CloseAsync(TimeSpan patience)
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0)
            Post(null, new Closing(patience));
        try
        {
            await _running.WaitAsync(patience + Dying, _time);
        }
        catch (TimeoutException)
        {
            LogLeftBehind(patience + Dying); // it was killed, and ends with this process at the latest
        }
    }

    /// <summary>The same with a second's patience: nobody is answered any more.</summary>
    public async ValueTask DisposeAsync() => await CloseAsync(Farewell);

    /// <summary>A message for the loop. Any thread may post; one that finds the loop idle runs it.</summary>
    /// <returns>False when the loop has ended.</returns>
    internal bool Post(FleetEvent? what, object? with = null) => _mail.Writer.TryWrite(new Message(what, with));

    /// <summary>A request has left its place.</summary>
    internal void Leave(RunningWorker worker, long ask) => Post(new FleetEvent.Ended(ask), worker);

    /// <summary>A place was lost: the runtime has found its lease, which nobody disposed.</summary>
    internal void TakeBack(RunningWorker worker, long ask)
    {
        LogLost(worker.Model.Name);
        ThreadPool.UnsafeQueueUserWorkItem(static lost => lost.Loop.Leave(lost.Worker, lost.Ask), (Loop: this, Worker: worker, Ask: ask), preferLocal: false); // not on the runtime's own thread
    }

    /// <summary>Looks at the files of a model that is about to be started, or has failed: others than when it was configured are other terms. Blocks as long as a disk does.</summary>
    internal void CheckSource(ServedModel model)
    {
        SourceStamp stamp = SourceStamp.Of(model.Spec.Source);
        if (stamp == model.Stamp)
            return;
        lock (_configuring)
        {
            StatusBoard former = _board;
            if (former[model.Name] != model || _limits is not { } limits)
                return; // it was configured anew meanwhile, and looked at then
            LogSourceChanged(model.Name);
            Publish(StatusBoard.Of([.. former.Models.Select(each => each == model ? ServedModel.Of(model.Served, stamp, model, _time) : each)]), limits);
        }
    }

    private static void ClearSockets(string folder)
    {
        foreach (string left in Directory.EnumerateFiles(folder, "*.sock"))
            File.Delete(left);
    }

    private static FleetRefusal Unknown(string model) => new(FleetRefusalKind.Unknown, $"no model {model} is configured here");

    private void Publish(StatusBoard board, FleetLimits limits)
    {
        _limits = limits;
        _board = board;
        Post(new FleetEvent.Configured([.. board.Models.Select(static model => model.Terms)], limits), board);
    }
}
