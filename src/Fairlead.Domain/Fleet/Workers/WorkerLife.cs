using Fairlead.Domain.Fleet.Memory;

namespace Fairlead.Domain.Fleet.Workers;

/// <summary>Where one worker stands.</summary>
internal enum WorkerPhase : byte
{
    /// <summary>It computes what it needs.</summary>
    Starting = 1,

    /// <summary>It has said what it needs, and waits for room.</summary>
    Measured,

    /// <summary>It was let load.</summary>
    Loading,

    /// <summary>It answers.</summary>
    Ready,

    /// <summary>It was told to end.</summary>
    Ending,

    /// <summary>It was killed, and its death has not been seen yet.</summary>
    Killed,
}

/// <summary>Why a worker takes nothing new although it still answers.</summary>
internal enum Going : byte
{
    /// <summary>It takes.</summary>
    No = 0,

    /// <summary>Another model needs its memory. The only reason that may pass: then it takes again.</summary>
    ForRoom,

    /// <summary>An operator wants it unloaded.</summary>
    Stopped,

    /// <summary>It is not configured any more.</summary>
    Removed,

    /// <summary>It is configured otherwise: its successor is another worker.</summary>
    Replaced,

    /// <summary>It uses more memory than can be set aside for it.</summary>
    Outgrown,
}

/// <summary>One worker, from its start until its death was seen.</summary>
internal sealed class WorkerLife(int start, ModelLife model, TimeSpan now)
{
    public int Start { get; } = start;

    public ModelLife Model { get; } = model;

    /// <summary>Requests that it takes at once: what it was started with, whatever is configured since.</summary>
    public int Slots { get; } = Math.Max(1, model.Terms.Slots);

    public WorkerPhase Phase { get; set; } = WorkerPhase.Starting;

    public Going Going { get; set; }

    /// <summary>Requests in it.</summary>
    public int Busy { get; set; }

    /// <summary>Bytes that are set aside for it. Not free before its death was seen.</summary>
    public long Aside { get; set; }

    /// <summary>What it occupies, when last seen.</summary>
    public long? Resident { get; set; }

    /// <summary>How far its load has come.</summary>
    public double Share { get; set; }

    /// <summary>Since when it is in its phase.</summary>
    public TimeSpan Since { get; set; } = now;

    /// <summary>How long it took to say what it needs.</summary>
    public TimeSpan Measuring { get; set; }

    /// <summary>Since when nobody is in it.</summary>
    public TimeSpan IdleSince { get; set; }

    /// <summary>When the first request left it; null: it has not answered anything yet.</summary>
    public TimeSpan? FirstAnswer { get; set; }

    /// <summary>It was loaded for callers who were told to come back; until then it is not idle, though nobody is in it.</summary>
    public TimeSpan PromisedUntil { get; set; }

    /// <summary>When it is killed if it has not finished (<see cref="Going"/>) or not ended (<see cref="WorkerPhase.Ending"/>).</summary>
    public TimeSpan PatienceEnds { get; set; }

    /// <summary>It has answered, and not only with its <see cref="Failures.LastBreath"/>.</summary>
    public bool HasProven(TimeSpan now) => FirstAnswer is { } first && now - first > Failures.LastBreath;

    /// <summary>It takes requests.</summary>
    public bool Takes => Phase == WorkerPhase.Ready && Going == Going.No;

    /// <summary>It will be gone in a while whatever happens, and its memory with it.</summary>
    public bool Leaves => Phase is WorkerPhase.Ending or WorkerPhase.Killed || Going > Going.ForRoom;

    /// <summary>How long its load has taken so far: without the time for which we let it wait for memory.</summary>
    public TimeSpan LoadTime(TimeSpan now) => Phase == WorkerPhase.Starting ? now - Since : Measuring + (now - Since);

    /// <summary>Somebody has, or was promised, its use.</summary>
    public bool InUse(TimeSpan now) => Phase switch
    {
        WorkerPhase.Ready => Busy > 0 || now < PromisedUntil,
        _ => Model.Wanted(now),
    };

    /// <summary>What of that which is set aside for it the machine has still to give.</summary>
    public long Untaken => Phase is WorkerPhase.Starting or WorkerPhase.Loading ? Math.Max(0, Aside - (Resident ?? 0)) : 0;

    /// <summary>What it occupies for itself, as far as that can be told from outside. The pages of its files may be counted beside what it has made of them,
    /// all the more while it loads, and the system takes those back when it needs them: only what is beyond both is beyond doubt.</summary>
    public long Own => Phase == WorkerPhase.Ready && Resident is { } resident ? Math.Max(0, resident - Model.Terms.FileBytes) : 0;

    /// <summary>What the budget must count for it.</summary>
    public long Counted => Math.Max(Aside, Own);

    /// <summary>What its end gives back.</summary>
    public Room Frees => new(Counted, Math.Min(Aside, Resident ?? Aside));

    /// <summary>What its end would cost: seconds of loading it again, times the chance that somebody needs it in the next minute.</summary>
    public double Value(TimeSpan now) => Model.ColdStart.TotalSeconds * Model.Demand.ChanceWithinAMinute(now);

    /// <summary>When its load is called hung.</summary>
    public TimeSpan LoadLimit => LoadForecast.LimitFor(Model.LoadBytes, Model.Terms.LoadLimit);

    /// <summary>When it is unloaded unless somebody asks for it; null: it is in use, or is kept without an end.</summary>
    public TimeSpan? IdleEnds =>
        !Takes || Busy > 0 || Model.Terms.Keep is not { } keep ? null
        : IdleSince + keep > PromisedUntil ? IdleSince + keep
        : PromisedUntil;

    /// <summary>When time alone will have changed something about it; null: never.</summary>
    public TimeSpan? Due(TimeSpan now) => Phase switch
    {
        WorkerPhase.Starting or WorkerPhase.Loading => now + LoadLimit - LoadTime(now),
        WorkerPhase.Ready when Going == Going.No => now < PromisedUntil ? PromisedUntil : IdleEnds,
        WorkerPhase.Ready or WorkerPhase.Ending => PatienceEnds,
        _ => null,
    };

    /// <summary>Enters another phase.</summary>
    public void Enter(WorkerPhase phase, TimeSpan now)
    {
        Phase = phase;
        Since = now;
    }
}
