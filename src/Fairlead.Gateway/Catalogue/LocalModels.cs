using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Fleet;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Fleet;
using Fairlead.Fleet.Workers;
using Fairlead.Gateway.Settings;
using Fairlead.Protocols.Faults;
using Fairlead.Protocols.OpenAi;
using Fairlead.Upstreams.Http;
using Fairlead.Upstreams.LocalWorker;
using Fairlead.Upstreams.Providers;
using Microsoft.Extensions.Logging;

namespace Fairlead.Gateway.Catalogue;

/// <summary>The models that this server runs itself: their offers, the fleet that runs them, and one way to each, kept over reloads.</summary>
/// <remarks>Used under the lock of <see cref="DeploymentKeeper"/>, but for <see cref="Fleet"/>.</remarks>
internal sealed class LocalModels : IAsyncDisposable
{
    /// <summary>Provider of what <c>local:</c> names.</summary>
    public const string Provider = "local";

    /// <summary>Provider of what comes with the product.</summary>
    public const string BuiltIn = "fairlead";

    /// <summary>The built-in model.</summary>
    public const string GuideId = Model.GuideId;

    private const string GuideName = "guide";

    /// <summary>Answers that a model generates at once where its entry does not say.</summary>
    private const int DefaultSlots = 8;

    private const RouteSet Writing = RouteSet.Chat | RouteSet.Completions;

    private readonly Dictionary<string, Running> _running = new(StringComparer.OrdinalIgnoreCase);
    private readonly UpstreamTransport _transport;
    private readonly TimeProvider _time;
    private GatewaySettings? _applied;

    public LocalModels(GatewaySettings settings, Vault vault, UpstreamTransport transport, TimeProvider time, ILoggerFactory loggers)
    {
        _transport = transport;
        _time = time;
        Fleet = FleetLoop.Start(
            new FleetOptions
            {
                Own = settings.Worker ?? WorkerCommand.OfThisProgram(),
                SocketFolder = vault.PrepareWorkerFolder(),
                HistoryFile = vault.LoadTimes,
                PackFolder = vault.PreparePackFolder(),
            },
            time, loggers);
    }

    /// <summary>Who runs them.</summary>
    public FleetLoop Fleet { get; }

    /// <summary>Bytes that all of them together may take.</summary>
    public long Memory { get; private set; }

    /// <summary>Names that no provider of the configuration may have.</summary>
    public static bool IsProvider(string name) => name.Equals(Provider, StringComparison.OrdinalIgnoreCase) || name.Equals(BuiltIn, StringComparison.OrdinalIgnoreCase);

    /// <summary>The offers of a configuration. They are priced by the hour of computing; nothing, unless the operator says otherwise: the machine is their own.</summary>
    /// <param name="settings">The configuration.</param>
    /// <param name="facts">What a model's worker has found in its files; null before its first start. Until then nothing is excluded that it may be able to do.</param>
    public static IEnumerable<Offer> Offers(GatewaySettings settings, Func<string, WorkerFacts?> facts)
    {
        foreach (LocalModelSettings model in settings.Local)
        {
            Offer offer = Offer(Provider, model.Name, Abilities.Images) with // the engine reads text
            {
                ModelId = model.HubId ?? $"{Provider}/{model.Name}",
                Price = OfferPrice.ByTheHour(model.HourlyPrice),
                Routes = RoutesOf(model),
            };
            yield return Informed(offer, facts(offer.Name));
        }
        if (settings.GuideFolder is not null)
        {
            Offer guide = Offer(BuiltIn, GuideName, Abilities.Images | Abilities.Tools) with { Can = Abilities.StructuredOutput, Routes = Writing };
            yield return Informed(guide, facts(guide.Name));
        }
    }

