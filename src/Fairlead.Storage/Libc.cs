using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Fairlead.Storage;

/// <summary>The few calls the framework has no door to. Linux only, as the product is.</summary>
internal static partial class Libc
{
    private const int O_RDONLY = 0;
    private const int O_RDWR = 2;
    private const int O_CREAT = 0x40;
    private const int O_CLOEXEC = 0x80000;
    private const int LOCK_EX = 2;
    private const int LOCK_NB = 4;
    private const int EINTR = 4;
    private const int EWOULDBLOCK = 11;
    private const int AT_FDCWD = -100;
    private const uint STATX_MODE_UID = 0x2 | 0x8;

    /// <summary>O_NOFOLLOW, one of the few flags that differ between architectures.</summary>
    private static readonly int NoFollow = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x8000 : 0x20000;

    /// <summary>Makes the calling thread, and no other, wait for those that have more to do. Lowering needs no right and is never refused.</summary>
    public static void LowerPriorityOfThisThread(int nice)
    {
        // Linux means the thread where POSIX means the process (setpriority(2), "C library/kernel differences").
        if (setpriority(0, 0, nice) != 0)
            throw Failure("setpriority", "this thread");
    }

    /// <summary>Syncs a folder, so that a file created or renamed in it is still there after a power cut.</summary>
    public static void SyncFolder(string path)
    {
        int folder = open(path, O_RDONLY | O_CLOEXEC, 0);
        if (folder < 0)
            throw Failure("open", path);
        try
        {
            if (fsync(folder) != 0)
                throw Failure("fsync", path);
        }
        finally
        {
            _ = close(folder); // opened for reading: nothing can be lost by a failing close
        }
    }

    /// <summary>Opens a file for reading and writing, created with mode 0600 if it is not there; a symbolic link is refused, wherever it points.</summary>
    /// <remarks>Not the framework's: that takes a shared flock on what it opens for writing, and so could not even read who holds ours.</remarks>
    public static SafeFileHandle OpenPrivate(string path)
    {
        int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | NoFollow, 0x180 /* 0600 */);
        return file >= 0 ? new SafeFileHandle(file, ownsHandle: true) : throw Failure("open", path);
    }

    /// <summary>Takes an exclusive flock(2) without waiting; false when somebody else has it.</summary>
    public static bool TryLock(SafeHandle file)
    {
        while (flock(file, LOCK_EX | LOCK_NB) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error == EWOULDBLOCK)
                return false;
            if (error != EINTR)
                throw Failure("flock", "lock");
        }
        return true;
    }

    /// <summary>Everything that this process creates from now on is its user's alone.</summary>
    public static void KeepToOurselves() => _ = umask(0x3F /* 077 */);

    /// <summary>The user we run as.</summary>
    public static uint EffectiveUser() => geteuid();

    /// <summary>Who owns a file or folder. statx(2), because its layout is the same on every architecture.</summary>
    public static unsafe uint Owner(string path)
    {
        byte* found = stackalloc byte[256];
        if (statx(AT_FDCWD, path, 0, STATX_MODE_UID, found) != 0)
            throw Failure("statx", path);
        return *(uint*)(found + 20);
    }

    private static IOException Failure(string call, string path)
    {
        int error = Marshal.GetLastPInvokeError();
        return new IOException($"{call} {path}: {new Win32Exception(error).Message}");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setpriority(int which, uint who, int nice);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(int file);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int file);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(SafeHandle file, int operation);

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc")]
    private static partial uint umask(uint mask);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int statx(int folder, string path, int flags, uint mask, byte* found);
}
