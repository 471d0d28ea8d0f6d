using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Fairlead.Fleet.Isolation;

/// <summary>The part of the control group hierarchy that is ours: below it each worker gets a group of its own.</summary>
/// <remarks>
/// Only where somebody has given it to us (cgroup v2, "Delegation"): a systemd unit with <c>Delegate=yes</c>, or a container whose groups may be written. A group
/// that holds processes cannot hand its controllers on ("no internal processes"), so this process first moves into a leaf of its own, and where others live in
/// our group, they are not ours to move: then there are no groups, and workers are bounded by rlimits.
/// </remarks>
internal sealed class ControlGroups
{
    /// <summary>Of this process.</summary>
    public const string Leaf = "fairlead-gateway";

    private const string WorkerMark = "fairlead-worker-";

    private readonly string _folder;
    private readonly Action<string> _remove;
    private int _made;

    private ControlGroups(string folder, Action<string> remove)
    {
        _folder = folder;
        _remove = remove;
    }

    /// <summary>Ours, where there is one; looked for once.</summary>
    public static (ControlGroups? Groups, string Why) OfThisProcess => s_ours.Value;

    private static readonly Lazy<(ControlGroups? Groups, string Why)> s_ours = new(static () =>
        OperatingSystem.IsLinux() ? Open("/proc/self", Environment.ProcessId, Libc.EffectiveUser(), IsDelegated, Directory.Delete) : (null, "control groups are Linux's"));

    /// <summary>Finds the group of a process and makes it ready.</summary>
    /// <param name="process">Its folder in /proc.</param>
    /// <param name="id">Its id.</param>
    /// <param name="user">The user it runs as.</param>
    /// <param name="delegated">Whether a group of the superuser's was given away to us.</param>
    /// <param name="remove">rmdir(2).</param>
    /// <returns>Null, and why not: a sentence for the documentation and the log.</returns>
    public static (ControlGroups? Groups, string Why) Open(string process, int id, uint user, Func<string, uint, bool> delegated, Action<string> remove)
    {
        try
        {
            if (!TryFind(process, out string? folder, out string? why))
                return (null, why);
            if (!File.ReadAllText(Path.Combine(folder, "cgroup.controllers")).Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Contains("memory"))
                return (null, "the memory controller is not in our cgroup v2 hierarchy");
            if (!delegated(folder, user))
                return (null, "our control group was not given to us (systemd: Delegate=yes)");
            string[] others = [.. File.ReadAllLines(Path.Combine(folder, "cgroup.procs")).Where(line => line.Length > 0 && line != id.ToString(CultureInfo.InvariantCulture))];
            if (others.Length > 0)
                return (null, $"{others.Length} other processes live in our control group, and are not ours to move");
            string leaf = Path.Combine(folder, Leaf);
            Directory.CreateDirectory(leaf);
            File.WriteAllText(Path.Combine(leaf, "cgroup.procs"), id.ToString(CultureInfo.InvariantCulture));
            File.WriteAllText(Path.Combine(folder, "cgroup.subtree_control"), "+memory +pids");
            foreach (string left in Directory.EnumerateDirectories(folder, WorkerMark + "*"))
                remove(left); // of a gateway that was killed; its workers died with it
            return (new ControlGroups(folder, remove), "");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (null, e.Message); // read-only, as most containers have it
        }
    }

    /// <summary>A group for one more worker.</summary>
    /// <exception cref="IOException">There can be none.</exception>
    /// <exception cref="UnauthorizedAccessException">There may be none.</exception>
    public ControlGroup Make()
    {
        string folder = Path.Combine(_folder, WorkerMark + Interlocked.Increment(ref _made).ToString(CultureInfo.InvariantCulture));
        Directory.CreateDirectory(folder);
        var group = new ControlGroup(folder, _remove);
        group.Prepare();
        return group;
    }

    // cgroups(7): "0::/path" is the group in the v2 hierarchy; proc_pid_mountinfo(5): "… root mountpoint options … - type source superoptions".
    private static bool TryFind(string process, [NotNullWhen(true)] out string? folder, [NotNullWhen(false)] out string? why)
    {
        folder = null;
        why = "there is no cgroup v2 hierarchy";
        string? path = File.ReadLines(Path.Combine(process, "cgroup")).FirstOrDefault(static line => line.StartsWith("0::/", StringComparison.Ordinal))?[3..];
        if (path is null)
            return false;
        foreach (string line in File.ReadLines(Path.Combine(process, "mountinfo")))
        {
            string[] halves = line.Split(" - ", 2);
            string[] fields = halves[0].Split(' ');
            if (halves.Length < 2 || fields.Length < 5 || !halves[1].StartsWith("cgroup2 ", StringComparison.Ordinal))
                continue;
            string root = fields[3] == "/" ? "" : fields[3];
            if (!path.StartsWith(root, StringComparison.Ordinal))
                continue;
            folder = Path.Join(fields[4], path[root.Length..]).TrimEnd('/');
            why = null;
            return true;
        }
        return false;
    }

    /// <summary>Whether a group was given away: to its user by letting them write to it, to the superuser by a mark (systemd.resource-control(5), Delegate=), or to
    /// a container by making it the root of what that sees. The real root is nobody's: it alone has no type.</summary>
    private static bool IsDelegated(string folder, uint user)
    {
        if (user != 0)
            return Libc.MayWrite(folder) && Libc.MayWrite(Path.Combine(folder, "cgroup.procs")) && Libc.MayWrite(Path.Combine(folder, "cgroup.subtree_control"));
        byte mark = 0;
        foreach (string name in new[] { "trusted.delegate", "user.delegate" })
        {
            if (Libc.GetAttribute(folder, name, ref mark, 1) == 1 && mark == '1')
                return true;
        }
        return File.ReadLines("/proc/self/cgroup").Contains("0::/") && File.Exists(Path.Combine(folder, "cgroup.type"));
    }
}
