namespace Fairlead.Storage.Ledger;

/// <summary>How shipping goes, for <c>/health</c> and metrics.</summary>
/// <param name="Shipped">Closed requests that this process has moved to the store.</param>
/// <param name="LastShippedAt">When the last batch was committed; null before the first.</param>
/// <param name="Error">Why the last try failed; null when it did not.</param>
/// <param name="FailingSince">Since when every try has failed; null while it works.</param>
public sealed record ShipperHealth(long Shipped, DateTimeOffset? LastShippedAt, string? Error, DateTimeOffset? FailingSince);
