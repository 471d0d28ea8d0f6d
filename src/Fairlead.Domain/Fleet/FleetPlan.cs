using System.Collections.Immutable;

namespace Fairlead.Domain.Fleet;

/// <summary>Decides everything about the models of one's own: who is loaded, kept, unloaded, restarted or given up, and which request gets which place.</summary>
/// <remarks>
/// Events in, effects out. It has no clock, no threads and no way to the world, so every decision can be tested and replayed; what becomes of an effect is
/// an event of its own. Used by one owner at a time.
/// <para>The story of a model: somebody asks → <see cref="FleetEffect.StartWorker"/> → <see cref="FleetEvent.Measured"/> → memory is set aside (<see cref="Allotment"/>) →
/// <see cref="FleetEffect.LetLoad"/> → <see cref="FleetEvent.Loaded"/> → <see cref="FleetEffect.Grant"/> to those who wait, tenant by tenant
/// (<see cref="WaitingLine"/>) → idle for long enough, or in another's way → <see cref="FleetEffect.EndWorker"/> → <see cref="FleetEvent.Died"/>. Only that last
/// event frees the memory and lets a successor start, so there are never two workers of one model, and never two that share memory.</para>
/// <para>An ask of a loaded model and the end of an answer cost the same however many models and waiters there are.</para>
/// </remarks>
public sealed class FleetPlan(LoadForecast forecast)
{
    /// <summary>What a worker may occupy beyond that which was set aside for it where no more is left: a sixteenth of it, and at least this much. Counting
    /// pages is no exact art.</summary>
    private const long Slack = 64 << 20;

    /// <summary>Between two decisions nothing can be wanted: this takes no effect.</summary>
    private static readonly FleetEffect[] NoDecision = [];

    private static readonly FleetLimits NoLimits = new() { Memory = 0 };

    private readonly Dictionary<string, ModelLife> _models = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<int, WorkerLife> _workers = [];
    private readonly OpenAsks _asks = new();
    private readonly Alarms _alarms = new();
    private readonly Allotment _allotment = new();

    // Models that are wanted and have no memory yet, in the order in which they get it.
    private readonly List<ModelLife> _lacking = [];

    private FleetLimits _limits = NoLimits;
    private TimeSpan? _overdrawnSince;
    private int _starts;

    // Of the decision that is being made.
    private TimeSpan _now;
    private long _available;
    private ICollection<FleetEffect> _effects = NoDecision;
    private bool _memoryMoved;

    /// <summary>When <see cref="FleetEvent.Ticked"/> is due at the latest; null: never.</summary>
    public TimeSpan? WakeAt => Earliest(Earliest(_alarms.Next, _asks.NextDeadline), _allotment.Due);

    /// <summary>Takes an event in, and adds what is to be done to <paramref name="effects"/>, in order.</summary>
    /// <remarks>What cannot be (a start or an ask that it does not know, or that is over) is taken for late news and changes nothing.</remarks>
    public void Decide(FleetEvent what, in FleetMoment at, ICollection<FleetEffect> effects)
    {
        _now = at.Now > _now ? at.Now : _now;
        _available = Math.Clamp(at.Available, 0, Room.Most);
        _effects = effects;
        switch (what)
        {
            case FleetEvent.Asked asked:
                Asked(asked);
                break;
            case FleetEvent.Ended ended:
                Left(ended.Ask);
                break;
            case FleetEvent.GaveUp gone:
                Left(gone.Ask);
                break;
            case FleetEvent.Measured measured when Find(measured.Start) is { Phase: WorkerPhase.Starting } worker:
                Measured(worker, measured.Need);
                break;
            case FleetEvent.Progressed progressed when Find(progressed.Start) is { Phase: WorkerPhase.Loading } worker && progressed.Share > worker.Share:
                worker.Share = Math.Min(progressed.Share, 1);
                break;
            case FleetEvent.Loaded loaded when Find(loaded.Start) is { Phase: WorkerPhase.Loading } worker:
                Loaded(worker);
                break;
            case FleetEvent.Weighed weighed when Find(weighed.Start) is { } worker:
                Weighed(worker, weighed.Resident);
                break;
            case FleetEvent.Silent silent when Find(silent.Start) is { Phase: < WorkerPhase.Ending } worker:
                Failed(worker, silent.Why);
                Kill(worker);
                break;
            case FleetEvent.Died died when Find(died.Start) is { } worker:
                Died(worker, died.Why);
                break;
            case FleetEvent.LoadWanted wanted when _models.TryGetValue(wanted.Model, out ModelLife? model):
                LoadWanted(model);
                break;
            case FleetEvent.StopWanted unwanted when _models.TryGetValue(unwanted.Model, out ModelLife? model):
                StopWanted(model, unwanted.Now);
                break;
            case FleetEvent.Configured configured:
                Configured(configured.Models, configured.Limits);
                break;
        }
        Pass();
        _effects = NoDecision;
    }

