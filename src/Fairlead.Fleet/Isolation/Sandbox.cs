using System.Collections.Immutable;

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
}
