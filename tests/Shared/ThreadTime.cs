using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Fairlead.Shared;

/// <summary>Processor time of the thread that asks: what a computation takes, whatever else the machine computes meanwhile.</summary>
internal static class ThreadTime
{
    // CLOCK_THREAD_CPUTIME_ID of time.h.
    private static readonly int s_clock = OperatingSystem.IsMacOS() ? 16 : 3;

    /// <summary>What this thread has taken so far; on Windows, which has no such clock, the time that has passed.</summary>
    public static TimeSpan Now
    {
        get
        {
            if (OperatingSystem.IsWindows())
                return Stopwatch.GetElapsedTime(0);
            if (ClockGetTime(s_clock, out TimeSpec time) != 0)
                throw new InvalidOperationException("The system does not tell the processor time of a thread.");
            return new TimeSpan(((long)time.Seconds * TimeSpan.TicksPerSecond) + ((long)time.Nanoseconds / TimeSpan.NanosecondsPerTick));
        }
    }

    /// <summary>What some work takes that is done by this thread alone.</summary>
    public static TimeSpan Of(Action work)
    {
        TimeSpan before = Now;
        work();
        return Now - before;
    }

    [DllImport("libc", EntryPoint = "clock_gettime")]
    private static extern int ClockGetTime(int clock, out TimeSpec time);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
