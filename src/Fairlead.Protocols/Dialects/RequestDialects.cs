using System.Buffers;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Protocols.Anthropic;
using Fairlead.Protocols.OpenAi;
using Fairlead.Protocols.Translation;

namespace Fairlead.Protocols.Dialects;

/// <summary>What has to be said differently to one offer.</summary>
/// <param name="ProviderModelId">The model's name there.</param>
/// <param name="ForceUsage">Ask a stream for its usage, whatever the caller asked.</param>
/// <param name="Quirks">The provider's ways.</param>
public readonly record struct BodyEdits(string ProviderModelId, bool ForceUsage, RequestQuirks Quirks)
{
    /// <summary>What the upstream speaks.</summary>
    public Dialect Spoken { get; init; }

    /// <summary>Most output tokens of the model, for a dialect that must name a limit where the caller named none; null when not known.</summary>
    public long? MaxOutputTokens { get; init; }
}

/// <summary>Requests, by the door they come in at and what the upstream speaks: the one place that knows which pairs there are.</summary>
public static class RequestDialects
{
    /// <summary>Reads a body once, forwards. Exactly one of the result and <paramref name="problem"/> is not null.</summary>
    public static ScannedRequest? Scan(Route route, ReadOnlySpan<byte> body, RequestLimits limits, out Problem? problem) => route.Dialect() switch
    {
        Dialect.OpenAi => RequestScanner.Scan(route, body, limits, out problem),
        Dialect.Anthropic => MessagesScanner.Scan(route, body, limits, out problem),
        var other => throw new NotSupportedException($"No scanner for {other}."),
    };

    /// <summary>Writes the body that goes upstream: the caller's bytes with the model's name put in where both speak one dialect, a translation otherwise.</summary>
    /// <remarks>A request that was scanned can always be written; what the other dialect cannot say is in <see cref="InferenceRequest.BoundToDialect"/> and
    /// <see cref="InferenceRequest.LostInTranslation"/>.</remarks>
    public static void Write(ReadOnlySpan<byte> body, ScannedRequest request, in BodyEdits edits, IBufferWriter<byte> output)
    {
        switch (request.Request.Route.Dialect(), edits.Spoken)
        {
            case (Dialect.OpenAi, Dialect.OpenAi):
                UpstreamBodyWriter.Write(body, request, edits, output);
                break;
            case (Dialect.OpenAi, Dialect.Anthropic):
                ChatToMessages.Write(body, request, edits, output);
                break;
            case (Dialect.Anthropic, Dialect.Anthropic):
                MessagesBodyWriter.Write(body, request, edits, output);
                break;
            case (Dialect.Anthropic, Dialect.OpenAi):
                MessagesToChat.Write(body, request, edits, output);
                break;
            case var (door, spoken):
                throw new NotSupportedException($"No translation of requests from {door} to {spoken}.");
        }
    }

    /// <summary>Names of the fields that the provider gets otherwise than the caller wrote them, comma-separated, for <c>x-fairlead-adapted</c>; null when
    /// every field goes through as written. Our own fields and the model's id do not count, nor does a field that only changes its form in translation.</summary>
    public static string? Adapted(ScannedRequest request, ReadOnlySpan<byte> body, in BodyEdits edits) => (request.Request.Route.Dialect(), edits.Spoken) switch
    {
        (Dialect.OpenAi, Dialect.OpenAi) => Adaptation.Of(request, body, edits.Quirks),
        (Dialect.OpenAi, Dialect.Anthropic) => ChatToMessages.Adapted(body, request, edits),
        (Dialect.Anthropic, Dialect.Anthropic) => null,
        (Dialect.Anthropic, Dialect.OpenAi) => MessagesToChat.Adapted(request, edits.Quirks),
        var (door, spoken) => throw new NotSupportedException($"No translation of requests from {door} to {spoken}."),
    };
}
