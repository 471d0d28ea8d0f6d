namespace Fairlead.Configuration;

/// <summary>One thing that is wrong with a configuration.</summary>
/// <param name="Source">File, <c>environment</c> or <c>command line</c>.</param>
/// <param name="Line">From 1; 0 where there are no lines.</param>
/// <param name="Message">What stands there, what is expected, and the fix.</param>
internal sealed record ConfigurationError(string Source, int Line, string Message)
{
    public override string ToString() => Line > 0 ? $"{Source} line {Line}: {Message}" : $"{Source}: {Message}";
}
