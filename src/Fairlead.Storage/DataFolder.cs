using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Fairlead.Storage;

/// <summary>The folder that holds all state of one gateway, and the lock that makes it one.</summary>
/// <remarks>Every file that we write in it is 0600 and every folder 0700; one that others can read or write is refused, never quietly mended,
/// because its secret may already be known.</remarks>
public sealed class DataFolder : IDisposable
{
    internal const UnixFileMode SecretFileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode PrivateFolderMode = SecretFileMode | UnixFileMode.UserExecute;
    private const UnixFileMode Others =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
    private const int PepperBytes = 32;

    private readonly SafeFileHandle _lock;

    private DataFolder(string path, SafeFileHandle held, byte[] pepper)
    {
        Path = path;
        _lock = held;
        Pepper = pepper;
    }

    /// <summary>Absolute.</summary>
    public string Path { get; }

    /// <summary>32 random bytes, drawn once for the folder's life: the key of every stored key hash.</summary>
    public ReadOnlyMemory<byte> Pepper { get; }

    /// <summary>Folder of the journal's segments.</summary>
    public string JournalFolder => In("journal");

    /// <summary>The SQLite file.</summary>
    public string StorePath => In("store.db");

    /// <summary>Creates the folder or checks it, takes its lock, reads or draws the pepper.</summary>
    /// <param name="path">Made absolute against the working directory.</param>
    /// <param name="time">For the start time that the lock file names.</param>
    /// <exception cref="DataFolderException">Not ours, open to others, or in use by another process (named by pid).</exception>
    public static DataFolder Open(string path, TimeProvider time)
    {
        Libc.KeepToOurselves(); // also what others create for us: SQLite's files, Kestrel's socket
        path = System.IO.Path.GetFullPath(path);
        CreatePrivate(path);
        // A folder that was made for us and holds no secret yet is made private; one that does may have been read already, and is refused.
        if (!File.Exists(System.IO.Path.Combine(path, "pepper")) && Libc.Owner(path) == Libc.EffectiveUser())
            File.SetUnixFileMode(path, PrivateFolderMode);
        CheckOurs(path);
        CheckFiles(path);
        SafeFileHandle held = TakeLock(System.IO.Path.Combine(path, "lock"), path, time);
        try
        {
            return new DataFolder(path, held, ReadOrDrawPepper(path));
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Full path of something in the folder.</summary>
    public string In(params ReadOnlySpan<string> parts) => System.IO.Path.Combine([Path, .. parts]);

    /// <summary>Writes a secret with mode 0600: whole or not at all, replacing what was there.</summary>
    /// <param name="name">Relative to the folder, with <c>/</c> for at most one subfolder, e.g. <c>keys/ci</c>; never outside of it.</param>
    public void WriteSecretFile(string name, string text) => WriteSecret(Path, name, Encoding.UTF8.GetBytes(text));

    /// <summary>Creates a folder that must be ours alone, or checks the one that is there.</summary>
    /// <exception cref="DataFolderException">It belongs to somebody else, or others may look into it.</exception>
    public static void EnsurePrivate(string path)
    {
        CreatePrivate(path);
        CheckOurs(path);
    }

    /// <summary>Lets go of the lock.</summary>
    public void Dispose() => _lock.Dispose();

    /// <summary>Checks a folder that may be there: what is reached through it is ours only if it is.</summary>
    /// <exception cref="DataFolderException">Somebody else's, or open to others.</exception>
    public static void CheckPrivate(string path)
    {
        if (Directory.Exists(path))
            CheckOurs(path);
    }

    internal static void SyncFolder(string path) => Libc.SyncFolder(path);

    /// <summary>Creates a folder and those above it that are missing; ours are 0700.</summary>
    internal static void CreatePrivate(string path) => Directory.CreateDirectory(path, PrivateFolderMode);

    private static void CheckOurs(string path)
    {
        uint owner = Libc.Owner(path);
        uint user = Libc.EffectiveUser();
        if (owner != user)
            throw new DataFolderException($"{path} belongs to user {owner} and this process runs as user {user}. Run as its owner, or: chown -R {user} {Quoted(path)}");
        if ((File.GetUnixFileMode(path) & Others) != 0)
        {
            string mode = Directory.Exists(path) ? "700" : "600";
            throw new DataFolderException($"{path} can be read or changed by other users. Run: chmod {mode} {Quoted(path)}");
        }
    }

    private static void CheckFiles(string folder)
    {
        // What we wrote: key files, pepper, journal, store. What an operator put beside it (fairlead.yaml) is the operator's to guard.
        foreach (string path in Directory.EnumerateFileSystemEntries(folder))
        {
            string name = System.IO.Path.GetFileName(path);
            if (name is "pepper" or "first-key" || name.StartsWith("store.db", StringComparison.Ordinal))
                CheckOurs(path);
            if (name is not ("keys" or "journal"))
                continue;
            CheckOurs(path);
            foreach (string inner in Directory.EnumerateFileSystemEntries(path, "*", SearchOption.AllDirectories))
                CheckOurs(inner);
        }
    }

    private static SafeFileHandle TakeLock(string path, string folder, TimeProvider time)
    {
        SafeFileHandle handle = Libc.OpenPrivate(path);
        try
        {
            if (!Libc.TryLock(handle))
            {
                Span<byte> text = stackalloc byte[64];
                int read = RandomAccess.Read(handle, text, 0);
                string holder = Encoding.ASCII.GetString(text[..read]).Split('\n')[0];
                throw new DataFolderException($"{folder} is in use by process {(holder.Length > 0 ? holder : "(unknown)")}. Stop it, or start this one with another folder and port: --data FOLDER --listen 127.0.0.1:8088", inUse: true);
            }
            byte[] mine = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n{time.GetUtcNow():O}\n"));
            RandomAccess.SetLength(handle, 0);
            RandomAccess.Write(handle, mine, 0);
            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private static byte[] ReadOrDrawPepper(string folder)
    {
        string path = System.IO.Path.Combine(folder, "pepper");
        if (!File.Exists(path))
            WriteSecret(folder, "pepper", RandomNumberGenerator.GetBytes(PepperBytes));
        byte[] pepper = File.ReadAllBytes(path);
        if (pepper.Length != PepperBytes)
            throw new DataFolderException($"{path} holds {pepper.Length} bytes and should hold {PepperBytes}. Restore it from a backup: without it no key of this folder is valid.");
        return pepper;
    }

    private static void WriteSecret(string folder, string name, byte[] bytes)
    {
        string path = System.IO.Path.GetFullPath(System.IO.Path.Combine(folder, name));
        if (!path.StartsWith(folder + "/", StringComparison.Ordinal))
            throw new ArgumentException($"{name} lies outside the data folder", nameof(name));
        string parent = System.IO.Path.GetDirectoryName(path)!;
        CreatePrivate(parent);
        string draft = path + ".new";
        File.Delete(draft); // left by a crash
        using (var file = new FileStream(draft, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = SecretFileMode }))
        {
            file.Write(bytes);
            file.Flush(flushToDisk: true);
        }
        File.Move(draft, path, overwrite: true);
        SyncFolder(parent);
    }

    private static string Quoted(string path) => "'" + path.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
