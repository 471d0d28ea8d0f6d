using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Fairlead.Fleet.Isolation;

/// <summary>Linux's Landlock: what a thread has given up, it and every process that it starts have given up for good. No rights are needed to use it.</summary>
/// <remarks>
/// A worker of our own answers on a Unix socket, reads its model and keeps the packed form of it; beside that it writes nothing and calls nobody. So it may make and remove sockets in one
/// folder, make, write, rename and remove regular files in another, and write to /dev/null, and nothing else; open no TCP connection and listen on no port; and where the kernel knows how, signal nobody outside. What it
/// may <em>read</em> is not restricted. docs.kernel.org/userspace-api/landlock.html; tested with ABI 7 (Linux 6.18).
/// </remarks>
internal static class Landlock
{
    private const nint CreateRuleset = 444;
    private const nint AddRule = 445;
    private const nint RestrictSelf = 446;
    private const nint AskForVersion = 1;
    private const nint AskForErrata = 2;

    private const ulong WriteFile = 1 << 1;
    private const ulong RemoveFile = 1 << 5;
    private const ulong MakeRegular = 1 << 8;
    private const ulong MakeSocket = 1 << 9;

    /// <summary>Everything that changes a file system: WRITE_FILE, REMOVE_DIR to MAKE_SYM.</summary>
    private const ulong Writing = WriteFile | 0x1FF0;

    private const ulong Refer = 1 << 13; // ABI 2
    private const ulong Truncate = 1 << 14; // ABI 3
    private const ulong TcpBindAndConnect = 3; // ABI 4
    private const ulong ScopeAbstractSockets = 1; // ABI 6
    private const ulong ScopeSignals = 2; // ABI 6

    /// <summary>Erratum 2: signals between threads of one process were held up too, and the collector of this runtime sends those.</summary>
    private const long SignalsWithinProcessMended = 1 << 1;

    /// <summary>The version of the kernel's interface; 0 where there is none.</summary>
    public static int Version() => OperatingSystem.IsLinux() && Libc.SystemCall(CreateRuleset, 0, 0, AskForVersion) is > 0 and var version ? (int)version : 0;

    /// <summary>Gives up, for this thread and whatever it starts from now on, all writing but for sockets in one folder and files in another, and all TCP.</summary>
    /// <param name="socketFolder">The folder of the sockets.</param>
    /// <param name="packFolder">The folder of the files; null: none. They may be renamed within it (REFER would be another folder).</param>
    /// <returns>False where the kernel cannot; then nothing was given up.</returns>
    /// <exception cref="IOException">It can, and did not.</exception>
    public static unsafe bool RestrictThisThread(string socketFolder, string? packFolder)
    {
        int version = Version();
        if (version == 0)
            return false;
        ulong* attributes = stackalloc ulong[3];
        attributes[0] = Writing | (version >= 2 ? Refer : 0) | (version >= 3 ? Truncate : 0);
        attributes[1] = TcpBindAndConnect;
        attributes[2] = ScopeAbstractSockets | (SignalsCanBeScoped(version) ? ScopeSignals : 0);
        nint size = version switch { < 4 => 8, < 6 => 16, _ => 24 };
        nint rules = Check(Libc.SystemCall(CreateRuleset, (nint)attributes, size, 0));
        try
        {
            Allow((int)rules, socketFolder, MakeSocket | RemoveFile);
            if (packFolder is not null)
                Allow((int)rules, packFolder, MakeRegular | WriteFile | RemoveFile);
            Allow((int)rules, "/dev/null", WriteFile | (version >= 3 ? Truncate : 0));
            Check(Libc.SystemCall(RestrictSelf, rules, 0, 0));
            return true;
        }
        finally
        {
            _ = Libc.Close((int)rules);
        }
    }

    private static bool SignalsCanBeScoped(int version) =>
        version >= 6 && Libc.SystemCall(CreateRuleset, 0, 0, AskForErrata) is > 0 and var errata && (errata & SignalsWithinProcessMended) != 0;

    private static unsafe void Allow(int rules, string path, ulong access)
    {
        int file = Libc.Open(path, Libc.O_PATH | Libc.O_CLOEXEC, 0);
        if (file < 0)
            throw Failure();
        try
        {
            byte* beneath = stackalloc byte[12]; // struct landlock_path_beneath_attr, packed
            *(ulong*)beneath = access;
            *(int*)(beneath + 8) = file;
            Check(Libc.SystemCall(AddRule, rules, 1, (nint)beneath));
        }
        finally
        {
            _ = Libc.Close(file);
        }
    }

    private static nint Check(nint result) => result < 0 ? throw Failure() : result;

    private static IOException Failure() => new($"Landlock: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
}
