using System.Diagnostics;
using Fairlead.Domain.Fleet;
using Fairlead.Fleet.Asks;
using Fairlead.Fleet.Models;
using Fairlead.Fleet.Workers;
using Microsoft.Extensions.Logging;

namespace Fairlead.Fleet.Turns;

/// <summary>Takes one message in: what it says of those who wait and of the workers is noted, and the plan hears of it. The loop's alone.</summary>
internal sealed class MessageHandler(
    PlanRunner runner, Askers askers, ServedModels models, StatusPublisher statuses, ProgressRounds rounds, PlanClock clock, LoadForecast forecast, LoadHistory? history, TimeProvider time, ILogger log)
{
    private volatile FleetTotals _totals = FleetTotals.None;

    /// <summary>What was done so far; any thread may look.</summary>
    public FleetTotals Totals => _totals;

    /// <summary>No requests any more: only deaths count.</summary>
    public bool IsClosing { get; private set; }

    /// <summary>It is closing, and the last worker is gone.</summary>
    public bool IsDone => IsClosing && runner.Workers.Count == 0;

    public void Take(in Message message)
    {
        try
        {
            if (IsClosing)
                TakeLast(message);
            else if (message.What is null)
                Take(message.With);
            else
                Take(message.What, message.With);
        }
        catch (Exception e)
        {
            // A fault of ours. The loop goes on, since all other models depend on it; whoever sent the message is told.
            log.LogBroken(e, message.What?.GetType().Name ?? message.With?.GetType().Name);
            askers.Fail(message.With, e);
        }
    }

    private void Take(FleetEvent what, object? with)
    {
        switch (what)
        {
            case FleetEvent.Asked asked:
                Admit(asked, (WaitingAsk)with!);
                break;
            case FleetEvent.Ended:
                var left = (RunningWorker)with!;
                left.Inside--;
                runner.Decide(what, left.Model);
                break;
            case FleetEvent.GaveUp(long gone):
                if (askers.Take(gone) is { } leaving) // otherwise its place came first, and is given back by whoever has it
                {
                    leaving.GiveUp();
                    askers.Decided(leaving);
                    runner.Decide(what, leaving.Model);
                }
                break;
            case FleetEvent.Configured:
                var configured = (StatusBoard)with!;
                runner.Configure(what, configured);
                _totals = _totals.Of(configured);
                break;
            case FleetEvent.Measured:
                var measured = (RunningWorker)with!;
                measured.Measuring = time.GetElapsedTime(measured.Began);
                runner.Decide(what);
                break;
            case FleetEvent.Loaded:
                Loaded(what, (RunningWorker)with!);
                break;
            case FleetEvent.Died(int start, _):
                if (runner.Bury(start) is not null)
                    runner.Decide(what);
                break;
            case FleetEvent.LoadWanted(string model):
                Load(what, model, (LoadWish)with!);
                break;
            case FleetEvent.StopWanted(string model, _):
                Stop(what, model, (StopWish)with!);
                break;
            case FleetEvent.Ticked:
                clock.Rang();
                runner.Decide(what);
                break;
            case FleetEvent.Weighed(int start, _):
                if (runner.Find(start) is { } weighed)
                    runner.Decide(what, weighed.Model);
                break;
            default:
                runner.Decide(what);
                break;
        }
    }

    private void Take(object? with)
    {
        switch (with)
        {
            case RunningWorker loading:
                if (runner.Find(loading.Start) is not null && !loading.IsLoaded)
                    runner.Decide(new FleetEvent.Progressed(loading.Start, loading.Share), loading.Model);
                break;
            case Pulse.Tell:
                rounds.Round();
                break;
            case Pulse.Refresh:
                statuses.AllChanged();
                models.LookAtFailed();
                break;
            case Closing(TimeSpan patience):
                Close(patience);
                break;
            default:
                throw new UnreachableException($"Nothing is done with {with}.");
        }
    }

    private void Admit(FleetEvent.Asked asked, WaitingAsk ask)
    {
        ask.WasCold = ask.Model?.Status.State != ModelState.Ready;
        askers.Wait(ask);
        runner.Decide(asked, ask.Model);
        if (!askers.IsWaiting(asked.Ask))
            return;
        statuses.AllChanged(); // it may be that others have to make room
        rounds.Join(ask);
    }

    private void Load(FleetEvent wanted, string model, LoadWish wish)
    {
        runner.Decide(wanted);
        if (runner.State(model) == ModelState.Ready)
        {
            askers.Decided(wish);
            return;
        }
        askers.Wait(wish); // who waits for a place is told when it is loaded, or why it is not: so does who only wants it loaded
        runner.Decide(wish.Asked);
    }

    private void Stop(FleetEvent wanted, string model, StopWish wish)
    {
        foreach (RunningWorker worker in runner.Workers)
        {
            if (worker.Model.Name.Equals(model, StringComparison.OrdinalIgnoreCase))
                wish.Starts.Add(worker.Start);
        }
        runner.Decide(wanted);
        if (wish.Starts.Count == 0)
            askers.Decided(wish);
        else
            askers.Wait(wish);
    }

    private void Loaded(FleetEvent loaded, RunningWorker worker)
    {
        worker.IsLoaded = true;
        runner.Decide(loaded);
        _totals = _totals.With(worker.Model.Name, worker.Measuring + time.GetElapsedTime(worker.LetLoadAt));
        history?.Keep(forecast.Export());
    }

    private void Close(TimeSpan patience)
    {
        IsClosing = true;
        askers.RefuseAll(FleetLoop.Stopping);
        foreach (RunningWorker worker in runner.Workers)
        {
            if (worker.IsLoaded)
                worker.End(patience);
            else
                worker.Kill();
        }
    }

    private void TakeLast(in Message message)
    {
        if (message.What is FleetEvent.Died(int start, _))
            runner.Bury(start);
        else
            askers.Refuse(message.With, FleetLoop.Stopping);
    }
}
