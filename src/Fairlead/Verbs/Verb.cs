using System.CommandLine;

namespace Fairlead.Verbs;

/// <summary>A command with the examples that its help begins with; a test runs every one of them through the parser.</summary>
internal sealed class Verb(string name, string description, params IReadOnlyList<string> examples) : Command(name, description)
{
    /// <summary>Whole command lines, <c>fairlead</c> included.</summary>
    public IReadOnlyList<string> Examples => examples;
}
