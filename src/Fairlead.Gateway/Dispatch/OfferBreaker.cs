using Fairlead.Domain.Routing;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Gateway.Dispatch;

/// <summary>What live traffic has taught about one offer: the three circuits it depends on, its speed, and its learned quirks.</summary>
internal sealed class OfferBreaker(GuardedCircuit offer, GuardedCircuit credential, GuardedCircuit provider, TimeProvider time, long origin)
{
    private readonly OfferHealth _health = new();
    private readonly Lock _gate = new();
    private static readonly TimeSpan LastResortEvery = TimeSpan.FromSeconds(1);
    private TimeSpan _lastResort = TimeSpan.FromDays(-1);
    private int _learned;

    /// <summary>What the provider's refusals have taught: fields it does not know, names it wants.</summary>
    public RequestQuirks Learned => (RequestQuirks)Volatile.Read(ref _learned);

    public void Learn(RequestQuirks quirk) => Interlocked.Or(ref _learned, (int)quirk);

    /// <summary>A copy for ranking.</summary>
    public OfferCondition Condition()
    {
        TimeSpan now = Now;
        OfferCondition known;
        lock (_gate)
            known = _health.Condition(now);
        TimeSpan askableIn = TimeSpan.Zero;
        CircuitCause why = CircuitCause.None;
        Later(offer, now, ref askableIn, ref why);
        Later(credential, now, ref askableIn, ref why);
        Later(provider, now, ref askableIn, ref why);
        return known with { AskableIn = askableIn, Why = why };
    }

    /// <summary>Takes the right to ask: always while the circuits are closed, one caller at a time while one is half open.</summary>
    public bool TryEnter()
    {
        TimeSpan now = Now;
        return offer.TryEnter(now) && credential.TryEnter(now) && provider.TryEnter(now);
    }

    /// <summary>Takes the right to ask although a circuit is open, where nobody else is left: one request a second, so that an outage of everything is
    /// noticed to be over without being made worse.</summary>
    public bool TryLastResort()
    {
        TimeSpan now = Now;
        lock (_gate)
        {
            if (now - _lastResort < LastResortEvery)
                return false;
            _lastResort = now;
            return true;
        }
    }

    public void Succeeded(double? firstTokenMs, double? tokensPerSecond)
    {
        TimeSpan now = Now;
        lock (_gate)
            _health.RecordSuccess(firstTokenMs, tokensPerSecond, now);
        offer.Succeeded(now);
        credential.Succeeded(now);
        provider.Succeeded(now);
    }

    /// <summary>Counts a fault for the breaker that the fault table names.</summary>
    public void Failed(UpstreamFault fault, double jitter)
    {
        TimeSpan now = Now;
        BreakerScope scope = FaultTable.For(fault.Kind).Breaker;
        if (scope != BreakerScope.None)
        {
            lock (_gate)
                _health.RecordFailure(now);
        }
        GuardedCircuit? circuit = scope switch
        {
            BreakerScope.Offer => offer,
            BreakerScope.Credential => credential,
            BreakerScope.Provider => provider,
            _ => null,
        };
        circuit?.Failed(fault, now, jitter);
    }

    private TimeSpan Now => time.GetElapsedTime(origin);

    private static void Later(GuardedCircuit circuit, TimeSpan now, ref TimeSpan askableIn, ref CircuitCause why)
    {
        (TimeSpan wait, CircuitCause cause) = circuit.State(now);
        if (wait > askableIn)
        {
            askableIn = wait;
            why = cause;
        }
    }
}
