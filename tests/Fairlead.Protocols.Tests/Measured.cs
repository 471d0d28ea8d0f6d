namespace Fairlead.Protocols.Tests;

/// <summary>Tests that count allocations run alone: a collection that another test brings about counts what is left of this thread's allocation window,
/// up to 8 KiB, as allocated.</summary>
[CollectionDefinition(nameof(Measured), DisableParallelization = true)]
public sealed class Measured;
