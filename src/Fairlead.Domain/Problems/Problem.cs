using Fairlead.Domain.Catalogue;

namespace Fairlead.Domain.Problems;

/// <summary>A refusal: what happened, why, and what to do next. Making one has no effects; each door renders it in its own dialect.</summary>
/// <param name="Kind">Which of the closed list.</param>
/// <param name="Message">One to three sentences, at most 300 characters, without secrets, prompts or control characters.</param>
/// <param name="Param">The field that is at fault, e.g. <c>model</c>; null when none is.</param>
/// <param name="PassedStatus">An upstream's 4xx about the caller's own request, passed on; null: the kind's own.</param>
/// <param name="RetryAfter">When the same request may succeed; null when waiting does not help or the time is not known.</param>
public sealed record Problem(ProblemKind Kind, string Message, string? Param = null, TimeSpan? RetryAfter = null, int? PassedStatus = null)
{
    /// <summary>What is known of the model that is not loaded yet; null where that is not the matter.</summary>
    public ColdForecast? Cold { get; init; }

    /// <summary>What is known of the model that was withdrawn; null where that is not the matter.</summary>
    public Retirement? Retirement { get; init; }

    /// <summary>The model that is not to be had, as the caller wrote it; null where that is not the matter.</summary>
    public string? Model { get; init; }

    /// <summary>The status to send; to Anthropic's clients it is <see cref="AnthropicTerms.Status(Problem)"/>.</summary>
    public int Status => PassedStatus ?? Kind.Status;
}
