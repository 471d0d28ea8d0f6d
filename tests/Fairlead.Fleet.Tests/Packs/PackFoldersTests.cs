using System.Collections.Concurrent;
using Fairlead.Fleet.Packs;
using Fairlead.Shared;
using Microsoft.Extensions.Logging;

namespace Fairlead.Fleet.Tests.Packs;

/// <summary>Whose folder is whose, and what all of them together may take.</summary>
public sealed class PackFoldersTests : IDisposable, ILogger
{
    private readonly TempFolder _root = new();
    private readonly TempFolder _models = new();
    private readonly HandTime _time = new();
    private readonly ConcurrentQueue<string> _log = new();
    private readonly PackFolders _folders;

    public PackFoldersTests() => _folders = new PackFolders(_root.Path, _time, this);

    [Fact]
    public async Task Each_source_has_a_folder_of_its_own_which_nobody_else_may_enter_and_which_is_the_same_next_time()
    {
        await BoundAsync(1 << 20);
        PackPlace one = _folders.For(Model("one"))!, other = _folders.For(Model("other"))!;
        Assert.NotEqual(one.Folder, other.Folder);
        Assert.Equal(one, _folders.For(Model("one")));
        Assert.Equal(1 << 20, one.MostBytes);
        Assert.All((string[])[one.Folder, Path.GetDirectoryName(one.Folder)!], static folder =>
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder)));
        Assert.Equal(_root.Path, Path.GetDirectoryName(Path.GetDirectoryName(one.Folder)));
    }

    [Fact]
    public async Task The_packs_that_were_not_used_for_longest_go_first_until_the_rest_keeps_to_the_bound()
    {
        await BoundAsync(1000);
        string first = Pack("first", "a.pack", 400), second = Pack("second", "a.pack", 400);
        Assert.NotNull(_folders.For(Model("first"))); // used again: the second is the older one now
        string third = Pack("third", "a.pack", 400);
        await SweepAsync();
        Assert.Equal((true, false, true), (File.Exists(first), File.Exists(second), File.Exists(third)));
        Assert.Contains(_log, static line => line.Contains("a.pack was removed: all packs together would take more than", StringComparison.Ordinal));
        await BoundAsync(399);
        Assert.Empty(Directory.EnumerateFiles(_root.Path, "*.pack", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Whatever_a_worker_has_put_there_counts()
    {
        await BoundAsync(1000);
        string unfinished = Pack("one", "a.pack.7-1.new", 1001);
        await SweepAsync();
        Assert.False(File.Exists(unfinished));
    }

    [Fact]
    public async Task The_folder_of_a_model_that_is_gone_goes_and_so_does_one_that_is_nobodys()
    {
        await BoundAsync(1 << 20);
        string kept = Pack("kept", "a.pack", 10), gone = Pack("gone", "a.pack", 10), forged = Pack("forged", "a.pack", 10);
        File.Delete(Model("gone"));
        await File.WriteAllTextAsync(Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(forged))!, "source"), Model("kept"), TestContext.Current.CancellationToken);
        Directory.CreateDirectory(_root["nobodys"]);
        await SweepAsync();
        Assert.Equal([Path.GetDirectoryName(Path.GetDirectoryName(kept))!], Directory.GetDirectories(_root.Path));
        Assert.True(File.Exists(kept));
        Assert.False(File.Exists(gone));
    }

    /// <summary>Its files are read by the worker that writes the pack: what they may have made of it must not be the model's when they are left out.</summary>
    [Fact]
    public async Task A_model_with_a_draft_has_another_folder_which_goes_with_either_of_them()
    {
        await BoundAsync(1 << 20);
        PackPlace alone = _folders.For(Model("model"))!, guessed = _folders.For(Model("model"), Model("draft"))!;
        Assert.Equal(3, new HashSet<string>([alone.Folder, guessed.Folder, _folders.For(Model("draft"))!.Folder]).Count);
        Assert.Equal(guessed, _folders.For(Model("model"), Model("draft")));
        await SweepAsync();
        Assert.True(Directory.Exists(guessed.Folder));
        File.Delete(Model("draft"));
        await SweepAsync();
        Assert.False(Directory.Exists(guessed.Folder));
        Assert.True(Directory.Exists(alone.Folder));
    }

    [Fact]
    public async Task A_link_in_a_folder_is_removed_and_not_followed()
    {
        await BoundAsync(1 << 20);
        string elsewhere = Model("elsewhere"), place = _folders.For(Model("gone"))!.Folder;
        Directory.CreateSymbolicLink(Path.Combine(place, "link"), _models.Path);
        File.Delete(Model("gone"));
        await SweepAsync();
        Assert.Empty(Directory.GetDirectories(_root.Path));
        Assert.True(File.Exists(elsewhere));
    }

    [Fact]
    public async Task With_a_bound_of_nothing_none_are_kept()
    {
        await BoundAsync(1 << 20);
        Pack("one", "a.pack", 10);
        await BoundAsync(0);
        Assert.Empty(Directory.GetFileSystemEntries(_root.Path));
        Assert.Null(_folders.For(Model("one")));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_had_is_said_and_a_model_is_loaded_without()
    {
        await BoundAsync(1 << 20);
        string place = _folders.For(Model("one"))!.Folder;
        Directory.Delete(place);
        await File.WriteAllTextAsync(place, "in the way", TestContext.Current.CancellationToken);
        Assert.Null(_folders.For(Model("one")));
        Assert.Contains(_log, line => line.Contains($"The packed weights of {Model("one")} are not kept", StringComparison.Ordinal));
        Directory.Delete(_root.Path, recursive: true);
        await SweepAsync();
        Assert.Contains(_log, static line => line.Contains("could not be looked through", StringComparison.Ordinal));
    }

    public void Dispose()
    {
        _root.Dispose();
        _models.Dispose();
    }

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => _log.Enqueue(formatter(state, exception));

    private string Model(string name)
    {
        if (_models[name] is var path && !File.Exists(path) && !_made.Contains(name))
            File.WriteAllText(path, "weights");
        _made.Add(name);
        return _models[name];
    }

    private readonly HashSet<string> _made = [];

    /// <summary>A file as a worker would leave it, a minute after the one before.</summary>
    private string Pack(string model, string name, int bytes)
    {
        _time.Now += TimeSpan.FromMinutes(1);
        string path = Path.Combine(_folders.For(Model(model))!.Folder, name);
        File.WriteAllBytes(path, new byte[bytes]);
        _time.Now += TimeSpan.FromMinutes(1);
        return path;
    }

    private Task BoundAsync(long bytes)
    {
        _folders.Bound(bytes);
        return _folders.Swept;
    }

    private Task SweepAsync()
    {
        _folders.SweepSoon();
        return _folders.Swept;
    }

    private sealed class HandTime : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 11, 27, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
