using Fairlead.Domain.Fleet;
using Fairlead.Fleet.Asks;
using Fairlead.Fleet.Models;
using Fairlead.Fleet.Packs;
using Fairlead.Fleet.Turns;
using Microsoft.Extensions.Logging;

namespace Fairlead.Fleet.Workers;

/// <summary>One start of one model's worker, from the wish to its death: what its process does becomes events, what the plan wants is done to it.</summary>
/// <remarks>Every start ends in exactly one <see cref="FleetEvent.Died"/>, also one whose process never came about. Nothing here blocks the loop: its calls
/// begin tasks.</remarks>
internal sealed partial class RunningWorker : IAwaited
{
    /// <summary>How often a loading worker is weighed: what it has taken already is not asked of the machine a second time.</summary>
    private static readonly TimeSpan WeighEvery = TimeSpan.FromSeconds(1);

    private readonly Mail _mail;
    private readonly ServedModels _models;
    private readonly PackFolders? _packs;
    private readonly FleetOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _buried = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private WorkerProcess? _process;
    private volatile bool _endWanted;
    private double _share;
    private int _shareIsPosted;

    public RunningWorker(int start, ServedModel model, Mail mail, ServedModels models, PackFolders? packs, FleetOptions options, TimeProvider time, ILogger log)
    {
        Start = start;
        Model = model;
        _mail = mail;
        _models = models;
        _packs = packs;
        _options = options;
        _time = time;
        _log = log;
        Began = time.GetTimestamp();
    }

    public int Start { get; }

    public ServedModel Model { get; }

    /// <summary>The process; null before there is one.</summary>
    public WorkerProcess? Process => Volatile.Read(ref _process);

    /// <summary>How far its load has come, 0 to 1.</summary>
    public double Share
    {
        get
        {
            Volatile.Write(ref _shareIsPosted, 0); // before the reading: what comes after it is posted again
            return Volatile.Read(ref _share);
        }
    }

    /// <summary>What it occupied when it was last looked at; null before.</summary>
    public long? Resident { get; private set; }

    /// <summary>The loop's: timestamp of the start.</summary>
    public long Began { get; }

    /// <summary>The loop's: how long its load has taken apart from waiting for memory, until it was let load; and when that was.</summary>
    public TimeSpan Measuring { get; set; }

    public long LetLoadAt { get; set; }

    /// <summary>The loop's: it has said that it is ready.</summary>
    public bool IsLoaded { get; set; }

    /// <summary>The loop's: requests inside.</summary>
    public int Inside { get; set; }

    /// <summary>The loop's: requests that were inside when it was killed, or died.</summary>
    public int BrokenOff { get; set; }

    /// <summary>The loop's: the plan had it killed.</summary>
    public bool WasKilled { get; private set; }

    /// <summary>Ends when the loop has taken its death in: nobody gets a place in it any more.</summary>
    public Task Buried => _buried.Task;

    void IAwaited.Tell() => _buried.TrySetResult();

    /// <summary>Begins.</summary>
    public void Begin() => _ = Task.Run(FollowAsync);

    /// <summary>Lets it read its weights.</summary>
    public void LetLoad(long memory) => Do("be let load", process =>
    {
        process.LetLoad(memory);
        return Task.CompletedTask;
    });

    /// <summary>Asks it to end when it has answered; only <see cref="Kill"/> is heard by one that does not listen. One that has no process yet gets none.</summary>
    /// <param name="patience">After which it is killed; infinite: the plan says when.</param>
    public void End(TimeSpan patience)
    {
        lock (_gate)
        {
            _endWanted = true;
            if (_process is null)
                return;
        }
        Do("be ended", process =>
        {
            Weigh(process);
            return process.StopAsync(patience);
        });
    }

    /// <summary>Ends it at once.</summary>
    public void Kill()
    {
        lock (_gate)
        {
            _endWanted = true;
            if (_process is null)
                return;
        }
        Do("be killed", process =>
        {
            try
            {
                Weigh(process);
            }
            finally
            {
                process.Kill(); // whatever comes of the weighing
            }
            return Task.CompletedTask;
        });
    }

    /// <summary>The same, on the plan's word: what was inside is counted, since its requests leave as soon as they see it gone.</summary>
    public void KillWithAllInside()
    {
        if (!WasKilled)
            BrokenOff = Inside;
        WasKilled = true;
        Kill();
    }

