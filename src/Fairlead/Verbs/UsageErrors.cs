using System.CommandLine;
using System.CommandLine.Parsing;
using Fairlead.Domain.Naming;

namespace Fairlead.Verbs;

/// <summary>Says what is wrong with a command line: what was not understood, what was probably meant, and where to look.</summary>
internal static class UsageErrors
{
    public static void Write(ParseResult parsed, TextWriter errors)
    {
        Command command = parsed.CommandResult.Command;
        string path = ExamplesFirstHelp.PathOf(command);
        IReadOnlyList<string> strange = parsed.UnmatchedTokens;
        if (strange.Count > 0)
        {
            errors.WriteLine(Strange(command, path, strange[0]));
        }
        else if (command.Action is null && command.Subcommands.Count > 0)
        {
            errors.WriteLine($"'{path}' needs a verb: {string.Join(", ", command.Subcommands.Where(static c => !c.Hidden).Select(static c => c.Name))}.");
        }
        else
        {
            foreach (ParseError error in parsed.Errors)
                errors.WriteLine(Words(error));
        }
        errors.WriteLine($"See '{path} --help'.");
    }

    private static string Strange(Command command, string path, string token)
    {
        if (token.StartsWith('-'))
        {
            IEnumerable<string> known = command.Options.Concat(CommonOptions.All).Select(static o => o.Name);
            return $"'{path}' has no option '{Terminal.Safe(token)}'.{Meant(known, token)}";
        }
        return command.Subcommands.Count > 0
            ? $"'{path}' has no verb '{Terminal.Safe(token)}'.{Meant(command.Subcommands.Where(static c => !c.Hidden).Select(static c => c.Name), token)}"
            : $"'{path}' does not take '{Terminal.Safe(token)}'.";
    }

    private static string Meant(IEnumerable<string> known, string token) =>
        Nearness.Nearest(known, token) is { } nearest ? $" Did you mean '{nearest}'?" : "";

    private static string Words(ParseError error) => error.SymbolResult is OptionResult { Option: var option, Tokens: [{ Value: var value }] } && Number(option.ValueType) && !long.TryParse(value, out _)
        ? $"{option.Name} is '{Terminal.Safe(value)}'; a whole number is expected."
        : Terminal.Safe(error.Message);

    private static bool Number(Type type) => (Nullable.GetUnderlyingType(type) ?? type) is { } plain && (plain == typeof(int) || plain == typeof(long));
}
