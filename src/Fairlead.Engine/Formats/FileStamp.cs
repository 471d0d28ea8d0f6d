using System.Runtime.InteropServices;

namespace Fairlead.Engine.Formats;

/// <summary>Which file lay at a path, and in what state, at one moment: whether it has changed since can be told without reading it.</summary>
/// <param name="Name">What error messages call it.</param>
/// <param name="Path">Where it is looked for again; links are followed then.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Written">Ticks of its last change, UTC.</param>
/// <param name="Node">Number of the file on its disk, which another file of the same name does not have; 0 where the system has none.</param>
public sealed record FileStamp(string Name, string Path, long Length, long Written, ulong Node)
{
    /// <summary>The file as it is now.</summary>
    /// <exception cref="ModelFileException">It is gone, or cannot be asked about.</exception>
    public static FileStamp Take(string name, string path) =>
        Find(name, path) ?? throw new ModelFileException(name, null, "is gone");

    /// <summary>What has become of it since, as the end of a sentence that its name begins; null where nothing has.</summary>
    public string? Change()
    {
        if (Find(Name, Path) is not { } now)
            return "was deleted";
        if (now.Node != Node)
            return "was replaced by another file";
        if (now.Length != Length)
            return $"was {(now.Length < Length ? "shortened" : "made longer")}, from {Length} to {now.Length} bytes,";
        return now.Written != Written ? "was written to" : null;
    }

    /// <summary>The same where it is still the same file; null where it is another one or none, which does no harm to whoever has mapped the old one.</summary>
    public string? ChangeInPlace() => Find(Name, Path) is { } now && now.Node == Node ? Change() : null;

    private static FileStamp? Find(string name, string path)
    {
        try
        {
            var file = new FileInfo(RealPath.Of(path));
            return file.Exists ? new FileStamp(name, path, file.Length, file.LastWriteTimeUtc.Ticks, NodeOf(file.FullName)) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFileException(name, null, $"cannot be read: {e.Message}", e);
        }
    }

    private static ulong NodeOf(string path) => OperatingSystem.IsLinux() ? FileNode.Of(path) : 0;
}

/// <summary>The number of a file on its disk, to which the framework has no door.</summary>
internal static unsafe partial class FileNode
{
    private const int AT_FDCWD = -100;
    private const uint STATX_INO = 0x100;

    // struct statx of <linux/stat.h>, the same on every architecture: 256 bytes, stx_ino at 32.
    private const int Size = 256;
    private const int Node = 32;

    /// <summary>The number; 0 where the file system has none.</summary>
    public static ulong Of(string path)
    {
        byte* found = stackalloc byte[Size];
        return statx(AT_FDCWD, path, 0, STATX_INO, found) == 0 ? *(ulong*)(found + Node) : 0;
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int folder, string path, int flags, uint mask, byte* found);
}
