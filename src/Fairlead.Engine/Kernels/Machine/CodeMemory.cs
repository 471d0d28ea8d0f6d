using System.Runtime.InteropServices;

namespace Fairlead.Engine.Kernels.Machine;

/// <summary>Memory that holds machine code: written first, then read and executed, never both writable and executable.</summary>
/// <remarks>Some systems refuse executable memory to a process that asks for it (SELinux's execmem, a hardened kernel). Then there are no such kernels, and the managed ones compute.</remarks>
internal static unsafe partial class CodeMemory
{
    private const int PROT_READ = 1;
    private const int PROT_WRITE = 2;
    private const int PROT_EXEC = 4;
    private const int MAP_PRIVATE = 2;
    private const int MAP_ANONYMOUS = 0x20;

    /// <summary>Places <paramref name="code"/> for as long as the process lives; null where the system refuses.</summary>
    public static void* Place(ReadOnlySpan<byte> code)
    {
        nuint page = (nuint)Environment.SystemPageSize, length = ((nuint)code.Length + page - 1) / page * page;
        void* memory = mmap(null, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if ((nint)memory == -1)
            return null;
        code.CopyTo(new Span<byte>(memory, code.Length));
        if (mprotect(memory, length, PROT_READ | PROT_EXEC) == 0)
            return memory;
        _ = munmap(memory, length); // it was only mapped for this, and stays unused where even that fails
        return null;
    }

    [LibraryImport("libc")]
    private static partial void* mmap(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc")]
    private static partial int mprotect(void* address, nuint length, int protection);

    [LibraryImport("libc")]
    private static partial int munmap(void* address, nuint length);
}
