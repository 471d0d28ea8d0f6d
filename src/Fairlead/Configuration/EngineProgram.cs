namespace Fairlead.Configuration;

/// <summary>Looks for the program of an engine that is not ours before anything is started.</summary>
internal static class EngineProgram
{
    /// <summary>What speaks against it, as the end of a sentence that begins with its name, with what to do; null when it is there and may be run.</summary>
    /// <param name="program">An absolute path, or a name.</param>
    /// <param name="searchPath">Folders in which names are looked for, as PATH has them.</param>
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

    private static bool CanRun(string file)
    {
        const UnixFileMode Runs = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        return File.Exists(file) && (File.GetUnixFileMode(file) & Runs) != 0;
    }
}
