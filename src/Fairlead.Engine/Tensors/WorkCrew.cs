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
/// is partly chance; what a part computes is not, so results do not depend on the number of threads. Where parts are small (<see cref="Share"/>), each takes a third of what is left of a run
/// at a time: few takings, and the threads end together nevertheless.
/// <para>
/// A thread without work spins for about 200 microseconds, which spans the time between two kernels of a step and, for most vocabularies, that between two steps; then it
/// sleeps: a spinning thread on a core that somebody else needs would slow down the very work it is waiting for. For the same reason it lets others go first every few microseconds. Whoever
/// brings work wakes it elsewhere than where it runs itself (<see cref="ThreadPlace"/>).
/// </para>
/// One caller at a time; a part must not call <see cref="Run"/> of the same crew. <see cref="Run"/> allocates nothing.
/// </remarks>
public sealed unsafe class WorkCrew : IDisposable
{
    /// <summary>Rounds of looking for work before a thread sleeps; a round is one pause of the processor, which the runtime makes about 40 ns long.</summary>
    private const int SpinRounds = 5000;

    /// <summary>Rounds after which a thread that waits lets others run that wait for its processor; a power of two.</summary>
    private const int YieldRounds = 128;

    /// <summary>Bytes that the caller asks for before it goes on with something else.</summary>
    private const int AskedBetween = 8192;

    /// <summary>Of each thread's stack. Kernels keep less than 200 KiB there; the system's usual 8 MiB a thread would count in full where a process's memory is bounded.</summary>
    private const int StackBytes = 1 << 20;

    private readonly object _gate = new();
    private readonly Thread[] _threads;
    private readonly Parts[] _runs; // one a thread, the caller's first
    private readonly ThreadPlace?[] _asleep; // one a thread, while it sleeps and is not bound
    private delegate*<void*, int, int, void> _do;
    private void* _work;
    private bool _takesSome; // of what is left of a run, not one
    private ReadAhead _next;
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

