using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Fairlead.Fleet.Isolation;

/// <summary>A process and all that came of it: its descendants, and whoever else is in the process group that it leads.</summary>
/// <remarks>Linux reads /proc. Elsewhere only the process itself is weighed, and the framework finds the descendants that are to be killed.</remarks>
internal static class ProcessTree
{
    private static readonly long PageSize = Environment.SystemPageSize;

    /// <summary>Bytes of memory that all of them occupy; pages that two of them share count twice. Null when there is none of them any more.</summary>
    public static long? ResidentBytes(int root)
    {
        if (!OperatingSystem.IsLinux())
            return ResidentBytesOfOne(root);
        long pages = 0;
        foreach (int process in Members(root))
            pages += ResidentPages(process);
        return pages == 0 ? null : pages * PageSize;
    }

    /// <summary>Ends all of them at once.</summary>
    public static void Kill(int root)
    {
        if (!OperatingSystem.IsLinux())
        {
            KillByFramework(root);
            return;
        }
        // One that is just being forked is in no listing yet, but in the group: hence the group first, and the listing before it for those who left it.
        List<int> members = Members(root);
        KillGroup(root);
        foreach (int process in members)
            _ = Libc.Kill(process, Libc.SIGKILL); // gone already is as good
    }

    /// <summary>Ends whoever is left in the group that a process led; for after its end. The number is nobody else's as long as one of the group lives.</summary>
    public static void KillGroup(int root) => _ = Libc.Kill(-root, Libc.SIGKILL); // none left, or never a group of its own, is as good

    /// <summary>Whether anybody is left in the group that a process led, the dead that nobody has waited for not counted.</summary>
    public static bool IsAnyLeft(int root) =>
        Libc.Kill(-root, 0) == 0 && (!OperatingSystem.IsLinux() || Members(root).Exists(static process => Kin(process) is { Dead: false }));

    /// <summary>The process ids of all of them, the root first where it lives.</summary>
    public static List<int> Members(int root)
    {
        Dictionary<int, (int Parent, int Group)> all = [];
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out int id) && Kin(id) is { } kin)
                all[id] = (kin.Parent, kin.Group);
        }
        List<int> members = [];
        foreach ((int id, (_, int group)) in all)
        {
            if (id == root || group == root || Descends(id))
                members.Add(id);
        }
        members.Sort((a, b) => (a != root).CompareTo(b != root));
        return members;

        bool Descends(int id)
        {
            // The listing is no snapshot: ids may have moved on while it was read, so the way up is bounded.
            for (int steps = 0; steps < 64 && all.TryGetValue(id, out (int Parent, int Group) kin) && kin.Parent > 1; steps++)
            {
                if (kin.Parent == root)
                    return true;
                id = kin.Parent;
            }
            return false;
        }
    }

    /// <summary>The process group that a process is in; null when it has ended.</summary>
    public static int? GroupOf(int process) => Kin(process)?.Group;

    // proc_pid_stat(5): "id (name) state parent group …"; the name may hold anything, so what counts is behind its last parenthesis.
    private static (int Parent, int Group, bool Dead)? Kin(int process)
    {
        if (Read($"/proc/{process}/stat") is not { } text)
            return null;
        string[] fields = text[(text.LastIndexOf(')') + 2)..].Split(' ', 4);
        return (int.Parse(fields[1], CultureInfo.InvariantCulture), int.Parse(fields[2], CultureInfo.InvariantCulture), fields[0] is "Z" or "X");
    }

    private static long ResidentPages(int process) =>
        Read($"/proc/{process}/statm") is { } text ? long.Parse(text.Split(' ', 3)[1], CultureInfo.InvariantCulture) : 0;

    private static string? Read(string path)
    {
        try
        {
            string text = File.ReadAllText(path);
            return text.Length == 0 ? null : text;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // it has ended while we looked (ENOENT, ESRCH), or is none of ours
        }
    }

    private static long? ResidentBytesOfOne(int process)
    {
        try
        {
            using var one = Process.GetProcessById(process);
            return one.WorkingSet64;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return null; // it has ended
        }
    }

    private static void KillByFramework(int root)
    {
        try
        {
            using var one = Process.GetProcessById(root);
            one.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or Win32Exception or AggregateException)
        {
            KillGroup(root); // it, or one of its own, ended while it was looked for
        }
    }
}
