using Fairlead.Domain.Inference;
using Fairlead.Domain.Routing;
using Fairlead.Upstreams.Http;

namespace Fairlead.Upstreams.OpenAi;

/// <summary>One endpoint of OpenAI's dialect behind <see cref="IUpstream"/>. Everything that differs per request is in the call.</summary>
public sealed class OpenAiUpstream : IUpstream
{
    private readonly UpstreamTransport _transport;
    private readonly FaultClassifierDelegate _classify;
    private readonly RequestHead?[] _heads = new RequestHead?[4];

    /// <exception cref="ArgumentException">An address, path or header that may not be sent, or a key of another origin.</exception>
    public OpenAiUpstream(OpenAiEndpoint endpoint, UpstreamTransport transport, FaultClassifierDelegate classify)
    {
        _transport = transport;
        _classify = classify;
        Origin = new UpstreamOrigin(endpoint.BaseUrl, endpoint.Key?.Credential, endpoint.Roots);
        _heads[(int)Route.Chat] = HeadOf(endpoint.ChatPath, endpoint);
        _heads[(int)Route.Completions] = HeadOf(endpoint.CompletionsPath, endpoint);
        _heads[(int)Route.Embeddings] = HeadOf(endpoint.EmbeddingsPath, endpoint);
    }

    /// <summary>For <see cref="UpstreamTransport.Forget"/> when a reload takes this upstream away.</summary>
    public UpstreamOrigin Origin { get; }

    public ValueTask<UpstreamReply> OpenAsync(UpstreamCall call, CancellationToken cancellationToken) =>
        _heads[(int)call.Route] is { } head
            ? _transport.PostAsync(head, call, _classify, cancellationToken)
            : ValueTask.FromResult<UpstreamReply>(new UpstreamReply.Refused(
                new UpstreamFault(FaultKind.RouteNotFound, "this upstream has no such route", NothingSent: true)));

    private RequestHead? HeadOf(string? path, OpenAiEndpoint endpoint) =>
        path is null ? null : new RequestHead(Origin, path, endpoint.ExtraHeaders);
}
