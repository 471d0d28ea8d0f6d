using System.Collections.Frozen;
using Fairlead.Domain.Problems;

namespace Fairlead.Domain.Routing;

/// <summary>The promised outcome per fault. docs/faults.md is the same table in prose; a test holds the two against each other.</summary>
public static class FaultTable
{
    /// <summary>Every row, in the order of <see cref="FaultKind"/>.</summary>
    public static IReadOnlyList<FaultRule> All { get; } =
    [
        new(FaultKind.ConnectionRefused, "U-01", SameTarget.OnceIfNothingSent, true, BreakerScope.Provider, ProblemKind.UpstreamConnect),
        new(FaultKind.ConnectTimeout, "U-02", SameTarget.Never, true, BreakerScope.Provider, ProblemKind.UpstreamConnectStall),
        new(FaultKind.Dns, "U-03", SameTarget.Never, true, BreakerScope.Provider, ProblemKind.UpstreamDns),
        new(FaultKind.Tls, "U-04", SameTarget.Never, true, BreakerScope.Provider, ProblemKind.UpstreamTls),
        new(FaultKind.ResetBeforeAnswer, "U-05", SameTarget.OnceIfNothingSent, true, BreakerScope.Provider, ProblemKind.UpstreamReset),
        new(FaultKind.ClosedBeforeAnswer, "U-06", SameTarget.OnceIfNothingSent, true, BreakerScope.Provider, ProblemKind.UpstreamReset),
        new(FaultKind.HeaderStall, "U-07", SameTarget.Never, true, BreakerScope.Provider, ProblemKind.UpstreamHeaderStall),
        new(FaultKind.FirstEventStall, "U-08", SameTarget.Never, true, BreakerScope.Offer, ProblemKind.UpstreamFirstEventStall),
        new(FaultKind.RateLimited, "U-09", SameTarget.AfterHint, true, BreakerScope.Credential, ProblemKind.UpstreamRateLimited),
        new(FaultKind.CredentialRefused, "U-11", SameTarget.Never, true, BreakerScope.Credential, ProblemKind.UpstreamCredential),
        new(FaultKind.QuotaExhausted, "U-12", SameTarget.Never, true, BreakerScope.Credential, ProblemKind.UpstreamQuota),
        new(FaultKind.PermissionDenied, "U-11", SameTarget.Never, true, BreakerScope.Offer, ProblemKind.UpstreamPermission),
        new(FaultKind.InvalidRequest, "U-13", SameTarget.Never, false, BreakerScope.None, ProblemKind.UpstreamRefusedRequest),
        new(FaultKind.ContextTooLong, "U-13", SameTarget.Never, true, BreakerScope.None, ProblemKind.ContextTooLong),
        new(FaultKind.ContentFiltered, "U-13", SameTarget.Never, false, BreakerScope.None, ProblemKind.ContentFiltered),
        new(FaultKind.ModelNotFound, "U-14", SameTarget.Never, true, BreakerScope.Offer, ProblemKind.UpstreamModelNotFound),
        new(FaultKind.ModelGone, "U-14", SameTarget.Never, true, BreakerScope.Offer, ProblemKind.UpstreamGone),
        new(FaultKind.RouteNotFound, "U-14", SameTarget.Never, true, BreakerScope.Offer, ProblemKind.UpstreamStatus),
        new(FaultKind.Conflict, "U-15", SameTarget.OnceAfterBackoff, true, BreakerScope.None, ProblemKind.UpstreamConflict),
        new(FaultKind.ServerError, "U-16", SameTarget.Never, true, BreakerScope.Provider, ProblemKind.UpstreamStatus),
        new(FaultKind.Overloaded, "U-17", SameTarget.OnceAfterBackoff, true, BreakerScope.Provider, ProblemKind.UpstreamOverloaded),
        new(FaultKind.Cold, "U-17", SameTarget.AfterHint, true, BreakerScope.None, ProblemKind.ColdStarting),
        new(FaultKind.Malformed, "U-18", SameTarget.Never, true, BreakerScope.Offer, ProblemKind.UpstreamMalformed),
        new(FaultKind.Redirected, "U-27", SameTarget.Never, true, BreakerScope.Provider, ProblemKind.UpstreamRedirected),
        new(FaultKind.InterimFlood, "U-28", SameTarget.Never, true, BreakerScope.Provider, ProblemKind.UpstreamMalformed),
        new(FaultKind.HeadersTooLarge, "U-29", SameTarget.Never, true, BreakerScope.Provider, ProblemKind.UpstreamMalformed),
        new(FaultKind.BodyTooLarge, "U-30", SameTarget.Never, true, BreakerScope.Provider, ProblemKind.UpstreamMalformed),
        new(FaultKind.StreamRefused, "U-31", SameTarget.OnceIfNothingSent, true, BreakerScope.None, ProblemKind.UpstreamReset),
        new(FaultKind.Truncated, "U-20", SameTarget.Never, true, BreakerScope.Offer, ProblemKind.UpstreamTruncated),
        new(FaultKind.ErrorInStream, "U-21", SameTarget.Never, true, BreakerScope.Offer, ProblemKind.UpstreamStatus),
        new(FaultKind.IdleStall, "U-22", SameTarget.Never, true, BreakerScope.Offer, ProblemKind.UpstreamIdleStall),
        new(FaultKind.EventTooLarge, "U-25", SameTarget.Never, true, BreakerScope.Offer, ProblemKind.UpstreamMalformed),
        new(FaultKind.Deadline, "–", SameTarget.Never, false, BreakerScope.None, ProblemKind.Deadline),
        new(FaultKind.CallerGone, "K-02", SameTarget.Never, false, BreakerScope.None, ProblemKind.Internal),
        new(FaultKind.ServerStopping, "S-01", SameTarget.Never, false, BreakerScope.None, ProblemKind.Draining),
        // When a model of our own may be tried again is known to who runs it; a circuit beside that would only know less.
        new(FaultKind.WorkerLoadFailed, "W-02", SameTarget.Never, true, BreakerScope.None, ProblemKind.WorkerLoadFailed),
        new(FaultKind.WorkerCrash, "W-08", SameTarget.OnceAfterBackoff, true, BreakerScope.None, ProblemKind.WorkerCrash),
        new(FaultKind.WorkerCold, "W-01", SameTarget.Never, true, BreakerScope.None, ProblemKind.ColdStarting),
        new(FaultKind.WorkerQueueFull, "W-01", SameTarget.Never, true, BreakerScope.None, ProblemKind.Overloaded),
        new(FaultKind.WorkerParked, "W-08", SameTarget.Never, true, BreakerScope.None, ProblemKind.WorkerParked),
    ];

    private static readonly FrozenDictionary<FaultKind, FaultRule> ByKind = All.ToFrozenDictionary(static rule => rule.Kind);

    /// <summary>The row of a fault; there is one for each.</summary>
    public static FaultRule For(FaultKind kind) => ByKind[kind];
}
