using Fairlead.Domain.Problems;
using Fairlead.Engine.Embeddings;
using Fairlead.Engine.Generation;

namespace Fairlead.Worker;

/// <summary>The engine's refusals as problems of a request.</summary>
internal static class Refusal
{
    /// <param name="refusal">What the engine said.</param>
    /// <param name="content">The field that holds the prompt on this route.</param>
    public static Problem Of(GenerationRefusal refusal, string content) => refusal.Reason switch
    {
        RefusalReason.ContextTooLong => new Problem(ProblemKind.ContextTooLong, Bound(refusal.Message), content),
        RefusalReason.QueueFull => new Problem(ProblemKind.UpstreamOverloaded, Bound(refusal.Message), RetryAfter: TimeSpan.FromSeconds(1)),
        RefusalReason.Closed => new Problem(ProblemKind.Draining, Bound(refusal.Message), RetryAfter: TimeSpan.FromSeconds(2)),
        _ => new Problem(ProblemKind.FieldInvalid, Bound(refusal.Message)),
    };

    /// <summary>An answer that was begun and cannot be carried to its end.</summary>
    public static Problem Of(GenerationEvent.Failed failed) => failed.IsOfRequest
        ? new Problem(ProblemKind.FieldInvalid, Bound($"The form that the answer must have could not be kept to: {failed.Reason}"), "response_format")
        : new Problem(ProblemKind.Internal, Bound(failed.Reason));

    /// <summary>The same of an embedding model.</summary>
    public static Problem Of(EmbeddingRefusal refusal) => refusal switch
    {
        { IsBusy: true } => new Problem(ProblemKind.UpstreamOverloaded, Bound(refusal.Message), RetryAfter: TimeSpan.FromSeconds(1)),
        { IsTooLong: true } => new Problem(ProblemKind.ContextTooLong, Bound(refusal.Message), "input"),
        _ => new Problem(ProblemKind.FieldInvalid, Bound(refusal.Message), "input"),
    };

    /// <summary>A message of an error object has at most 300 characters.</summary>
    public static string Bound(string message) => message.Length <= 300 ? message : string.Concat(message.AsSpan(0, 299), "…");
}
