namespace Fairlead.Domain.Routing;

/// <summary>One failed attempt, classified. Whether to try again, whom to blame and what the caller hears is the fault table's business.</summary>
/// <param name="Kind">The row of the table.</param>
/// <param name="Detail">What the upstream said or did, at most 300 characters, redacted; for the decision record and, where the row says so, the caller.</param>
/// <param name="Status">The upstream's HTTP status; null when there was none.</param>
/// <param name="RetryAfter">The upstream's own waiting hint; null when it gave none we believe.</param>
/// <param name="NothingSent">True when it is certain that no byte of the request body reached the upstream: asking again cannot do the work twice.</param>
/// <param name="AtOnce">With <see cref="FaultKind.ModelGone"/> and <see cref="FaultKind.ModelNotFound"/>: the words leave no doubt, take the offer out now.</param>
public sealed record UpstreamFault(
    FaultKind Kind,
    string Detail,
    int? Status = null,
    TimeSpan? RetryAfter = null,
    bool NothingSent = false,
    bool AtOnce = false);
