using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Fairlead.Engine.Tensors;

/// <summary>Work that falls into independent parts.</summary>
public interface IWork
{
    /// <summary>Does one part. Any thread may do it, in any order, so a part writes only what no other part reads or writes.</summary>
    void Do(int part);
}

/// <summary>Threads that share out the parts of one piece of work and meet again at its end.</summary>
/// <remarks>
/// Each thread has a run of neighbouring parts of its own, the same one every time the same number of parts is done, and takes them in order: weights that lie one after the
/// other are then read as one stream by each. A thread that is done takes the last part of somebody else's run, until none is left. So which thread does which part
/// is partly chance; what a part computes is not, so results do not depend on the number of threads.
/// <para>
/// A thread without work spins for about 200 microseconds, which spans the time between two kernels of a step and, for most vocabularies, that between two steps; then it
/// sleeps: a spinning thread on a core that somebody else needs would slow down the very work it is waiting for. Whoever brings work wakes it elsewhere than where it
/// runs itself (<see cref="ThreadPlace"/>).
/// </para>
/// One caller at a time; a part must not call <see cref="Run"/> of the same crew. <see cref="Run"/> allocates nothing.
/// </remarks>
public sealed unsafe class WorkCrew : IDisposable
{
    /// <summary>Rounds of looking for work before a thread sleeps; a round is one pause of the processor, which the runtime makes about 40 ns long.</summary>
    private const int SpinRounds = 5000;

    /// <summary>Of each thread's stack. Kernels keep less than 200 KiB there; the system's usual 8 MiB a thread would count in full where a process's memory is bounded.</summary>
    private const int StackBytes = 1 << 20;

    private readonly object _gate = new();
    private readonly Thread[] _threads;
    private readonly Parts[] _runs; // one a thread, the caller's first
    private readonly ThreadPlace?[] _asleep; // one a thread, while it sleeps and is not bound
    private delegate*<void*, int, void> _do;
    private void* _work;
    private int _running;
    private int _pieces; // of work, since the crew began
    private int _unfinished;
    private int _sleepers;
    private bool _callerSleeps;
    private bool _stopping;
    private ExceptionDispatchInfo? _failure;

    /// <summary>A crew of <paramref name="threads"/>, the caller included; 0 means one for each core that this process may use (<see cref="Processors"/>).</summary>
    /// <remarks>
    /// <see cref="Environment.ProcessorCount"/> honours affinity and the container's CPU quota, rounded up to whole processors. Where the process was given cores of its own and there
    /// is one for each thread, all threads but the caller are bound to one; the caller, which may be a different thread each time, finds the one that is left.
    /// </remarks>
    public WorkCrew(int threads = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        Threads = threads == 0 ? Processors.DefaultThreads : threads;
        bool isBound = Processors.AreOwn && Threads <= Processors.Cores.Length;
        _runs = new Parts[Threads];
        _asleep = new ThreadPlace?[Threads];
        _threads = new Thread[Threads - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            int own = i + 1;
            _threads[i] = new Thread(() => WorkUntilStopped(own, isBound), StackBytes) { IsBackground = true, Name = $"engine {own}" };
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
            Volatile.Write(ref _unfinished, parts);
            for (int thread = 0; thread < _runs.Length; thread++)
                _runs[thread].Set((int)((long)parts * thread / _runs.Length), (int)((long)parts * (thread + 1) / _runs.Length)); // publishes the fields above
            Interlocked.Increment(ref _pieces); // a full fence, so that we see who went to sleep before it
            if (Volatile.Read(ref _sleepers) != 0)
                WakeElsewhere();
            WorkWhileThereIsSome(own: 0);
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

    private void WorkUntilStopped(int own, bool isBound)
    {
        if (isBound)
            Processors.BindThisThread(Processors.Cores[own]);
        ThreadPlace? place = isBound ? null : ThreadPlace.OfThisThread();
        int seen = 0, idle = 0;
        while (!Volatile.Read(ref _stopping))
        {
            int piece = Volatile.Read(ref _pieces);
            if (piece != seen)
            {
                WorkWhileThereIsSome(own);
                (seen, idle) = (piece, 0);
            }
            else if (++idle < SpinRounds)
            {
                Thread.SpinWait(1);
            }
            else
            {
                SleepUntilThereIsWorkAfter(seen, own, place);
                idle = 0;
            }
        }
    }

    private void WorkWhileThereIsSome(int own)
    {
        // Between two pieces of work nothing is left to take, so whoever takes a part holds one of the piece whose fields it reads afterwards,
        // and these stay as they are until it has said that its parts are finished.
        int finished = 0;
        while (TryTake(own, out int part))
        {
            try
            {
                _do(_work, part);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(e), null);
            }

            finished++;
        }

        if (finished > 0 && Interlocked.Add(ref _unfinished, -finished) == 0 && Volatile.Read(ref _callerSleeps))
            Wake();
    }

    private bool TryTake(int own, out int part)
    {
        if (_runs[own].TryTakeFirst(out part))
            return true;
        for (int other = own + 1; other < own + _runs.Length; other++)
        {
            if (_runs[other % _runs.Length].TryTakeLast(out part))
                return true;
        }

        return false;
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

    private void SleepUntilThereIsWorkAfter(int seen, int own, ThreadPlace? place)
    {
        lock (_gate)
        {
            _asleep[own] = place;
            Interlocked.Increment(ref _sleepers); // a full fence: either we see the work, or who brings it sees us asleep
            while (Volatile.Read(ref _pieces) == seen && !Volatile.Read(ref _stopping))
                Monitor.Wait(_gate);
            Interlocked.Decrement(ref _sleepers);
            _asleep[own] = null;
            place?.Restore();
        }
    }

    private void WakeElsewhere()
    {
        lock (_gate)
        {
            foreach (ThreadPlace? place in _asleep)
                place?.LeaveOutThisProcessor();
            Monitor.PulseAll(_gate);
        }
    }

    private void Wake()
    {
        lock (_gate)
            Monitor.PulseAll(_gate);
    }

    /// <summary>Parts that follow each other: the first that is left, and where they end, in one word, so that both ends are taken from at once. Alone in its cache lines.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Parts
    {
        [FieldOffset(128)]
        private long _left;

        public void Set(int first, int end) => Volatile.Write(ref _left, ((long)end << 32) | (uint)first);

        public bool TryTakeFirst(out int part)
        {
            while (true)
            {
                long left = Volatile.Read(ref _left);
                part = (int)left;
                if (part >= (int)(left >> 32))
                    return false;
                if (Interlocked.CompareExchange(ref _left, left + 1, left) == left)
                    return true;
            }
        }

        public bool TryTakeLast(out int part)
        {
            while (true)
            {
                long left = Volatile.Read(ref _left);
                part = (int)(left >> 32) - 1;
                if ((int)left > part)
                    return false;
                if (Interlocked.CompareExchange(ref _left, left - (1L << 32), left) == left)
                    return true;
            }
        }
    }
}
