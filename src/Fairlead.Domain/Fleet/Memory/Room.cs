namespace Fairlead.Domain.Fleet.Memory;

/// <summary>Memory, in bytes, on both counts that a load must pass: the budget of all workers, and what the machine could really give.</summary>
/// <param name="Budget">Of <see cref="FleetLimits.Memory"/>.</param>
/// <param name="Machine">Of <see cref="FleetMoment.Available"/>.</param>
internal readonly record struct Room(long Budget, long Machine)
{
    /// <summary>More than any machine has (1 PiB). What comes in is cut to it, so that no sum of it overflows.</summary>
    public const long Most = 1L << 50;

    public static Room operator +(Room a, Room b) => new(a.Budget + b.Budget, a.Machine + b.Machine);

    public static Room operator -(Room a, Room b) => new(a.Budget - b.Budget, a.Machine - b.Machine);

    public static Room operator -(Room a, long bytes) => new(a.Budget - bytes, a.Machine - bytes);

    /// <summary>Whether there is as much on both counts.</summary>
    public bool Holds(long bytes) => bytes <= Budget && bytes <= Machine;
}
