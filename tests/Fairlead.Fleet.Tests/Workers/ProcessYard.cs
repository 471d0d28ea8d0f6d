using System.Collections.Concurrent;
using System.Globalization;
using Fairlead.Fleet.Packs;
using Fairlead.Fleet.Workers;
using Fairlead.Shared;
using Microsoft.Extensions.Logging;

namespace Fairlead.Fleet.Tests.Workers;

/// <summary>A folder for sockets, and workers in it, scripted or real; whatever a test leaves behind is killed.</summary>
internal sealed class ProcessYard : IAsyncDisposable, ILogger
{
    private readonly TempFolder _folder = new();
    private readonly List<WorkerProcess> _workers = [];

    /// <summary>The product itself.</summary>
    public static WorkerCommand Product => new(Checkout.Binary, ["worker"]) { Confined = true };

    /// <summary>A worker that does as its "model" says.</summary>
    public static WorkerCommand Scripts { get; } = new(ScriptedWorker.Command.Program, [.. ScriptedWorker.Command.Arguments]);

    /// <summary>The model that comes with the product.</summary>
    public static string Guide => Path.Combine(Checkout.Root, "models", "guide");

    public ConcurrentQueue<string> Log { get; } = new();

    /// <summary>Called with each line of the log, on the thread of whoever writes it: a log may be slow.</summary>
    public Action<string>? Logged { get; set; }

    public LogRing Lines { get; } = new(TimeProvider.System);

    public string Folder => _folder.Path;

    public string Journal => _folder["journal"];

    public string[] Notes => File.Exists(Journal) ? File.ReadAllLines(Journal) : [];

    public string[] Sockets => Directory.GetFiles(_folder.Path, "*.sock");

    /// <summary>A worker that does as it is told.</summary>
    public WorkerProcess Scripted(string behaviour) => Start(Scripts, new WorkerSpec { Model = "local/scripted", Source = $"{behaviour}@{Journal}" });

    /// <summary>A worker of our own.</summary>
    public WorkerProcess Real(string source, int? context = null, int slots = 8, PackPlace? packs = null) =>
        Start(Product, new WorkerSpec { Model = "local/real", Source = source, Context = context, Slots = slots }, packs);

    public WorkerProcess Start(WorkerCommand own, WorkerSpec spec, PackPlace? packs = null)
    {
        var worker = WorkerProcess.Start(own, spec, _folder[$"{_workers.Count + 1}.sock"], packs, TimeProvider.System, this, Lines);
        _workers.Add(worker);
        return worker;
    }

    /// <summary>Lets it load what it needs, and waits until it has.</summary>
    public static async Task<WorkerProcess> LoadedAsync(WorkerProcess worker, long? memory = null)
    {
        WorkerFacts facts = await worker.Measured.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        worker.LetLoad(memory ?? facts.Need.Total);
        await worker.Ready.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        return worker;
    }

    /// <summary>A field of /proc/PID/status.</summary>
    public static string Status(int process, string field) =>
        File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith(field + ":", StringComparison.Ordinal))[(field.Length + 1)..].Trim();

    /// <summary>Soft and hard limit as /proc/PID/limits tells them.</summary>
    public static string[] Limit(int process, string name) =>
        File.ReadLines($"/proc/{process}/limits").First(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[..2];

    /// <summary>Whether there is such a process; one that is dead and not yet waited for is none.</summary>
    public static bool Lives(int process)
    {
        try
        {
            return !Status(process, "State").StartsWith('Z');
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            return false;
        }
    }

    public static int NotedChild(string[] notes) => int.Parse(notes.Single(static note => note.StartsWith("child ", StringComparison.Ordinal))[6..], CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        foreach (WorkerProcess worker in _workers)
        {
            worker.Kill();
            await worker.Exited;
        }
        _folder.Dispose();
    }

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        string line = formatter(state, exception);
        Log.Enqueue(line);
        Logged?.Invoke(line);
    }
}
