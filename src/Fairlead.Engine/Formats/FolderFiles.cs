namespace Fairlead.Engine.Formats;

/// <summary>The files of one folder, opened by name without ever leaving it.</summary>
/// <remarks>
/// A symbolic link is followed within the folder, and out of it only into <c>blobs</c> of the same Hub cache, where
/// <c>snapshots/REVISION/config.json</c> points to <c>../../blobs/…</c>.
/// </remarks>
internal sealed class FolderFiles
{
    private const int MaxDepth = 4; // folders below the revision of a Hub cache in which a module may lie

    private readonly string _shown;
    private readonly string _root;
    private readonly string? _blobs;

    /// <param name="path">An existing folder; error messages name files as under this path.</param>
    /// <exception cref="ModelFileException">It cannot be read.</exception>
    public FolderFiles(string path)
    {
        _shown = path;
        try
        {
            _root = RealPath.Of(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFileException(path, null, $"the folder cannot be read: {e.Message}", e);
        }

        DirectoryInfo? revision = new(_root);
        for (int depth = 0; depth < MaxDepth && revision is not null && _blobs is null; depth++, revision = revision.Parent)
        {
            if (revision.Parent is { Name: "snapshots", Parent: { } cache })
                _blobs = Path.Combine(cache.FullName, "blobs");
        }
    }

    /// <summary>The names of the files directly in the folder, or in <paramref name="folder"/> below it, sorted; none where there is no such folder.</summary>
    /// <exception cref="ModelFileException">It cannot be read, or a link leads out of the folder.</exception>
    public string[] Names(string folder = "")
    {
        try
        {
            string path = folder.Length == 0 ? _root : RealPath.Of(Path.Combine(_root, folder));
            if (!RealPath.IsWithin(path, _root))
                throw new ModelFileException(Shown(folder), null, $"is a symbolic link out of the folder, to {path}");
            if (!Directory.Exists(path))
                return [];
            string[] names = [.. Directory.EnumerateFiles(path).Select(static file => Path.GetFileName(file))];
            Array.Sort(names, StringComparer.Ordinal);
            return names;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFileException(Shown(folder), null, $"the folder cannot be read: {e.Message}", e);
        }
    }

    /// <summary>What error messages call a file.</summary>
    public string Shown(string name) => Path.Combine(_shown, name);

    /// <summary>The path to open for <paramref name="name"/> (a relative path with <c>/</c>), every link followed, or null where there is no such file.</summary>
    /// <exception cref="ModelFileException">The name or a link leads out of the folder, or to nothing.</exception>
    public string? Locate(string name)
    {
        if (!FileNames.IsPlainPath(name))
            throw new ModelFileException(Shown(Excerpt.Of(name)), null, "is no plain name of a file in this folder");
        try
        {
            string path = Path.Combine(_root, name), real = RealPath.Of(path);
            if (!RealPath.IsWithin(real, _root) && !(_blobs is not null && RealPath.IsWithin(real, _blobs)))
                throw new ModelFileException(Shown(name), null, $"is a symbolic link out of the folder, to {real}; only links into the blobs of the same Hub cache are followed");
            if (File.Exists(real))
                return real;
            return real == path || !File.Exists(path) && new FileInfo(path).LinkTarget is null
                ? null
                : throw new ModelFileException(Shown(name), null, $"is a symbolic link to {real}, which is missing: the download is incomplete");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFileException(Shown(name), null, $"cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Bytes of a file; 0 where there is none.</summary>
    /// <exception cref="ModelFileException">As <see cref="Locate"/>.</exception>
    public long LengthOf(string name) => Locate(name) is { } path ? new FileInfo(path).Length : 0;

    /// <summary>The bytes of a file, or null where there is none.</summary>
    /// <exception cref="ModelFileException">As <see cref="Locate"/>; or it is empty, or longer than <paramref name="maxBytes"/>.</exception>
    public byte[]? Read(string name, int maxBytes)
    {
        if (Locate(name) is not { } path)
            return null;
        using MappedFile file = MappedFile.Open(path, Shown(name));
        return file.Length <= maxBytes ? file.Slice(0, (int)file.Length).ToArray() : throw new ModelFileException(file.Name, null, $"has {file.Length} bytes; at most {maxBytes} are read");
    }
}
