namespace Fairlead.Fleet;

/// <summary>What came of stopping a model.</summary>
/// <param name="Freed">Bytes that its process occupied; 0 when it had none.</param>
/// <param name="BrokenOff">Requests that it was answering when it was ended by force.</param>
public readonly record struct StopOutcome(long Freed, int BrokenOff);
