using Fairlead.Domain.Problems;

namespace Fairlead.Domain.Routing;

/// <summary>One failed attempt, classified. Whether to try again, whom to blame and what the caller hears is the fault table's business.</summary>
/// <param name="Kind">The row of the table.</param>
/// <param name="Detail">What the upstream said or did, at most 300 characters, redacted; for the decision record and, where the row says so, the caller.</param>
/// <param name="Status">The upstream's HTTP status; null when there was none.</param>
/// <param name="RetryAfter">The upstream's own waiting hint; null when it gave none we believe.</param>
/// <param name="NothingSent">True when it is certain that no byte of the request body reached the upstream: asking again cannot do the work twice.</param>
/// <param name="AtOnce">With <see cref="FaultKind.ModelGone"/> and <see cref="FaultKind.ModelNotFound"/>: the words leave no doubt, take the offer out now.</param>
/// <param name="Param">The field that the upstream blames; null when it blames none.</param>
/// <param name="Quirk">What to say differently; null when the refusal taught nothing.</param>
public sealed record UpstreamFault(
    FaultKind Kind,
    string Detail,
    int? Status = null,
    TimeSpan? RetryAfter = null,
    bool NothingSent = false,
    bool AtOnce = false,
    string? Param = null,
    QuirkHint? Quirk = null)
{
    /// <summary>With <see cref="FaultKind.Cold"/> and <see cref="FaultKind.WorkerCold"/>: how the load stands; null where nobody tells.</summary>
    public ColdForecast? Cold { get; init; }
}

/// <summary>What a refusal taught us about saying the same thing differently to this provider.</summary>
public enum QuirkHint : byte
{
    /// <summary>It does not know <c>stream_options</c> (F227).</summary>
    NoStreamOptions = 1,

    /// <summary>It wants <c>max_completion_tokens</c> instead of <c>max_tokens</c> (F228).</summary>
    MaxCompletionTokens,

    /// <summary>It wants <c>max_tokens</c> instead of <c>max_completion_tokens</c>.</summary>
    MaxTokens,

    /// <summary>It serves this model without tools (F225).</summary>
    NoTools,
}
