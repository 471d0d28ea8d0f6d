using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Problems;

namespace Fairlead.Domain.Routing;

/// <summary>Where a request stands after a failed attempt.</summary>
public readonly record struct AttemptState
{
    /// <summary>Attempts made so far, the failed one included.</summary>
    public required int Attempts { get; init; }

    /// <summary>Most attempts for one request, over all candidates.</summary>
    public required int MostAttempts { get; init; }

    /// <summary>How often the present target has been asked again already.</summary>
    public required int SameTargetTries { get; init; }

    /// <summary>Candidates that have not been asked; 0 where the caller allows no fallback.</summary>
    public required int CandidatesLeft { get; init; }

    /// <summary>What is left of the time for all attempts.</summary>
    public required TimeSpan TimeLeft { get; init; }

    /// <summary>Longest waiting hint that is waited out in place.</summary>
    public required TimeSpan LongestWait { get; init; }

    /// <summary>The provider is known to answer 400 for faults of its own.</summary>
    public bool BadRequestMayBeTransient { get; init; }

    /// <summary>How often the caller's SDK has tried by itself: our own repetitions would multiply with its.</summary>
    public int CallerRetries { get; init; }

    /// <summary>Uniform in [0, 1): the jitter of a wait.</summary>
    public required double Chance { get; init; }
}

public enum NextStepKind : byte
{
    /// <summary>Nobody else may or can be asked.</summary>
    GiveUp = 0,

    /// <summary>Ask the next candidate.</summary>
    TryNext,

    /// <summary>Ask the same one again.</summary>
    RetrySame,
}

/// <summary>What to do after a failed attempt.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Delay">How long to wait first; zero unless the same target is asked again.</param>
public readonly record struct NextStep(NextStepKind Kind, TimeSpan Delay = default);

/// <summary>A failed attempt and what went wrong with it.</summary>
public readonly record struct FailedAttempt(Offer Offer, UpstreamFault Fault);

/// <summary>Applies the fault table to one request. Pure: the state and a number for chance come in, a decision goes out.</summary>
public static class AttemptPlan
{
    private static readonly TimeSpan BackoffBase = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan BackoffCap = TimeSpan.FromSeconds(2);

    /// <summary>Decides what follows a failed attempt that has committed nothing.</summary>
    public static NextStep After(UpstreamFault fault, in AttemptState state)
    {
        if (state.Attempts >= state.MostAttempts || state.TimeLeft <= TimeSpan.Zero)
            return default;
        FaultRule rule = FaultTable.For(fault.Kind);

        // A refusal that taught us what to say differently is put right at the same place, once. That it has no tools cannot be put right there.
        if (fault.Quirk is not null and not QuirkHint.NoTools && state.SameTargetTries == 0)
            return new NextStep(NextStepKind.RetrySame);

        // A short waiting hint is honoured in place only when nobody else could answer at once. What was refused for a limit of the provider's own, before it
        // was sent, others may take.
        bool next = rule.TryNext || (fault.Kind == FaultKind.InvalidRequest && (state.BadRequestMayBeTransient || fault.Quirk is not null || fault.NothingSent));
        if (next && state.CandidatesLeft > 0 && !RepeatsBeforeMovingOn(rule, fault, state))
            return new NextStep(NextStepKind.TryNext);
        if (Repeat(rule, fault, state) is { } delay && delay < state.TimeLeft)
            return new NextStep(NextStepKind.RetrySame, delay);
        return next && state.CandidatesLeft > 0 ? new NextStep(NextStepKind.TryNext) : default;
    }

    /// <summary>Whether another candidate can do better with this very fault: a prompt that was too long is too long for every window that is no larger.</summary>
    public static bool MayServe(UpstreamFault fault, Offer failed, Offer next) =>
        fault.Kind is not FaultKind.ContextTooLong || failed.ContextLength is not { } had || next.ContextLength is not { } has || has > had;

    /// <summary>What the caller hears when every attempt failed: of all the faults the one that tells most what to do.</summary>
    /// <param name="faults">At least one.</param>
    /// <param name="model">The model as asked for.</param>
    public static Problem Answer(IReadOnlyList<FailedAttempt> faults, string model)
    {
        FailedAttempt told = faults[0];
        foreach (FailedAttempt fault in faults)
        {
            if (Weight(fault.Fault.Kind) > Weight(told.Fault.Kind))
                told = fault;
        }
        // A model is gone only if nobody has it; one provider's withdrawal is that provider's affair.
        if (told.Fault.Kind is FaultKind.ModelGone && faults.Any(static f => f.Fault.Kind is not FaultKind.ModelGone))
            told = faults.First(static f => f.Fault.Kind is not FaultKind.ModelGone);
        FaultRule rule = FaultTable.For(told.Fault.Kind);
        TimeSpan? retryAfter = RetryAfter(told.Fault, rule.Answer, faults);
        int? passed = told.Fault.Kind is FaultKind.InvalidRequest && told.Fault.Status is 400 or 413 or 422 ? told.Fault.Status : null;
        return new Problem(rule.Answer, Words(told, faults, model, retryAfter), Param(told.Fault), retryAfter, passed)
        {
            Cold = told.Fault.Cold,
            Model = told.Fault.Kind is FaultKind.ModelGone or FaultKind.ModelNotFound ? model : null,
        };
    }

