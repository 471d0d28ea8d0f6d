using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Gateway.Dispatch;
using Fairlead.Yard;

namespace Fairlead.Gateway.Tests.Routing;

/// <summary>How a simulated provider answers at one moment.</summary>
/// <param name="FirstToken">Until the first token, or until the fault.</param>
/// <param name="TokensPerSecond">Of the 200 tokens of each answer.</param>
/// <param name="Fault">What it does instead of answering; null when it answers.</param>
internal readonly record struct Behaviour(double FirstToken, double TokensPerSecond, UpstreamFault? Fault = null);

/// <summary>How one simulated request ended.</summary>
/// <param name="At">When it came, in seconds.</param>
/// <param name="Took">Seconds until the caller had its answer or its refusal.</param>
/// <param name="By">Who served it; null when nobody did.</param>
/// <param name="RefusedUnasked">True when nobody was asked, since all were resting.</param>
/// <param name="RetryAfter">Seconds that a refused caller was told; null when none were.</param>
internal readonly record struct Outcome(double At, double Took, string? By, bool RefusedUnasked, double? RetryAfter);

/// <summary>Routing under load, without sockets: the product's ranking, breakers, plan and budget, in the dispatcher's order, on a clock that jumps from
/// event to event. The same seed plays alike.</summary>
internal sealed class Simulation
{
    private readonly ManualClock _clock = new();
    private readonly PriorityQueue<Action, (double At, int Number)> _events = new();
    private readonly RetryGate _gate = new();
    private readonly Dictionary<string, Func<double, Behaviour>> _providers;
    private readonly Model _model;
    private readonly OfferBreaker[] _breakers;
    private readonly Random _random = new(20_261_126);
    private double _now;
    private int _number;

    public Simulation(params (string Name, Func<double, Behaviour> Behaviour)[] providers)
    {
        _providers = providers.ToDictionary(static p => p.Name, static p => p.Behaviour);
        _model = new Model("acme/chat", [.. providers.Select(static (p, i) => new Offer
        {
            Index = i,
            ModelId = "acme/chat",
            Provider = p.Name,
            ProviderModelId = "chat",
            Price = OfferPrice.Free,
            Routes = RouteSet.Chat,
        })]);
        var table = new CircuitTable(_clock);
        _breakers = [.. _model.Offers.Select(table.For)];
    }

    public List<Outcome> Outcomes { get; } = [];

    /// <summary>Every attempt: when, and at whom.</summary>
    public List<(double At, string Provider)> Attempts { get; } = [];

    /// <summary>Plays <paramref name="perSecond"/> requests a second for so many seconds, and lets those under way end.</summary>
    public Simulation Run(double perSecond, double seconds)
    {
        for (int i = 0; i < perSecond * seconds; i++)
        {
            double at = i / perSecond;
            At(at, () => Arrive(at));
        }
        while (_events.TryDequeue(out Action? next, out (double At, int Number) when))
        {
            _clock.Advance(TimeSpan.FromSeconds(when.At) - TimeSpan.FromSeconds(_now));
            _now = when.At;
            next();
        }
        return this;
    }

    public double Share(string provider, double from, double until)
    {
        List<(double At, string Provider)> window = [.. Attempts.Where(a => a.At >= from && a.At < until)];
        return window.Count(a => a.Provider == provider) / (double)window.Count;
    }

    public int Count(string provider, double from, double until) => Attempts.Count(a => a.Provider == provider && a.At >= from && a.At < until);

