namespace Fairlead.Configuration;

/// <summary>Checks the program and the arguments of an engine that is not ours, before anything is started.</summary>
internal static class EngineProgram
{
    /// <summary>What is filled into an argument.</summary>
    public static IReadOnlyList<string> Placeholders { get; } = ["source", "name", "port", "socket", "context", "slots", "threads"];

    /// <summary>What speaks against a program, as the end of a sentence that begins with its name; null when it is there and may be run.</summary>
    public static string? Fault(string program, string? searchPath)
    {
        if (!program.Contains('/', StringComparison.Ordinal))
        {
            return (searchPath ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Any(folder => CanRun(Path.Combine(folder, program)))
                ? null
                : "is in no folder of PATH. Install it, or write its absolute path in command.";
        }
        if (!Path.IsPathRooted(program))
            return "is a relative path. Write an absolute one, or the name of a program on PATH.";
        return CanRun(program) ? null : File.Exists(program) ? "may not be run by this user. Fix: chmod +x, or check its owner." : "does not exist. Check the path.";
    }

    /// <summary>The words in braces that nothing is known to fill in. Braces around anything but one word, as in JSON, are text.</summary>
    public static IEnumerable<string> Unknown(IEnumerable<string> arguments)
    {
        foreach (string piece in arguments.SelectMany(static a => a.Split('{').Skip(1)))
        {
            if (piece.IndexOf('}', StringComparison.Ordinal) is > 0 and int end && piece[..end] is var word && word.All(static c => char.IsAsciiLetter(c) || c == '_') && !Placeholders.Contains(word))
                yield return word;
        }
    }

    public static bool Uses(IEnumerable<string> arguments, string placeholder) => arguments.Any(a => a.Contains($"{{{placeholder}}}", StringComparison.Ordinal));

    private static bool CanRun(string file)
    {
        const UnixFileMode Runs = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        return File.Exists(file) && (File.GetUnixFileMode(file) & Runs) != 0;
    }
}
