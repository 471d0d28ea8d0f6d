using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Tensors;
using Microsoft.Win32.SafeHandles;

namespace Fairlead.Engine.Loading;

/// <summary>Writes a pack from memory, on a thread that everything else comes before.</summary>
/// <remarks>
/// The file gets its name when all of it is there; until then it has a name of its own, which no reader opens. It is not waited for until the disk has it: what a power cut leaves of it the
/// checksums refuse. Who disposes the writer ends it after the chunk that it is at, and only then may the memory go.
/// </remarks>
internal sealed unsafe partial class PackWriter : IDisposable
{
    /// <summary>The end of the names of files that are being written.</summary>
    private const string Unfinished = ".new";

    /// <summary>The least of all that a thread can ask for: a hundredth of a processor that others want, all of one that nobody wants.</summary>
    private const int Nice = 19;

    private static readonly Lock s_files = new(); // the writers of a model and of its draft work side by side: who clears away must meet no file of theirs that is not locked
    private static int s_number;

    private readonly PackFile _pack;
    private readonly NativeBuffer<byte> _from;
    private readonly Thread _thread;
    private readonly TaskCompletionSource<bool> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _stopping;

    /// <summary>Begins.</summary>
    /// <param name="from">The packed matrices, which change no more.</param>
    public PackWriter(PackFile pack, NativeBuffer<byte> from)
    {
        (_pack, _from) = (pack, from);
        _thread = new Thread(Run) { IsBackground = true, Name = "pack writer" };
        _thread.Start();
    }

    /// <summary>True when the pack is there, false when it could not be, which the log has said. Never fails.</summary>
    public Task<bool> Done => _done.Task;

    /// <summary>Ends it, and waits for that.</summary>
    public void Dispose()
    {
        _stopping = true;
        _thread.Join();
    }

    private void Run()
    {
        if (OperatingSystem.IsLinux())
            _ = setpriority(0, 0, Nice); // of this thread alone (setpriority(2), "C library/kernel differences"); a system that refuses has it compete
        string? refusal;
        long began = Stopwatch.GetTimestamp();
        try
        {
            RemoveLeftovers();
            refusal = Obstacle() ?? Write();
        }
        catch (Exception e)
        {
            refusal = e.Message; // whatever it is: what leaves a thread ends the process, and this is a cache
        }

        _pack.Store.Log(refusal is null
            ? string.Create(CultureInfo.InvariantCulture, $"The packed weights are kept for the next load in {_pack.Path}: {_from.Length / 1048576.0:0.0} MiB in {Stopwatch.GetElapsedTime(began).TotalMilliseconds:0} ms")
            : $"The packed weights are not kept in {_pack.Store.Folder}: {refusal}. The next load packs them again");
        _done.SetResult(refusal is null);
    }

    /// <summary>Why it is not even begun; null: nothing.</summary>
    private string? Obstacle()
    {
        long bytes = _pack.NewHeader().FileBytes;
        if (bytes > _pack.Store.MostBytes - _pack.Beside)
        {
            string beside = _pack.Beside > 0 ? string.Create(CultureInfo.InvariantCulture, $" beside {_pack.Beside / 1048576.0:0.0} of the model that they guess for") : "";
            return string.Create(CultureInfo.InvariantCulture, $"they take {bytes / 1048576.0:0.0} MiB{beside}, and all packs together may take {_pack.Store.MostBytes / 1048576.0:0.0}");
        }

        long free = new DriveInfo(_pack.Store.Folder).AvailableFreeSpace;
        return free - bytes < PackStore.Margin
            ? string.Create(CultureInfo.InvariantCulture, $"they take {bytes >> 20} MiB, the disk has {free >> 20} free, and {PackStore.Margin >> 20} are left to others")
            : null;
    }

    private string? Write()
    {
        string draft = string.Create(CultureInfo.InvariantCulture, $"{_pack.Path}.{Environment.ProcessId}-{Interlocked.Increment(ref s_number)}{Unfinished}");
        try
        {
            PackHeader header = _pack.NewHeader();
            // Locked as long as it is open: whoever clears away what the dead have left can tell the living from them.
            using (SafeFileHandle file = Create(draft))
            {
                if (!OperatingSystem.IsWindows())
                    File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
                for (int chunk = 0; chunk < header.Chunks; chunk++)
                {
                    _pack.Store.BeforeChunk?.Invoke(chunk);
                    if (_stopping)
                        return "the model was unloaded before they were written";
                    long at = (long)chunk * PackHeader.ChunkBytes;
                    var bytes = new ReadOnlySpan<byte>(_from.Data + at, header.BytesOf(chunk));
                    header.SetSum(chunk, Checksum.Of(bytes));
                    RandomAccess.Write(file, bytes, header.Length + at);
                }

                header.Seal();
                RandomAccess.Write(file, header.Bytes, 0);
                foreach (FileStamp source in _pack.Sources)
                {
                    if (source.Change() is { } change)
                        return $"{source.Name} {change} since they were packed";
                }

                // Between its lock and its name it looks like one of the dead.
                lock (s_files)
                {
                    file.Dispose();
                    File.Move(draft, _pack.Path, overwrite: true);
                }
            }

            return null;
        }
        finally
        {
            File.Delete(draft); // nothing where it has got its name
        }
    }

    private static SafeFileHandle Create(string path)
    {
        lock (s_files)
            return File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None);
    }

    /// <summary>Files whose writers died.</summary>
    private void RemoveLeftovers()
    {
        lock (s_files)
            RemoveUnlocked();
    }

    private void RemoveUnlocked()
    {
        foreach (string left in Directory.EnumerateFiles(_pack.Store.Folder, "*" + Unfinished))
        {
            try
            {
                using SafeFileHandle locked = File.OpenHandle(left, FileMode.Open, FileAccess.Read, FileShare.None);
                File.Delete(left);
            }
            catch (IOException)
            {
                // Its writer lives.
            }
        }
    }

    [LibraryImport("libc")]
    private static partial int setpriority(int which, uint who, int nice);
}
