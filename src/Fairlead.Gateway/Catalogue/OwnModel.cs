using Fairlead.Domain.Fleet;
using Fairlead.Domain.Routing;

namespace Fairlead.Gateway.Catalogue;

/// <summary>What sets an offer apart that this server runs itself: somebody knows where the model stands, and needs no breaker to guess it.</summary>
/// <param name="called">What its worker wants to read as <c>model</c> in a body.</param>
/// <param name="status">Where it stands now; null where it has just left the configuration.</param>
internal sealed class OwnModel(string called, Func<ModelStatus?> status)
{
    public string Called => called;

    public ModelStatus? Status => status();

    /// <summary>What the ranking has to know beside what traffic has taught.</summary>
    public OfferCondition Condition(OfferCondition known) => Status switch
    {
        { State: ModelState.Parked } => known with { AskableIn = TimeSpan.MaxValue, Why = CircuitCause.Parked },
        { State: ModelState.Resting, RetryIn: { } rest } when rest > known.AskableIn => known with { AskableIn = rest, Why = CircuitCause.Failing },
        { } status => known with { ReadyIn = status.ReadyIn },
        null => known,
    };
}