        RunParts(parts, new EachPart<TWork>(work), takesSome: false, default);
    }

    /// <summary>The same for small parts that lie one after the other, of which a thread does several at a time.</summary>
    /// <param name="next">What is read after this: threads ask for it while they wait for each other.</param>
    internal void Share<TWork>(int parts, TWork work, ReadAhead next)
        where TWork : struct, IRowWork, allows ref struct
    {
        ArgumentOutOfRangeException.ThrowIfNegative(parts);
        if (parts <= 1 || _threads.Length == 0)
            work.Do(0, parts);
        else
            RunParts(parts, work, takesSome: true, next);
    }

    /// <summary>The first part of a thread's run; that of the thread behind the last is the number of parts.</summary>
    internal static int FirstOf(int parts, int thread, int threads) => (int)((long)parts * thread / threads);

    private void RunParts<TWork>(int parts, TWork work, bool takesSome, ReadAhead next)
        where TWork : struct, IRowWork, allows ref struct
    {
        // Not a lock: the thread that holds one may enter again, and a part that calls us must not.
        if (Interlocked.Exchange(ref _running, 1) != 0)
            throw new InvalidOperationException("a crew does one piece of work at a time");
        try
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            (_takesSome, _next) = (takesSome, next);
            _do = &DoParts<TWork>;
            _work = Unsafe.AsPointer(ref work);
            Volatile.Write(ref _unfinished, parts);
            for (int thread = 0; thread < _runs.Length; thread++)
                _runs[thread].Set(FirstOf(parts, thread, Threads), FirstOf(parts, thread + 1, Threads)); // publishes the fields above
            Interlocked.Increment(ref _pieces); // a full fence, so that we see who went to sleep before it
            if (Volatile.Read(ref _sleepers) != 0)
                WakeElsewhere();
            WorkWhileThereIsSome(own: 0);
            AwaitTheOthers(next);
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

    private static void DoParts<TWork>(void* work, int first, int end)
        where TWork : struct, IRowWork, allows ref struct
        => Unsafe.AsRef<TWork>(work).Do(first, end);

    private void WorkUntilStopped(int own, bool isBound)
    {
        if (isBound)
            Processors.BindThisThread(Processors.Cores[own]);
        ThreadPlace? place = isBound ? null : ThreadPlace.OfThisThread();
        int seen = 0, idle = 0;
        byte* next = null;
        long asked = 0, worthAsking = 0;
        while (!Volatile.Read(ref _stopping))
        {
            int piece = Volatile.Read(ref _pieces);
            if (piece != seen)
            {
                ReadAhead ahead = WorkWhileThereIsSome(own);
                (seen, idle) = (piece, 0);
                next = ahead.StartOf(own, Threads);
                (asked, worthAsking) = (0, ahead.BytesOf(own, Threads));
            }
            else if (asked < worthAsking)
            {
                asked = ReadAhead.Ask(next, asked);
            }
            else if (++idle < SpinRounds)
            {
                WaitARound(idle);
            }
            else
            {
                SleepUntilThereIsWorkAfter(seen, own, place);
                idle = 0;
            }
        }
    }

    /// <summary>Gives what the thread may ask for meanwhile, if it had work.</summary>
    private ReadAhead WorkWhileThereIsSome(int own)
    {
        // Between two pieces of work nothing is left to take, so whoever takes a part holds one of the piece whose fields it reads afterwards,
        // and these stay as they are until it has said that its parts are finished.
        int finished = 0;
        ReadAhead next = default;
        while (TryTake(own, out int first, out int end))
        {
            next = _next;
            try
            {
                _do(_work, first, end);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(e), null);
            }

            finished += end - first;
        }

        if (finished > 0 && Interlocked.Add(ref _unfinished, -finished) == 0 && Volatile.Read(ref _callerSleeps))
            Wake();
        return next;
    }

    private bool TryTake(int own, out int first, out int end)
    {
        if (_runs[own].TryTakeFirst(_takesSome, out first, out end))
            return true;
        for (int other = own + 1; other < own + _runs.Length; other++)
        {
            if (_runs[other % _runs.Length].TryTakeLast(_takesSome, out first, out end))
                return true;
        }

        return false;
    }

    private void AwaitTheOthers(ReadAhead next)
    {
        byte* start = next.StartOf(0, Threads);
        long asked = 0, worthAsking = next.BytesOf(0, Threads);

        // Some in any case: what comes between this and the next piece of work is the caller's, and meanwhile it asks for nothing.
        while (asked < Math.Min(worthAsking, AskedBetween))
            asked = ReadAhead.Ask(start, asked);
        for (int i = 0; i < SpinRounds;)
        {
            if (Volatile.Read(ref _unfinished) == 0)
                return;
            if (asked < worthAsking)
                asked = ReadAhead.Ask(start, asked);
            else
                WaitARound(++i);
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

    private static void WaitARound(int round)
    {
        if (round % YieldRounds == 0)
            Thread.Yield();
        else
            Thread.SpinWait(1);
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

        public bool TryTakeFirst(bool some, out int first, out int end)
        {
            while (true)
            {
                long left = Volatile.Read(ref _left);
                (first, end) = ((int)left, (int)(left >> 32));
                if (first >= end)
                    return false;
                end = first + Taken(some, end - first);
                if (Interlocked.CompareExchange(ref _left, left + (end - first), left) == left)
                    return true;
            }
        }

        public bool TryTakeLast(bool some, out int first, out int end)
        {
            while (true)
            {
                long left = Volatile.Read(ref _left);
                (first, end) = ((int)left, (int)(left >> 32));
                if (first >= end)
                    return false;
                first = end - Taken(some, end - first);
                if (Interlocked.CompareExchange(ref _left, left - ((long)(end - first) << 32), left) == left)
                    return true;
            }
        }

        private static int Taken(bool some, int left) => some ? (left + 2) / 3 : 1;
    }

    private readonly ref struct EachPart<TWork>(TWork work) : IRowWork
        where TWork : struct, IWork, allows ref struct
    {
        private readonly TWork _work = work;

        public void Do(int first, int end)
        {
            for (int part = first; part < end; part++)
                _work.Do(part);
        }
    }
}
