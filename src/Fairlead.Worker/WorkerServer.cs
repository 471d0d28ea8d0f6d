using Fairlead.Engine.Formats;
using Fairlead.Engine.Loading;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Fairlead.Worker;

/// <summary>One process, one loaded model: answers <c>/v1/chat/completions</c>, <c>/v1/completions</c>, <c>/v1/embeddings</c>, <c>/tokenize</c>,
/// <c>/detokenize</c>, <c>/health</c>, <c>/metrics</c> and <c>/drain</c> on a Unix socket, in OpenAI's dialect.</summary>
/// <remarks>It knows of no key, no money and no other model. Who may ask is decided by who may enter the socket's folder, and by the gateway before that.</remarks>
public static class WorkerServer
{
    /// <summary>Longer than the gateway lets a body be (512 MiB), so that it is the gateway that says so.</summary>
    private const long MostBodyBytes = 513L << 20;

    /// <summary>How long answers may go on after a stop; the gateway's own patience is shorter.</summary>
    private static readonly TimeSpan Drain = TimeSpan.FromHours(1);

    /// <summary>How long the last bytes of the last answer may take to leave.</summary>
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(5);

    /// <summary>Says what the model needs, loads it when it may, and serves it until it is told to stop.</summary>
    /// <param name="options">Which model, and where.</param>
    /// <param name="parent">The pipe from whoever started us; null where a person did.</param>
    /// <param name="events">Gets the lines <c>needs</c>, <c>progress</c>, <c>ready</c> and <c>kept</c>.</param>
    /// <param name="log">Gets everything else.</param>
    /// <param name="time">For the answers' time stamps.</param>
    /// <param name="stop">Ends when a signal asks for a polite end.</param>
    /// <param name="cancellationToken">Gives up the start.</param>
    /// <returns>False when the model could not be loaded, or its files were changed under it; the log's last line says why.</returns>
    public static async Task<bool> RunAsync(
        WorkerOptions options, TextReader? parent, TextWriter events, TextWriter log, TimeProvider time, Task stop, CancellationToken cancellationToken)
    {
        log = TextWriter.Synchronized(log); // packs are written by a thread of their own
        var letLoad = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var draining = new Draining();
        if (parent is null)
            letLoad.SetResult(); // a person has asked for it already
        else
            ParentPipe.Watch(parent, () => letLoad.TrySetResult(), draining.Begin, () => ParentPipe.EndProcess(options.Socket));
        Task stopped = Task.WhenAny(draining.Asked, stop);
        var readiness = new Readiness();
        var told = new WorkerEvents(events);
        await using WebApplication app = Build(options, readiness, draining, time);
        await app.StartAsync(cancellationToken);
        Task rehearsed = DoorRehearsal.AskAsync(options.Socket); // beside the load, most of which is one thread's work
        Task<ServedModel> loading = Task.Run(() => LoadAsync(options, letLoad.Task, readiness, told, log, time), cancellationToken);
        try
        {
            if (await Task.WhenAny(loading, stopped) == stopped)
                return true; // the load ends with the process
            using ServedModel model = await loading;
            readiness.Ready(model);
            told.Progress(1);
            told.Ready();
            _ = KeepPackAsync(model, told); // never fails, and ends with the model
            using var over = new CancellationTokenSource();
            Task<string?> changed = WeightWatch.ForChangeAsync(readiness.Need!.Files, time, over.Token);
            if (await Task.WhenAny(stopped, changed) == changed && await changed is { } change)
            {
                await log.WriteLineAsync(change);
                return false;
            }
            await over.CancelAsync();
            draining.Begin();
            await draining.Empty.WaitAsync(Drain, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // those who are still inside then are cut off below
            using var patience = new CancellationTokenSource(Farewell, time);
            await app.StopAsync(patience.Token);
            return true;
        }
        catch (ModelFileException e)
        {
            await log.WriteLineAsync(WithoutFolders(e.Message, options));
            return false;
        }
        catch (OutOfMemoryException)
        {
            string needed = readiness.Need is { } need ? $": it needs {need.Total >> 20} MiB with --ctx {need.Context} and --slots {need.Slots}" : "";
            await log.WriteLineAsync($"There was not enough memory to load it{needed}. Give it fewer of either, or take a smaller file of the model.");
            return false;
        }
        finally
        {
            await rehearsed; // or it would find the door taken down in the middle of an answer, and the log would say so
        }
    }

    /// <summary>The last line goes to callers, whom the folders of this machine do not concern; the first one has named them for the log.</summary>
    private static string WithoutFolders(string message, WorkerOptions options)
    {
        foreach (string path in new[] { options.Path, options.Draft }.OfType<string>().OrderByDescending(static path => path.Length)) // one may lie in the other
            message = message.Replace(path, Path.GetFileName(path.TrimEnd('/')), StringComparison.Ordinal);
        return message;
    }

    /// <summary>Says what the model needs, waits until it may be loaded, and loads it.</summary>
    private static async Task<ServedModel> LoadAsync(WorkerOptions options, Task mayLoad, Readiness readiness, WorkerEvents told, TextWriter log, TimeProvider time)
    {
        ModelNeed need = ServedModel.Measure(options);
        readiness.Need = need;
        told.Needs(need);
        if (need.IsEncoder && (options.Kv is not null || options.Stall is not null))
            await log.WriteLineAsync($"{(options.Kv is null ? "--stall has" : options.Stall is null ? "--kv has" : "--kv and --stall have")} no effect: an encoder keeps no keys and values and writes no answers.");
        await mayLoad;
        await log.WriteLineAsync($"Loading {options.Path}{(options.Draft is null ? "" : $" and its draft {options.Draft}")}, {need.FileBytes / (1024 * 1024.0):0.0} MiB");
        PackStore? packs = options.Packs is { } folder ? new PackStore(folder, log.WriteLine) { MostBytes = options.PacksLimit } : null;
        Task rehearsed = need.IsEncoder ? Task.Run(DoorRehearsal.ReadAndWrite) : Task.CompletedTask;
        ServedModel model = ServedModel.Load(options, need, packs, new LoadProgress(readiness, told, time), time);
        await rehearsed;
        await log.WriteLineAsync(model.Packing.ToString());
        if (model.Language?.DraftPacking is { } draft)
            await log.WriteLineAsync($"Draft: {draft}{(options.Quantize is { } wanted && draft.Quantized is null ? $"; --quantize {wanted} is for the model alone: the draft is quantised already" : "")}");
        return model;
    }

    private static async Task KeepPackAsync(ServedModel model, WorkerEvents told)
    {
        if (await model.KeepPack())
            told.Kept();
    }

    private static WebApplication Build(WorkerOptions options, Readiness readiness, Draining draining, TimeProvider time)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore();
        builder.Logging
            .SetMinimumLevel(LogLevel.Warning)
            .AddSimpleConsole(static o =>
            {
                o.SingleLine = true;
                o.ColorBehavior = LoggerColorBehavior.Disabled;
            })
            .Services.Configure<ConsoleLoggerOptions>(static o => o.LogToStandardErrorThreshold = LogLevel.Trace); // standard output holds the lines of WorkerEvents and nothing else
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MostBodyBytes;
            kestrel.Limits.MinRequestBodyDataRate = null; // the gateway sends what it has read already
            kestrel.Limits.MinResponseDataRate = null; // and reads as fast as its own caller does
            kestrel.ListenUnixSocket(options.Socket);
        });
        WebApplication app = builder.Build();
        new ModelDoor(options.Model, readiness, draining, time, app.Services.GetRequiredService<ILogger<ModelDoor>>()).Map(app);
        return app;
    }
}
