using System.Diagnostics;
using Fairlead.Domain.Fleet;

namespace Fairlead.Fleet;

/// <content>The loop itself: what is done with a message, and with what the plan makes of it. Everything here runs on one thread at a time.</content>
public sealed partial class FleetLoop
{
    /// <summary>A clock is not set more finely: what fires a little early is set again.</summary>
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(1);

    private async Task RunAsync()
    {
        while (await _mail.Reader.WaitToReadAsync().ConfigureAwait(false)) // of a caller's context nothing is kept: the turn may run on his thread
        {
            int taken = 0;
            while (_mail.Reader.TryRead(out Message message))
            {
                Take(message);
                if (++taken % MostInARow != 0)
                    continue;
                Finish();
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            }
            Finish();
            if (_closing && _workers.Count == 0)
                _mail.Writer.TryComplete();
        }
        await EndAsync();
    }

    private void Take(in Message message)
    {
        try
        {
            if (_closing)
                TakeLast(message);
            else if (message.What is null)
                Take(message.With);
            else
                Take(message.What, message.With);
        }
        catch (Exception e)
        {
            // A fault of ours. The loop goes on, since all other models depend on it; whoever sent the message is told.
            LogBroken(e, message.What?.GetType().Name ?? message.With?.GetType().Name);
            switch (message.With)
            {
                case WaitingAsk ask when _waiting.Remove(ask.Asked.Ask):
                    ask.Fail(e);
                    _decided.Add(ask);
                    break;
                case LoadWish wish:
                    wish.Fail(e);
                    _decided.Add(wish);
                    break;
                case StopWish stop:
                    stop.Fail(e);
                    _decided.Add(stop);
                    break;
            }
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
                Decide(what, left.Model);
                break;
            case FleetEvent.GaveUp(long gone):
                if (_waiting.Remove(gone, out WaitingAsk? leaving)) // otherwise its place came first, and is given back by whoever has it
                {
                    leaving.GiveUp();
                    _decided.Add(leaving);
                    Decide(what, leaving.Model);
                }
                break;
            case FleetEvent.Configured:
                _planned = (StatusBoard)with!;
                Decide(what);
                _totals = _totals.Of((StatusBoard)with!);
                break;
            case FleetEvent.Measured:
                var measured = (RunningWorker)with!;
                measured.Measuring = _time.GetElapsedTime(measured.Began);
                Decide(what);
                break;
            case FleetEvent.Loaded:
                Loaded(what, (RunningWorker)with!);
                break;
            case FleetEvent.Died(int start, _):
                if (_workers.Remove(start, out RunningWorker? dead))
                {
                    Bury(dead);
                    Decide(what);
                }
                break;
            case FleetEvent.LoadWanted(string model):
                Wish(what, model, (LoadWish)with!);
                break;
            case FleetEvent.StopWanted(string model, _):
                Stop(what, model, (StopWish)with!);
                break;
            case FleetEvent.Ticked:
                _wakeAt = null;
                Decide(what);
                break;
            case FleetEvent.Weighed(int start, _):
                if (_workers.TryGetValue(start, out RunningWorker? weighed))
                    Decide(what, weighed.Model);
                break;
            default:
                Decide(what);
                break;
        }
    }

    private void Take(object? with)
    {
        switch (with)
        {
            case RunningWorker loading:
                if (_workers.ContainsKey(loading.Start) && !loading.IsLoaded)
                    Decide(new FleetEvent.Progressed(loading.Start, loading.Share), loading.Model);
                break;
            case Pulse.Tell:
                TellAll();
                break;
            case Pulse.Refresh:
                _allChanged = true;
                LookAtFailed();
                break;
            case Closing(TimeSpan patience):
                Close(patience);
                break;
            default:
                throw new UnreachableException($"Nothing is done with {with}.");
        }
    }

    /// <summary>Other files are other terms: whoever has mended a model that rests or is parked need not wait, nor tell us. Not on this thread: a disk may hang.</summary>
    private void LookAtFailed()
    {
        if (!_board.Models.Any(static model => HasFailed(model)) || Interlocked.Exchange(ref _looking, 1) != 0)
            return;
        ThreadPool.UnsafeQueueUserWorkItem(
            static fleet =>
            {
                try
                {
                    foreach (ServedModel model in fleet._board.Models)
                    {
                        if (HasFailed(model))
                            fleet.CheckSource(model);
                    }
                }
                catch (Exception e)
                {
                    fleet.LogBroken(e, "a look at the files of models that have failed"); // a fault of ours; the next look may do better
                }
                Volatile.Write(ref fleet._looking, 0);
            },
            this,
            preferLocal: false);
    }

    private static bool HasFailed(ServedModel model) => model.Status.State is ModelState.Resting or ModelState.Parked;

