using Fairlead.Domain.Inference;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Gateway.Dispatch;

/// <summary>What live traffic has taught about one offer: the three circuits it depends on, its speed, and its learned quirks.</summary>
internal sealed class OfferBreaker(GuardedCircuit offer, GuardedCircuit credential, GuardedCircuit provider, TimeProvider time, long origin)
{
    private readonly OfferHealth _health = new();
    private readonly Lock _gate = new();
    private static readonly TimeSpan LastResortEvery = TimeSpan.FromSeconds(1);

    /// <summary>How long it is remembered that a model cannot do something here: the operator may start it with other flags.</summary>
    private static readonly TimeSpan InabilityLasts = TimeSpan.FromHours(1);

    private TimeSpan _lastResort = TimeSpan.FromDays(-1);
    private TimeSpan _noToolsUntil = TimeSpan.MinValue;
    private int _learned;

    /// <summary>What the provider's refusals have taught: fields it does not know, names it wants.</summary>
    public RequestQuirks Learned => (RequestQuirks)Volatile.Read(ref _learned);

    /// <summary>Remembers what a refusal has taught.</summary>
    public void Learn(QuirkHint hint)
    {
        if (hint is QuirkHint.NoTools)
        {
            lock (_gate)
                _noToolsUntil = Now + InabilityLasts;
            return;
        }
        Interlocked.Or(ref _learned, (int)(hint switch
        {
            QuirkHint.NoStreamOptions => RequestQuirks.NoStreamOptions,
            QuirkHint.MaxCompletionTokens => RequestQuirks.MaxTokensAsMaxCompletionTokens,
            QuirkHint.MaxTokens => RequestQuirks.MaxCompletionTokensAsMaxTokens,
            _ => throw new ArgumentOutOfRangeException(nameof(hint), hint, null),
        }));
    }

    /// <summary>A copy for ranking.</summary>
    public OfferCondition Condition()
    {
        TimeSpan now = Now;
        OfferCondition known;
        lock (_gate)
        {
            known = _health.Condition(now);
            if (now < _noToolsUntil)
                known = known with { Cannot = Abilities.Tools };
        }
        TimeSpan askableIn = TimeSpan.Zero;
        CircuitCause why = CircuitCause.None;
        double heldBack = 0;
        foreach (GuardedCircuit circuit in (ReadOnlySpan<GuardedCircuit>)[offer, credential, provider])
        {
            CircuitState state = circuit.State(now);
            heldBack = Math.Max(heldBack, state.HeldBack);
            if (state.AskableIn <= askableIn)
                continue;
            askableIn = state.AskableIn;
            why = state.Why;
        }
        return known with { AskableIn = askableIn, Why = why, HeldBack = heldBack };
    }

    /// <summary>Takes the right to ask: always while the circuits are closed, one caller at a time while one is half open.</summary>
    /// <returns>What to give to <see cref="Leave"/> when the attempt is over; null where it may not be asked.</returns>
    public BreakerPass? TryEnter()
    {
        TimeSpan now = Now;
        var pass = default(BreakerPass);
        foreach (GuardedCircuit circuit in (ReadOnlySpan<GuardedCircuit>)[offer, credential, provider])
        {
            CircuitEntry entry = circuit.TryEnter(now);
            if (entry == CircuitEntry.Refused)
            {
                Leave(pass);
                return null;
            }
            if (entry == CircuitEntry.Probe)
                pass = pass.With(circuit);
        }
        if (pass.First is not null)
        {
            lock (_gate)
                _lastResort = now; // a probe is a look, too
        }
        return pass;
    }

    /// <summary>The attempt is over, whatever came of it: a probe that nothing was told of is given back.</summary>
    public static void Leave(in BreakerPass pass)
    {
        pass.First?.GiveBack();
        pass.Second?.GiveBack();
        pass.Third?.GiveBack();
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

    /// <summary>The answer has begun. The offer's own circuit waits for its end: a model whose answers break off begins them all.</summary>
    /// <param name="firstTokenMs">Since the attempt began.</param>
    public void Answering(double firstTokenMs)
    {
        TimeSpan now = Now;
        lock (_gate)
            _health.RecordFirstToken(firstTokenMs, now);
        credential.Answering(now);
        provider.Answering(now);
    }

    /// <param name="tokensPerSecond">Null where there were too few tokens to tell.</param>
    public void Succeeded(double? tokensPerSecond)
    {
        TimeSpan now = Now;
        lock (_gate)
            _health.RecordSuccess(tokensPerSecond, now);
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
}

/// <summary>The right to make one attempt, with the circuits whose probe it is: at most the three that an offer depends on.</summary>
internal readonly record struct BreakerPass(GuardedCircuit? First, GuardedCircuit? Second, GuardedCircuit? Third)
{
    public BreakerPass With(GuardedCircuit probed) =>
        First is null ? this with { First = probed } : Second is null ? this with { Second = probed } : this with { Third = probed };
}
