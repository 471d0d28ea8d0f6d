using System.Collections.Concurrent;
using Fairlead.Fleet.Workers;
using Fairlead.Shared;
using Microsoft.Extensions.Logging;

namespace Fairlead.Fleet.Tests.Workers;

/// <summary>A folder for sockets, a log that can be read, and models that behave as they are told.</summary>
internal sealed class WorkerYard : IAsyncDisposable, ILogger
{
    private readonly TempFolder _folder = new();
    private readonly List<LocalModel> _models = [];

    public static WorkerCommand Command { get; } = new(ScriptedWorker.Command.Program, [.. ScriptedWorker.Command.Arguments]);

    public ConcurrentQueue<string> Log { get; } = new();

    /// <summary>What the workers noted, a word a line.</summary>
    public string[] Notes => File.Exists(Journal) ? File.ReadAllLines(Journal) : [];

    public string[] Sockets => Directory.GetFiles(_folder.Path, "*.sock");

    private string Journal => _folder["journal"];

    public LocalModel Model(string behaviour, TimeSpan? limit = null, WorkerCommand? command = null)
    {
        var model = new LocalModel(
            new WorkerSpec { Model = "local/scripted", Source = $"{behaviour}@{Journal}" }, command ?? Command, _folder.Path, limit ?? TimeSpan.FromSeconds(20), TimeProvider.System, this);
        _models.Add(model);
        return model;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (LocalModel model in _models)
            await model.DisposeAsync();
        _folder.Dispose();
    }

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Log.Enqueue(formatter(state, exception));
}
