using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Fairlead.Fleet.Isolation;

/// <summary>What becomes of a process whose gateway dies.</summary>
public enum Orphan : byte
{
    /// <summary>It is ended at once, whatever it does (SIGKILL). For engines, which know nothing of us.</summary>
    Dies = 1,

    /// <summary>It is woken where it was stopped (SIGCONT), so that it sees the end of its pipe, removes its socket and ends itself: a worker of our own. SIGKILL
    /// would come before it could remove anything.</summary>
    Wakes,
}

/// <summary>What a process that a gateway has started does to itself before anything else: it cannot outlive that gateway, and leaves nothing behind.</summary>
/// <remarks>Done by the child and not by its parent, because most of it nobody else may do. Limits of memory are the parent's, who knows what was set aside; and that
/// no privileges can be gained, the thread sees to that starts processes (<see cref="ProcessStarter"/>).</remarks>
public static class ChildConduct
{
    /// <summary>The variable in which a gateway tells its child whose child it is. A program that a person starts has none, and stays as it is.</summary>
    public const string ParentVariable = "FAIRLEAD_PARENT";

    /// <summary>Open files, soft and hard: a worker needs its model, its socket and its callers (security P-01).</summary>
    public const ulong MostFiles = 4_096;

    private const int OwnerOnly = 0x3F; // 077

    /// <summary>Does it, where a gateway has started this process; to be called on the thread that lives as long as the process, which is the first one.</summary>
    /// <param name="orphan">What the system does to it when that gateway dies.</param>
    /// <returns>False when that gateway is dead already: this process should end.</returns>
    public static bool Enter(Orphan orphan)
    {
        if (!int.TryParse(Environment.GetEnvironmentVariable(ParentVariable), NumberStyles.None, CultureInfo.InvariantCulture, out int parent))
            return true;
        if (Libc.SetGroup(0, 0) != 0 && Marshal.GetLastPInvokeError() is var why && why != Libc.EPERM) // EPERM: leads a session, and so a group, already
            throw Failure("setpgid", why);
        _ = Libc.Umask(OwnerOnly);
        Bound(Libc.RLIMIT_CORE, 0); // a core file would hold weights and prompts
        Bound(Libc.RLIMIT_NOFILE, MostFiles);
        if (!OperatingSystem.IsLinux())
            return true; // the pipe's end is what is left
        // Of the thread that calls, and sent to the whole process: the first thread is the one that never ends before it.
        if (Libc.ProcessControl(Libc.PR_SET_PDEATHSIG, orphan == Orphan.Dies ? (nuint)Libc.SIGKILL : Libc.SIGCONT, 0, 0, 0) != 0)
            throw Failure("prctl", Marshal.GetLastPInvokeError());
        return Libc.Parent() == parent; // it may have died before the line above
    }

    private static void Bound(int resource, ulong most)
    {
        if (Libc.GetLimit(resource, out Libc.Limit now) == 0 && now.Hard <= most && now.Soft <= most)
            return; // bounded closer already; it is not ours to widen
        if (Libc.SetLimit(resource, new Libc.Limit { Soft = most, Hard = most }) != 0)
            throw Failure("setrlimit", Marshal.GetLastPInvokeError());
    }

    private static IOException Failure(string call, int error) => new($"{call}: {new Win32Exception(error).Message}");
}