    /// <summary>A connection that died before a byte was sent says nothing against the target: it is asked again before others are.</summary>
    private static bool RepeatsBeforeMovingOn(FaultRule rule, UpstreamFault fault, in AttemptState state) =>
        rule.Same == SameTarget.OnceIfNothingSent && fault.Kind is FaultKind.StreamRefused && fault.NothingSent && state.SameTargetTries == 0;

    private static TimeSpan? Repeat(FaultRule rule, UpstreamFault fault, in AttemptState state)
    {
        if (state.SameTargetTries > 0 || state.CallerRetries > 0)
            return null;
        switch (rule.Same)
        {
            case SameTarget.OnceIfNothingSent:
                return fault.NothingSent ? Backoff(state) : null;
            case SameTarget.OnceAfterBackoff:
                return fault.RetryAfter is { } wait ? Wait(wait, state) : Backoff(state);
            case SameTarget.AfterHint:
                return fault.RetryAfter is { } hint ? Wait(hint, state) : Backoff(state);
            default:
                return null;
        }
    }

    private static TimeSpan? Wait(TimeSpan hint, in AttemptState state) => hint <= state.LongestWait ? hint : null;

    private static TimeSpan Backoff(in AttemptState state)
    {
        double most = Math.Min(BackoffCap.TotalMilliseconds, BackoffBase.TotalMilliseconds * Math.Pow(2, state.Attempts - 1));
        return TimeSpan.FromMilliseconds(most * state.Chance);
    }

    /// <summary>What the caller can do something about stands above what only time heals, and that above what tells nothing.</summary>
    private static int Weight(FaultKind kind) => kind switch
    {
        FaultKind.ServerStopping => 110,
        FaultKind.ContentFiltered => 100,
        FaultKind.ContextTooLong => 95,
        FaultKind.InvalidRequest => 90,
        FaultKind.RateLimited => 80,
        FaultKind.Cold or FaultKind.WorkerCold => 75,
        FaultKind.Overloaded or FaultKind.WorkerQueueFull => 70,
        FaultKind.Conflict => 68,
        FaultKind.PermissionDenied => 60,
        FaultKind.HeaderStall or FaultKind.FirstEventStall or FaultKind.ConnectTimeout or FaultKind.IdleStall => 50,
        FaultKind.Deadline => 49,
        FaultKind.ServerError or FaultKind.Malformed or FaultKind.Truncated or FaultKind.ErrorInStream or FaultKind.WorkerLoadFailed or FaultKind.WorkerCrash => 45,
        FaultKind.WorkerParked => 44,
        FaultKind.QuotaExhausted => 42,
        FaultKind.CredentialRefused => 41,
        FaultKind.ModelGone => 20,
        FaultKind.ModelNotFound => 15,
        _ => 40,
    };

    /// <summary>When the same request may succeed. A load ends when it ends, whatever others say of themselves; and what could not be loaded may be tried
    /// again after its rest, which is for people to read and not for clients to act upon.</summary>
    private static TimeSpan? RetryAfter(UpstreamFault told, ProblemKind answer, IReadOnlyList<FailedAttempt> faults) =>
        told.Cold is { } cold ? (told.RetryAfter > cold.ReadyIn ? told.RetryAfter : cold.ReadyIn)
        : told.Kind is FaultKind.WorkerLoadFailed ? told.RetryAfter
        : answer.Retryable ? SmallestHint(faults) ?? Default(answer)
        : null;

    private static TimeSpan? SmallestHint(IReadOnlyList<FailedAttempt> faults)
    {
        TimeSpan? smallest = null;
        foreach (FailedAttempt fault in faults)
        {
            if (fault.Fault.RetryAfter is { } hint && (smallest is null || hint < smallest))
                smallest = hint;
        }
        return smallest;
    }

    private static TimeSpan? Default(ProblemKind kind) =>
        kind == ProblemKind.UpstreamRateLimited ? TimeSpan.FromSeconds(5)
        : kind.Status == 503 ? TimeSpan.FromSeconds(2)
        : null;

    private static string? Param(UpstreamFault fault) => fault.Kind switch
    {
        FaultKind.ContextTooLong => "messages",
        FaultKind.ModelGone or FaultKind.ModelNotFound => "model",
        FaultKind.InvalidRequest or FaultKind.ContentFiltered => fault.Param, // its body is the caller's, so its names are too
        _ => null,
    };

