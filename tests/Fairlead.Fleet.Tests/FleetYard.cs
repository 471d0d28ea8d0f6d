using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Fairlead.Domain.Fleet;
using Fairlead.Fleet.Workers;
using Fairlead.Shared;
using Microsoft.Extensions.Logging;

namespace Fairlead.Fleet.Tests;

/// <summary>A loop over real child processes that behave as they are told, a log that can be read, and what the processes noted themselves.</summary>
internal sealed class FleetYard : IAsyncDisposable, ILogger, ILoggerFactory
{
    public const long GiB = 1L << 30;

    private readonly TempFolder _folder = new();
    private FleetLoop? _loop;

    public FleetYard(TimeProvider? time = null)
    {
        Time = time ?? TimeProvider.System;
        Options = new FleetOptions
        {
            Own = new WorkerCommand(ScriptedWorker.Command.Program, [.. ScriptedWorker.Command.Arguments]),
            SocketFolder = _folder["sockets"],
            HistoryFile = _folder["history.json"],
        };
    }

    public static CancellationToken Never => CancellationToken.None;

    public TimeProvider Time { get; }

    public FleetOptions Options { get; set; }

    public FleetLimits Limits { get; set; } = new() { Memory = 4 * GiB, FirstRest = TimeSpan.FromMilliseconds(50), LongestRest = TimeSpan.FromMilliseconds(200), Farewell = TimeSpan.FromSeconds(5) };

    public FleetLoop Loop => _loop ??= FleetLoop.Start(Options, Time, this);

    public ConcurrentQueue<string> Log { get; } = new();

    public string[] Sockets => Directory.Exists(Options.SocketFolder) ? Directory.GetFiles(Options.SocketFolder) : [];

    /// <summary>Path of a file of this yard.</summary>
    public string this[string name] => _folder[name];

    /// <summary>A model of the name <c>local/NAME</c> that behaves so.</summary>
    public ServedSpec Model(string name, string behaviour, Func<ModelTerms, ModelTerms>? terms = null)
    {
        var stated = new ModelTerms($"local/{name}");
        return new ServedSpec(new WorkerSpec { Model = stated.Model, Source = $"{behaviour}@{_folder[name + ".journal"]}" }, terms?.Invoke(stated) ?? stated);
    }

    public FleetYard Serve(params ServedSpec[] models)
    {
        Loop.Configure(models, Limits);
        return this;
    }

    /// <summary>What the workers of a model noted, a word a line.</summary>
    public string[] Notes(string name) => File.Exists(_folder[name + ".journal"]) ? File.ReadAllLines(_folder[name + ".journal"]) : [];

    public int Starts(string name) => Notes(name).Count(static word => word == "start");

    /// <summary>Lets the workers of a model go on with what they hold.</summary>
    public void LetGoOn(string name) => File.WriteAllText(_folder[name + ".journal.go"], "");

    public ModelStatus Status(string name) => Loop.Status($"local/{name}")!;

    public Task<WorkerLease> EnterAsync(string name, string tenant = "somebody", double patience = 60, CancellationToken cancellationToken = default) =>
        Loop.EnterAsync(new WorkerAsk($"local/{name}", tenant, TimeSpan.FromSeconds(patience)), cancellationToken).AsTask();

    public async Task<FleetRefusal> RefusedAsync(string name, double patience = 60) =>
        (await Assert.ThrowsAsync<FleetRefusedException>(() => EnterAsync(name, patience: patience))).Refusal;

    /// <summary>Polls until a model's status is as it should be.</summary>
    public Task UntilAsync(string name, Func<ModelStatus, bool> holds) => ScriptedWorker.UntilAsync(() => holds(Status(name)), $"{name} as expected; it is {Status(name)}");

    /// <summary>Process ids of all workers that were ever started for a model, oldest first, as its log tells them.</summary>
    public int[] Processes(string name) =>
        [.. Loop.Lines($"local/{name}").Select(static line => line.Split(' ')).Where(static words => words is [_, "(worker", _, "was", "started)"]).Select(static words => int.Parse(words[2], CultureInfo.InvariantCulture))];

    public static bool Lives(int process)
    {
        try
        {
            return !File.ReadAllText($"/proc/{process}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false; // it had ended, or did while it was read (ESRCH)
        }
    }

    public static void Signal(int process, string signal)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", process.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>Ends the loop, and begins another on the same folder.</summary>
    public async Task<FleetYard> RestartAsync()
    {
        if (_loop is not null)
            await _loop.DisposeAsync();
        _loop = null;
        return this;
    }

    public async ValueTask DisposeAsync()
    {
        if (_loop is not null)
            await _loop.DisposeAsync();
        _folder.Dispose();
        Assert.DoesNotContain(Log, static line => line.StartsWith("Critical", StringComparison.Ordinal)); // a fault of the loop itself is never part of a test
    }

    void IDisposable.Dispose()
    {
    }

    ILogger ILoggerFactory.CreateLogger(string categoryName) => this;

    void ILoggerFactory.AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Log.Enqueue($"{logLevel} {formatter(state, exception)}{(exception is null ? "" : " " + exception)}");
}
