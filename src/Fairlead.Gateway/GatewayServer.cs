using System.Net;
using Fairlead.Api;
using Fairlead.Domain.Ids;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Keys;
using Fairlead.Domain.Ledger;
using Fairlead.Gateway.Admin;
using Fairlead.Gateway.Catalogue;
using Fairlead.Gateway.Dispatch;
using Fairlead.Gateway.Door;
using Fairlead.Gateway.Identity;
using Fairlead.Gateway.Limits;
using Fairlead.Gateway.Metering;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Fairlead.Gateway;

/// <summary>The gateway as one running thing: storage opened, keys loaded, data plane and admin socket listening.</summary>
/// <remarks>Built once per process by <c>serve</c>. Everything it owns it closes again, in the opposite order, in <see cref="StopAsync"/>.</remarks>
public sealed partial class GatewayServer : IAsyncDisposable
{
    private readonly DataPlane _data;
    private readonly WebApplication _control;
    private readonly OpenTelemetrySdk _telemetry;
    private readonly Vault _vault;
    private readonly LateCloses _late;
    private readonly DeploymentKeeper _keeper;
    private readonly KeyRing _keys;
    private readonly Admission _admission;
    private readonly ShutdownState _shutdown;
    private readonly GatewayMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _hurry = new();

    /// <summary>Of the time to drain, what is kept to tell callers whose answers are cut off (S-01).</summary>
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(5);

    /// <summary>The same where there is no time: a second signal ends the process within two seconds (S-02).</summary>
    private static readonly TimeSpan ShortFarewell = TimeSpan.FromSeconds(1);

    private bool _stopped;

    private GatewayServer(
        DataPlane data, WebApplication control, OpenTelemetrySdk telemetry, Vault vault, LateCloses late, DeploymentKeeper keeper, KeyRing keys, Admission admission,
        ShutdownState shutdown, GatewayMetrics metrics, TimeProvider time, ILogger log)
    {
        _data = data;
        _control = control;
        _telemetry = telemetry;
        _vault = vault;
        _late = late;
        _keeper = keeper;
        _keys = keys;
        _admission = admission;
        _shutdown = shutdown;
        _metrics = metrics;
        _time = time;
        _log = log;
    }

    /// <summary>What the banner tells.</summary>
    public ServerSummary Summary => new(
        _keeper.Current.Settings.Listen, _vault.Folder.Path, _keeper.Current.Catalogue.Models.Length, _keeper.Providers(),
        [.. _keeper.Current.Settings.Local.Select(static m => m.Name)], _keeper.FleetMemory, _keys.FirstKeyFile, _keeper.ExampleModel());

    /// <summary>Where the models stand that this server runs itself.</summary>
    public LocalFleet Local => LocalViews.All(_keeper);

    /// <summary>Every route of the data plane, for tests that are made from this list.</summary>
    internal IEnumerable<RouteEndpoint> DataRoutes => _data.Routes;

