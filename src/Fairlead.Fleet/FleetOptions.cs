using Fairlead.Fleet.Workers;

namespace Fairlead.Fleet;

/// <summary>Where a fleet lives, and how closely it watches. What it may use is the configuration's (<see cref="Fairlead.Domain.Fleet.FleetLimits"/>), and may change.</summary>
public sealed record FleetOptions
{
    /// <summary>How a worker of our own engine is started.</summary>
    public required WorkerCommand Own { get; init; }

    /// <summary>Folder of the workers' sockets, which only this user may enter and only this process uses: what lies in it at the start is cleared away.</summary>
    public required string SocketFolder { get; init; }

    /// <summary>File that keeps load times over restarts, so that the first forecast is true already; null: they are forgotten.</summary>
    public string? HistoryFile { get; init; }

    /// <summary>Folder of packed weights, which exists and only this user may enter; null: none are kept. What lies in it is this process's to remove.</summary>
    public string? PackFolder { get; init; }

    /// <summary>How often a loaded worker is asked whether it still answers. With the two below a worker that stands still is seen within 30 s (reliability W-11).</summary>
    public TimeSpan HealthEvery { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long it may take to say so.</summary>
    public TimeSpan HealthPatience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>So often in a row it may miss.</summary>
    public int HealthMisses { get; init; } = 3;
}
