namespace Fairlead.Domain.Inference;

/// <summary>How a request ended: exactly one each, from this closed list; log, metric, ledger and API print the same word.</summary>
public enum EndReason : byte
{
    Ok = 1,
    OkTruncatedByClient,
    ClientGone,
    RejectedAuth,
    RejectedBudget,
    RejectedRate,
    RejectedInput,
    RejectedOverload,
    UpstreamConnect,
    UpstreamTls,
    UpstreamDns,
    UpstreamHeaderStall,
    UpstreamFirstEventStall,
    UpstreamIdleStall,
    UpstreamReset,
    UpstreamTruncated,
    UpstreamMalformed,
    UpstreamStatus,
    UpstreamQuota,
    UpstreamGone,
    Deadline,
    WorkerCrash,
    WorkerLoadFailed,
    Draining,
    Internal,

    /// <summary>The gateway died with the request under way; closed at the next start with its reservation, for reconciliation.</summary>
    Interrupted,
}

/// <summary>The words of <see cref="EndReason"/>.</summary>
public static class EndReasons
{
    private static readonly string[] Words = [.. Enum.GetValues<EndReason>().Select(static reason => ToSnakeCase(reason.ToString()))];

    /// <summary>Every end-reason's word, in the order of the list.</summary>
    public static IReadOnlyList<string> All => Words;

    /// <summary>The word that is printed everywhere, e.g. <c>upstream_header_stall</c>.</summary>
    public static string Word(this EndReason reason) => Words[(int)reason - 1];

    private static string ToSnakeCase(string name) =>
        string.Concat(name.Select(static (c, i) => i > 0 && char.IsUpper(c) ? "_" + char.ToLowerInvariant(c) : char.ToLowerInvariant(c).ToString()));
}
