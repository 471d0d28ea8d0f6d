using Fairlead.Domain.Inference;
using Fairlead.Upstreams.Http;

namespace Fairlead.Upstreams.Anthropic;

/// <summary>One endpoint of Anthropic's dialect behind <see cref="IUpstream"/>. Everything that differs per request is in the call.</summary>
public sealed class AnthropicUpstream : IUpstream
{
    // Of the caller's headers these two change what the body means; no other goes along.
    private static readonly CallHeader[] OfTheCall = [new("anthropic-version", AnthropicEndpoint.UsualVersion), new("anthropic-beta", null)];

    private readonly UpstreamTransport _transport;
    private readonly FaultClassifierDelegate _classify;
    private readonly RequestHead _messages;
    private readonly RequestHead _count;
    private readonly long _mostBodyBytes;

    /// <exception cref="ArgumentException">An address, path or header that may not be sent, or a key of another origin.</exception>
    public AnthropicUpstream(AnthropicEndpoint endpoint, UpstreamTransport transport, FaultClassifierDelegate classify)
    {
        _transport = transport;
        _classify = classify;
        _mostBodyBytes = endpoint.MostBodyBytes ?? long.MaxValue;
        Origin = new UpstreamOrigin(endpoint.Root, endpoint.Key?.Credential);
        _messages = new RequestHead(Origin, endpoint.MessagesPath, endpoint.ExtraHeaders, callHeaders: OfTheCall);
        _count = new RequestHead(Origin, endpoint.MessagesPath + "/count_tokens", endpoint.ExtraHeaders, callHeaders: OfTheCall);
    }

    /// <summary>For <see cref="UpstreamTransport.Forget"/> when a reload takes this upstream away.</summary>
    public UpstreamOrigin Origin { get; }

    public ValueTask<UpstreamReply> OpenAsync(UpstreamCall call, CancellationToken cancellationToken) => call.Route switch
    {
        _ when call.Body.Length > _mostBodyBytes => ValueTask.FromResult<UpstreamReply>(UpstreamReply.Refused.TooLarge(call.Body.Length, _mostBodyBytes)),
        Route.Messages or Route.Chat => _transport.PostAsync(_messages, call, _classify, cancellationToken), // a chat's body has been translated
        Route.CountTokens => _transport.PostAsync(_count, call, _classify, cancellationToken),
        _ => ValueTask.FromResult<UpstreamReply>(UpstreamReply.Refused.NoSuchRoute),
    };
}
