using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Fairlead.Fleet.Isolation;

/// <summary>A limit on a process's private writable memory (RLIMIT_DATA, which since Linux 4.7 counts private mappings too, getrlimit(2)).</summary>
/// <remarks>
/// Not RLIMIT_AS: the runtime reserves 256 GiB of addresses that it never writes to. Not RLIMIT_RSS: Linux ignores it. What is counted is what may be written,
/// be it touched or not: so a thread counts with its whole stack (8 MiB), and weights that are mapped from their file do not count at all. Each process that the
/// worker starts has the same limit again. Over it, an allocation fails: our own worker says so and ends, others do as they are written to.
/// </remarks>
internal sealed class DataLimit : MemoryGuard
{
    /// <summary>What a worker gets beside what was set aside for it. Measured with the guide (2 cores, .NET 10, stacks of 8 MiB): a worker that has loaded and
    /// answers eight requests at once counts 154 MiB, of which 136 are the stacks of its 17 threads; under 140 MiB it ended, under 180 it answered. The rest is
    /// for forty more threads, as a busy pool makes them.</summary>
    public const long Headroom = 512L << 20;

    public override SandboxLevel Level => SandboxLevel.Rlimit;

    // What ends a process over this limit is the process itself; its last line tells.
    public override bool WasStarved => false;

    public override string? Bound(int process, long setAside)
    {
        var limit = new Libc.Limit { Soft = (ulong)(setAside + Headroom), Hard = (ulong)(setAside + Headroom) };
        return Libc.SetLimitOf(process, Libc.RLIMIT_DATA, limit, 0) == 0 ? null : $"prlimit: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}";
    }

    public override long? Limit(int process)
    {
        // proc_pid_limits(5): "Max data size   SOFT   HARD   bytes"
        string? line = ReadLines($"/proc/{process}/limits").FirstOrDefault(static line => line.StartsWith("Max data size", StringComparison.Ordinal));
        string? soft = line?["Max data size".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out long bytes) ? bytes : null;
    }

    public override void Kill()
    {
    }

    public override void Release()
    {
    }

    private static string[] ReadLines(string path)
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
