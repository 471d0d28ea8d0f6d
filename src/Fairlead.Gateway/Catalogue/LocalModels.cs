using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Fleet.Workers;
using Fairlead.Gateway.Settings;
using Fairlead.Protocols.OpenAi;
using Fairlead.Upstreams.Http;
using Fairlead.Upstreams.LocalWorker;
using Fairlead.Upstreams.OpenAi;
using Microsoft.Extensions.Logging;

namespace Fairlead.Gateway.Catalogue;

/// <summary>The models that this server runs itself: their offers, and one worker each, kept over reloads as long as nothing about it changes.</summary>
/// <remarks>Used under the lock of <see cref="DeploymentKeeper"/>. A model that leaves the configuration finishes what it has begun.</remarks>
internal sealed class LocalModels : IAsyncDisposable
{
    /// <summary>Provider of what <c>local:</c> names.</summary>
    public const string Provider = "local";

    /// <summary>Provider of what comes with the product.</summary>
    public const string BuiltIn = "fairlead";

    /// <summary>The built-in model.</summary>
    public const string GuideId = Model.GuideId;

    private const string GuideName = "guide";

    private const RouteSet Writing = RouteSet.Chat | RouteSet.Completions;

    private readonly Dictionary<string, Running> _running = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<Task> _leaving = [];
    private readonly string _socketFolder;
    private readonly UpstreamTransport _transport;
    private readonly TimeProvider _time;
    private readonly ILogger _log;

    public LocalModels(Vault vault, UpstreamTransport transport, TimeProvider time, ILoggerFactory loggers)
    {
        _socketFolder = vault.PrepareWorkerFolder();
        _transport = transport;
        _time = time;
        _log = loggers.CreateLogger<LocalModel>();
    }

    /// <summary>Names that no provider of the configuration may have.</summary>
    public static bool IsProvider(string name) => name.Equals(Provider, StringComparison.OrdinalIgnoreCase) || name.Equals(BuiltIn, StringComparison.OrdinalIgnoreCase);

    /// <summary>The offers of a configuration. They are priced by the hour of computing; nothing, unless the operator says otherwise: the machine is their own.</summary>
    public static IEnumerable<Offer> Offers(GatewaySettings settings)
    {
        foreach (LocalModelSettings model in settings.Local)
        {
            yield return Offer(Provider, model.Name, Abilities.Images) with // the engine reads text; what else a model cannot do only its worker knows
            {
                ModelId = model.HubId ?? $"{Provider}/{model.Name}",
                Price = OfferPrice.ByTheHour(model.HourlyPrice),
                Routes = RoutesOf(model),
            };
        }
        if (settings.GuideFolder is not null)
            yield return Offer(BuiltIn, GuideName, Abilities.Images | Abilities.Tools) with { Can = Abilities.StructuredOutput, Routes = Writing };
    }

    /// <summary>Makes ready what the settings name, and lets go of what they do not name any more.</summary>
    public void Apply(GatewaySettings settings)
    {
        Dictionary<string, WorkerSpec> wanted = Specs(settings).ToDictionary(static spec => spec.Model, StringComparer.OrdinalIgnoreCase);
        foreach ((string name, Running running) in _running.ToList())
        {
            if (wanted.TryGetValue(name, out WorkerSpec? spec) && spec == running.Model.Spec)
                continue;
            _running.Remove(name);
            _leaving.RemoveAll(static task => task.IsCompleted);
            _leaving.Add(LeaveAsync(running, settings.Limits.Drain));
        }
        foreach ((string name, WorkerSpec spec) in wanted)
        {
            if (_running.ContainsKey(name))
                continue;
            WorkerCommand command = settings.Worker ?? throw new InvalidOperationException("Local models are configured, and nothing says how to start a worker.");
            var model = new LocalModel(spec, command, _socketFolder, settings.Fleet.Load, _time, _log);
            var upstream = new LocalWorkerUpstream(model, _transport, FaultClassifier.Classify);
            _running[name] = new Running(model, upstream, new UpstreamWay(upstream, RequestQuirks.None, ResponseQuirks.None, BadRequestMayBeTransient: false)
            {
                Own = new OwnModel(spec.Model, static () => null),
            });
        }
    }

    /// <summary>The way to an offer; null where it is not one of ours.</summary>
    public UpstreamWay? For(Offer offer) => IsProvider(offer.Provider) ? _running.GetValueOrDefault(offer.Name)?.Way : null;

    /// <summary>Loads a model before anybody asks for it.</summary>
    /// <exception cref="WorkerFailedException">It cannot be loaded, and why.</exception>
    public Task LoadAsync(string modelId, CancellationToken cancellationToken) => _running[modelId].Model.ReadyAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_running.Values.Select(static running => running.Model.DisposeAsync().AsTask()));
        await Task.WhenAll(_leaving);
    }

    private static async Task LeaveAsync(Running running, TimeSpan patience)
    {
        await running.Model.RetireAsync(patience);
        running.Upstream.Forget();
    }

    private static IEnumerable<WorkerSpec> Specs(GatewaySettings settings)
    {
        foreach (LocalModelSettings model in settings.Local)
            yield return new WorkerSpec { Model = $"{Provider}/{model.Name}", Source = model.Source, Context = model.Context, Slots = model.Slots ?? 8, Threads = model.Threads };
        if (settings.GuideFolder is { } folder)
            yield return new WorkerSpec { Model = GuideId, Source = folder };
    }

    private static RouteSet RoutesOf(LocalModelSettings model) => model.Embeddings switch
    {
        true => RouteSet.Embeddings,
        false => Writing,
        null => Writing | RouteSet.Embeddings,
    };

    private static Offer Offer(string provider, string name, Abilities cannot) => new()
    {
        Index = 0,
        ModelId = $"{provider}/{name}",
        Provider = provider,
        ProviderModelId = name,
        Price = OfferPrice.ByTheHour(NanoDollars.Zero),
        Routes = Writing | RouteSet.Embeddings,
        Cannot = cannot,
        Honours = ProviderSpec.All & ~Parameters.ReasoningEffort,
        IsLocal = true,
    };

    private sealed record Running(LocalModel Model, LocalWorkerUpstream Upstream, UpstreamWay Way);
}
