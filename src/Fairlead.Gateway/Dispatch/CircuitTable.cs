using System.Collections.Concurrent;
using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Routing;
using Fairlead.Gateway.Catalogue;

namespace Fairlead.Gateway.Dispatch;

/// <summary>(5) Every circuit, by what it guards. Survives each change of the catalogue: a reload does not forget that a provider is down.</summary>
/// <remarks>Bounded by the configuration's offers, providers and credentials over the life of the process; callers cannot add to it.</remarks>
internal sealed class CircuitTable(TimeProvider time)
{
    private readonly long _origin = time.GetTimestamp();
    private readonly ConcurrentDictionary<string, GuardedCircuit> _providers = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, GuardedCircuit> _credentials = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, OfferBreaker> _offers = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The breaker of an offer, made at its first mention.</summary>
    public OfferBreaker For(Offer offer)
    {
        // Each model of our own is a process by itself: what ails one says nothing about its neighbour.
        string provider = LocalModels.IsProvider(offer.Provider) ? offer.Name : offer.Provider;
        return _offers.GetOrAdd(offer.Name, _ => new OfferBreaker(
            new GuardedCircuit(),
            _credentials.GetOrAdd(provider, static _ => new GuardedCircuit()),
            _providers.GetOrAdd(provider, static _ => new GuardedCircuit()),
            time, _origin));
    }

    /// <summary>Forgets that a provider's credential was refused: the operator has put another one in its place.</summary>
    public void CredentialReplaced(string provider)
    {
        if (_credentials.TryGetValue(provider, out GuardedCircuit? circuit))
            circuit.Reset(time.GetElapsedTime(_origin));
    }

    /// <summary>Providers whose circuit or credential is open now, for <c>/health</c> and <c>doctor</c>.</summary>
    public IReadOnlyList<(string Provider, CircuitCause Why, TimeSpan AskableIn)> Open()
    {
        TimeSpan now = time.GetElapsedTime(_origin);
        var open = new List<(string, CircuitCause, TimeSpan)>();
        foreach ((string provider, GuardedCircuit circuit) in _providers.Concat(_credentials))
        {
            CircuitState state = circuit.State(now);
            if (state.AskableIn > TimeSpan.Zero)
                open.Add((provider, state.Why, state.AskableIn));
        }
        return open;
    }
}

/// <summary>A circuit at one moment.</summary>
internal readonly record struct CircuitState(TimeSpan AskableIn, CircuitCause Why, double HeldBack);

/// <summary>A <see cref="Circuit"/> behind its lock.</summary>
internal sealed class GuardedCircuit
{
    private readonly Circuit _circuit = new();
    private readonly Lock _gate = new();

    public CircuitState State(TimeSpan now)
    {
        lock (_gate)
            return new CircuitState(_circuit.AskableIn(now), _circuit.Cause, _circuit.HeldBack(now));
    }

    public CircuitEntry TryEnter(TimeSpan now)
    {
        lock (_gate)
            return _circuit.TryEnter(now);
    }

    public void GiveBack()
    {
        lock (_gate)
            _circuit.GiveBack();
    }

    public void Answering(TimeSpan now)
    {
        lock (_gate)
            _circuit.OnAnswering(now);
    }

    public void Succeeded(TimeSpan now)
    {
        lock (_gate)
            _circuit.OnSuccess(now);
    }

    public void Failed(UpstreamFault fault, TimeSpan now, double jitter)
    {
        lock (_gate)
            _circuit.OnFault(fault, now, jitter);
    }

    public void Reset(TimeSpan now)
    {
        lock (_gate)
            _circuit.Reset(now);
    }
}
