using Microsoft.Extensions.Logging;

namespace Fairlead.Configuration;

/// <summary>Reads the configuration again when its file changes. Changes that come together, as editors make them, count as one.</summary>
internal sealed partial class ConfigurationWatcher : IDisposable
{
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(200);

    private readonly FileSystemWatcher? _watcher;
    private readonly ITimer _timer;
    private readonly Func<CancellationToken, Task<string?>> _reload;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    public ConfigurationWatcher(string? file, TimeProvider time, Func<CancellationToken, Task<string?>> reload, ILogger log)
    {
        _reload = reload;
        _log = log;
        _timer = time.CreateTimer(static self => ((ConfigurationWatcher)self!).Fire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (file is null)
            return;
        string full = Path.GetFullPath(file);
        // The folder is watched, not the file: editors and orchestrators replace it by renaming another one over it.
        _watcher = new FileSystemWatcher(Path.GetDirectoryName(full)!, Path.GetFileName(full)) { NotifyFilter = NotifyFilters.LastWrite | NotifyFilters.FileName | NotifyFilters.Size };
        _watcher.Changed += (_, _) => Touch();
        _watcher.Created += (_, _) => Touch();
        _watcher.Renamed += (_, _) => Touch();
        _watcher.EnableRaisingEvents = true;
    }

    /// <summary>Asks for a reload soon.</summary>
    public void Touch() => _timer.Change(Settle, Timeout.InfiniteTimeSpan);

    public void Dispose()
    {
        _watcher?.Dispose();
        _timer.Dispose();
        _stop.Cancel();
        _stop.Dispose();
    }

    private void Fire()
    {
        if (!_running.IsCompleted)
        {
            Touch();
            return;
        }
        _running = ReloadAsync();
    }

    private async Task ReloadAsync()
    {
        try
        {
            await _reload(_stop.Token);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            LogFailed(_log, e);
        }
    }

    [LoggerMessage(EventId = 1103, Level = LogLevel.Error, Message = "The configuration could not be read again; the old one stays in force")]
    private static partial void LogFailed(ILogger log, Exception e);
}