    private void Arrive(double at)
    {
        _gate.Entered();
        RouteOrder order = Ranking.Rank(
            _model,
            new RouteQuery(new InferenceRequest { Route = Route.Chat, Model = "acme/chat" }, new DateOnly(2026, 11, 26)),
            [.. _breakers.Select(static b => b.Condition())],
            (ulong)_random.NextInt64());
        if (order.Candidates.Count > 0)
        {
            Attempt(new Running(at, order.Candidates, []), 0, 0, lastResort: false, holds: false);
            return;
        }
        OfferBreaker soonest = _breakers.MinBy(static b => b.Condition().AskableIn)!;
        int place = Array.IndexOf(_breakers, soonest);
        if (soonest.TryLastResort())
            Attempt(new Running(at, [new Candidate(_model.Offers[place], soonest.Condition())], []), 0, 0, lastResort: true, holds: false);
        else
            End(new Outcome(at, 0, null, true, order.SoonestAskableIn?.TotalSeconds));
    }

    private void Attempt(Running request, int index, int sameTries, bool lastResort, bool holds)
    {
        Offer offer = request.Candidates[index].Offer;
        OfferBreaker breaker = _breakers[offer.Index];
        BreakerPass? pass = breaker.TryEnter();
        if (pass is null && !lastResort)
        {
            if (index + 1 < request.Candidates.Count)
            {
                Attempt(request, index + 1, 0, false, holds);
                return;
            }
            lastResort = breaker.TryLastResort();
            if (!lastResort)
            {
                End(new Outcome(request.At, _now - request.At, null, request.Made == 0, breaker.Condition().AskableIn.TotalSeconds));
                return;
            }
        }
        Attempts.Add((_now, offer.Provider));
        request.Made++;
        Behaviour behaviour = _providers[offer.Provider](_now);
        double began = _now;
        At(_now + behaviour.FirstToken, () =>
        {
            if (behaviour.Fault is { } fault)
            {
                OfferBreaker.Leave(pass.GetValueOrDefault());
                if (holds)
                    _gate.Return();
                breaker.Failed(fault, _random.NextDouble());
                request.Faults.Add(new FailedAttempt(offer, fault));
                Follow(request, fault, index, lastResort ? Math.Max(1, sameTries) : sameTries);
                return;
            }
            breaker.Answering((_now - began) * 1_000);
            At(_now + 200 / behaviour.TokensPerSecond, () =>
            {
                OfferBreaker.Leave(pass.GetValueOrDefault());
                if (holds)
                    _gate.Return();
                breaker.Succeeded(behaviour.TokensPerSecond);
                End(new Outcome(request.At, _now - request.At, offer.Provider, false, null));
            });
        });
    }

    private void Follow(Running request, UpstreamFault fault, int index, int sameTries)
    {
        int left = request.Candidates.Count - index - 1;
        NextStep step = AttemptPlan.After(fault, new AttemptState
        {
            Attempts = request.Made, MostAttempts = 3, SameTargetTries = sameTries, CandidatesLeft = left,
            TimeLeft = TimeSpan.FromSeconds(600 - (_now - request.At)), LongestWait = TimeSpan.FromSeconds(10), Chance = _random.NextDouble(),
        });
        OfferCondition next = left > 0 ? _breakers[request.Candidates[index + 1].Offer.Index].Condition() : default;
        bool covered = RetryBudget.Covers(step.Kind, fault, next);
        if (covered && !_gate.TryTake())
            step = default;
        if (step.Kind == NextStepKind.TryNext)
            Attempt(request, index + 1, 0, false, covered);
        else if (step.Kind == NextStepKind.RetrySame)
            At(_now + step.Delay.TotalSeconds, () => Attempt(request, index, sameTries + 1, false, covered));
        else
            End(new Outcome(request.At, _now - request.At, null, false, AttemptPlan.Answer(request.Faults, "acme/chat").RetryAfter?.TotalSeconds));
    }

    private void End(Outcome outcome)
    {
        _gate.Left();
        Outcomes.Add(outcome);
    }

    private void At(double at, Action action) => _events.Enqueue(action, (at, _number++));

    private sealed class Running(double at, IReadOnlyList<Candidate> candidates, List<FailedAttempt> faults)
    {
        public double At { get; } = at;
        public IReadOnlyList<Candidate> Candidates { get; } = candidates;
        public List<FailedAttempt> Faults { get; } = faults;
        public int Made { get; set; }
    }
}