    /// <summary>Opens storage, closes what the last process left open, and starts to listen.</summary>
    /// <param name="settings">Checked settings.</param>
    /// <param name="time">The clock of everything.</param>
    /// <param name="loggers">Where events go.</param>
    /// <param name="hooks">Who reads configurations.</param>
    /// <param name="cancellationToken">Gives up the start.</param>
    public static async Task<GatewayServer> StartAsync(
        GatewaySettings settings, TimeProvider time, ILoggerFactory loggers, ConfigurationHooks hooks, CancellationToken cancellationToken)
    {
        ILogger log = loggers.CreateLogger<GatewayServer>();
        Vault vault = Vault.Open(settings, time, loggers);
        var metrics = new GatewayMetrics();
        var circuits = new CircuitTable(time);
        var aliasBudgets = new AliasBudgets(time);
        var admission = new Admission(aliasBudgets, time);
        var shutdown = new ShutdownState();
        var idempotency = new IdempotencyTable(time);
        var sticky = new StickySessions(time);

        int interrupted = await vault.Ledger.CloseInterruptedAsync(time.GetUtcNow());
        if (interrupted > 0)
            LogInterrupted(log, interrupted);
        foreach ((IdempotencyMark mark, RequestId id, DateTimeOffset at) in vault.Ledger.IdempotencyMarks(time.GetUtcNow() - IdempotencyTable.Life))
            idempotency.Restore(mark, id, at);
        var keys = KeyRing.Load(settings, vault, aliasBudgets, time, loggers.CreateLogger<KeyRing>());
        var keeper = await DeploymentKeeper.StartAsync(settings, vault, circuits, time, loggers, cancellationToken);
        vault.StartShipping();

        var throttle = new WrongKeyThrottle(time);
        var authenticator = new KeyAuthenticator(keys.Table, throttle, new KeyHasher(vault.Pepper), time);
        var late = new LateCloses(vault.Journal, time, loggers.CreateLogger<LateCloses>());
        var settlement = new Settlement(vault.Journal, late, admission, idempotency, metrics, time);
        var relay = new AnswerRelay(new StreamRelay(settlement, time), new WholeRelay(settlement, admission, time));
        var counter = new TokenCount(admission, shutdown, metrics, time, loggers.CreateLogger<TokenCount>());
        var dispatcher = new Dispatcher(relay, new RetryGate(), keeper, sticky, shutdown, metrics, time, loggers.CreateLogger<Dispatcher>());
        var planner = new RoutePlanner(admission, sticky);
        var path = new RequestPath(keeper.Live, authenticator, admission, idempotency, planner, dispatcher, counter, settlement, shutdown, time,
            loggers.CreateLogger<RequestPath>());
        var requests = new RequestLog(vault.Journal, vault.Ledger);
        var prometheus = new PrometheusText();
        OpenTelemetrySdk telemetry = OpenTelemetrySdk.Create(sdk => sdk.WithMetrics(m => m
            .AddMeter(metrics.MeterName, "System.Runtime")
            .AddReader(new BaseExportingMetricReader(prometheus))));
        Watch(metrics, vault, late, admission, keeper, keys, throttle, idempotency, sticky);
        var health = new HealthReport(keeper.Live, vault.Journal, late, vault.Shipper, circuits, admission, keeper, shutdown, time);
        var openAi = new OpenAiDoor(path, authenticator, requests, health, prometheus, new LocalMetrics(keeper));
        var anthropic = new AnthropicDoor(path);
        var models = new ModelsDoor(keeper.Live, time);
        var admin = new AdminDoor(keeper, keys, vault, requests, circuits, admission, health, hooks, time);

        var data = new DataPlane(settings, loggers, keeper.Live, time, routes =>
        {
            openAi.Map(routes);
            anthropic.Map(routes);
            models.Map(routes);
        });
        WebApplication control = BuildControlPlane(vault, loggers, admin);
        var server = new GatewayServer(data, control, telemetry, vault, late, keeper, keys, admission, shutdown, metrics, time, log);
        try
        {
            await data.StartAsync(cancellationToken);
            await control.StartAsync(cancellationToken);
            vault.ProtectControlSocket();
        }
        catch
        {
            await server.StopAsync(TimeSpan.Zero);
            throw;
        }
        return server;
    }

    /// <summary>Puts other settings in force, whole. Listen address and data folder stay those of the start.</summary>
    /// <returns>Names of the sections that differ; never a value, which might be a secret.</returns>
    public async Task<IReadOnlyList<string>> ApplyAsync(GatewaySettings settings, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> changed = SettingsDifference.Between(_keeper.Configured, settings);
        // Keys first: they may fail (a full disk), and do so before anything is changed; the rest cannot.
        _keys.Apply(settings);
        await _keeper.ApplyAsync(settings with { Listen = _keeper.Current.Settings.Listen, DataFolder = _keeper.Current.Settings.DataFolder }, cancellationToken);
        return changed;
    }

