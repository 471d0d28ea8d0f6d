using Fairlead.Domain.Fleet;
using Fairlead.Domain.Problems;
using Fairlead.Domain.Routing;

namespace Fairlead.Upstreams.LocalWorker;

/// <summary>What it means for a request that the fleet has no place for it. Pure.</summary>
public static class RefusedPlace
{
    /// <summary>The fault. Nothing of the request was sent in any of these cases.</summary>
    /// <param name="refusal">Why.</param>
    /// <param name="status">How the model stands; null where it has just left the configuration.</param>
    public static UpstreamFault Fault(FleetRefusal refusal, ModelStatus? status)
    {
        UpstreamFault Is(FaultKind kind) => new(kind, refusal.Reason, RetryAfter: refusal.RetryAfter, NothingSent: true);

        return refusal.Kind switch
        {
            FleetRefusalKind.Cold => Cold(),
            // Whoever waited too long for a model that is loaded waited for its slots.
            FleetRefusalKind.WaitedTooLong => status?.State is ModelState.Ready or ModelState.Draining ? Is(FaultKind.WorkerQueueFull) : Cold(),
            FleetRefusalKind.QueueFull => Is(FaultKind.WorkerQueueFull),
            FleetRefusalKind.TooLarge or FleetRefusalKind.LoadFailed or FleetRefusalKind.Resting => Is(FaultKind.WorkerLoadFailed),
            FleetRefusalKind.Parked => Is(FaultKind.WorkerParked),
            FleetRefusalKind.Unknown => Is(FaultKind.WorkerLoadFailed),
            FleetRefusalKind.Stopping => Is(FaultKind.ServerStopping),
            _ => throw new ArgumentOutOfRangeException(nameof(refusal), refusal.Kind, "No such refusal."),
        };

        UpstreamFault Cold() => Is(FaultKind.WorkerCold) with
        {
            Cold = new ColdForecast(status?.State ?? ModelState.Cold, refusal.RetryAfter ?? status?.ReadyIn ?? TimeSpan.Zero, status?.Share),
        };
    }
}
