using Fairlead.Domain.Inference;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Dialects;

/// <summary>What the reader of an answer needs to know of its request.</summary>
/// <param name="Route">Which route's answer.</param>
/// <param name="UsageAsked">The caller asked for the usage chunk.</param>
/// <param name="MaxOutputTokens">Output limit per choice; null when none was set.</param>
/// <param name="Choices">Choices asked for.</param>
/// <param name="RequestId">Our id of the request, <c>req_…</c>.</param>
/// <param name="FallbackModel">Model for an answer that names none.</param>
/// <param name="CreatedUnix">Time for an answer that has none, seconds.</param>
/// <param name="Quirks">The provider's ways.</param>
/// <param name="Encoding">How the caller wants embeddings.</param>
public readonly record struct StreamExpectations(
    Route Route, bool UsageAsked, long? MaxOutputTokens, int Choices, string RequestId, string FallbackModel, long CreatedUnix, ResponseQuirks Quirks,
    EmbeddingEncoding Encoding = EmbeddingEncoding.Float)
{
    /// <summary>What the upstream speaks; the caller's dialect is the route's.</summary>
    public Dialect Spoken { get; init; }

    /// <summary>Tokens that the input is expected to have, for an answer that must tell them before its upstream does.</summary>
    public long InputTokensExpected { get; init; }

    /// <summary>Id for an answer that has none.</summary>
    public string FallbackId => string.Concat(Route == Route.Chat ? "chatcmpl-" : Route == Route.Messages ? "msg_" : "cmpl-", RequestId.AsSpan(RequestId.IndexOf('_', StringComparison.Ordinal) + 1));

    /// <summary>The <c>object</c> of a streamed event.</summary>
    public string ChunkObject => Route == Route.Chat ? "chat.completion.chunk" : "text_completion";
}

/// <summary>How a streamed body is divided into events.</summary>
public enum StreamFraming : byte
{
    ServerSentEvents = 1,

    /// <summary>One JSON object a line (Ollama's own routes).</summary>
    NdJson = 2,
}

/// <summary>Where a streamed answer stands.</summary>
public enum StreamState : byte
{
    Reading = 0,

    /// <summary>The answer is whole; what is terminal of it waits for <see cref="AnswerStream.WriteClosing"/>.</summary>
    Completed,

    /// <summary>It broke; <see cref="AnswerStream.Fault"/> says how.</summary>
    Faulted,

    /// <summary>It went past the caller's output limit and was cut there (fault U-35); the upstream is to be cancelled, the answer is whole.</summary>
    LimitReached,
}