    /// <summary>All models that are configured, or still have a worker, by name.</summary>
    public IReadOnlyList<ModelStatus> Statuses(in FleetMoment at)
    {
        TimeSpan now = at.Now > _now ? at.Now : _now;
        return [.. _models.Values.OrderBy(static model => model.Terms.Model, StringComparer.OrdinalIgnoreCase).Select(model => model.Status(now))];
    }

    /// <summary>One of them; null where there is none of this name.</summary>
    public ModelStatus? Status(string model, in FleetMoment at) =>
        _models.TryGetValue(model, out ModelLife? life) ? life.Status(at.Now > _now ? at.Now : _now) : null;

    /// <summary>How many of those who wait for the same model will be served before this one; null when it does not wait.</summary>
    public int? Ahead(long ask) => _asks.Waiting(ask) is { } waiter ? waiter.Model.Line.Ahead(waiter) : null;

    private WorkerLife? Find(int start) => _workers.GetValueOrDefault(start);

    // ------------------------------------------------------------------------------------------------------------------------------- requests

    private void Asked(FleetEvent.Asked asked)
    {
        if (_asks.Has(asked.Ask))
            return;
        if (!_models.TryGetValue(asked.Model, out ModelLife? model) || model.Removed)
        {
            Refuse(asked.Ask, Refusals.Unknown(asked.Model));
            return;
        }
        model.Demand.Asked(_now);
        if (model.Worker is { Takes: true } worker && worker.Busy < worker.Slots && model.Line.Count == 0)
            Grant(asked.Ask, worker);
        else if (WhyNotWait(model, asked) is { } refusal)
            Refuse(asked.Ask, refusal);
        else
            Wait(model, asked);
    }

    private FleetRefusal? WhyNotWait(ModelLife model, FleetEvent.Asked asked)
    {
        if (model.Worker is { Takes: true })
            return null;
        if (model.Failures.Parked)
            return Refusals.Parked(model);
        if (model.Known > _limits.Memory)
            return Refusals.TooLarge(model, _limits.Memory);
        if (model.Failures.Resting(_now) && (model.Failures.LoadFailed || asked.Patience < model.Failures.RestUntil - _now))
            return Refusals.Resting(model, _now);
        if (asked.Patience > TimeSpan.Zero)
            return asked.MayLoad || model.Worker is not null || model.Wanted(_now) ? null : Refusals.Cold(model, _now);
        if (asked.MayLoad)
        {
            model.WantedUntil = _now + model.Terms.QueueWait; // it comes back, and finds the load where it would be had it waited
            Review(model);
            FindRoom();
        }
        return model.Worker is null && model.Known > _limits.Memory ? Refusals.TooLarge(model, _limits.Memory) : Refusals.Cold(model, _now);
    }

    private void Wait(ModelLife model, FleetEvent.Asked asked)
    {
        if (model.Line.Count >= model.Terms.Queue)
        {
            FleetRefusal full = Refusals.QueueFull(model, _now);
            if (model.Line.GivesWayTo(asked.Tenant) is not { } last)
            {
                Refuse(asked.Ask, full);
                return;
            }
            Dismiss(last, full);
        }
        // Loaded is loaded: whoever did not want to wait for a load waits for a place like the others.
        TimeSpan patience = asked.Patience > TimeSpan.Zero && asked.Patience < model.Terms.QueueWait ? asked.Patience : model.Terms.QueueWait;
        var waiter = new Waiter(asked.Ask, model, asked.Tenant, asked.MayLoad, _now, _now + patience);
        model.Line.Add(waiter);
        _asks.Wait(waiter);
        Review(model);
    }

