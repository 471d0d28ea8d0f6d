namespace Fairlead.Engine.Tensors;

/// <summary>Memory for each of the threads that work at the same time, which parts of a work take and give back.</summary>
internal sealed unsafe class ThreadScratch : IDisposable
{
    private readonly NativeBuffer<byte> _memory;
    private readonly int[] _taken;
    private readonly long _bytes;

    /// <param name="threads">Most that work at the same time, ≥ 1.</param>
    /// <param name="bytes">For each, a multiple of 64.</param>
    public ThreadScratch(int threads, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        _bytes = bytes;
        _memory = new NativeBuffer<byte>(checked(threads * bytes));
        _taken = new int[threads];
    }

    /// <summary>Memory that nobody else uses until it is given back, aligned to 64 bytes. What was written there last is still in it.</summary>
    /// <param name="number">What <see cref="Return"/> wants to know.</param>
    public byte* Take(out int number)
    {
        for (number = 0; ; number = (number + 1) % _taken.Length)
        {
            if (Interlocked.CompareExchange(ref _taken[number], 1, 0) == 0)
                return _memory.Data + (number * _bytes);
        }
    }

    /// <summary>Gives it back.</summary>
    public void Return(int number) => Volatile.Write(ref _taken[number], 0);

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
