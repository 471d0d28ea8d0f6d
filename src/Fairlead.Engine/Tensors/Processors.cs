using System.Collections.Immutable;
using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Fairlead.Engine.Tensors;

/// <summary>The processors on which this process may run, as Linux tells them; elsewhere nothing is known of them.</summary>
/// <remarks>
/// Two hardware threads of one core share its vector units and its way to memory, which one of them keeps busy; the second only takes caches away. So there is a thread for each core.
/// <para>
/// Threads are bound to cores where somebody gave this process some of the machine's and kept the others for somebody else: by taskset, a container's cpuset, systemd's AllowedCPUs. Where
/// it may use all of them, so may every other worker, and two whose threads are bound to the same cores wait for each other while other cores are free; there the scheduler knows better.
/// </para>
/// </remarks>
internal static partial class Processors
{
    /// <summary>Processors that the kernel is asked about; what it knows of more is refused with an error, and then nothing is known.</summary>
    internal const int MostProcessors = 8192;

    private static readonly (ImmutableArray<int> Cores, bool AreOwn) Found = OperatingSystem.IsLinux() ? Find() : ([], false);

    /// <summary>One processor of each core that this process may use, in ascending order; empty where that is not known.</summary>
    public static ImmutableArray<int> Cores => Found.Cores;

    /// <summary>The machine has processors that this process was not given.</summary>
    public static bool AreOwn => Found.AreOwn;

    /// <summary>Threads that compute where nobody says how many: one a core, and no more than a container's quota has time for.</summary>
    public static int DefaultThreads => Cores.IsEmpty ? Environment.ProcessorCount : Math.Min(Environment.ProcessorCount, Cores.Length);

    /// <summary>Binds the calling thread to a processor of <see cref="Cores"/>. Where the system refuses, the thread stays free, which changes nothing but the time.</summary>
    public static unsafe void BindThisThread(int processor)
    {
        ulong* mask = stackalloc ulong[MostProcessors / 64];
        new Span<ulong>(mask, MostProcessors / 64).Clear();
        mask[processor / 64] = 1UL << (processor % 64);
        _ = SetAffinity(0, MostProcessors / 8, mask);
    }

    /// <summary>Of processors that share a core, the first.</summary>
    /// <param name="allowed">In ascending order.</param>
    /// <param name="siblings">The processors of a processor's core as the kernel writes them, <c>0,64</c> or <c>0-1</c>; null where it does not tell.</param>
    public static ImmutableArray<int> OnePerCore(IEnumerable<int> allowed, Func<int, string?> siblings) =>
        [.. allowed.GroupBy(processor => siblings(processor) ?? processor.ToString(CultureInfo.InvariantCulture)).Select(static core => core.First())];

    /// <summary>How many processors a list such as <c>0-3,8</c> names; 0 where it is none.</summary>
    public static int Count(string list)
    {
        int count = 0;
        foreach (string range in list.Split(',', StringSplitOptions.TrimEntries))
        {
            string[] ends = range.Split('-');
            if (ends.Length > 2 || !int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out int first)
                || !int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out int last) || last < first || last >= MostProcessors)
                return 0;
            count += last - first + 1;
        }

        return count;
    }

    private static unsafe (ImmutableArray<int> Cores, bool AreOwn) Find()
    {
        ulong* mask = stackalloc ulong[MostProcessors / 64];
        new Span<ulong>(mask, MostProcessors / 64).Clear();
        if (GetAffinity(0, MostProcessors / 8, mask) < 0)
            return ([], false);
        var allowed = new List<int>();
        for (int word = 0; word < MostProcessors / 64; word++)
        {
            for (ulong left = mask[word]; left != 0; left &= left - 1)
                allowed.Add((word * 64) + BitOperations.TrailingZeroCount(left));
        }

        string? online = Read("online");
        return (OnePerCore(allowed, static processor => Read($"cpu{processor}/topology/thread_siblings_list")), online is not null && allowed.Count < Count(online));
    }

    private static string? Read(string name)
    {
        try
        {
            return File.ReadAllText($"/sys/devices/system/cpu/{name}").Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // a system without /sys: every processor counts as a core
        }
    }

    /// <summary>The processors of a thread, 0 for the calling one, as bits; negative: the system does not tell.</summary>
    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    internal static unsafe partial int GetAffinity(int thread, nint bytes, ulong* mask);

    /// <summary>Lets a thread, 0 for the calling one, run on these alone; negative: the system refuses.</summary>
    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    internal static unsafe partial int SetAffinity(int thread, nint bytes, ulong* mask);
}
