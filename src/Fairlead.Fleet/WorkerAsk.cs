using Fairlead.Domain.Fleet;

namespace Fairlead.Fleet;

/// <summary>A request that wants a place in a model's worker.</summary>
/// <param name="Model">The model, in any case.</param>
/// <param name="Tenant">Whose request it is: those who wait are served in turn, one tenant after the other.</param>
/// <param name="Patience">How long it waits where no place is free; zero: not for a model that is not loaded, but its load is begun.</param>
/// <param name="MayLoad">False: it does not cause a load.</param>
public sealed record WorkerAsk(string Model, string Tenant, TimeSpan Patience, bool MayLoad = true)
{
    /// <summary>Is told where the model stands and how many requests are before this one: once as soon as it has to wait, then at most every 250 ms
    /// until it is decided. Called on a thread of the pool, never twice at once; the last call may cross the decision. It should be quick: who waits
    /// for other models is told by the same thread.</summary>
    public Action<ModelStatus, int>? Waiting { get; init; }
}
