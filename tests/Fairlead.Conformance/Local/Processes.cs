using System.Diagnostics;
using System.Globalization;

namespace Fairlead.Conformance.Local;

/// <summary>Other processes as Linux shows them.</summary>
internal static class Processes
{
    /// <summary>Living children of a process, whichever of its threads started them.</summary>
    public static IReadOnlyList<int> ChildrenOf(int parent) => [.. All().Where(id => Stat(id) is { } stat && stat.Parent == parent && stat.State != 'Z')];

    /// <summary>True while it runs, or is stopped; false when it is gone or only waits to be buried.</summary>
    public static bool Lives(int id) => Stat(id) is { State: not 'Z' };

    /// <summary>Its arguments with blanks between them; empty when it is gone.</summary>
    public static string CommandLine(int id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/cmdline").Replace('\0', ' ');
        }
        catch (IOException)
        {
            return "";
        }
    }

    /// <summary>Sends a signal by its short name, such as <c>KILL</c>; a process that is gone already does not mind.</summary>
    public static void Signal(int id, string name)
    {
        using Process kill = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", $"kill -{name} {id} 2>/dev/null"]) { UseShellExecute = false })!;
        kill.WaitForExit();
    }

    /// <summary>Every process whose command line mentions a text, such as the path of a folder that no other test has.</summary>
    public static IReadOnlyList<int> Mentioning(string text) => [.. All().Where(id => id != Environment.ProcessId && Lives(id) && CommandLine(id).Contains(text, StringComparison.Ordinal))];

    private static IEnumerable<int> All() => Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(static name => char.IsAsciiDigit(name![0])).Select(static name => int.Parse(name!, CultureInfo.InvariantCulture));

    private static (char State, int Parent)? Stat(int id)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{id}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (fields[0][0], int.Parse(fields[1], CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            return null;
        }
    }
}