    private void Left(long ask)
    {
        switch (_asks.Close(ask))
        {
            case { Waiter: { } waiter }:
                waiter.Model.Line.Remove(waiter);
                Review(waiter.Model);
                break;
            case { Worker: { } worker, Since: TimeSpan since }:
                Left(worker, _now - since);
                break;
        }
    }

    private void Left(WorkerLife worker, TimeSpan after)
    {
        worker.Busy--;
        worker.FirstAnswer ??= _now;
        worker.Model.Demand.Answered(after);
        if (worker.Phase != WorkerPhase.Ready)
            return;
        Serve(worker.Model);
        if (worker.Busy == 0)
            Emptied(worker);
    }

    private void Emptied(WorkerLife worker)
    {
        worker.IdleSince = _now;
        if (worker.Going > Going.ForRoom)
            End(worker);
        _memoryMoved |= _lacking.Count > 0 || _overdrawnSince is not null;
        SetAlarm(worker.Model);
    }

    private void Serve(ModelLife model)
    {
        while (model.Worker is { Takes: true } worker && worker.Busy < worker.Slots && model.Line.Take() is { } waiter)
        {
            _asks.Close(waiter.Ask);
            Grant(waiter.Ask, worker);
        }
    }

    private void Grant(long ask, WorkerLife worker)
    {
        worker.Busy++;
        worker.PromisedUntil = TimeSpan.Zero;
        worker.Model.WantedUntil = TimeSpan.Zero;
        _asks.Enter(ask, worker, _now);
        _effects.Add(new FleetEffect.Grant(ask, worker.Start));
    }

    private void Refuse(long ask, FleetRefusal refusal) => _effects.Add(new FleetEffect.Refuse(ask, refusal));

    private void Dismiss(Waiter waiter, FleetRefusal refusal)
    {
        if (waiter.Place is not null)
            waiter.Model.Line.Remove(waiter);
        _asks.Close(waiter.Ask);
        Refuse(waiter.Ask, refusal);
    }

    private void DismissAll(ModelLife model, FleetRefusal refusal)
    {
        while (model.Line.Take() is { } waiter)
            Dismiss(waiter, refusal);
    }

    // -------------------------------------------------------------------------------------------------------------------------------- workers

    private void Measured(WorkerLife worker, MemoryNeed need)
    {
        ModelLife model = worker.Model;
        model.Need = need;
        worker.Measuring = _now - worker.Since;
        worker.Enter(WorkerPhase.Measured, _now);
        long total = model.Known!.Value;
        if (worker.Aside >= total && SetAside() <= _limits.Memory)
        {
            LetLoad(worker, total); // room was found for it before it started, and the budget is what it was
        }
        else
        {
            worker.Aside = 0;
            Review(model);
        }
        _memoryMoved = true;
    }

    private void LetLoad(WorkerLife worker, long memory)
    {
        worker.Aside = memory;
        worker.Enter(WorkerPhase.Loading, _now);
        _effects.Add(new FleetEffect.LetLoad(worker.Start, memory));
        Review(worker.Model);
    }

    private void Loaded(WorkerLife worker)
    {
        ModelLife model = worker.Model;
        forecast.Learn(model.Terms.Model, model.LoadBytes, worker.LoadTime(_now));
        model.Loads++;
        model.OperatorWants = false;
        model.Failures.Reason = null;
        worker.Enter(WorkerPhase.Ready, _now);
        worker.IdleSince = _now;
        if (_now < model.WantedUntil)
            worker.PromisedUntil = _now + _limits.Turn;
        Review(model);
        _memoryMoved = true;
    }

