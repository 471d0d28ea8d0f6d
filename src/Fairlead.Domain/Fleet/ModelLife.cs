using Fairlead.Domain.Fleet.Asks;
using Fairlead.Domain.Fleet.Workers;

namespace Fairlead.Domain.Fleet;

/// <summary>One model: its terms, its worker if it has one, those who wait for it, and its past.</summary>
internal sealed class ModelLife(ModelTerms terms, LoadForecast forecast)
{
    public ModelTerms Terms { get; set; } = terms;

    /// <summary>Its one worker, from the start until the death was seen.</summary>
    public WorkerLife? Worker { get; set; }

    public WaitingLine Line { get; } = new();

    public Failures Failures { get; } = new();

    /// <summary>How much it is asked for.</summary>
    public Demand Demand;

    /// <summary>It is not configured any more, and stays only until its worker's death was seen.</summary>
    public bool Removed { get; set; }

    /// <summary>What its worker has said it needs, on these terms.</summary>
    public MemoryNeed? Need { get; set; }

    /// <summary>What a worker has occupied that said too little, on these terms; 0: none has.</summary>
    public long Outgrew { get; set; }

    /// <summary>An operator wants it loaded.</summary>
    public bool OperatorWants { get; set; }

    /// <summary>Callers who did not wait were told to come back: it is wanted until then, as if one of them waited.</summary>
    public TimeSpan WantedUntil { get; set; }

    /// <summary>Since when it is in the line for memory; null: it is not.</summary>
    public TimeSpan? LacksSince { get; set; }

    /// <summary>When there will be memory for it, as far as can be told.</summary>
    public TimeSpan RoomAt { get; set; }

    /// <summary>For when it has an entry among the alarms.</summary>
    public TimeSpan? Alarm { get; set; }

    public long Loads { get; set; }

    public long FailedLoads { get; set; }

    public long Evictions { get; set; }

    public long IdleUnloads { get; set; }

    public long Crashes { get; set; }

    /// <summary>Bytes that a load needs, where anybody has said so yet: its worker's own word comes before the configuration's.</summary>
    public long? Known => Need is { } need ? Math.Max(need.Sum(), Outgrew) : Terms.Memory;

    /// <summary>What a load has to read: the files, or as much as it occupies where we cannot see them.</summary>
    public long LoadBytes => Terms.FileBytes > 0 ? Terms.FileBytes : Terms.Memory ?? 0;

    /// <summary>From its start until it answers.</summary>
    public TimeSpan ColdStart => forecast.For(Terms.Model, LoadBytes);

    /// <summary>Whether there is a reason to load it.</summary>
    public bool Wanted(TimeSpan now) => OperatorWants || Line.MayLoad > 0 || now < WantedUntil;

    /// <summary>When time alone will have changed something about it; null: never.</summary>
    public TimeSpan? Due(TimeSpan now)
    {
        TimeSpan? due = Worker is not null ? Worker.Due(now) : Failures.Resting(now) && Wanted(now) ? Failures.RestUntil : null;
        return WantedUntil > now && !(due < WantedUntil) ? WantedUntil : due;
    }

    /// <summary>From now until it answers, as far as can be told.</summary>
    public TimeSpan ReadyIn(TimeSpan now)
    {
        TimeSpan cold = ColdStart;
        TimeSpan rest = Failures.RestUntil > now ? Failures.RestUntil - now : TimeSpan.Zero;
        switch (Worker)
        {
            case null or { Phase: WorkerPhase.Measured }:
                TimeSpan room = LacksSince is not null && RoomAt > now ? RoomAt - now : TimeSpan.Zero;
                return cold + (room > rest ? room : rest);
            case { Takes: true }:
                return TimeSpan.Zero;
            case { Phase: WorkerPhase.Starting or WorkerPhase.Loading } loading:
                return forecast.Remaining(Terms.Model, LoadBytes, loading.Share, loading.LoadTime(now));
            case { Phase: WorkerPhase.Ready }: // it finishes what it has begun, and is loaded again
                return cold + Demand.Answer;
            default:
                return cold + rest;
        }
    }

    /// <summary>Until a place is free for one who joins those who wait.</summary>
    public TimeSpan PlaceIn(TimeSpan now) => ReadyIn(now) + Demand.Answer * ((double)Line.Count / Math.Max(1, Terms.Slots));

    public ModelStatus Status(TimeSpan now)
    {
        TimeSpan? unloadsIn = Worker?.IdleEnds - now;
        return new ModelStatus(Terms.Model, State(now))
        {
            FileBytes = Terms.FileBytes,
            Memory = Worker is { Aside: > 0 } ? Worker.Aside : Known,
            Resident = Worker?.Resident,
            Slots = Worker?.Slots ?? Terms.Slots,
            Busy = Worker?.Busy ?? 0,
            Waiting = Line.Count,
            Share = Worker is { Phase: WorkerPhase.Loading } ? Worker.Share : null,
            ReadyIn = ReadyIn(now),
            UnloadsIn = unloadsIn < TimeSpan.Zero ? TimeSpan.Zero : unloadsIn,
            RetryIn = Worker is null && Failures.Resting(now) ? Failures.RestUntil - now : null,
            Reason = Failures.Reason,
            Start = Worker?.Start,
            ColdStart = ColdStart,
            Loads = Loads,
            FailedLoads = FailedLoads,
            Evictions = Evictions,
            IdleUnloads = IdleUnloads,
            Crashes = Crashes,
        };
    }

    private ModelState State(TimeSpan now) => Worker switch
    {
        _ when Failures.Parked => ModelState.Parked,
        { Phase: WorkerPhase.Starting or WorkerPhase.Measured } => ModelState.Queued,
        { Phase: WorkerPhase.Loading } => ModelState.Loading,
        { Takes: true } => ModelState.Ready,
        _ when Failures.Resting(now) => ModelState.Resting,
        not null => ModelState.Draining,
        null => Wanted(now) ? ModelState.Queued : ModelState.Cold,
    };
}
