using Fairlead.Engine.Loading;
using System.Runtime.InteropServices;

namespace Fairlead.Engine.Tensors;

/// <summary>Zeroed memory outside the garbage-collected heap, aligned to 64 bytes: activations, key/value blocks, repacked weights.</summary>
/// <remarks>Tensors stay out of the managed heap so that generation causes no collection, and so that a kernel may keep a pointer.
/// Whoever makes one disposes it: there is no finalizer, for memory that a kernel may still read must not go when the collector likes.</remarks>
public sealed unsafe class NativeBuffer<T> : IDisposable
    where T : unmanaged
{
    private const int Alignment = 64;
    private const int HugePage = 2 << 20;

    private void* _block;
    private T* _data;

    /// <summary>Room for <paramref name="length"/> values ≥ 0, all zero. Pages are taken from the system when they are first written: a large cache costs what is used of it.</summary>
    /// <exception cref="OutOfMemoryException">The system has not that much.</exception>
    /// <param name="hugePages">
    /// It will be read from end to end, again and again, so pages of 2 MiB are asked for, where the system has them: a single stream of weights came from 15.6 to 17.2 GB/s by it on
    /// Emerald Rapids. What is touched of it is then taken in such pieces.
    /// </param>
    public NativeBuffer(long length, bool hugePages = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        nuint bytes = checked((nuint)length * (nuint)sizeof(T));
        // calloc, not aligned_alloc and a loop of zeros: what the system has just mapped is zero already and need not be touched.
        nuint alignment = hugePages && bytes >= HugePage ? (nuint)HugePage : Alignment;
        _block = NativeMemory.AllocZeroed(checked(bytes + alignment));
        _data = (T*)(((nuint)_block + alignment - 1) & ~(alignment - 1));
        if (alignment == HugePage)
            MappedPages.AskForHuge((byte*)_data, (long)bytes);
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
