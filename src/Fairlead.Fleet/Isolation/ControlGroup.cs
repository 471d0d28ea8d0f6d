using System.Globalization;

namespace Fairlead.Fleet.Isolation;

/// <summary>The control group (cgroup v2) of one worker: what it and all its children occupy together is bounded, and what goes over it is ended by the system.</summary>
/// <remarks>docs.kernel.org/admin-guide/cgroup-v2.html. Made by <see cref="ControlGroups"/>.</remarks>
internal sealed class ControlGroup(string folder, Action<string> remove) : MemoryGuard
{
    /// <summary>What a worker gets beside what was set aside for it: page tables, socket buffers, and pages of its program, which count here too. The guide's
    /// worker had 88 MB resident when its runtime and everything were counted; not measured in a group, for want of a kernel that had one.</summary>
    public const long Headroom = 128L << 20;

    /// <summary>Processes and threads at once (security P-01): no worker can exhaust the machine's.</summary>
    public const int MostTasks = 512;

    private bool _starved;

    public override SandboxLevel Level => SandboxLevel.Cgroup;

    public override bool WasStarved => _starved;

    /// <summary>The folder that is the group.</summary>
    public string Folder => folder;

    /// <summary>Takes a process in; what it has occupied before stays counted where it was.</summary>
    public void Add(int process) => Write("cgroup.procs", process.ToString(CultureInfo.InvariantCulture));

    public override string? Bound(int process, long setAside)
    {
        try
        {
            Write("memory.max", (setAside + Headroom).ToString(CultureInfo.InvariantCulture));
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    public override long? Limit(int process) => Read("memory.max") is { } text && long.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long bytes) ? bytes : null;

    public override void Kill()
    {
        try
        {
            Write("cgroup.kill", "1"); // Linux 5.14; also who left the process group
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // An older kernel: the process tree is ended by signals as well.
        }
    }

    public override void Release()
    {
        _starved = (Read("memory.events") ?? "").Split('\n').Any(static line => line.StartsWith("oom_kill ", StringComparison.Ordinal) && line != "oom_kill 0");
        Kill();
        try
        {
            remove(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Somebody is still dying in it. It costs nothing, and the next start of a gateway removes it.
        }
    }

    /// <summary>What holds for every worker, before it is bounded.</summary>
    public void Prepare()
    {
        Write("memory.swap.max", "0"); // a model in swap answers nobody
        Write("memory.oom.group", "1"); // half an engine is none
        Write("pids.max", MostTasks.ToString(CultureInfo.InvariantCulture));
    }

    private void Write(string file, string text) => File.WriteAllText(Path.Combine(folder, file), text);

    private string? Read(string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // this kernel has none of it
        }
    }
}
