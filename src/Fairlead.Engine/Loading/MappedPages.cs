using System.Runtime.InteropServices;
using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Loading;

/// <summary>Brings pages of a mapped file into memory before somebody waits for them, and lets go of those that nobody will read again.</summary>
/// <remarks>
/// Where the system can (Linux 5.14) it fills the page table itself, without one fault for each 4 KiB, and says so when the file ends
/// before the mapping does; elsewhere a byte of each page is read, and a file that was shortened ends the process.
/// </remarks>
internal static unsafe partial class MappedPages
{
    /// <summary>Bytes between two words on progress: some milliseconds from a disk, less than one from memory.</summary>
    private const long Piece = 8 << 20;

    private const int MADV_WILLNEED = 3;
    private const int MADV_DONTNEED = 4;
    private const int MADV_HUGEPAGE = 14;
    private const int MADV_POPULATE_READ = 22;
    private const int EINVAL = 22;

    private static bool s_populates = OperatingSystem.IsLinux();

    /// <summary>Makes <paramref name="length"/> bytes from <paramref name="data"/> ready to read.</summary>
    /// <param name="data">Anywhere in a mapping, or in memory of our own, which is ready already.</param>
    /// <param name="file">Named where it cannot be read.</param>
    /// <exception cref="ModelFileException">The file has become shorter than it was, or the disk failed.</exception>
    public static void Read(byte* data, long length, string file, LoadMeter? meter)
    {
        byte* end = data + length;
        for (byte* at = data; at < end; at += Piece)
        {
            byte* next = (byte*)Math.Min((nuint)(at + Piece), (nuint)end);
            if (s_populates && next < end)
                _ = Advise(next, (byte*)Math.Min((nuint)(next + Piece), (nuint)end), MADV_WILLNEED); // the disk reads on while this piece is mapped
            int error = s_populates ? Advise(at, next, MADV_POPULATE_READ) : EINVAL;
            if (error == EINVAL)
            {
                s_populates = false; // an older system
                for (byte* page = at; page < next; page += Environment.SystemPageSize)
                    _ = Volatile.Read(ref *page);
            }
            else if (error != 0)
            {
                throw new ModelFileException(file, null, $"could not be read to its end ({Marshal.GetPInvokeErrorMessage(error)}): it was shortened while it was being loaded, or the disk failed");
            }

            meter?.Add(next - at);
        }
    }

    /// <summary>Gives the whole pages within the bytes back to the system; whoever reads them again gets them from the file.</summary>
    public static void Forget(byte* data, long length)
    {
        if (!OperatingSystem.IsLinux())
            return;
        nuint page = (nuint)Environment.SystemPageSize;
        byte* first = (byte*)(((nuint)data + page - 1) / page * page), end = (byte*)((nuint)(data + length) / page * page);
        if (first < end)
            _ = Advise(first, end, MADV_DONTNEED); // advice: where it is not taken, nothing but memory is lost
    }

    /// <summary>Asks for large pages where the bytes are not in memory yet.</summary>
    public static void AskForHuge(byte* data, long length)
    {
        if (OperatingSystem.IsLinux())
            _ = Advise(data, data + length, MADV_HUGEPAGE); // advice: a system without them keeps the usual ones
    }

    /// <summary>0, or the error number.</summary>
    private static int Advise(byte* first, byte* end, int advice)
    {
        nuint page = (nuint)Environment.SystemPageSize, start = (nuint)first / page * page;
        return madvise((void*)start, (nuint)end - start, advice) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int madvise(void* address, nuint length, int advice);
}