    private void Weighed(WorkerLife worker, long resident)
    {
        worker.Resident = Math.Clamp(resident, 0, Room.Most);
        _memoryMoved |= _lacking.Count > 0;
        if (worker.Own <= worker.Aside)
            return;
        // More is set aside for it as long as there is more: what is used is used, and nobody else may be promised it.
        worker.Aside += Math.Min(worker.Own - worker.Aside, Math.Max(0, _limits.Memory - SetAside()));
        if (worker.Own - worker.Aside > Math.Max(worker.Aside / 16, Slack) && worker.Going <= Going.ForRoom)
            Outgrown(worker);
    }

    /// <summary>It takes what was promised to others. It is loaded anew rather than left to grow until the machine kills somebody.</summary>
    private void Outgrown(WorkerLife worker)
    {
        if (worker.FirstAnswer is null) // it has not grown in use: what it said was too little, and the next one gets what this one used
            worker.Model.Outgrew = Math.Min(worker.Own, _limits.Memory);
        worker.Model.Failures.Reason = $"Its worker uses {CallerText.Size(worker.Own)}, and {CallerText.Size(worker.Aside)} were set aside for it.";
        LetGo(worker, Going.Outgrown);
    }

    private void Died(WorkerLife worker, string why)
    {
        ModelLife model = worker.Model;
        if (worker is { Phase: < WorkerPhase.Ending, Going: not (Going.Removed or Going.Replaced) })
            Failed(worker, why);
        worker.Enter(WorkerPhase.Killed, _now); // those who were in it leave it one by one, and find it dead
        _workers.Remove(worker.Start);
        model.Worker = null;
        _memoryMoved = true;
        Review(model);
    }

    /// <summary>It has died, or is about to be killed, without anybody having wanted it to go.</summary>
    private void Failed(WorkerLife worker, string why)
    {
        ModelLife model = worker.Model;
        string reason = CallerText.Sentence(why, CallerText.Most);
        bool proven = worker.FirstAnswer is { } first && _now - first > Failures.LastBreath;
        if (proven)
            model.Failures.Proven();
        model.WantedUntil = TimeSpan.Zero;
        if (worker.Phase == WorkerPhase.Ready)
        {
            model.Crashes++;
            model.Failures.OfWorker(reason, proven, _limits, _now);
            if (model.Failures.Parked)
                DismissAll(model, Refusals.Parked(model));
        }
        else
        {
            model.FailedLoads++;
            model.OperatorWants = false;
            model.Failures.OfLoad(reason, _limits, _now);
            DismissAll(model, Refusals.LoadFailed(model, _now));
        }
    }

    /// <summary>It finishes what it has begun, if anything, and goes.</summary>
    private void LetGo(WorkerLife worker, Going why)
    {
        if (worker.Phase >= WorkerPhase.Ending)
            return;
        if (worker.Going == Going.No)
            worker.PatienceEnds = _now + _limits.Drain;
        worker.Going = why;
        if (worker.Busy == 0)
            End(worker);
        _memoryMoved = true;
        SetAlarm(worker.Model);
    }

    private void End(WorkerLife worker)
    {
        if (worker.Phase == WorkerPhase.Ready && worker.FirstAnswer is { } first && _now - first > Failures.LastBreath)
            worker.Model.Failures.Proven();
        if (worker.Going == Going.ForRoom)
            worker.Model.Evictions++;
        worker.Enter(WorkerPhase.Ending, _now);
        worker.PatienceEnds = _now + _limits.Farewell;
        _effects.Add(new FleetEffect.EndWorker(worker.Start));
        _memoryMoved = true;
        SetAlarm(worker.Model);
    }

    private void Kill(WorkerLife worker)
    {
        worker.Enter(WorkerPhase.Killed, _now);
        _effects.Add(new FleetEffect.KillWorker(worker.Start));
        _memoryMoved = true;
        Review(worker.Model);
    }

    // ----------------------------------------------------------------------------------------------------------------------------- operators

    private void LoadWanted(ModelLife model)
    {
        if (model.Removed || model.Worker is { Takes: true })
            return;
        model.Failures.Forget();
        if (model.Known > _limits.Memory)
            model.Failures.Reason = Refusals.TooLargeText(model, _limits.Memory);
        else
            model.OperatorWants = true;
        Review(model);
    }

