namespace Fairlead.Fleet.Workers;

/// <summary>Where a program lies, as a shell would find it.</summary>
internal static class ProgramPath
{
    private const UnixFileMode AnyExecute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>The absolute path of a program.</summary>
    /// <exception cref="WorkerFailedException">There is none of that name.</exception>
    public static string Find(string program)
    {
        if (program.Contains('/', StringComparison.Ordinal))
            return IsProgram(program) ? Path.GetFullPath(program) : throw new WorkerFailedException($"the worker could not be started: there is no program {program}");
        return (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Select(folder => Path.Combine(folder, program)).FirstOrDefault(IsProgram)
            ?? throw new WorkerFailedException($"the worker could not be started: there is no program {program} in the folders of PATH");
    }

    private static bool IsProgram(string path) => File.Exists(path) && (File.GetUnixFileMode(path) & AnyExecute) != 0;
}
