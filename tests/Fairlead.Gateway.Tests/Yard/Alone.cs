namespace Fairlead.Gateway.Tests.Yard;

/// <summary>For tests that look at the whole process: they run when no others do.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