    private void StopWanted(ModelLife model, bool now)
    {
        model.OperatorWants = false;
        model.WantedUntil = TimeSpan.Zero;
        DismissAll(model, Refusals.Stopped(model));
        if (model.Worker is { Phase: not WorkerPhase.Killed } worker)
        {
            if (now)
                Kill(worker);
            else
                LetGo(worker, Going.Stopped);
        }
        Review(model);
    }

    private void Configured(ImmutableArray<ModelTerms> configured, FleetLimits limits)
    {
        _limits = limits with { Memory = Math.Clamp(limits.Memory, 0, Room.Most) };
        var kept = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (ModelTerms terms in configured)
        {
            if (!kept.Add(terms.Model))
                continue;
            if (_models.TryGetValue(terms.Model, out ModelLife? model))
                Change(model, terms);
            else
                _models.Add(terms.Model, new ModelLife(terms, forecast));
        }
        foreach (ModelLife model in _models.Values.Where(model => !kept.Contains(model.Terms.Model)).ToList())
            Remove(model);
        _memoryMoved = true;
    }

    private void Change(ModelLife model, ModelTerms terms)
    {
        bool other = terms.Edition != model.Terms.Edition || terms.Slots != model.Terms.Slots;
        model.Terms = terms;
        model.Removed = false;
        if (other)
        {
            model.Need = null;
            model.Outgrew = 0;
            model.Failures.Forget();
            if (model.Worker is { } worker)
                LetGo(worker, Going.Replaced);
        }
        else if (model.Worker is { Phase: < WorkerPhase.Ending, Going: Going.Removed } worker)
        {
            worker.Going = Going.No; // it came back before it was gone
        }
        Review(model);
    }

    private void Remove(ModelLife model)
    {
        model.Removed = true;
        model.OperatorWants = false;
        model.WantedUntil = TimeSpan.Zero;
        DismissAll(model, Refusals.Unknown(model.Terms.Model));
        if (model.Worker is { } worker)
            LetGo(worker, Going.Removed);
        Review(model);
    }

    // ------------------------------------------------------------------------------------------------------------------------------ what follows

    /// <summary>Draws the conclusions from whatever has just changed about a model.</summary>
    private void Review(ModelLife model)
    {
        Serve(model);
        bool wanted = model.Wanted(_now);
        switch (model.Worker)
        {
            case null when model.Removed:
                if (_models.GetValueOrDefault(model.Terms.Model) == model) // an alarm of one that has gone may still ring when another of its name is there
                    _models.Remove(model.Terms.Model);
                Suffice(model);
                return;
            case null or { Phase: WorkerPhase.Starting or WorkerPhase.Measured } when wanted && !model.Failures.Parked && !model.Failures.Resting(_now):
                Lack(model);
                break;
            case { Phase: WorkerPhase.Measured } nobodys: // those who wanted it have gone while it waited for room
                Suffice(model);
                End(nobodys);
                break;
            default:
                Suffice(model);
                break;
        }
        if (model.Worker is null && !wanted && model.Line.Count > 0)
            DismissAll(model, Refusals.Cold(model, _now)); // they cause no load, and those who did have gone
        SetAlarm(model);
    }

    private void Lack(ModelLife model)
    {
        if (model.LacksSince is not null)
            return;
        model.LacksSince = _now;
        model.RoomAt = _now;
        _lacking.Add(model);
        _memoryMoved = true;
    }

    private void Suffice(ModelLife model)
    {
        if (model.LacksSince is null)
            return;
        model.LacksSince = null;
        _lacking.Remove(model);
        _memoryMoved = true;
    }

    /// <summary>What time and memory have brought about: until nothing is due any more.</summary>
    private void Pass()
    {
        do
        {
            while (_asks.TakeImpatient(_now) is { } waiter)
                Impatient(waiter);
            while (_alarms.TryRing(_now, out ModelLife model))
                Ring(model);
            FindRoom();
        }
        while (WakeAt <= _now);
    }

    private void Impatient(Waiter waiter)
    {
        ModelLife model = waiter.Model;
        Dismiss(waiter, Refusals.WaitedTooLong(model, _now - waiter.Since, _now));
        if (waiter.MayLoad && model.Worker is not { Takes: true })
            model.WantedUntil = _now + model.Terms.QueueWait; // it was told when to come back
        Review(model);
    }

