using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace Fairlead.Engine.Formats;

/// <summary>A file of weights mapped into memory, read-only: the pages come from disk when a kernel first touches them.</summary>
/// <remarks>
/// Views of it (<see cref="Pointer"/>, <see cref="Slice"/>) die with <see cref="Dispose"/>. Whoever shortens a mapped file ends the process
/// that reads it (SIGBUS); a model is served by a worker process of its own partly for that reason.
/// </remarks>
public sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile _map;
    private readonly SafeMemoryMappedViewHandle _view;
    private byte* _pointer;

    private MappedFile(string name, FileStamp stamp, MemoryMappedFile map, SafeMemoryMappedViewHandle view, byte* pointer, long length)
    {
        Name = name;
        Stamp = stamp;
        _map = map;
        _view = view;
        _pointer = pointer;
        Length = length;
    }

    /// <summary>The name that error messages use.</summary>
    public string Name { get; }

    /// <summary>The file as it was just before it was mapped.</summary>
    public FileStamp Stamp { get; }

    /// <summary>Bytes in the file, ≥ 1.</summary>
    public long Length { get; }

    /// <summary>The first byte; page-aligned.</summary>
    public byte* Pointer => _pointer is not null ? _pointer : throw new ObjectDisposedException(nameof(MappedFile));

    /// <summary>Maps <paramref name="path"/>; <paramref name="name"/> is what error messages call it (the path itself if null).</summary>
    /// <exception cref="ModelFileException">It is missing, empty, not readable or not a regular file.</exception>
    public static MappedFile Open(string path, string? name = null)
    {
        name ??= path;
        try
        {
            string real = RealPath.Of(path);
            if (Directory.Exists(real))
                throw new ModelFileException(name, null, "is a folder, not a file");
            if (!File.Exists(real))
                throw new ModelFileException(name, null, "no such file");

            // asked before opening: to open a pipe would wait for a writer for ever, and pipes and devices have no length
            if (new FileInfo(real).Length == 0)
                throw new ModelFileException(name, 0, "is empty or no regular file");

            FileStamp stamp = FileStamp.Take(name, path);
            using FileStream stream = new(real, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            long length = stream.Length;
            MemoryMappedFile map = MemoryMappedFile.CreateFromFile(stream, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            try
            {
                using MemoryMappedViewAccessor accessor = map.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
                SafeMemoryMappedViewHandle view = accessor.SafeMemoryMappedViewHandle;
                byte* pointer = null;
                view.AcquirePointer(ref pointer); // holds the view open although the accessor goes
                return new MappedFile(name, stamp, map, view, pointer, length);
            }
            catch
            {
                map.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new ModelFileException(name, null, $"cannot be read: {e.Message}", e);
        }
    }

    /// <summary><paramref name="length"/> bytes from <paramref name="offset"/>.</summary>
    /// <exception cref="ModelFileException">The file ends before, or one of the two is negative.</exception>
    public ReadOnlySpan<byte> Slice(long offset, int length)
    {
        if (offset < 0 || length < 0 || offset > Length - length)
            throw new ModelFileException(Name, Math.Clamp(offset, 0, Length), $"{length} bytes are wanted here, but the file ends at byte {Length}");
        return new ReadOnlySpan<byte>(Pointer + offset, length);
    }

    /// <summary>Unmaps the file. Every view into it is dead from here on.</summary>
    public void Dispose()
    {
        if (_pointer is null)
            return;
        _pointer = null;
        _view.ReleasePointer();
        _view.Dispose();
        _map.Dispose();
    }
}
