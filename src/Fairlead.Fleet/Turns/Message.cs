using Fairlead.Domain.Fleet;

namespace Fairlead.Fleet.Turns;

/// <summary>What the loop is told: an event for the plan, and who is concerned; without an event it is the loop's own business.</summary>
internal readonly record struct Message(FleetEvent? What, object? With);

/// <summary>The loop's clocks.</summary>
internal enum Pulse
{
    /// <summary>Those who wait are told how far it is.</summary>
    Tell,

    /// <summary>Figures that only time changes are shown again.</summary>
    Refresh,
}

/// <summary>The end: no requests any more, and this long for those that are inside.</summary>
internal sealed record Closing(TimeSpan Patience);
