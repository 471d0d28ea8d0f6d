using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Inference;
using Fairlead.Fleet;
using Fairlead.Gateway.Dispatch;
using Fairlead.Gateway.Settings;
using Fairlead.Upstreams.Providers;
using Microsoft.Extensions.Logging;

namespace Fairlead.Gateway.Catalogue;

/// <summary>Owns the deployment in force: builds the next one whenever the configuration, a runner's models, a retirement date or a withdrawn
/// model changes it, and puts it in place whole. One change at a time.</summary>
internal sealed partial class DeploymentKeeper : IAsyncDisposable
{
    private static readonly TimeSpan RefreshEvery = TimeSpan.FromSeconds(60);

    private readonly Vault _vault;
    private readonly CircuitTable _circuits;
    private readonly UpstreamSet _upstreams;
    private readonly LocalModels _local;
    private readonly RunnerProbe _probe;
    private readonly PriceSheet _sheet = PriceSheet.Shipped;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<string, DateOnly> _gone = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<LocalModelSettings> _added = [];
    private IReadOnlyList<DiscoveredRunner> _runners = [];
    private GatewaySettings _settings;
    private Task _refresh = Task.CompletedTask;
    private long _version;

    private DeploymentKeeper(GatewaySettings settings, Vault vault, CircuitTable circuits, TimeProvider time, ILoggerFactory loggers)
    {
        _settings = Configured = settings;
        _vault = vault;
        _circuits = circuits;
        _time = time;
        _log = loggers.CreateLogger<DeploymentKeeper>();
        _upstreams = new UpstreamSet(time);
        _local = new LocalModels(settings, vault, _upstreams.Transport, time, loggers);
        _probe = new RunnerProbe(loggers.CreateLogger<RunnerProbe>());
        foreach ((string offer, DateTimeOffset since) in vault.Gone.All())
            _gone.TryAdd(offer, Day(since));
        Live = new LiveDeployment(new Deployment(settings, CatalogueSnapshot.Empty, [], KnownModels.None));
    }

    public LiveDeployment Live { get; }

    /// <summary>Who runs the models of our own.</summary>
    public FleetLoop Fleet => _local.Fleet;

    /// <summary>Bytes that all of them together may take.</summary>
    public long FleetMemory => _local.Memory;

    public Deployment Current => Live.Current;

    public static async Task<DeploymentKeeper> StartAsync(
        GatewaySettings settings, Vault vault, CircuitTable circuits, TimeProvider time, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var keeper = new DeploymentKeeper(settings, vault, circuits, time, loggers);
        await keeper.RefreshAsync(cancellationToken);
        keeper._refresh = keeper.KeepFreshAsync();
        keeper.Fleet.Changed += _ => keeper.Build();
        return keeper;
    }

    /// <summary>Puts other settings in force with a catalogue that fits them.</summary>
    public async Task ApplyAsync(GatewaySettings settings, CancellationToken cancellationToken)
    {
        foreach (ProviderSettings next in settings.Providers)
        {
            ProviderSettings? old = _settings.Providers.FirstOrDefault(p => p.Name.Equals(next.Name, StringComparison.OrdinalIgnoreCase));
            if (old is not null && !Equals(old.Key, next.Key))
                _circuits.CredentialReplaced(next.Name);
            if (old is null || !old.Models.SequenceEqual(next.Models) || old.Url != next.Url)
                Forgive(next.Name);
        }
        lock (_gone)
        {
            Configured = settings;
            _added.RemoveAll(added => Has(settings, added.Name)); // the file's word holds
            _settings = InForce();
        }
        await RefreshAsync(cancellationToken);
    }

    /// <summary>The settings as they were read, without what was added since.</summary>
    public GatewaySettings Configured { get; private set; }

    /// <summary>Serves one more model of our own until this process ends, whatever the configuration is changed to meanwhile; one of its name that was added before goes.</summary>
    public void Add(LocalModelSettings model)
    {
        lock (_gone)
        {
            _added.RemoveAll(added => added.Name.Equals(model.Name, StringComparison.OrdinalIgnoreCase));
            _added.Add(model);
            _settings = InForce();
            Build();
        }
    }

