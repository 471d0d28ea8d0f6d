using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Fairlead.Verbs;

/// <summary>Help that begins with what most people came for: a line to copy.</summary>
internal sealed class ExamplesFirstHelp : SynchronousCommandLineAction
{
    public override int Invoke(ParseResult parseResult)
    {
        Write(parseResult.CommandResult.Command, parseResult.InvocationConfiguration.Output);
        return ExitCodes.Ok;
    }

    public static void Write(Command command, TextWriter output)
    {
        output.WriteLine(command.Description);
        IReadOnlyList<string> examples = command is Verb verb ? verb.Examples : CommandTree.Examples;
        output.WriteLine("\nExamples:");
        foreach (string example in examples)
            output.WriteLine("  " + example);
        string arguments = string.Concat(command.Arguments.Select(static a => a.Arity.MinimumNumberOfValues == 0 ? $" [{a.Name.ToUpperInvariant()}]" : $" {a.Name.ToUpperInvariant()}"));
        output.WriteLine($"\nUsage:\n  {PathOf(command)}{(command.Subcommands.Count == 0 ? "" : command.Action is null ? " VERB" : " [VERB]")}{arguments} [OPTIONS]");
        Section(output, "Verbs", command.Subcommands.Where(static c => !c.Hidden).Select(static c => (c.Name, c.Description)));
        Section(output, "Arguments", command.Arguments.Select(static a => (a.Name.ToUpperInvariant(), a.Description)));
        Section(output, "Options", command.Options.Where(static o => !o.Recursive).Select(Row));
        Section(output, "Options of every verb", CommonOptions.All.Select(Row));
    }

    /// <summary>As a person types it, from <c>fairlead</c> on.</summary>
    public static string PathOf(Symbol command) =>
        command.Parents.FirstOrDefault() is { } parent ? $"{PathOf(parent)} {command.Name}" : "fairlead";

    private static (string Name, string? Description) Row(Option option)
    {
        string names = string.Join(", ", option.Aliases.Where(static a => a != "/?" && a != "/h").Append(option.Name).OrderBy(static n => n.Length).ThenBy(static n => n, StringComparer.Ordinal));
        string value = option is HelpOption or VersionOption || option.ValueType == typeof(bool) ? "" : " " + option.Name.TrimStart('-').ToUpperInvariant();
        return (names + value, option.Description);
    }

    private static void Section(TextWriter output, string title, IEnumerable<(string Name, string? Description)> rows)
    {
        List<(string Name, string? Description)> all = [.. rows];
        if (all.Count == 0)
            return;
        output.WriteLine($"\n{title}:");
        int width = all.Max(static r => r.Name.Length);
        foreach ((string name, string? description) in all)
            output.WriteLine($"  {name.PadRight(width)}  {description}".TrimEnd());
    }
}
