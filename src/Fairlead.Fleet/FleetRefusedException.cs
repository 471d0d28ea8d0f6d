using Fairlead.Domain.Fleet;

namespace Fairlead.Fleet;

/// <summary>A request, or an operator's wish, gets no place in a worker.</summary>
/// <param name="refusal">Why, in one sentence for the caller, and when it may be tried again.</param>
public sealed class FleetRefusedException(FleetRefusal refusal) : Exception(refusal.Reason)
{
    /// <summary>Why.</summary>
    public FleetRefusal Refusal { get; } = refusal;
}
