using System.Runtime.InteropServices;

namespace Fairlead.Engine.Tensors;

/// <summary>The processors of a thread, which leaves out one of them while it is woken: that of whoever wakes it. Of Linux alone; elsewhere nothing is done.</summary>
/// <remarks>
/// A kernel may wake a thread where its waker runs although another processor rests. One that keeps the threads of a virtual machine together did so nearly always, and moved it
/// some milliseconds later: with two threads one text of all-MiniLM took 11.8 ms then and takes 9.6 (Zen 5, two processors).
/// </remarks>
internal sealed unsafe partial class ThreadPlace
{
    private readonly int _thread;
    private readonly ulong[] _own = new ulong[Processors.MostProcessors / 64];
    private bool _isKept;

    private ThreadPlace(int thread) => _thread = thread;

    /// <summary>That of the calling thread; null where the system does not tell which one that is.</summary>
    public static ThreadPlace? OfThisThread()
    {
        try
        {
            return OperatingSystem.IsLinux() ? new ThreadPlace(CurrentThread()) : null;
        }
        catch (EntryPointNotFoundException)
        {
            return null; // glibc before 2.30
        }
    }

    /// <summary>Takes the processor that the caller runs on from those of the thread, which sleeps; where it has no other, it keeps that.</summary>
    public void LeaveOutThisProcessor()
    {
        int here = CurrentProcessor();
        if (here < 0 || here >= Processors.MostProcessors || _isKept)
            return;
        Span<ulong> others = stackalloc ulong[_own.Length];
        others.Clear();
        fixed (ulong* own = _own, mask = others)
        {
            if (Processors.GetAffinity(_thread, _own.Length * sizeof(ulong), own) < 0)
                return;
            _own.CopyTo(others);
            others[here / 64] &= ~(1UL << (here % 64));
            _isKept = others.ContainsAnyExcept(0UL) && Processors.SetAffinity(_thread, others.Length * sizeof(ulong), mask) >= 0;
        }
    }

    /// <summary>Gives it back; for the thread itself.</summary>
    public void Restore()
    {
        if (!_isKept)
            return;
        _isKept = false;
        fixed (ulong* own = _own)
            _ = Processors.SetAffinity(0, _own.Length * sizeof(ulong), own);
    }

    [LibraryImport("libc", EntryPoint = "gettid")]
    private static partial int CurrentThread();

    [LibraryImport("libc", EntryPoint = "sched_getcpu")]
    private static partial int CurrentProcessor();
}
