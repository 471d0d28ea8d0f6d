using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Fairlead.Domain.Problems;
using Fairlead.Domain.Routing;
using Fairlead.Gateway.Catalogue;
using Fairlead.Gateway.Metering;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Telemetry;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Upstreams;
using Microsoft.Extensions.Logging;

namespace Fairlead.Gateway.Dispatch;

/// <summary>(5) Asks the candidates in order until one commits, and sees its answer through to the last byte.</summary>
/// <remarks>What a failure means is not decided here: the fault table says it, <see cref="AttemptPlan"/> applies it, this carries it out.</remarks>
internal sealed partial class Dispatcher(
    AnswerRelay relay, RetryGate retries, DeploymentKeeper catalogue, StickySessions sticky, ShutdownState shutdown, GatewayMetrics metrics,
    TimeProvider time, ILogger<Dispatcher> logger)
{
    private readonly WatchdogKennel _kennel = new(time, shutdown);

    /// <summary>Runs the request to its end: an answer was sent and settled, or a problem is left to be answered.</summary>
    /// <returns>Null when all is done; otherwise the problem, with nothing charged and nothing committed.</returns>
    public async ValueTask<Problem?> RunAsync(Exchange exchange, CancellationToken callerGone)
    {
        GatewaySettings settings = exchange.Deployment.Settings;
        using Watchdog clocks = _kennel.Borrow(settings.Dispatch.Total, exchange.Http);
        using var upstreamBody = new PooledBuffer(exchange.Body.Length + 256);
        List<FailedAttempt> faults = [];
        int index = 0;
        int sameTargetTries = 0;
        bool holdsRetry = false;
        retries.Entered();
        try
        {
            while (true)
            {
                Candidate candidate = exchange.Candidates[index];
                OfferRuntime offer = exchange.Deployment.Runtime(candidate.Offer)
                    ?? throw new InvalidOperationException($"Offer {candidate.Offer.Name} was ranked but cannot be asked.");
                BreakerPass? pass = offer.Breaker.TryEnter();
                bool lastResort = candidate.Condition.AskableIn > TimeSpan.Zero;
                if (pass is null && !(lastResort && exchange.Attempts.Count == 0)) // the planner took that right, for one attempt
                {
                    // It began to rest, or to be probed by another request, after it was ranked.
                    if (NextIndex(exchange, index, null) is { } skipped)
                    {
                        index = skipped;
                        sameTargetTries = 0;
                        continue;
                    }
                    lastResort = offer.Breaker.TryLastResort();
                    if (!lastResort)
                        return faults.Count > 0 ? Answer(exchange, faults) : Resting(exchange, offer);
                }

                clocks.Renew();
                UpstreamFault? fault;
                try
                {
                    fault = await AttemptAsync(exchange, offer, upstreamBody, clocks, callerGone);
                }
                finally
                {
                    OfferBreaker.Leave(pass.GetValueOrDefault());
                    if (holdsRetry)
                        retries.Return();
                    holdsRetry = false;
                }
                if (fault is null)
                {
                    if (exchange.Session is { } session)
                        sticky.Remember(exchange.Caller!.Key.Id, session, candidate.Offer.ModelId, candidate.Offer.Provider);
                    return null;
                }
                int? next = NextIndex(exchange, index, fault);
                Blame(exchange, offer, fault, next is null ? 0 : exchange.Candidates.Count - next.Value);
                faults.Add(new FailedAttempt(offer.Offer, fault));

                NextStep step = AttemptPlan.After(fault, new AttemptState
                {
                    Attempts = exchange.Attempts.Count,
                    MostAttempts = settings.Dispatch.Attempts,
                    SameTargetTries = lastResort ? Math.Max(1, sameTargetTries) : sameTargetTries, // one look a second is one, not two
                    CandidatesLeft = next is null ? 0 : exchange.Candidates.Count - next.Value,
                    TimeLeft = clocks.TotalLeft,
                    LongestWait = LongestWait(exchange, fault, settings.Dispatch),
                    BadRequestMayBeTransient = offer.BadRequestMayBeTransient,
                    CallerRetries = exchange.CallerRetries,
                    Chance = Chance(exchange),
                });
                OfferCondition nextCondition = next is { } at ? exchange.Deployment.Runtime(exchange.Candidates[at].Offer)!.Condition : default;
                if (RetryBudget.Covers(step.Kind, fault, nextCondition))
                {
                    holdsRetry = retries.TryTake();
                    if (!holdsRetry)
                        step = default; // too much of the load consists of second attempts already
                }
                switch (step.Kind)
                {
                    case NextStepKind.TryNext:
                        index = next!.Value;
                        sameTargetTries = 0;
                        break;
                    case NextStepKind.RetrySame:
                        sameTargetTries++;
                        if (step.Delay > TimeSpan.Zero)
                            await WaitAsync(exchange, fault, step.Delay, clocks);
                        break;
                    default:
                        Problem told = Answer(exchange, faults);
                        int first = exchange.Candidates.Count;
                        if (exchange.Attempts.Count >= settings.Dispatch.Attempts || clocks.TotalLeft <= TimeSpan.Zero || !TryStandIn(exchange, told))
                            return told;
                        index = first;
                        sameTargetTries = 0;
                        step = new NextStep(NextStepKind.TryNext);
                        break;
                }
                metrics.Retried(step.Kind);
            }
        }
        finally
        {
            if (holdsRetry)
                retries.Return(); // the caller left while we waited to ask again
            retries.Left();
        }
    }

    /// <summary>The next candidate that may do better with this fault; null when there is none, or the caller allows none.</summary>
    private static int? NextIndex(Exchange exchange, int index, UpstreamFault? fault)
    {
        if (!exchange.Request.Preferences.AllowFallbacks)
            return null;
        for (int i = index + 1; i < exchange.Candidates.Count; i++)
        {
            if (fault is null || AttemptPlan.MayServe(fault, exchange.Candidates[index].Offer, exchange.Candidates[i].Offer))
                return i;
        }
        return null;
    }

    /// <summary>Everybody who was asked has just withdrawn the model: whoever was planned for that case is asked next.</summary>
    private static bool TryStandIn(Exchange exchange, Problem told)
    {
        if (told.Retirement is null || exchange.StandIns.Count == 0 || !exchange.Request.Preferences.AllowFallbacks)
            return false;
        exchange.Retired = told.Retirement;
        exchange.Candidates = [.. exchange.Candidates, .. exchange.StandIns];
        exchange.StandIns = [];
        return true;
    }

    private static Problem Answer(Exchange exchange, IReadOnlyList<FailedAttempt> faults)
    {
        Problem told = AttemptPlan.Answer(faults, exchange.Scanned!.AskedModel);
        return told.Kind == ProblemKind.UpstreamGone ? RouteRefusals.GoneNow(exchange, faults.Select(static fault => fault.Offer)) : told;
    }

    private static Problem Resting(Exchange exchange, OfferRuntime offer)
    {
        OfferCondition condition = offer.Condition;
        ExclusionReason why = condition.Why is CircuitCause.None ? ExclusionReason.CoolingDown : Ranking.Resting(condition.Why);
        exchange.Excluded = [.. exchange.Excluded, .. exchange.Candidates.Select(c => new Excluded(c.Offer, why))];
        exchange.Candidates = [];
        return RouteRefusals.NoCandidate(exchange, [], condition.AskableIn);
    }

    private async ValueTask<UpstreamFault?> AttemptAsync(
        Exchange exchange, OfferRuntime offer, PooledBuffer upstreamBody, Watchdog clocks, CancellationToken callerGone)
    {
        DispatchSettings settings = exchange.Deployment.Settings.Dispatch;
        upstreamBody.Clear();
        RequestDialects.Write(exchange.Body.Span, exchange.Scanned!, offer.Edits, upstreamBody);
        var call = new UpstreamCall
        {
            Route = exchange.Route,
            Model = offer.Called,
            Body = upstreamBody.Memory,
            Stream = exchange.Request.Stream,
            Clocks = new UpstreamClocks(settings.Connect, settings.Headers, settings.FirstToken, settings.Idle),
            Headers = exchange.DialectHeaders,
            RequestId = exchange.IdText,
            Caller = exchange.Caller!.Key.Id,
            Place = offer.Own is not null ? Place(exchange) : null,
        };
        exchange.Place = call.Place;
        double start = exchange.ElapsedMs;
        var progress = new AnswerProgress { Call = call, StartMs = start };
        exchange.Served = null;
        UpstreamFault? fault;
        try
        {
            UpstreamReply reply = await offer.Upstream.OpenAsync(call, clocks.Token);
            if (call.Place is { } place)
                progress.StartMs = Waited(exchange, place, start);
            if (reply is UpstreamReply.Opened opened)
            {
                upstreamBody.Release();
                await using (opened)
                {
                    exchange.Served = offer;
                    exchange.Ignored = opened.Ignored;
                    Attempt Served(UpstreamFault? broken) => Record(exchange, offer, call, progress, start, broken, opened.Status);
                    fault = await relay.RunAsync(exchange, offer, opened, progress, clocks, Served);
                }
            }
            else
            {
                fault = ((UpstreamReply.Refused)reply).Fault;
                // Who has announced a model's end and knows it no more has come to that end; Anthropic says it no other way.
                if (fault.Kind is FaultKind.ModelNotFound && offer.Offer.DeprecatedOn is not null)
                    fault = fault with { Kind = FaultKind.ModelGone, AtOnce = true };
            }
        }
        catch (OperationCanceledException) when (callerGone.IsCancellationRequested)
        {
            if (!progress.Recorded && call.ConnectedAt != 0)
                exchange.Waste += Waste(exchange, offer, progress); // its caller left before it had begun: nothing is charged
            throw;
        }
        catch (OperationCanceledException)
        {
            fault = clocks.Expired switch
            {
                Clock.FirstEvent => new UpstreamFault(FaultKind.FirstEventStall, $"Nothing came for {settings.FirstToken.TotalSeconds:0.#} s after the headers."),
                Clock.Idle => new UpstreamFault(FaultKind.IdleStall, $"Nothing came for {settings.Idle.TotalSeconds:0.#} s in mid-answer."),
                Clock.CutOff => new UpstreamFault(FaultKind.ServerStopping, "This server was stopped while it waited."),
                _ => new UpstreamFault(FaultKind.Deadline, $"All attempts together took {settings.Total.TotalSeconds:0.#} s."),
            };
        }
        if (fault is not null && !progress.Recorded)
        {
            exchange.Served = null;
            exchange.Attempts.Add(Record(exchange, offer, call, progress, start, fault, fault.Status));
            // A provider bills no answer but a good one; what we compute ourselves has taken its time whatever came of it.
            if (!fault.NothingSent && (fault.Status is null or 200 || offer.Offer.Price!.Hourly is not null))
                exchange.Waste += Waste(exchange, offer, progress);
        }
        return fault;
    }

    /// <summary>What the caller allows for a place in a model of our own, less what it has waited for others before.</summary>
    private static PlaceWait Place(Exchange exchange)
    {
        TimeSpan left = exchange.Cold.Patience - exchange.Waited;
        TimeSpan patience = left > TimeSpan.Zero ? left : TimeSpan.Zero;
        if (exchange.CallerStream is not { } stream)
            return new PlaceWait(patience, exchange.Cold.MayLoad);
        PlaceWait? place = null;
        return place = new PlaceWait(patience, exchange.Cold.MayLoad) { Began = () => stream.BeginWaiting(place!.Words), Ended = stream.EndWaiting };
    }

    /// <summary>Notes how long an attempt has waited for its place, and returns when it had it or was refused.</summary>
    private static double Waited(Exchange exchange, PlaceWait place, double start)
    {
        double placed = exchange.MsAt(place.PlaceAt) ?? exchange.ElapsedMs;
        exchange.Waited += TimeSpan.FromMilliseconds(placed - start);
        return placed;
    }

    /// <summary>A load at a provider is waited out only as long as the caller allows for loads.</summary>
    private static TimeSpan LongestWait(Exchange exchange, UpstreamFault fault, DispatchSettings settings) =>
        fault.Kind is FaultKind.Cold && exchange.Cold.Patience < settings.LongestWait ? exchange.Cold.Patience : settings.LongestWait;

    private async ValueTask WaitAsync(Exchange exchange, UpstreamFault fault, TimeSpan delay, Watchdog clocks)
    {
        CallerStream? told = fault.Kind is FaultKind.Cold ? exchange.CallerStream : null;
        if (told is not null)
        {
            long began = time.GetTimestamp();
            told.BeginWaiting(() => $"loading, about {Math.Ceiling(Math.Max(1, (delay - time.GetElapsedTime(began)).TotalSeconds)):0} s");
        }
        await Task.Delay(delay, time, clocks.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // the next attempt sees why
        told?.EndWaiting();
    }

    private Attempt Record(Exchange exchange, OfferRuntime offer, UpstreamCall call, AnswerProgress progress, double start, UpstreamFault? fault, int? status) => new()
    {
        Offer = offer.Offer.Name,
        StartMs = start,
        PlaceMs = exchange.MsAt(call.Place?.PlaceAt ?? 0),
        WasCold = call.Place?.WasCold ?? false,
        ConnectedMs = exchange.MsAt(call.ConnectedAt),
        HeadersMs = exchange.MsAt(call.HeadersAt),
        FirstTokenMs = exchange.MsAt(progress.FirstTokenAt),
        EndMs = exchange.ElapsedMs,
        Fault = fault?.Kind,
        UpstreamStatus = status,
        Detail = fault?.Detail,
        UpstreamRequestId = call.UpstreamRequestId,
    };

    private void Blame(Exchange exchange, OfferRuntime offer, UpstreamFault fault, int left)
    {
        offer.Breaker.Failed(fault, Chance(exchange));
        if (fault.Quirk is { } quirk)
            offer.Breaker.Learn(quirk);
        if (fault.Kind is FaultKind.ModelGone || (fault.Kind is FaultKind.ModelNotFound && fault.AtOnce))
            catalogue.MarkGone(offer.Offer.Name, fault.Detail);
        metrics.Failed(offer.Offer.Provider, fault.Kind);
        LogFailed(exchange.IdText, offer.Offer.Name, fault.Kind, fault.Status, left);
    }

    private double Chance(Exchange exchange)
    {
        // One draw per attempt, from the request's own seed: the same record replays to the same delays.
        ulong x = exchange.Seed + (ulong)exchange.Attempts.Count * 0x9E37_79B9_7F4A_7C15;
        x = (x ^ (x >> 30)) * 0xBF58_476D_1CE4_E5B9;
        x = (x ^ (x >> 27)) * 0x94D0_49BB_1331_11EB;
        return (x >> 11) * (1.0 / (1UL << 53));
    }

    /// <summary>What an attempt that brought no answer may have cost us: its input, where the provider may have read it, and the time that a model of our
    /// own has computed.</summary>
    private NanoDollars Waste(Exchange exchange, OfferRuntime offer, AnswerProgress progress) =>
        offer.Offer.Price!.For(new Usage(exchange.Request.InputTokensExpected, 0) { ComputeTime = UsageMeter.ComputeTime(offer.Offer, progress, time) });
}