    private static string Words(FailedAttempt told, IReadOnlyList<FailedAttempt> faults, string model, TimeSpan? retryAfter)
    {
        string who = told.Offer.Provider;
        int others = faults.Select(static f => f.Offer.Provider).Distinct(StringComparer.OrdinalIgnoreCase).Count() - 1;
        string tried = others > 0 ? $" {others} other{(others > 1 ? "s were" : " was")} tried." : "";
        string wait = retryAfter is { } after ? $" Retry in {Math.Ceiling(after.TotalSeconds):0} s." : " Retry, or ask for another model.";
        // Providers end their sentences or do not; ours follows.
        string said = told.Fault.Detail.TrimEnd() is [.., '.' or '!' or '?'] ended ? ended : told.Fault.Detail.TrimEnd() + ".";
        string text = told.Fault.Kind switch
        {
            FaultKind.ServerStopping => $"This server is shutting down and could not wait for '{who}'. Not charged. Retry; another replica or the next start will answer.",
            FaultKind.InvalidRequest => $"Provider '{who}' refused the request: {told.Fault.Detail}",
            FaultKind.ContextTooLong => $"The prompt is too long for '{model}' at '{who}': {told.Fault.Detail}",
            FaultKind.ContentFiltered => $"Provider '{who}' refused the content: {told.Fault.Detail}",
            FaultKind.RateLimited => others > 0
                ? $"All {others + 1} providers for '{model}' failed, '{who}' by rate-limiting.{wait} Adding a provider or key would help."
                : $"Provider '{who}', the only one for '{model}', is rate-limiting.{wait} Adding a provider or key would help.",
            FaultKind.Overloaded => $"Provider '{who}' is overloaded{(told.Fault.Status is { } status and not 200 ? $" (status {status})" : "")}.{tried}{wait}",
            FaultKind.Cold => $"'{model}' is loading at '{who}'.{tried}{wait}",
            FaultKind.Conflict => $"Provider '{who}' could not take the request just now (status {told.Fault.Status}).{tried}{wait}",
            FaultKind.PermissionDenied => $"Provider '{who}' does not let this server's account use '{model}': {told.Fault.Detail}",
            FaultKind.ConnectionRefused => $"Provider '{who}' could not be reached: connection refused.{tried} Not charged.{wait}",
            FaultKind.ConnectTimeout => $"Provider '{who}' did not accept a connection in time.{tried} Not charged.{wait}",
            FaultKind.Dns => $"The address of provider '{who}' could not be found.{tried} Not charged. Check the URL in the configuration and this machine's DNS.",
            FaultKind.Tls => $"No safe connection to provider '{who}' could be made (TLS).{tried} Not charged. The operator must check its certificate.",
            FaultKind.ResetBeforeAnswer or FaultKind.ClosedBeforeAnswer or FaultKind.StreamRefused => $"Provider '{who}' closed the connection without an answer.{tried} Not charged.{wait}",
            FaultKind.HeaderStall => $"Provider '{who}' accepted the request but sent nothing.{tried} Not charged.{wait}",
            FaultKind.FirstEventStall => $"Provider '{who}' began to answer and then sent nothing.{tried} Not charged.{wait}",
            FaultKind.IdleStall => $"Provider '{who}' stopped sending before the answer had begun.{tried} Not charged.{wait}",
            FaultKind.CredentialRefused => $"The stored key for provider '{who}' was refused ({told.Fault.Status}). This is a server setting: its operator must replace it. Your own key is fine.",
            FaultKind.QuotaExhausted => $"This server's account at provider '{who}' is out of credit. Its operator must top it up; your own budget is fine.",
            FaultKind.ModelGone => $"The requested model '{model}' is deprecated and no longer supported by provider {who}. Ask for another model, or name substitutes in 'models: […]'.",
            FaultKind.ModelNotFound or FaultKind.RouteNotFound => $"Provider '{who}' does not know '{told.Offer.ProviderModelId}'.{tried} Not charged. The operator should check the model's name at that provider.",
            FaultKind.ServerError => $"Provider '{who}' failed (status {told.Fault.Status}): {said}{tried} Not charged.{wait}",
            FaultKind.Malformed or FaultKind.InterimFlood or FaultKind.HeadersTooLarge or FaultKind.BodyTooLarge or FaultKind.EventTooLarge =>
                $"Provider '{who}' answered with something that is not a completion ({told.Fault.Detail}).{tried} Not charged.",
            FaultKind.Redirected => $"Provider '{who}' redirected the request (status {told.Fault.Status}), which is never followed. The operator must check its URL.{tried}",
            // Who runs the model has said all: what it is, why, and what to do next.
            FaultKind.WorkerCold => $"{said}{tried} Not charged. With x-wait-for-model: true it waits.",
            FaultKind.WorkerLoadFailed or FaultKind.WorkerQueueFull or FaultKind.WorkerParked => $"{said}{tried} Not charged.",
            FaultKind.WorkerCrash => $"'{told.Offer.Name}' died before its answer had begun: {said}{tried} Not charged.{wait}",
            FaultKind.Deadline => $"No provider answered '{model}' within the time for all attempts.{tried} Not charged.{wait}",
            _ => $"Provider '{who}' broke off before the answer had begun: {said}{tried} Not charged.{wait}",
        };
        return text.Length <= 300 ? text : string.Concat(text.AsSpan(0, 299), "…");
    }
}
