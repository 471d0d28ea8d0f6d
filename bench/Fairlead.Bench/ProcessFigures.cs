using System.Globalization;

namespace Fairlead.Bench;

/// <summary>What Linux says of a process, and of those that it started.</summary>
internal static class ProcessFigures
{
    /// <summary>The process and all that came of it, itself first; those that end meanwhile are left out.</summary>
    public static IEnumerable<int> Tree(int root)
    {
        var pending = new Queue<int>([root]);
        while (pending.TryDequeue(out int id))
        {
            yield return id;
            foreach (int child in Children(id))
                pending.Enqueue(child);
        }
    }

    /// <summary>Its living children, whichever of its threads started them.</summary>
    public static IReadOnlyList<int> Children(int id)
    {
        var children = new List<int>();
        Read(id, () =>
        {
            foreach (string task in Directory.EnumerateDirectories($"/proc/{id}/task"))
            {
                if (File.Exists($"{task}/children"))
                    children.AddRange(File.ReadAllText($"{task}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static child => int.Parse(child, CultureInfo.InvariantCulture)));
            }
            return 0;
        });
        return [.. children.Where(static child => Stat(child) is [not "Z", ..])];
    }

    public static bool Lives(int id) => Stat(id) is [not "Z", ..];

    /// <summary>Its arguments with blanks between them.</summary>
    public static string CommandLine(int id) => Read(id, () => File.ReadAllText($"/proc/{id}/cmdline").Replace('\0', ' ')) ?? "";

    /// <summary>Processor time so far, in microseconds.</summary>
    public static double CpuMicroseconds(int id) =>
        Stat(id) is { } fields ? (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) * 10_000 : 0; // 100 ticks a second

    public static long ResidentBytes(int id) =>
        Read(id, () => File.ReadAllText($"/proc/{id}/statm")) is { } statm ? long.Parse(statm.Split(' ')[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize : 0;

    public static int Threads(int id) => Read(id, () => Directory.GetDirectories($"/proc/{id}/task"))?.Length ?? 0;

    /// <summary>Open handles, and how many of them are sockets.</summary>
    public static (int All, int Sockets) Handles(int id)
    {
        int all = 0, sockets = 0;
        foreach (string handle in Read(id, () => Directory.GetFileSystemEntries($"/proc/{id}/fd")) ?? [])
        {
            all++;
            if (Read(id, () => new FileInfo(handle).LinkTarget)?.StartsWith("socket:", StringComparison.Ordinal) == true)
                sockets++;
        }
        return (all, sockets);
    }

    /// <summary>The fields of <c>stat</c> after the name; null when it is gone.</summary>
    private static string[]? Stat(int id) => Read(id, () => File.ReadAllText($"/proc/{id}/stat")) is { } stat ? stat[(stat.LastIndexOf(')') + 2)..].Split(' ') : null;

    private static T? Read<T>(int id, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (IOException)
        {
            return default; // gone between two looks, as processes and handles may be
        }
        catch (UnauthorizedAccessException e)
        {
            throw new InvalidOperationException($"the figures of process {id} are not ours to see: run this as its owner", e);
        }
    }
}
