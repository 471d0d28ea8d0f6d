using System.Collections.Immutable;
using Fairlead.Fleet.Models;

namespace Fairlead.Fleet;

/// <summary>What a fleet has done since it was started, for metrics. Immutable; what is counted per model beside this stands in its status.</summary>
/// <param name="LoadSeconds">Load times of each configured model that was ever loaded, by its name.</param>
public sealed record FleetTotals(ImmutableSortedDictionary<string, LoadSeconds> LoadSeconds)
{
    internal static FleetTotals None { get; } = new(ImmutableSortedDictionary.Create<string, LoadSeconds>(StringComparer.OrdinalIgnoreCase));

    /// <summary>Without the models that are not configured any more.</summary>
    internal FleetTotals Of(StatusBoard board) => new(LoadSeconds.RemoveRange(LoadSeconds.Keys.Where(model => board[model] is null)));

    internal FleetTotals With(string model, TimeSpan load) =>
        new(LoadSeconds.SetItem(model, (LoadSeconds.GetValueOrDefault(model) ?? Fleet.LoadSeconds.None).With(load.TotalSeconds)));
}

/// <summary>A histogram of load times: from a worker's start to its first readiness, without what it waited for memory.</summary>
/// <param name="Counts">Loads of at most as many seconds as the bound of the same place in <see cref="Bounds"/> and more than the one before; the last are those above all.</param>
/// <param name="Sum">Seconds of all loads.</param>
public sealed record LoadSeconds(ImmutableArray<long> Counts, double Sum)
{
    /// <summary>Upper bounds in seconds: from a small model in the page cache to the limit of a load.</summary>
    public static ImmutableArray<double> Bounds { get; } = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

    internal static LoadSeconds None { get; } = new([.. new long[Bounds.Length + 1]], 0);

    /// <summary>All loads.</summary>
    public long Count => Counts.Sum();

    internal LoadSeconds With(double seconds)
    {
        int place = 0;
        while (place < Bounds.Length && seconds > Bounds[place])
            place++;
        return new(Counts.SetItem(place, Counts[place] + 1), Sum + seconds);
    }
}