    /// <summary>Loads a model of our own before anybody asks for it.</summary>
    /// <exception cref="Fleet.FleetRefusedException">It cannot be loaded, and why.</exception>
    public Task LoadAsync(string modelId, CancellationToken cancellationToken) => _keeper.Fleet.LoadAsync(modelId, cancellationToken);

    /// <summary>How long requests under way may go on after the first signal, as configured now.</summary>
    public TimeSpan Drain => _keeper.Current.Settings.Limits.Drain;

    /// <summary>Paid requests under way.</summary>
    public int Running => _admission.Running;

    /// <summary>Ends the drain at once.</summary>
    public Task StopNowAsync() => _hurry.CancelAsync();

    /// <summary>Takes on nothing new, lets what runs come to its end within <paramref name="drain"/>, and closes everything. What is still under way
    /// shortly before is cut off: its caller is told so, and it is settled.</summary>
    public async Task StopAsync(TimeSpan drain)
    {
        if (_stopped)
            return;
        _stopped = true;
        _shutdown.BeginDraining();
        long began = _time.GetTimestamp();
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20), _time);
        TimeSpan patience = drain - (drain > 2 * Farewell ? Farewell : drain / 2);
        try
        {
            while (_admission.Running > 0 && _time.GetElapsedTime(began) < patience)
                await poll.WaitForNextTickAsync(_hurry.Token);
        }
        catch (OperationCanceledException)
        {
            LogHurried(_log);
        }
        if (_admission.Running > 0)
        {
            LogCutOff(_log, _admission.Running);
            await _shutdown.CutOffAsync();
            long cutOff = _time.GetTimestamp();
            TimeSpan most = _hurry.IsCancellationRequested || drain < Farewell ? ShortFarewell : Farewell;
            while (_admission.Running > 0 && _time.GetElapsedTime(cutOff) < most)
                await poll.WaitForNextTickAsync();
        }
        // Kestrel's own patience is over soon: who has not taken the farewell by now learns it from the connection.
        using var now = new CancellationTokenSource(TimeSpan.FromMilliseconds(500), _time);
        await _data.StopAsync(now.Token);
        await _control.StopAsync(now.Token);
        await _data.DisposeAsync();
        await _control.DisposeAsync();
        await _keeper.DisposeAsync();
        _telemetry.Dispose();
        _metrics.Dispose();
        await _late.DisposeAsync();
        await _vault.DisposeAsync();
        _hurry.Dispose();
        _shutdown.Dispose();
    }

    public async ValueTask DisposeAsync() => await StopAsync(TimeSpan.Zero);

    private static WebApplication BuildControlPlane(Vault vault, ILoggerFactory loggers, AdminDoor admin)
    {
        WebApplicationBuilder builder = Bare(loggers);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 64 * 1024;
            kestrel.ListenUnixSocket(vault.PrepareControlSocket());
        });
        WebApplication app = builder.Build();
        admin.Map(app);
        return app;
    }

    /// <summary>A host with Kestrel and routing and nothing else: no environment variable, no settings file of the framework's is read.</summary>
    private static WebApplicationBuilder Bare(ILoggerFactory loggers)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<ILoggerFactory>(new FrameworkLoggers(loggers));
        return builder;
    }

    /// <summary>Every table that callers can make grow tells how full it is beside its bound.</summary>
    private static void Watch(
        GatewayMetrics metrics, Vault vault, LateCloses late, Admission admission, DeploymentKeeper keeper, KeyRing keys, WrongKeyThrottle throttle, IdempotencyTable idempotency,
        StickySessions sticky)
    {
        metrics.Watch("fairlead.running", "{request}", "Paid requests under way.", () => admission.Running);
        metrics.Watch("fairlead.running.limit", "{request}", "Most paid requests under way (limits.running).", () => keeper.Current.Settings.Limits.Running);
        metrics.Watch("fairlead.journal.unshipped", "By", "Journal bytes that the store has not taken yet.", () => vault.Journal.Health.UnshippedBytes);
        metrics.Watch("fairlead.journal.unshipped.limit", "By", "Most journal bytes that may wait.", () => keeper.Current.Settings.Journal.MaxUnshippedBytes);
        metrics.Watch("fairlead.late_closes", "{request}", "Closes of requests that the journal has not taken yet.", () => late.Count);
        metrics.Watch("fairlead.late_closes.limit", "{request}", "Most closes that may wait for the journal.", static () => LateCloses.Most);
        metrics.Watch("fairlead.catalogue.models", "{model}", "Models in the catalogue.", () => keeper.Current.Catalogue.Models.Length);
        metrics.Watch("fairlead.keys", "{key}", "Keys that are good now.", () => keys.Table.Count);
        metrics.Watch("fairlead.idempotency.marks", "{key}", "Idempotency-Keys that are remembered.", () => idempotency.Marks);
        metrics.Watch("fairlead.idempotency.marks.limit", "{key}", "Most Idempotency-Keys that are remembered.", static () => IdempotencyTable.MostMarks);
        metrics.Watch("fairlead.idempotency.answers", "By", "Answers that are kept for repetitions.", () => idempotency.Bytes);
        metrics.Watch("fairlead.idempotency.answers.limit", "By", "Most bytes of answers that are kept.", static () => IdempotencyTable.MostBytes);
        metrics.Watch("fairlead.sessions", "{session}", "Sessions that are kept with their provider.", () => sticky.Count);
        metrics.Watch("fairlead.sessions.limit", "{session}", "Most sessions that are kept.", static () => StickySessions.Most);
        metrics.Watch("fairlead.wrong_keys.addresses", "{address}", "Addresses that unknown keys came from.", () => throttle.Addresses);
        metrics.Watch("fairlead.wrong_keys.addresses.limit", "{address}", "Most addresses that are counted.", static () => WrongKeyThrottle.MostAddresses);
    }

    [LoggerMessage(EventId = 3101, Level = LogLevel.Warning,
        Message = "{Count} requests were under way when the last process ended; they are closed as interrupted with their reservation, for reconciliation")]
    private static partial void LogInterrupted(ILogger log, int count);

    [LoggerMessage(EventId = 3103, Level = LogLevel.Warning, Message = "A second signal came; the drain is cut short")]
    private static partial void LogHurried(ILogger log);

    [LoggerMessage(EventId = 3102, Level = LogLevel.Warning, Message = "{Running} requests were still under way when the time to drain was over; their streams end here")]
    private static partial void LogCutOff(ILogger log, int running);
}

