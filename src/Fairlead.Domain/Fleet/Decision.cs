using Fairlead.Domain.Fleet.Memory;

namespace Fairlead.Domain.Fleet;

/// <summary>The decision that is being made: when, within which limits, and what it wants done.</summary>
/// <remarks>Time and limits outlive it, since the next one starts from them; effects do not.</remarks>
internal sealed class Decision
{
    /// <summary>Between two decisions nothing can be wanted: this takes no effect.</summary>
    private static readonly FleetEffect[] None = [];

    private ICollection<FleetEffect> _effects = None;

    /// <summary>Never goes back, whatever comes in.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>Bytes that the machine could give to a new process.</summary>
    public long Available { get; private set; }

    /// <summary>What all models together may use.</summary>
    public FleetLimits Limits { get; private set; } = new() { Memory = 0 };

    /// <summary>From here on whatever is wanted is added to <paramref name="effects"/>.</summary>
    public void Begin(in FleetMoment at, ICollection<FleetEffect> effects)
    {
        Now = AsOf(at);
        Available = Math.Clamp(at.Available, 0, Room.Most);
        _effects = effects;
    }

    public void End() => _effects = None;

    /// <summary>These are the limits from now on.</summary>
    public void Limit(FleetLimits limits) => Limits = limits with { Memory = Math.Clamp(limits.Memory, 0, Room.Most) };

    /// <summary>The time of a moment, or of the last decision where that is later.</summary>
    public TimeSpan AsOf(in FleetMoment at) => at.Now > Now ? at.Now : Now;

    /// <summary>This is to be done, after all that was wanted before.</summary>
    public void Want(FleetEffect effect) => _effects.Add(effect);
}
