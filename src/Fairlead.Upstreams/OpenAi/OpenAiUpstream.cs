using System.Collections.Concurrent;
using Fairlead.Domain.Inference;
using Fairlead.Upstreams.Http;

namespace Fairlead.Upstreams.OpenAi;

/// <summary>One endpoint of OpenAI's dialect behind <see cref="IUpstream"/>. Everything that differs per request is in the call.</summary>
public sealed class OpenAiUpstream : IUpstream
{
    private readonly UpstreamTransport _transport;
    private readonly FaultClassifierDelegate _classify;
    private readonly OpenAiEndpoint _endpoint;
    private readonly RequestHead?[] _heads = new RequestHead?[Enum.GetValues<Route>().Length + 1];

    // Paths that name the model; bounded by the catalogue's models of this provider.
    private readonly ConcurrentDictionary<(Route Route, string Model), RequestHead> _byModel = new();

    /// <exception cref="ArgumentException">An address, path or header that may not be sent, or a key of another origin.</exception>
    public OpenAiUpstream(OpenAiEndpoint endpoint, UpstreamTransport transport, FaultClassifierDelegate classify)
    {
        _endpoint = endpoint;
        _transport = transport;
        _classify = classify;
        Origin = new UpstreamOrigin(endpoint.BaseUrl, endpoint.Key?.Credential, endpoint.Roots, endpoint.SocketPath);
        foreach (Route route in (ReadOnlySpan<Route>)[Route.Chat, Route.Completions, Route.Embeddings, Route.Messages])
        {
            // The mark is replaced by a name per call; here it is only checked that the rest of the path may be sent.
            if (PathOf(route) is { } path)
                _heads[(int)route] = new RequestHead(Origin, path.Replace(OpenAiEndpoint.ModelMark, "model", StringComparison.Ordinal), endpoint.ExtraHeaders, endpoint.CallerHeader);
        }
    }

    /// <summary>For <see cref="UpstreamTransport.Forget"/> when a reload takes this upstream away.</summary>
    public UpstreamOrigin Origin { get; }

    public ValueTask<UpstreamReply> OpenAsync(UpstreamCall call, CancellationToken cancellationToken) =>
        call.Body.Length > _endpoint.MostBodyBytes ? ValueTask.FromResult<UpstreamReply>(UpstreamReply.Refused.TooLarge(call.Body.Length, _endpoint.MostBodyBytes.Value))
        : _heads[(int)call.Route] is { } head
            ? _transport.PostAsync(PathOf(call.Route)!.Contains(OpenAiEndpoint.ModelMark, StringComparison.Ordinal) ? ForModel(call) : head, call, _classify, cancellationToken)
            : ValueTask.FromResult<UpstreamReply>(UpstreamReply.Refused.NoSuchRoute);

    private RequestHead ForModel(UpstreamCall call) => _byModel.GetOrAdd((call.Route, call.Model), static (key, self) =>
    {
        // A Hub id keeps its slash; whatever else could end the path or climb out of it does not get through.
        string model = string.Join('/', key.Model.Split('/').Select(static part => part is "." or ".." ? part.Replace(".", "%2E", StringComparison.Ordinal) : Uri.EscapeDataString(part)));
        return new RequestHead(self.Origin, self.PathOf(key.Route)!.Replace(OpenAiEndpoint.ModelMark, model, StringComparison.Ordinal), self._endpoint.ExtraHeaders, self._endpoint.CallerHeader);
    }, this);

    private string? PathOf(Route route) => route switch
    {
        Route.Chat or Route.Messages => _endpoint.ChatPath, // the body has been translated
        Route.Completions => _endpoint.CompletionsPath,
        Route.Embeddings => _endpoint.EmbeddingsPath,
        _ => null, // the dialect cannot count without generating
    };
}