/// <summary>What a start has found, for the banner.</summary>
/// <param name="Listen">Where the data plane listens.</param>
/// <param name="DataFolder">Absolute path.</param>
/// <param name="Models">Models in the catalogue.</param>
/// <param name="Providers">Each provider with the number of its offers and where it was found.</param>
/// <param name="Local">Names of the models that it runs itself, the built-in one left out.</param>
/// <param name="FleetMemory">Bytes that they may take together.</param>
/// <param name="FirstKeyFile">Path of the file that holds the first key; null when it was made by an earlier start and is gone.</param>
/// <param name="ExampleModel">A model that the printed example can ask for; null when there is none.</param>
public sealed record ServerSummary(
    IPEndPoint Listen, string DataFolder, int Models, IReadOnlyList<ProviderSummary> Providers, IReadOnlyList<string> Local, long FleetMemory, string? FirstKeyFile, string? ExampleModel);

/// <summary>A provider of the running configuration.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Url">Where it is asked.</param>
/// <param name="Offers">Models it offers here.</param>
/// <param name="Found">True when it was found (environment, loopback port), not configured.</param>
/// <param name="Dialect">What it speaks.</param>
public sealed record ProviderSummary(string Name, string Url, int Offers, bool Found, Dialect Dialect = Dialect.OpenAi);
