using System.Runtime.InteropServices;

namespace Fairlead.Engine.Tensors;

/// <summary>Zeroed memory outside the garbage-collected heap, aligned to 64 bytes: activations, key/value blocks, repacked weights.</summary>
/// <remarks>Tensors stay out of the managed heap so that generation causes no collection, and so that a kernel may keep a pointer.
/// Whoever makes one disposes it: there is no finalizer, for memory that a kernel may still read must not go when the collector likes.</remarks>
public sealed unsafe class NativeBuffer<T> : IDisposable
    where T : unmanaged
{
    private const int Alignment = 64;

    private void* _block;
    private T* _data;

    /// <summary>Room for <paramref name="length"/> values ≥ 0, all zero. Pages are taken from the system when they are first written: a large cache costs what is used of it.</summary>
    /// <exception cref="OutOfMemoryException">The system has not that much.</exception>
    public NativeBuffer(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        nuint bytes = checked((nuint)length * (nuint)sizeof(T));
        // calloc, not aligned_alloc and a loop of zeros: what the system has just mapped is zero already and need not be touched.
        _block = NativeMemory.AllocZeroed(checked(bytes + Alignment));
        _data = (T*)(((nuint)_block + Alignment - 1) & ~(nuint)(Alignment - 1));
    }

    /// <summary>Values in the buffer.</summary>
    public long Length { get; }

    /// <summary>The first value, aligned to 64 bytes.</summary>
    public T* Data => _data is not null ? _data : throw new ObjectDisposedException(nameof(NativeBuffer<T>));

    /// <summary><paramref name="length"/> values from <paramref name="start"/>, bounds-checked.</summary>
    public Span<T> Slice(long start, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start + length, Length);
        return new Span<T>(Data + start, length);
    }

    /// <summary>Gives the memory back; views into it are dead from here on.</summary>
    public void Dispose()
    {
        NativeMemory.Free(_block);
        _block = null;
        _data = null;
    }
}