    private void Admit(FleetEvent.Asked asked, WaitingAsk ask)
    {
        ask.WasCold = ask.Model?.Status.State != ModelState.Ready;
        _waiting.Add(asked.Ask, ask);
        Decide(asked, ask.Model);
        if (!_waiting.ContainsKey(asked.Ask))
            return;
        _allChanged = true; // it may be that others have to make room
        if (ask.Waiting is null)
            return;
        Show();
        Tell(ask);
        if (!_telling)
            _telling = _tell.Change(TellEvery, TellEvery);
    }

    private void Wish(FleetEvent wanted, string model, LoadWish wish)
    {
        Decide(wanted);
        if (_plan.Status(model, Now(fresh: false))?.State == ModelState.Ready)
        {
            _decided.Add(wish);
            return;
        }
        _wishes.Add(wish.Asked.Ask, wish); // who waits for a place is told when it is loaded, or why it is not: so does who only wants it loaded
        Decide(wish.Asked);
    }

    private void Stop(FleetEvent wanted, string model, StopWish wish)
    {
        foreach (RunningWorker worker in _workers.Values)
        {
            if (worker.Model.Name.Equals(model, StringComparison.OrdinalIgnoreCase))
                wish.Starts.Add(worker.Start);
        }
        Decide(wanted);
        if (wish.Starts.Count == 0)
            _decided.Add(wish);
        else
            _stops.Add(wish);
    }

    private void Loaded(FleetEvent loaded, RunningWorker worker)
    {
        worker.IsLoaded = true;
        Decide(loaded);
        _totals = _totals.With(worker.Model.Name, worker.Measuring + _time.GetElapsedTime(worker.LetLoadAt));
        _history?.Keep(_forecast.Export());
    }

    private void Bury(RunningWorker dead)
    {
        if (!dead.WasKilled)
            dead.BrokenOff = dead.Inside;
        _decided.Add(dead);
        _stops.RemoveAll(wish =>
        {
            bool last = wish.Buried(dead);
            if (last)
                _decided.Add(wish);
            return last;
        });
    }

    private void Close(TimeSpan patience)
    {
        _closing = true;
        foreach (WaitingAsk ask in _waiting.Values)
            Refuse(ask, s_stopping);
        foreach (LoadWish wish in _wishes.Values)
            Refuse(wish, s_stopping);
        _waiting.Clear();
        _wishes.Clear();
        foreach (RunningWorker worker in _workers.Values)
        {
            if (worker.IsLoaded)
                worker.End(patience);
            else
                worker.Kill();
        }
    }

    /// <summary>After <see cref="Close"/> only deaths count.</summary>
    private void TakeLast(in Message message)
    {
        switch (message)
        {
            case (FleetEvent.Died(int start, _), _):
                if (_workers.Remove(start, out RunningWorker? dead))
                    Bury(dead);
                break;
            case (_, WaitingAsk ask):
                Refuse(ask, s_stopping);
                break;
            case (_, LoadWish wish):
                Refuse(wish, s_stopping);
                break;
            case (_, StopWish wish):
                wish.Fail(new FleetRefusedException(s_stopping));
                _decided.Add(wish);
                break;
        }
    }

    private void Refuse(WaitingAsk ask, FleetRefusal refusal)
    {
        ask.Refuse(refusal);
        _decided.Add(ask);
    }

    private void Refuse(LoadWish wish, FleetRefusal refusal)
    {
        wish.Fail(new FleetRefusedException(refusal));
        _decided.Add(wish);
    }

    /// <param name="what">What has happened.</param>
    /// <param name="only">The one model whose figures change by it where nothing but grants comes of it; null: any.</param>
    private void Decide(FleetEvent what, ServedModel? only = null)
    {
        _effects.Clear();
        _plan.Decide(what, Now(fresh: only is null), _effects);
        bool alone = only is not null;
        foreach (FleetEffect effect in _effects)
        {
            alone &= effect is FleetEffect.Grant;
            CarryOut(effect);
        }
        if (alone)
            _changed.Add(only!.Name);
        else
            _allChanged = true;
    }

    private void CarryOut(FleetEffect effect)
    {
        switch (effect)
        {
            case FleetEffect.Grant(long ask, int start):
                Grant(ask, _workers[start]);
                break;
            case FleetEffect.Refuse(long ask, FleetRefusal refusal):
                if (_waiting.Remove(ask, out WaitingAsk? refused))
                    Refuse(refused, refusal);
                else if (_wishes.Remove(ask, out LoadWish? unmet))
                    Refuse(unmet, refusal);
                break;
            case FleetEffect.StartWorker(string name, int start):
                var worker = new RunningWorker(start, _planned[name] ?? throw new UnreachableException($"{name} is started and not configured."), this, _options, _time, _log);
                _workers.Add(start, worker);
                worker.Begin();
                break;
            case FleetEffect.LetLoad(int start, long memory):
                _workers[start].LetLoadAt = _time.GetTimestamp();
                _workers[start].LetLoad(memory);
                break;
            case FleetEffect.EndWorker(int start):
                _workers[start].End(Timeout.InfiniteTimeSpan); // the plan says when it has had its time
                break;
            case FleetEffect.KillWorker(int start):
                _workers[start].KillWithAllInside();
                break;
            default:
                throw new UnreachableException($"Nothing is done with {effect}.");
        }
    }

