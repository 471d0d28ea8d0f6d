namespace Fairlead.Storage.Journal;

/// <summary>What was found when the journal was opened.</summary>
/// <param name="Records">Whole records in all segments.</param>
/// <param name="TornBytes">Bytes cut off the end of the last segment: a write that the last process did not finish.</param>
/// <param name="Damages">Damaged places that were put into quarantine; an operator has to look at them.</param>
public sealed record JournalOpening(long Records, long TornBytes, IReadOnlyList<JournalDamage> Damages);

/// <summary>A damaged place in the middle of the journal.</summary>
/// <param name="Segment">File name of the segment.</param>
/// <param name="Offset">Where the damage begins, in bytes.</param>
/// <param name="Length">How many bytes were taken out of use.</param>
/// <param name="Quarantine">Path of the copy of those bytes.</param>
public sealed record JournalDamage(string Segment, long Offset, long Length, string Quarantine);
