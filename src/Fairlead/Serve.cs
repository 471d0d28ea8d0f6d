using System.Diagnostics;
using System.Runtime.InteropServices;
using Fairlead.Configuration;
using Fairlead.Gateway;
using Fairlead.Gateway.Settings;
using Fairlead.Storage;
using Fairlead.Upstreams.OpenAi;
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
        LoadedConfiguration loaded = ConfigurationLoader.Load(sources);
        foreach (string warning in loaded.Warnings)
            await errors.WriteLineAsync($"warning: {warning}");
        if (loaded.Settings is not { } settings)
        {
            foreach (ConfigurationError error in loaded.Errors)
                await errors.WriteLineAsync(error.ToString());
            return ExitCodes.Configuration;
        }
        // What children or crash dumps might inherit, the environment no longer holds.
        ForgetSecrets();

        using ILoggerFactory loggers = LoggerFactory.Create(static logging => logging
            .SetMinimumLevel(LogLevel.Warning)
            .AddFilter("Fairlead", LogLevel.Information)
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
            server = await GatewayServer.StartAsync(settings, TimeProvider.System, loggers, Reload, cancellationToken);
        }
        catch (DataFolderException e)
        {
            await errors.WriteLineAsync(e.Message);
            return ExitCodes.Configuration;
        }
        catch (IOException e) when (e.Message.Contains("address already in use", StringComparison.OrdinalIgnoreCase) || e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            await errors.WriteLineAsync($"Port {settings.Listen.Port} is in use by another program. Fix: fairlead serve --listen 127.0.0.1:{settings.Listen.Port + 8}");
            return ExitCodes.Conflict;
        }
        catch (System.Net.Sockets.SocketException e)
        {
            await errors.WriteLineAsync($"Cannot listen on {settings.Listen}: {e.Message}. Fix: choose another with --listen ADDRESS:PORT.");
            return ExitCodes.Configuration;
        }
        await using (server)
        {
            await Banner.WriteAsync(output, server.Summary, Stopwatch.GetElapsedTime(began));
            await RunUntilSignalAsync(server, settings, loaded.File, Reload, log, errors, cancellationToken);
        }
        return ExitCodes.Ok;
    }

    private static async Task RunUntilSignalAsync(
        GatewayServer server, GatewaySettings settings, string? file, Func<CancellationToken, Task<string?>> reload, ILogger log, TextWriter errors, CancellationToken cancellationToken)
    {
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var second = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            if (!first.TrySetResult())
                second.TrySetResult();
        }
        using PosixSignalRegistration term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        await using CancellationTokenRegistration cancelled = cancellationToken.Register(() => first.TrySetResult());
        using var watcher = new ConfigurationWatcher(file, TimeProvider.System, reload, log);
        using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            watcher.Touch();
        });
        await first.Task;
        await errors.WriteLineAsync($"Stopping: nothing new is taken on, running requests have {settings.Limits.Drain.TotalSeconds:0} s. A second signal stops at once.");
        Task drained = server.StopAsync(settings.Limits.Drain);
        if (await Task.WhenAny(drained, second.Task) == second.Task)
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