    private void Grant(long ask, RunningWorker worker)
    {
        worker.Inside++;
        if (_waiting.Remove(ask, out WaitingAsk? waiting))
        {
            waiting.Grant(new WorkerLease(this, worker, worker.Process!, ask, _time.GetElapsedTime(waiting.Began), waiting.WasCold));
            _decided.Add(waiting);
        }
        else
        {
            if (_wishes.Remove(ask, out LoadWish? wish))
                _decided.Add(wish);
            Leave(worker, ask); // it is loaded, and that was all
        }
    }

    private FleetMoment Now(bool fresh)
    {
        TimeSpan now = _time.GetElapsedTime(_began);
        if (fresh || now - _memoryReadAt > MemoryAge)
        {
            _available = MachineMemory.Available;
            _memoryReadAt = now;
        }
        return new FleetMoment(now, _available);
    }

    /// <summary>After a turn: what has changed is shown, what was decided is told, and the clocks are set.</summary>
    private void Finish()
    {
        ShowAndTell();
        if (_closing)
            return;
        try
        {
            if (_plan.WakeAt is { } wakeAt && (_wakeAt is null || wakeAt < _wakeAt))
            {
                _wakeAt = wakeAt; // one that has become later is not set anew: the early call changes nothing and costs less than a clock set for every request
                TimeSpan due = wakeAt - _time.GetElapsedTime(_began);
                _wake.Change(due < s_tick ? s_tick : due, Timeout.InfiniteTimeSpan);
            }
        }
        catch (Exception e)
        {
            LogBroken(e, "the end of a turn"); // a fault of ours; the next turn may do better
        }
    }

    private void ShowAndTell()
    {
        try
        {
            Show();
        }
        catch (Exception e)
        {
            LogBroken(e, "the showing of a turn"); // a fault of ours, and no reason to let anybody wait
        }
        foreach (IAwaited awaited in _decided)
            awaited.Tell();
        _decided.Clear();
    }

    private void Show()
    {
        if (_closing || (!_allChanged && _changed.Count == 0))
            return;
        StatusBoard board = _board;
        FleetMoment now = Now(fresh: false);
        if (_allChanged)
        {
            bool moving = false;
            foreach (ServedModel model in board.Models)
            {
                Show(model, now);
                moving |= model.Status.State is not ModelState.Cold;
            }
            if (moving != _refreshing)
            {
                _refreshing = moving;
                TimeSpan every = moving ? RefreshEvery : Timeout.InfiniteTimeSpan;
                _refresh.Change(every, every);
            }
        }
        else
        {
            foreach (string name in _changed)
            {
                if (board[name] is { } model)
                    Show(model, now);
            }
        }
        _allChanged = false;
        _changed.Clear();
    }

    private void Show(ServedModel model, in FleetMoment now)
    {
        if (_plan.Status(model.Name, now) is not { } status)
            return; // it was configured this moment, and the plan has yet to hear of it
        bool parked = status.State == ModelState.Parked;
        bool wasParked = model.Status.State == ModelState.Parked;
        model.Status = status;
        if (parked != wasParked)
            Announce(model.Name);
        if (model.Notes.Facts is { } facts && model.Notes.Announce(facts))
            Announce(model.Name);
    }

    private void TellAll()
    {
        if (!_teller.IsQuiet)
            return; // somebody takes long to listen: this round is left out
        _allChanged = true;
        Show();
        bool any = false;
        foreach (WaitingAsk ask in _waiting.Values)
            any |= Tell(ask);
        if (!any)
            _telling = !_tell.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private bool Tell(WaitingAsk ask)
    {
        if (ask.Waiting is not { } waiting || _plan.Ahead(ask.Asked.Ask) is not { } ahead || _board[ask.Asked.Model] is not { } model)
            return false;
        _teller.Tell(waiting, model.Status, ahead);
        return true;
    }

    private void Announce(string model)
    {
        if (Changed is { } changed)
            ThreadPool.UnsafeQueueUserWorkItem(static told => told.Loop.Tell(told.Changed, told.Model), (Loop: this, Changed: changed, Model: model), preferLocal: false);
    }

    private void Tell(Action<string> changed, string model)
    {
        try
        {
            changed(model);
        }
        catch (Exception e)
        {
            LogNotAnnounced(e, model); // a fault of whoever lists models
        }
    }

    private async Task EndAsync()
    {
        await _wake.DisposeAsync();
        await _tell.DisposeAsync();
        await _refresh.DisposeAsync();
        await _teller.DisposeAsync();
        if (_history is not null)
            await _history.Written;
        try
        {
            ClearSockets(_options.SocketFolder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogSocketsStay(e, _options.SocketFolder);
        }
    }
}
