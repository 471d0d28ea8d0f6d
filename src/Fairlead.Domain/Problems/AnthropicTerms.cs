using System.Collections.Frozen;

namespace Fairlead.Domain.Problems;

/// <summary>How a problem is told to Anthropic's clients, where that differs from what OpenAI's are told: status, type, the words they look for, and how long
/// they may be sent away.</summary>
/// <remarks>Both of Anthropic's generations choose the class of an exception by the status; <c>type</c> follows from it.</remarks>
public static class AnthropicTerms
{
    /// <summary>The longest wait that a header asks for: a client that obeys without a limit of its own would sleep for as long, in the middle of somebody's program.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(60);

    private const int Missing = 404;

    /// <summary>Anthropic's own status for "too much to do just now", which no registry knows.</summary>
    private const int Overloaded = 529;

    private static readonly FrozenDictionary<ProblemKind, int> OwnStatus = new Dictionary<ProblemKind, int>
    {
        [ProblemKind.ModelNotFound] = Missing,
        [ProblemKind.ModelNotSupported] = Missing,
        [ProblemKind.UpstreamModelNotFound] = Missing,
        [ProblemKind.UpstreamGone] = Missing,
        [ProblemKind.Overloaded] = Overloaded,
        [ProblemKind.UpstreamOverloaded] = Overloaded,
        [ProblemKind.ColdStarting] = Overloaded,
        [ProblemKind.AllCoolingDown] = Overloaded,
    }.ToFrozenDictionary();

    /// <summary>The status to send.</summary>
    public static int Status(Problem problem) => problem.PassedStatus ?? Status(problem.Kind);

    /// <summary>The status of a kind, where no upstream's is passed on.</summary>
    public static int Status(ProblemKind kind) => OwnStatus.GetValueOrDefault(kind, kind.Status);

    /// <summary>The <c>error.type</c> that goes with a status of 400 and above.</summary>
    public static string Type(int status) => status switch
    {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        Missing => "not_found_error",
        408 or 504 => "timeout_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        Overloaded => "overloaded_error",
        >= 500 => "api_error",
        _ => "invalid_request_error",
    };

    /// <summary>The message, begun as Anthropic begins it where programs look for that: <c>model: NAME</c> and <c>prompt is too long:</c>.</summary>
    public static string Message(Problem problem)
    {
        if (problem.Kind == ProblemKind.ContextTooLong)
            return $"prompt is too long: {problem.Message}";
        return (problem.Model ?? problem.Retirement?.Model) is { } model ? $"model: {model}. {problem.Message}" : problem.Message;
    }

    /// <summary>What <c>Retry-After</c> says; null where it is not sent.</summary>
    public static TimeSpan? Wait(Problem problem) => problem.RetryAfter > LongestWait ? LongestWait : problem.RetryAfter;
}