    /// <summary>Has the fleet run what the settings name from now on; what they do not name any more finishes what it has begun.</summary>
    public void Apply(GatewaySettings settings)
    {
        if (ReferenceEquals(settings, _applied))
            return;
        _applied = settings;
        Memory = settings.Fleet.Memory ?? MachineMemory.Total / 4 * 3;
        List<ServedSpec> served = [.. Served(settings)];
        Fleet.Configure(served, new FleetLimits { Memory = Memory, Packs = settings.Fleet.Packs, FirstRest = settings.Fleet.FirstRest });
        Dictionary<string, WorkerSpec> specs = served.ToDictionary(static s => s.Spec.Model, static s => s.Spec, StringComparer.OrdinalIgnoreCase);
        foreach ((string name, Running running) in _running.ToList())
        {
            if (specs.TryGetValue(name, out WorkerSpec? spec) && spec == running.Spec)
                continue;
            _running.Remove(name);
            running.Upstream.Forget();
        }
        foreach ((string name, WorkerSpec spec) in specs)
        {
            if (!_running.ContainsKey(name))
                _running[name] = WayTo(spec);
        }
    }

    /// <summary>The way to an offer; null where it is not one of ours.</summary>
    public UpstreamWay? For(Offer offer) => IsProvider(offer.Provider) ? _running.GetValueOrDefault(offer.Name)?.Way : null;

    public ValueTask DisposeAsync() => Fleet.DisposeAsync();

    private Running WayTo(WorkerSpec spec)
    {
        var upstream = new LocalWorkerUpstream(spec.Model, engineIsOurs: spec.Engine is null, Fleet, _transport, FaultClassifier.Classify, _time);
        string called = spec.Engine?.AddressFor(spec, "/", 0).Model ?? spec.Model; // where it listens has no part in that
        var way = new UpstreamWay(upstream, RequestQuirks.None, ResponseQuirks.None, BadRequestMayBeTransient: false) { Own = new OwnModel(called, () => Fleet.Status(spec.Model)) };
        return new Running(spec, upstream, way);
    }

    private static IEnumerable<ServedSpec> Served(GatewaySettings settings)
    {
        FleetSettings fleet = settings.Fleet;
        foreach (LocalModelSettings model in settings.Local)
        {
            var spec = new WorkerSpec
            {
                Model = $"{Provider}/{model.Name}",
                Source = model.Source,
                Context = model.Context,
                Slots = model.Slots ?? DefaultSlots,
                Threads = model.Threads,
                Quantize = model.Quantize,
                Kv = model.Kv,
                Stall = model.Stall,
                Draft = model.Draft,
                Guesses = model.Guesses,
                Engine = EngineOf(model),
            };
            yield return new ServedSpec(spec, Terms(spec) with { Keep = model.Keep, Memory = model.Memory });
        }
        if (settings.GuideFolder is { } folder)
        {
            var guide = new WorkerSpec { Model = GuideId, Source = folder, Slots = DefaultSlots };
            yield return new ServedSpec(guide, Terms(guide));
        }

        ModelTerms Terms(WorkerSpec spec) => new(spec.Model) { Slots = spec.Slots, Queue = fleet.Queue, QueueWait = fleet.QueueWait, LoadLimit = fleet.Load };
    }

    /// <summary>The engine of a model where it is another's; null for our own.</summary>
    private static EngineCommand? EngineOf(LocalModelSettings model) =>
        model.Engine is null && model.Command.IsEmpty
            ? null
            : EngineRecipes.For(model.Engine ?? "command", model.Command, model.Memory)
                ?? throw new InvalidOperationException($"Engine {model.Engine} of local/{model.Name} is not known and has no command; the configuration's reader lets none through.");

    /// <summary>An offer with what its worker has found out: what it cannot do excludes it, and what it can puts it first. The offer itself has the last word on what it cannot.</summary>
    private static Offer Informed(Offer offer, WorkerFacts? known) => known is null ? offer : offer with
    {
        ContextLength = known.Context,
        Can = known.Tools == true ? offer.Can | (Abilities.Tools & ~offer.Cannot) : offer.Can,
        Cannot = known.Tools == false ? offer.Cannot | Abilities.Tools : offer.Cannot,
        Routes = known.Kind switch
        {
            "embedding" => RouteSet.Embeddings,
            "language" => Writing,
            _ => offer.Routes,
        },
    };

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

    private sealed record Running(WorkerSpec Spec, LocalWorkerUpstream Upstream, UpstreamWay Way);
}
