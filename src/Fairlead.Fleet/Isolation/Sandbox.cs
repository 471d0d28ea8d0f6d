using System.Collections.Immutable;
using System.Globalization;

namespace Fairlead.Fleet.Isolation;

/// <summary>What bounds a worker's memory.</summary>
public enum SandboxLevel : byte
{
    /// <summary>Nothing but the plan.</summary>
    None = 0,

    /// <summary>A limit of its process on private memory (RLIMIT_DATA).</summary>
    Rlimit,

    /// <summary>A control group of its own (cgroup v2).</summary>
    Cgroup,
}

/// <summary>What was really applied to a worker, as the system tells it when it is asked; never what was meant to be.</summary>
/// <param name="Level">What bounds its memory.</param>
/// <param name="MemoryLimit">In bytes; null where there is none.</param>
/// <param name="Applied">A word for everything else, e.g. <c>no-new-privileges</c>.</param>
public sealed record Sandbox(SandboxLevel Level, long? MemoryLimit, ImmutableArray<string> Applied)
{
    /// <summary>Nothing.</summary>
    public static Sandbox None { get; } = new(SandboxLevel.None, null, []);

    /// <summary><c>cgroup</c>, <c>rlimit</c> or <c>none</c>.</summary>
    public string Word => Level switch
    {
        SandboxLevel.Cgroup => "cgroup",
        SandboxLevel.Rlimit => "rlimit",
        _ => "none",
    };

    /// <summary>For the log: <c>rlimit, 612 MiB of memory, no-new-privileges, no-core, own-group, landlock</c>.</summary>
    public override string ToString() => string.Join(", ", [Word, .. MemoryLimit is null ? (string[])[] : [$"{LimitText} of memory"], .. Applied]);

    /// <summary>The limit as people read it: <c>1.2 GiB</c>; <c>none</c> where there is none.</summary>
    public string LimitText => MemoryLimit switch
    {
        null => "none",
        >= 1L << 30 and var bytes => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.0} GiB"),
        var bytes => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):0} MiB"),
    };

    /// <summary>Asks the system what holds for a process now.</summary>
    /// <param name="process">The worker.</param>
    /// <param name="guard">What should bound its memory.</param>
    /// <param name="confined">Whether the thread that started it had given up writing and calling: nobody can ask the system for that, and no process can undo it.</param>
    internal static Sandbox Of(int process, MemoryGuard? guard, bool confined)
    {
        var applied = ImmutableArray.CreateBuilder<string>();
        if (OperatingSystem.IsLinux())
        {
            // proc_pid_status(5), proc_pid_limits(5), proc_pid_stat(5)
            if (Lines($"/proc/{process}/status").Contains("NoNewPrivs:\t1"))
                applied.Add("no-new-privileges");
            if (Lines($"/proc/{process}/limits").Any(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["Max", "core", "file", "size", "0", ..]))
                applied.Add("no-core");
            if (ProcessTree.GroupOf(process) == process)
                applied.Add("own-group");
            if (confined)
                applied.Add("landlock");
        }
        long? limit = guard?.Limit(process);
        return new Sandbox(limit is null ? SandboxLevel.None : guard!.Level, limit, applied.ToImmutable());
    }

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (IOException)
        {
            return []; // it has ended
        }
    }
}
