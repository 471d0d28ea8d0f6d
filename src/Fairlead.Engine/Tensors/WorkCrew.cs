using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace Fairlead.Engine.Tensors;

/// <summary>Work that falls into independent parts.</summary>
public interface IWork
{
    /// <summary>Does one part. Any thread may do it, in any order, so a part writes only what no other part reads or writes.</summary>
    void Do(int part);
}

/// <summary>Threads that share out the parts of one piece of work and meet again at its end.</summary>
/// <remarks>
/// Which thread does which part is chance; what a part computes is not, so results do not depend on the number of threads.
/// A thread without work spins for some tens of microseconds, about the time between two kernels of one step, and then sleeps: a spinning
/// thread on a core that somebody else needs would slow down the very work it is waiting for.
/// One caller at a time; a part must not call <see cref="Run"/> of the same crew. <see cref="Run"/> allocates nothing.
/// </remarks>
public sealed unsafe class WorkCrew : IDisposable
{
    /// <summary>Rounds of looking for work before a thread sleeps; a round is one pause of the processor, which the runtime makes about 40 ns long.</summary>
    private const int SpinRounds = 1000;

    /// <summary>Of each thread's stack. Kernels keep less than 200 KiB there; the system's usual 8 MiB a thread would count in full where a process's memory is bounded.</summary>
    private const int StackBytes = 1 << 20;

    private readonly object _gate = new();
    private readonly Thread[] _threads;
    private delegate*<void*, int, void> _do;
    private void* _work;
    private int _parts;
    private int _running;
    private int _unclaimed;
    private int _unfinished;
    private int _sleepers;
    private bool _callerSleeps;
    private bool _stopping;
    private ExceptionDispatchInfo? _failure;

    /// <summary>A crew of <paramref name="threads"/>, the caller included; 0 means as many as this process may use.</summary>
    /// <remarks><see cref="Environment.ProcessorCount"/> honours affinity and the container's CPU quota, rounded up to whole processors.</remarks>
    public WorkCrew(int threads = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        Threads = threads == 0 ? Environment.ProcessorCount : threads;
        _threads = new Thread[Threads - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            _threads[i] = new Thread(WorkUntilStopped, StackBytes) { IsBackground = true, Name = $"engine {i + 1}" };
            _threads[i].Start();
        }
    }

    /// <summary>Threads that work, the caller of <see cref="Run"/> included; ≥ 1.</summary>
    public int Threads { get; }

    /// <summary>Threads that sleep because there has been no work for a while.</summary>
    internal int Sleeping => Volatile.Read(ref _sleepers);

    /// <summary>Does parts 0 to <paramref name="parts"/> − 1 of <paramref name="work"/>, and returns when all are done.</summary>
    /// <remarks>The work is a struct passed by value: its copy lies on this call's stack, which does not move, so that the other threads can read
    /// it where it is. Its changes to its own fields are lost.</remarks>
    /// <exception cref="Exception">The first exception that a part threw; the other parts were done nevertheless.</exception>
    public void Run<TWork>(int parts, TWork work)
        where TWork : struct, IWork, allows ref struct
    {
        ArgumentOutOfRangeException.ThrowIfNegative(parts);
        if (parts <= 1 || _threads.Length == 0)
        {
            for (int part = 0; part < parts; part++)
                work.Do(part);
            return;
        }

        // Not a lock: the thread that holds one may enter again, and a part that calls us must not.
        if (Interlocked.Exchange(ref _running, 1) != 0)
            throw new InvalidOperationException("a crew does one piece of work at a time");
        try
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            _do = &DoPart<TWork>;
            _work = Unsafe.AsPointer(ref work);
            _parts = parts;
            _unfinished = parts;
            Interlocked.Exchange(ref _unclaimed, parts); // publishes the fields above; a full fence, so that we see who went to sleep before it
            if (Volatile.Read(ref _sleepers) != 0)
                Wake();
            WorkWhileThereIsSome();
            AwaitTheOthers();
            if (_failure is { } failure)
            {
                _failure = null;
                failure.Throw();
            }
        }
        finally
        {
            Volatile.Write(ref _running, 0);
        }
    }

    /// <summary>Ends the threads and waits for them. Not while <see cref="Run"/> is under way.</summary>
    public void Dispose()
    {
        Volatile.Write(ref _stopping, true);
        Wake();
        foreach (Thread thread in _threads)
            thread.Join();
    }

    private static void DoPart<TWork>(void* work, int part)
        where TWork : struct, IWork, allows ref struct
        => Unsafe.AsRef<TWork>(work).Do(part);

    private void WorkUntilStopped()
    {
        int idle = 0;
        while (!Volatile.Read(ref _stopping))
        {
            if (Volatile.Read(ref _unclaimed) > 0)
            {
                WorkWhileThereIsSome();
                idle = 0;
            }
            else if (++idle < SpinRounds)
            {
                Thread.SpinWait(1);
            }
            else
            {
                SleepUntilThereIsWork();
                idle = 0;
            }
        }
    }

    private void WorkWhileThereIsSome()
    {
        // Between two pieces of work nothing is left to claim, so whoever succeeds in claiming holds a part of the piece whose fields it reads
        // afterwards, and these stay as they are until that part is finished.
        while (TryClaim(out int part))
        {
            try
            {
                _do(_work, part);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(e), null);
            }

            if (Interlocked.Decrement(ref _unfinished) == 0 && Volatile.Read(ref _callerSleeps))
                Wake();
        }
    }

    private bool TryClaim(out int part)
    {
        while (true)
        {
            int unclaimed = Volatile.Read(ref _unclaimed);
            if (unclaimed <= 0)
            {
                part = 0;
                return false;
            }

            if (Interlocked.CompareExchange(ref _unclaimed, unclaimed - 1, unclaimed) == unclaimed)
            {
                part = _parts - unclaimed;
                return true;
            }
        }
    }

    private void AwaitTheOthers()
    {
        for (int i = 0; i < SpinRounds; i++)
        {
            if (Volatile.Read(ref _unfinished) == 0)
                return;
            Thread.SpinWait(1);
        }

        lock (_gate)
        {
            _callerSleeps = true;
            Interlocked.MemoryBarrier(); // either we see the last part finished, or who finishes it sees us asleep
            while (Volatile.Read(ref _unfinished) != 0)
                Monitor.Wait(_gate);
            _callerSleeps = false;
        }
    }

    private void SleepUntilThereIsWork()
    {
        lock (_gate)
        {
            Interlocked.Increment(ref _sleepers); // a full fence: either we see the work, or who brings it sees us asleep
            while (Volatile.Read(ref _unclaimed) == 0 && !Volatile.Read(ref _stopping))
                Monitor.Wait(_gate);
            Interlocked.Decrement(ref _sleepers);
        }
    }

    private void Wake()
    {
        lock (_gate)
            Monitor.PulseAll(_gate);
    }
}
