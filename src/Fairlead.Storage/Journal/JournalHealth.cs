namespace Fairlead.Storage.Journal;

/// <summary>How the journal is, for <c>/health</c> and metrics.</summary>
/// <param name="UnshippedBytes">Bytes the store has not taken yet.</param>
/// <param name="UnshippedCloses">Closed requests the store has not taken yet.</param>
/// <param name="WaitingSince">Since when bytes have been waiting for the store without a break or a batch taken; null when none wait.</param>
/// <param name="LastError">Why the last write or fsync failed; null once one has succeeded.</param>
/// <param name="Full">True when <see cref="JournalOptions.MaxUnshippedBytes"/> is reached: reservations are refused.</param>
/// <param name="Segments">Files on disk.</param>
public sealed record JournalHealth(
    long UnshippedBytes, int UnshippedCloses, DateTimeOffset? WaitingSince, string? LastError, bool Full, int Segments)
{
    /// <summary>True when the next reservation can be expected to succeed.</summary>
    public bool Available => LastError is null && !Full;
}