    /// <summary>Whether a model was added, and does not stand in the configuration.</summary>
    public bool IsAdded(string name)
    {
        lock (_gone)
            return _added.Exists(added => added.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
    }

    private GatewaySettings InForce() => Configured with { Local = [.. Configured.Local, .. _added] };

    private static bool Has(GatewaySettings settings, string name) => settings.Local.Any(m => m.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Takes an offer out at once: its provider has withdrawn the model. It stays out over restarts; a change of its provider's settings lets it be tried again.</summary>
    public void MarkGone(string offer, string detail)
    {
        DateTimeOffset now = _time.GetUtcNow();
        lock (_gone)
        {
            if (!_gone.TryAdd(offer, Day(now)))
                return;
        }
        LogGone(_log, offer, detail);
        _vault.Gone.Add(offer, now, detail);
        Build();
    }

    /// <summary>Lets a provider's withdrawn models be tried again.</summary>
    private void Forgive(string provider)
    {
        lock (_gone)
        {
            foreach (string offer in _gone.Keys.Where(o => o.StartsWith(provider + "/", StringComparison.OrdinalIgnoreCase)).ToList())
            {
                _gone.Remove(offer);
                _vault.Gone.Remove(offer);
            }
        }
    }

    /// <summary>Providers of the deployment in force, for the banner and the admin API.</summary>
    public IReadOnlyList<ProviderSummary> Providers()
    {
        Deployment current = Current;
        Dictionary<string, int> offers = new(StringComparer.OrdinalIgnoreCase);
        foreach (Offer offer in current.Catalogue.Models.SelectMany(static m => m.Offers).Where(static o => o.Status == OfferStatus.Live))
            offers[offer.Provider] = offers.GetValueOrDefault(offer.Provider) + 1;
        return
        [
            .. current.Settings.Providers.Select(p => Summary(p, offers.GetValueOrDefault(p.Name))),
            .. _runners.Where(r => !current.Settings.Providers.Any(p => p.Name.Equals(r.Name, StringComparison.OrdinalIgnoreCase)))
                .Select(r => new ProviderSummary(r.Name, r.BaseUrl.ToString(), offers.GetValueOrDefault(r.Name), true)),
        ];
    }

    /// <summary>A model that a first request can ask for: a local one before one that costs money, and of those the cheapest. The guide, which knows one
    /// thing only, comes last.</summary>
    public string? ExampleModel() => Current.Catalogue.Models
        .SelectMany(static m => m.Offers)
        .Where(static o => o.Status == OfferStatus.Live && o.Price is not null && o.Routes.Has(Route.Chat))
        .OrderBy(static o => o.ModelId == LocalModels.GuideId).ThenByDescending(static o => o.IsLocal).ThenBy(static o => o.Price!.Output.PerMillion.Value).ThenBy(static o => o.ModelId, StringComparer.Ordinal)
        .FirstOrDefault()?.ModelId;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _refresh;
        await _local.DisposeAsync();
        _upstreams.Dispose();
        _probe.Dispose();
        _stop.Dispose();
        _turn.Dispose();
    }

    private async Task KeepFreshAsync()
    {
        using var timer = new PeriodicTimer(RefreshEvery, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
                await RefreshAsync(_stop.Token);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopping: there is nothing left to keep fresh.
        }
    }

    private async Task RefreshAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            GatewaySettings settings = _settings;
            _runners = await _probe.FindAsync(settings, _runners, cancellationToken);
            Build();
        }
        finally
        {
            _turn.Release();
        }
    }

    private void Build()
    {
        lock (_gone)
        {
            DateOnly today = Day(_time.GetUtcNow());
            _local.Apply(_settings);
            BuiltCatalogue built = CatalogueBuilder.Build(++_version, _settings, _sheet, _runners, today, _gone, Fleet.Facts);
            var runtimes = new OfferRuntime?[built.Snapshot.OfferCount];
            foreach (Offer offer in built.Snapshot.Models.SelectMany(static m => m.Offers))
            {
                if ((_local.For(offer) ?? _upstreams.For(_settings, _runners, offer.Provider)) is { } way)
                    runtimes[offer.Index] = new OfferRuntime(offer, way, _circuits.For(offer));
            }
            Live.Replace(new Deployment(_settings, built.Snapshot, runtimes, built.KnownElsewhere));
        }
    }

    private static DateOnly Day(DateTimeOffset at) => DateOnly.FromDateTime(at.UtcDateTime);

    private static ProviderSummary Summary(ProviderSettings provider, int offers)
    {
        ProviderSpec spec = ProviderTable.Find(provider.Name, provider.Url, provider.Dialect, provider.KeyForm);
        return new ProviderSummary(provider.Name, spec.BaseUrl?.ToString() ?? "", offers, provider.Found, spec.Dialect);
    }

    [LoggerMessage(EventId = 3301, Level = LogLevel.Warning, Message = "{Offer} is gone: its provider said \"{Detail}\". It is out of the catalogue; requests go elsewhere")]
    private static partial void LogGone(ILogger log, string offer, string detail);
}
