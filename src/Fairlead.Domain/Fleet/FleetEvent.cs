using System.Collections.Immutable;

namespace Fairlead.Domain.Fleet;

/// <summary>Something that has happened, as the plan hears of it. Asks and starts have numbers that are never used twice.</summary>
public abstract record FleetEvent
{
    private FleetEvent()
    {
    }

    /// <summary>These are the models and limits from now on. A model that is not among them any more finishes what it has begun and goes.</summary>
    public sealed record Configured(ImmutableArray<ModelTerms> Models, FleetLimits Limits) : FleetEvent;

    /// <summary>A request wants a place in a model's worker.</summary>
    /// <param name="Ask">Its number.</param>
    /// <param name="Model">The model.</param>
    /// <param name="Tenant">Whose it is: those who wait are served in turn, one tenant after the other.</param>
    /// <param name="Patience">How long it waits where no place is free; zero: not at all, but the load is begun.</param>
    /// <param name="MayLoad">False: it does not cause a load (<c>x-load-model: 0</c>).</param>
    public sealed record Asked(long Ask, string Model, string Tenant, TimeSpan Patience, bool MayLoad = true) : FleetEvent;

    /// <summary>A waiting request's caller is gone. For one that has a place already it means the same as <see cref="Ended"/>.</summary>
    public sealed record GaveUp(long Ask) : FleetEvent;

    /// <summary>A request has left its place, however it ended.</summary>
    public sealed record Ended(long Ask) : FleetEvent;

    /// <summary>A worker has said what it needs, and waits to be let load.</summary>
    public sealed record Measured(int Start, MemoryNeed Need) : FleetEvent;

    /// <summary>A load has come so far.</summary>
    /// <param name="Start">Which.</param>
    /// <param name="Share">0 to 1; never falls.</param>
    public sealed record Progressed(int Start, double Share) : FleetEvent;

    /// <summary>A worker is ready to answer.</summary>
    public sealed record Loaded(int Start) : FleetEvent;

    /// <summary>What a worker's process occupies now, in bytes.</summary>
    public sealed record Weighed(int Start, long Resident) : FleetEvent;

    /// <summary>A worker's process has ended, whether it was asked to or not; its memory is free again.</summary>
    /// <param name="Start">Which.</param>
    /// <param name="Why">One sentence, with its last words.</param>
    public sealed record Died(int Start, string Why) : FleetEvent;

    /// <summary>A worker has not answered for too long. It is killed, and its death counts as a crash.</summary>
    public sealed record Silent(int Start, string Why) : FleetEvent;

    /// <summary>An operator wants it loaded now. Ends a rest and a parking.</summary>
    public sealed record LoadWanted(string Model) : FleetEvent;

    /// <summary>An operator wants it unloaded. The next request loads it again.</summary>
    /// <param name="Model">Which.</param>
    /// <param name="Now">True: what it is answering is broken off.</param>
    public sealed record StopWanted(string Model, bool Now) : FleetEvent;

    /// <summary>Nothing but the time has changed.</summary>
    public sealed record Ticked : FleetEvent
    {
        /// <summary>The one.</summary>
        public static Ticked Instance { get; } = new();
    }
}
