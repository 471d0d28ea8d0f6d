using System.Runtime.InteropServices;

namespace Fairlead.Engine.Tensors;

/// <summary>Zeroed memory outside the garbage-collected heap that the system is asked to back with pages of 2 MiB: what is read from end to end for every token then
/// costs one look-up of an address in five hundred.</summary>
/// <remarks>Pages are taken from the system when they are first written. Less than two huge pages are ordinary memory, aligned to 64 bytes.</remarks>
public sealed unsafe partial class HugeBuffer : IDisposable
{
    private const nuint HugePage = 2 << 20;
    private const nuint CacheLine = 64;
    private const int MADV_HUGEPAGE = 14;

    private void* _block;
    private byte* _data;

    /// <summary>Room for <paramref name="length"/> bytes ≥ 0, all zero.</summary>
    /// <exception cref="OutOfMemoryException">The system has not that much.</exception>
    public HugeBuffer(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        bool huge = length >= 2 * (long)HugePage;
        nuint alignment = huge ? HugePage : CacheLine;
        // calloc: what the system has just mapped is zero already and need not be touched.
        _block = NativeMemory.AllocZeroed(checked((nuint)length + alignment));
        _data = (byte*)(((nuint)_block + alignment - 1) & ~(alignment - 1));
        if (huge && OperatingSystem.IsLinux())
            _ = madvise(_data, (nuint)length & ~(HugePage - 1), MADV_HUGEPAGE); // advice: where it is not taken, pages are small
    }

    /// <summary>The first byte.</summary>
    public byte* Data => _data is not null ? _data : throw new ObjectDisposedException(nameof(HugeBuffer));

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        NativeMemory.Free(_block);
        _block = null;
        _data = null;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int madvise(void* address, nuint length, int advice);
}
