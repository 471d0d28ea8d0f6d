using System.Diagnostics;
using System.Runtime.InteropServices;
using Fairlead.Api;
using Fairlead.Configuration;
using Fairlead.Fleet;
using Fairlead.Gateway;
using Fairlead.Upstreams.Providers;
using Fairlead.Verbs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Fairlead;

/// <summary><c>fairlead serve</c>: starts the gateway, watches its configuration, and stops it politely.</summary>
internal static partial class Serve
{
    /// <summary>Runs until a signal; the exit code of <see cref="ExitCodes"/>.</summary>
    public static async Task<int> RunAsync(ConfigurationSources sources, TextWriter output, TextWriter errors, CancellationToken cancellationToken)
    {
        long began = Stopwatch.GetTimestamp();
        using var signals = new StopSignals();
        LoadedConfiguration loaded = ConfigurationLoader.Load(sources);
        foreach (string warning in loaded.Warnings)
            await errors.WriteLineAsync($"warning: {warning}");
        if (loaded.Settings is not { } settings)
        {
            foreach (ConfigurationError error in loaded.Errors)
                await errors.WriteLineAsync(error.ToString());
            return loaded.Errors.All(static e => e.Source.StartsWith("--", StringComparison.Ordinal)) ? ExitCodes.Usage : ExitCodes.Configuration;
        }
        // What children or crash dumps might inherit, the environment no longer holds.
        ForgetSecrets();

        using ILoggerFactory loggers = LoggerFactory.Create(static logging => logging
            .SetMinimumLevel(LogLevel.Warning)
            .AddFilter("Fairlead", LogLevel.Information)
            .AddFilter("Microsoft.AspNetCore.Server.Kestrel", static level => level is LogLevel.Warning or LogLevel.Error) // critical: it could not start, which we say ourselves
            .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None) // the same, once more
            .AddSimpleConsole(static o =>
            {
                o.SingleLine = true;
                o.UseUtcTimestamp = true;
                o.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
                o.ColorBehavior = LoggerColorBehavior.Disabled;
            })
            .Services.Configure<ConsoleLoggerOptions>(static o => o.LogToStandardErrorThreshold = LogLevel.Trace));
        ILogger log = loggers.CreateLogger("Fairlead.Serve");
        GatewayServer? server = null;
        Task<string?> Reload(CancellationToken stop) => ReloadAsync(sources, server, log, stop);
        try
        {
            server = await GatewayServer.StartAsync(settings, TimeProvider.System, loggers, new ConfigurationHooks(Reload, request => LocalModelReader.Read(request, sources.Environment)), cancellationToken);
        }
        catch (Exception e) when (StartFailure.Of(e, settings) is { } failure)
        {
            await errors.WriteLineAsync(failure.Message);
            if (sources.Local is { } mine && failure.ExitCode == ExitCodes.Conflict)
                await errors.WriteLineAsync($"To have the running server serve it, add to its fairlead.yaml, which it reads again by itself:  local: {{ {mine.Name}: {{ source: {mine.Source} }} }}");
            return failure.ExitCode;
        }
        await using (server)
        {
            if (sources.Local is { } local && !await LoadAsync(server, local, signals, errors))
                return signals.First.IsCompleted ? ExitCodes.Interrupted : ExitCodes.Failed;
            await Banner.WriteAsync(output, server.Summary, Stopwatch.GetElapsedTime(began));
            await RunUntilSignalAsync(server, signals, loaded.File, Reload, log, errors);
        }
        return ExitCodes.Ok;
    }

    /// <summary>Loads the one model that the command line named, so that what is wrong with it is told now.</summary>
    private static async Task<bool> LoadAsync(GatewayServer server, RunRequest local, StopSignals signals, TextWriter errors)
    {
        string name = $"local/{local.Name}";
        var bar = new LoadBar(errors, Terminal.Redraws(Console.IsErrorRedirected));
        Task loading = server.LoadAsync(name, default);
        Task over = Task.WhenAny(loading, signals.First);
        using var timer = new PeriodicTimer(LoadBar.Every, TimeProvider.System);
        while (!over.IsCompleted)
        {
            bar.Show(server.Local.Models.First(m => m.Name == name));
            await Task.WhenAny(over, timer.WaitForNextTickAsync(default).AsTask());
        }
        bar.Clear();
        if (!loading.IsCompleted)
            return false;
        try
        {
            await loading;
            return true;
        }
        catch (FleetRefusedException e)
        {
            // What became of it, where the refusal is about when others may ask again.
            string why = server.Local.Models.First(m => m.Name == name).Reason ?? e.Refusal.Reason;
            await errors.WriteLineAsync(Terminal.Safe($"{local.Source} cannot be served: {why}"));
            return false;
        }
    }

    private static async Task RunUntilSignalAsync(
        GatewayServer server, StopSignals signals, string? file, Func<CancellationToken, Task<string?>> reload, ILogger log, TextWriter errors)
    {
        using var watcher = new ConfigurationWatcher(file, TimeProvider.System, reload, log);
        using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            watcher.Touch();
        });
        await signals.First;
        TimeSpan drain = server.Drain; // as it is now: the configuration may have changed since the start
        await errors.WriteLineAsync(server.Running == 0
            ? "Stopping: no request is under way."
            : $"Stopping: nothing new is taken on; requests under way: {server.Running}, with {drain.TotalSeconds:0} s to finish. A second signal stops at once.");
        Task drained = server.StopAsync(drain);
        if (await Task.WhenAny(drained, signals.Second) == signals.Second)
            await server.StopNowAsync();
        await drained;
    }

    /// <summary>Reads the configuration again: in force whole, or refused whole with what is wrong.</summary>
    private static async Task<string?> ReloadAsync(ConfigurationSources sources, GatewayServer? server, ILogger log, CancellationToken cancellationToken)
    {
        if (server is null)
            return "The server is still starting.";
        LoadedConfiguration loaded = ConfigurationLoader.Load(sources);
        if (loaded.Settings is not { } settings)
        {
            string wrong = string.Join("\n", loaded.Errors);
            LogRefused(log, wrong);
            return wrong;
        }
        IReadOnlyList<string> changed = await server.ApplyAsync(settings, cancellationToken);
        LogApplied(log, changed.Count == 0 ? "nothing" : string.Join(", ", changed));
        return null;
    }

    private static void ForgetSecrets()
    {
        foreach (string variable in ProviderTable.Known.Values.SelectMany(static p => p.KeyVariables))
            Forgotten[variable] = Environment.GetEnvironmentVariable(variable);
        foreach (string variable in Forgotten.Keys)
            Environment.SetEnvironmentVariable(variable, null);
    }

    /// <summary>What the environment held at start; a reload still finds it here.</summary>
    public static Dictionary<string, string?> Forgotten { get; } = [];

    [LoggerMessage(EventId = 1101, Level = LogLevel.Information, Message = "The configuration was read again; changed: {Changed}")]
    private static partial void LogApplied(ILogger log, string changed);

    [LoggerMessage(EventId = 1102, Level = LogLevel.Error, Message = "The changed configuration is refused, the old one stays in force: {Errors}")]
    private static partial void LogRefused(ILogger log, string errors);
}
