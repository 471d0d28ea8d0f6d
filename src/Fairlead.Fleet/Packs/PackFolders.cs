using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Fairlead.Fleet.Packs;

/// <summary>The folders in which workers of our own keep the packed form of their weights, one for each model's files, and the bound on all of them together.</summary>
/// <remarks>
/// <para>A worker reads files of strangers and may have been taken over; what it writes must never be another model's weights. So the folder's name comes from the path of the
/// model's files and from nothing that a worker says, and only this folder is open to it (<see cref="Isolation.Landlock"/>): <c>ROOT/HASH/packed</c>. A draft's files are read by the same
/// worker, so a model with one has another folder than without. Beside it, out of the worker's reach, <c>ROOT/HASH/source</c> holds these paths, one or two with a zero between them, and as its
/// time of change when the folder was last given to a worker.</para>
/// <para>All of it is a cache: what goes wrong here is logged, and a model is then loaded without. Any thread may call any member.</para>
/// </remarks>
internal sealed partial class PackFolders(string root, TimeProvider time, ILogger log)
{
    private const string Packed = "packed";
    private const string Source = "source";

    /// <summary>Longest paths that a file may say it is the folder of: two, and Linux opens none that is longer.</summary>
    private const int MostPathBytes = 2 * 4096;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private static readonly EnumerationOptions s_all = new() { AttributesToSkip = 0, IgnoreInaccessible = false };

    private readonly Lock _disk = new(); // a folder is not given away while it is being removed
    private readonly Lock _wishes = new();
    private long _limit;
    private bool _isWanted;

    /// <summary>Ends when the last sweep that was asked for has.</summary>
    public Task Swept { get; private set; } = Task.CompletedTask;

    /// <summary>Bytes that all packs together may take from now on; 0: none are kept. Those that are there are swept in the background.</summary>
    public void Bound(long bytes)
    {
        Volatile.Write(ref _limit, bytes);
        SweepSoon();
    }

    /// <summary>The place for the packs of a model's files; null where none are kept, or the folder cannot be had.</summary>
    /// <param name="model">Absolute path of the model's folder or file.</param>
    /// <param name="draft">That of the model that guesses ahead for it; null without one.</param>
    public PackPlace? For(string model, string? draft = null)
    {
        string source = draft is null ? model : $"{model}\0{draft}";
        long limit = Volatile.Read(ref _limit);
        if (limit == 0)
            return null;
        string folder = Path.Combine(root, NameOf(source)), named = Path.Combine(folder, Source), packed = Path.Combine(folder, Packed);
        lock (_disk)
        {
            try
            {
                Directory.CreateDirectory(folder, OwnerOnly); // the mode is the last folder's alone
                Directory.CreateDirectory(packed, OwnerOnly);
                File.WriteAllText(named, source);
                File.SetLastWriteTimeUtc(named, time.GetUtcNow().UtcDateTime);
                return new PackPlace(packed, limit);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                LogNoFolder(e, model, folder);
                return null;
            }
        }
    }

    /// <summary>Removes what is too much and what is nobody's, in the background; of several wishes that wait one is done.</summary>
    public void SweepSoon()
    {
        lock (_wishes)
        {
            if (_isWanted)
                return;
            _isWanted = true;
            Swept = Swept.ContinueWith(static (_, mine) => ((PackFolders)mine!).SweepNow(), this, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private void SweepNow()
    {
        lock (_wishes)
            _isWanted = false;
        lock (_disk)
        {
            try
            {
                Sweep();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                LogNotSwept(e, root);
            }
        }
    }

    /// <summary>Removes the folders of models whose files are gone, and then the packs that were not used for longest until the rest keeps to the bound.</summary>
    private void Sweep()
    {
        long limit = Volatile.Read(ref _limit);
        var found = new List<(FileInfo File, DateTime Used)>();
        foreach (DirectoryInfo folder in new DirectoryInfo(root).EnumerateDirectories("*", s_all))
        {
            if (limit == 0 || !BelongsToAModel(folder))
            {
                folder.Delete(recursive: true);
                LogRemoved(folder.FullName, limit == 0 ? "no packs are to be kept" : "the files of its model are gone");
                continue;
            }
            DateTime used = File.GetLastWriteTimeUtc(Path.Combine(folder.FullName, Source));
            var packed = new DirectoryInfo(Path.Combine(folder.FullName, Packed));
            if (packed.Exists)
                found.AddRange(packed.EnumerateFiles("*", s_all).Where(static file => file.Exists).Select(file => (file, used))); // asked at once: a worker renames what it has written
        }
        long total = found.Sum(static one => one.File.Length);
        foreach ((FileInfo file, _) in found.OrderBy(static one => one.Used).ThenBy(static one => one.File.LastWriteTimeUtc))
        {
            if (total <= limit)
                break;
            total -= file.Length;
            file.Delete();
            LogEvicted(file.FullName, limit >> 20);
        }
    }

    private static bool BelongsToAModel(DirectoryInfo folder)
    {
        var named = new FileInfo(Path.Combine(folder.FullName, Source));
        if (!named.Exists || named.LinkTarget is not null || named.Length is 0 or > MostPathBytes)
            return false;
        string source = File.ReadAllText(named.FullName);
        return folder.Name == NameOf(source) && source.Split('\0').All(Path.Exists);
    }

    private static string NameOf(string source) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(source)).AsSpan(0, 16));

    [LoggerMessage(EventId = 4241, Level = LogLevel.Warning, Message = "The packed weights of {Source} are not kept: {Folder} cannot be made")]
    private partial void LogNoFolder(Exception e, string source, string folder);

    [LoggerMessage(EventId = 4242, Level = LogLevel.Warning, Message = "The packs in {Folder} could not be looked through; they may take more room than they should until the next look")]
    private partial void LogNotSwept(Exception e, string folder);

    [LoggerMessage(EventId = 4243, Level = LogLevel.Information, Message = "{Path} was removed: {Why}")]
    private partial void LogRemoved(string path, string why);

    [LoggerMessage(EventId = 4244, Level = LogLevel.Information, Message = "{Path} was removed: all packs together would take more than the {MiB} MiB of fleet.packs")]
    private partial void LogEvicted(string path, long miB);
}
