namespace Fairlead.Fleet.Tests;

/// <summary>Tests that measure this process, and so have it to themselves: they run after all others, one by one.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