    private void Ring(ModelLife model)
    {
        _memoryMoved |= _lacking.Count > 0;
        switch (model.Worker)
        {
            case { Phase: WorkerPhase.Starting or WorkerPhase.Loading } worker when worker.LoadTime(_now) >= worker.LoadLimit:
                Failed(worker, $"It was not loaded after {CallerText.Span(worker.LoadLimit)}, and was ended.");
                Kill(worker);
                return;
            case { } worker when worker.IdleEnds <= _now:
                model.IdleUnloads++;
                End(worker);
                break;
            case { Phase: WorkerPhase.Ready, Going: not Going.No } worker when worker.PatienceEnds <= _now:
                if (worker.Going == Going.ForRoom)
                    model.Evictions++;
                Kill(worker);
                return;
            case { Phase: WorkerPhase.Ending } worker when worker.PatienceEnds <= _now:
                Kill(worker);
                return;
        }
        Review(model);
    }

    private void SetAlarm(ModelLife model)
    {
        if (model.Due(_now) is { } due)
            _alarms.Set(model, due);
    }

    // -------------------------------------------------------------------------------------------------------------------------------- memory

    private long SetAside()
    {
        long sum = 0;
        foreach (WorkerLife worker in _workers.Values)
            sum += worker.Aside;
        return sum;
    }

    private void FindRoom()
    {
        for (int rounds = 0; _memoryMoved || _allotment.Due <= _now; rounds++)
        {
            if (rounds > 1000)
                throw new InvalidOperationException("Room is looked for without end.");
            _memoryMoved = false;
            StartTheUnknown();
            _overdrawnSince = SetAside() <= _limits.Memory ? null : _overdrawnSince ?? _now;
            List<ModelLife> lacking = _lacking.FindAll(static model => model.Worker is null or { Phase: WorkerPhase.Measured });
            _allotment.Decide(lacking, _workers.Values, _limits, _overdrawnSince, _available, _now);
            Apply();
        }
    }

    /// <summary>Only a worker can say what a model needs of which nobody knows it; and what can never fit is told so.</summary>
    private void StartTheUnknown()
    {
        foreach (ModelLife model in _lacking.ToArray())
        {
            if (model.Known is null && model.Worker is null)
                Start(model, 0);
            else if (model.Known > _limits.Memory && model.Worker is null or { Phase: WorkerPhase.Measured })
                TooLarge(model);
        }
    }

    private void TooLarge(ModelLife model)
    {
        model.Failures.Reason = Refusals.TooLargeText(model, _limits.Memory);
        model.OperatorWants = false;
        model.WantedUntil = TimeSpan.Zero;
        DismissAll(model, Refusals.TooLarge(model, _limits.Memory));
        Review(model);
    }

    private WorkerLife Start(ModelLife model, long aside)
    {
        var worker = new WorkerLife(++_starts, model, _now) { Aside = aside };
        model.Worker = worker;
        _workers.Add(worker.Start, worker);
        _effects.Add(new FleetEffect.StartWorker(model.Terms.Model, worker.Start));
        SetAlarm(model);
        return worker;
    }

    private void Apply()
    {
        foreach (ModelLife model in _allotment.Served)
        {
            if (model.Worker is { } measured)
                LetLoad(measured, model.Known!.Value);
            else
                Start(model, model.Known!.Value);
        }
        foreach (WorkerLife worker in _allotment.Evicted)
        {
            worker.Going = Going.ForRoom;
            End(worker);
        }
        foreach (WorkerLife worker in _workers.Values)
        {
            bool makes = _allotment.MakingRoom.Contains(worker);
            if (makes && worker.Going == Going.No)
                LetGo(worker, Going.ForRoom);
            else if (!makes && worker is { Going: Going.ForRoom, Phase: WorkerPhase.Ready })
                TakeAgain(worker);
        }
    }

    private void TakeAgain(WorkerLife worker)
    {
        worker.Going = Going.No;
        Review(worker.Model);
    }

    private static TimeSpan? Earliest(TimeSpan? a, TimeSpan? b) => a is null || b < a ? b : a;
}
