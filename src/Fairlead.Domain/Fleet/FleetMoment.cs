namespace Fairlead.Domain.Fleet;

/// <summary>The moment in which something is decided. The plan has no clock and no eyes: both come in.</summary>
/// <param name="Now">Time since any fixed moment; never goes back.</param>
/// <param name="Available">Bytes that the machine could give to a new process right now.</param>
public readonly record struct FleetMoment(TimeSpan Now, long Available);
