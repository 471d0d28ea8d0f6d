using System.Collections.Immutable;
using System.Globalization;

namespace Fairlead.Fleet;

/// <summary>Memory of the machine, or of the control group that this process is in where that has less.</summary>
/// <remarks>Linux: <c>/proc/meminfo</c> and the groups of either hierarchy up to their root, since every one of them bounds those inside it. Elsewhere the
/// runtime's own reading. Nothing here throws: what cannot be read bounds nothing.</remarks>
public static class MachineMemory
{
    private const string Meminfo = "/proc/meminfo";

    private static readonly ImmutableArray<MemoryGroup> s_groups = MemoryGroup.OfThisProcess();

    /// <summary>Bytes that there are.</summary>
    public static long Total
    {
        get
        {
            long total = Line(ReadOrEmpty(Meminfo), "MemTotal:") * 1024 ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
            foreach (MemoryGroup group in s_groups)
                total = Math.Min(total, group.Limit ?? total);
            return total;
        }
    }

    /// <summary>Bytes that a new process could be given right now: free ones, and those of files that the system only keeps at hand.</summary>
    public static long Available
    {
        get
        {
            long available = Line(ReadOrEmpty(Meminfo), "MemAvailable:") * 1024 ?? LeftByTheRuntime();
            foreach (MemoryGroup group in s_groups)
                available = Math.Min(available, group.Left ?? available);
            return Math.Max(0, available);
        }
    }

    internal static string ReadOrEmpty(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ""; // another system, or a group that is gone: it bounds nothing
        }
    }

    /// <summary>The number behind a word at the beginning of a line; null where no line begins so.</summary>
    internal static long? Line(string text, string word)
    {
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            if (!line.StartsWith(word, StringComparison.Ordinal))
                continue;
            ReadOnlySpan<char> rest = line[word.Length..].Trim();
            int end = rest.IndexOf(' ');
            return long.TryParse(end < 0 ? rest : rest[..end], NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;
        }
        return null;
    }

    private static long LeftByTheRuntime()
    {
        GCMemoryInfo memory = GC.GetGCMemoryInfo();
        return memory.TotalAvailableMemoryBytes - memory.MemoryLoadBytes;
    }
}

/// <summary>A control group that bounds memory.</summary>
/// <param name="Folder">Where the system shows it.</param>
/// <param name="Unified">True for the one hierarchy of version 2, false for that of memory alone of version 1: the same figures under other names.</param>
internal readonly record struct MemoryGroup(string Folder, bool Unified)
{
    /// <summary>Version 1 writes a number near 2⁶³ for "no limit"; no machine has an eighth of that.</summary>
    private const long NoLimit = 1L << 60;

    /// <summary>Bytes that it may have; null: as many as the group around it.</summary>
    public long? Limit
    {
        get
        {
            string text = MachineMemory.ReadOrEmpty(Path.Combine(Folder, Unified ? "memory.max" : "memory.limit_in_bytes"));
            return long.TryParse(text.AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long limit) && limit < NoLimit ? limit : null; // "max" is no number
        }
    }

    /// <summary>Bytes that it may still have; pages of files that were not used lately are given back for the asking.</summary>
    public long? Left
    {
        get
        {
            if (Limit is not { } limit
                || MachineMemory.Line(MachineMemory.ReadOrEmpty(Path.Combine(Folder, Unified ? "memory.current" : "memory.usage_in_bytes")), "") is not { } used)
            {
                return null;
            }
            long kept = MachineMemory.Line(MachineMemory.ReadOrEmpty(Path.Combine(Folder, "memory.stat")), Unified ? "inactive_file " : "total_inactive_file ") ?? 0;
            return limit - used + kept;
        }
    }

    /// <summary>The groups that this process is in, the innermost first. Inside a container only those are seen that its file system shows.</summary>
    public static ImmutableArray<MemoryGroup> OfThisProcess() => Of(MachineMemory.ReadOrEmpty("/proc/self/cgroup"), "/sys/fs/cgroup");

    /// <summary>The same, from the text of <c>/proc/self/cgroup</c> and the folder where groups are shown.</summary>
    public static ImmutableArray<MemoryGroup> Of(string membership, string root)
    {
        ImmutableArray<MemoryGroup>.Builder groups = ImmutableArray.CreateBuilder<MemoryGroup>();
        foreach (string line in membership.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = line.Split(':', 3); // number:controllers:path; version 2 is number 0 without controllers
            if (parts.Length < 3)
                continue;
            bool unified = parts[0] == "0" && parts[1].Length == 0;
            if (!unified && !parts[1].Split(',').Contains("memory"))
                continue;
            string top = unified ? root : Path.Combine(root, "memory");
            string path = parts[2].TrimEnd('/');
            while (true)
            {
                string folder = top + path;
                if (File.Exists(Path.Combine(folder, unified ? "memory.max" : "memory.limit_in_bytes")))
                    groups.Add(new MemoryGroup(folder, unified));
                if (path.Length == 0)
                    break;
                path = path[..path.LastIndexOf('/')];
            }
        }
        return groups.ToImmutable();
    }
}