    private async Task FollowAsync()
    {
        WorkerProcess process;
        try
        {
            _models.CheckSource(Model);
            if (_endWanted)
                throw new WorkerFailedException("it was not wanted any more before it had begun"); // its files or its terms are others by now
            string socket = Path.Combine(_options.SocketFolder, $"{Start}.sock"); // a number per start: what a dead worker left behind is nobody's address
            process = WorkerProcess.Start(_options.Own, Model.Spec, socket, Model.Spec.Engine is null ? _packs?.For(Model.Spec.Source, Model.Spec.Draft) : null, _time, _log, Model.Lines);
        }
        catch (WorkerFailedException e)
        {
            _mail.Post(new FleetEvent.Died(Start, e.Message), this);
            return;
        }
        catch (Exception e)
        {
            LogStartBroke(e, Model.Name); // a fault of ours or of the machine: still, those who wait are told
            _mail.Post(new FleetEvent.Died(Start, $"the worker could not be started: {e.GetType().Name}"), this);
            return;
        }
        process.Progress = Progressed;
        process.Kept = () => _packs?.SweepSoon();
        Model.Notes.Worker = process;
        bool endWanted;
        lock (_gate)
        {
            _process = process;
            endWanted = _endWanted;
        }
        if (endWanted)
            Kill();
        using var over = new CancellationTokenSource();
        Task watch = WatchAsync(process, over.Token);
        try
        {
            WorkerFacts facts = await process.Measured;
            Model.Notes.Facts = facts;
            _mail.Post(new FleetEvent.Measured(Start, facts.Need), this);
            await process.Ready;
            _mail.Post(new FleetEvent.Loaded(Start), this);
        }
        catch (WorkerFailedException)
        {
            // It has died, or is being killed for what it said; when it has ended is told below, with its own words.
        }
        await process.Exited;
        await over.CancelAsync();
        await watch;
        Model.Notes.Health = null;
        Model.Notes.Worker = null;
        _packs?.SweepSoon(); // what it has left unfinished counts as well
        _mail.Post(new FleetEvent.Died(Start, process.Epitaph()), this);
    }

    /// <summary>Weighs it as long as it lives, and asks it whether it still answers once it is loaded and not asked to end.</summary>
    private async Task WatchAsync(WorkerProcess process, CancellationToken over)
    {
        int missed = 0;
        using var pulse = new PeriodicTimer(WeighEvery, _time);
        try
        {
            while (await pulse.WaitForNextTickAsync(over))
            {
                Weigh(process);
                if (!process.Ready.IsCompletedSuccessfully || _endWanted)
                    continue;
                pulse.Period = _options.HealthEvery;
                WorkerHealth? health = await process.ProbeAsync(_options.HealthPatience, over);
                if (health is not null)
                {
                    missed = 0;
                    Model.Notes.Health = health;
                }
                else if (++missed == _options.HealthMisses && !_endWanted)
                {
                    _mail.Post(new FleetEvent.Silent(Start, $"it has not answered {missed} times in a row, {_options.HealthPatience.TotalSeconds:0.#} s each"), this);
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // it has ended
        }
        catch (Exception e)
        {
            LogWatchBroke(e, Model.Name); // a worker that nobody watches is one that may hang for good
            _mail.Post(new FleetEvent.Silent(Start, "it could not be watched any more"), this);
        }
    }

    private void Weigh(WorkerProcess process)
    {
        if (process.ResidentBytes() is { } resident)
        {
            Resident = resident;
            _mail.Post(new FleetEvent.Weighed(Start, resident), this);
        }
    }

    /// <summary>Called by the thread that reads the worker: at most one message lies in the loop's mail, however fast it writes.</summary>
    private void Progressed(double share)
    {
        Volatile.Write(ref _share, share);
        if (Interlocked.Exchange(ref _shareIsPosted, 1) == 0)
            _mail.Post(null, this);
    }

    private void Do(string what, Func<WorkerProcess, Task> act)
    {
        if (Process is not { } process)
            return; // it has failed to start, and its death is on its way
        _ = Task.Run(async () =>
        {
            try
            {
                await act(process);
            }
            catch (Exception e)
            {
                LogCouldNot(e, Model.Name, process.Id, what);
                if (!process.Exited.IsCompleted && what != "be killed")
                    Kill();
            }
        });
    }

    [LoggerMessage(EventId = 4211, Level = LogLevel.Error, Message = "{Model}: its worker could not be started")]
    private partial void LogStartBroke(Exception e, string model);

    [LoggerMessage(EventId = 4212, Level = LogLevel.Error, Message = "{Model}: its worker cannot be watched any more, and is ended")]
    private partial void LogWatchBroke(Exception e, string model);

    [LoggerMessage(EventId = 4213, Level = LogLevel.Error, Message = "{Model}: worker {Process} could not {What}")]
    private partial void LogCouldNot(Exception e, string model, int process, string what);
}
