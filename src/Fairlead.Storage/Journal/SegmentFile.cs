using Microsoft.Win32.SafeHandles;

namespace Fairlead.Storage.Journal;

/// <summary>The four things the journal asks of a file. Virtual so that tests can make any one of them fail.</summary>
internal class SegmentFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    /// <summary>Opens <paramref name="path"/>, which must exist unless <paramref name="create"/>, which must not.</summary>
    public SegmentFile(string path, bool create)
    {
        // Created first, then opened: the mode belongs to creation, and the file is never readable by others, not even for a moment.
        if (create)
            new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = DataFolder.SecretFileMode }).Dispose();
        _handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
    }

    public long Length => RandomAccess.GetLength(_handle);

    /// <summary>One write(2); the kernel has the bytes afterwards, the disk not yet.</summary>
    public virtual void Write(ReadOnlySpan<byte> bytes, long offset) => RandomAccess.Write(_handle, bytes, offset);

    /// <summary>fsync(2): returns when the disk has what was written before.</summary>
    public virtual void Sync() => RandomAccess.FlushToDisk(_handle);

    public virtual void SetLength(long length) => RandomAccess.SetLength(_handle, length);

    public int Read(Span<byte> into, long offset) => RandomAccess.Read(_handle, into, offset);

    public void Dispose() => _handle.Dispose();
}

/// <summary>Opens a segment's file: <see cref="SegmentFile"/> itself, or in tests one that fails on command.</summary>
internal delegate SegmentFile SegmentFileOpener(string path, bool create);
