using System.Collections.Concurrent;
using Fairlead.Gateway.Settings;
using Fairlead.Protocols.Faults;
using Fairlead.Protocols.OpenAi;
using Fairlead.Upstreams;
using Fairlead.Upstreams.Anthropic;
using Fairlead.Upstreams.Http;
using Fairlead.Upstreams.OpenAi;
using Fairlead.Upstreams.Providers;

namespace Fairlead.Gateway.Catalogue;

/// <summary>The way to one provider.</summary>
internal sealed record UpstreamWay(IUpstream Upstream, RequestQuirks RequestQuirks, ResponseQuirks ResponseQuirks, bool BadRequestMayBeTransient)
{
    /// <summary>Null: somebody else runs it.</summary>
    public OwnModel? Own { get; init; }
}

/// <summary>One way per provider, kept over reloads as long as nothing about it changes, so that its connections stay open.</summary>
internal sealed class UpstreamSet(TimeProvider time) : IDisposable
{
    private readonly UpstreamTransport _transport = new(time);

    /// <summary>The one HTTP client, for ways that are made elsewhere.</summary>
    public UpstreamTransport Transport => _transport;

    private readonly ConcurrentDictionary<string, (ProviderSpec Spec, Secret? Key, UpstreamWay Way, UpstreamOrigin Origin)> _ways = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The way to a provider; null when it has no address here.</summary>
    public UpstreamWay? For(GatewaySettings settings, IReadOnlyList<DiscoveredRunner> runners, string provider)
    {
        ProviderSettings? configured = settings.Providers.FirstOrDefault(p => p.Name.Equals(provider, StringComparison.OrdinalIgnoreCase));
        Uri? url = configured?.Url ?? runners.FirstOrDefault(r => r.Name.Equals(provider, StringComparison.OrdinalIgnoreCase))?.BaseUrl;
        ProviderSpec spec = ProviderTable.Find(provider, url, configured?.Dialect, configured?.KeyForm);
        if (spec.BaseUrl is not { } address)
            return null;
        if (_ways.TryGetValue(provider, out (ProviderSpec Spec, Secret? Key, UpstreamWay Way, UpstreamOrigin Origin) kept))
        {
            if (kept.Spec == spec && Equals(kept.Key, configured?.Key))
                return kept.Way;
            _transport.Forget(kept.Origin);
        }
        (IUpstream upstream, UpstreamOrigin origin) = Make(spec, address, configured?.Key is { } key ? new EndpointKey(spec.Key, key.Reveal(), address) : null);
        var way = new UpstreamWay(upstream, spec.RequestQuirks, spec.ResponseQuirks, spec.BadRequestMayBeTransient);
        _ways[provider] = (spec, configured?.Key, way, origin);
        return way;
    }

    public void Dispose() => _transport.Dispose();

    private (IUpstream Upstream, UpstreamOrigin Origin) Make(ProviderSpec spec, Uri address, EndpointKey? key)
    {
        if (spec.MessagesPath is { } messages) // what speaks Anthropic's dialect has that one and no other
        {
            var anthropic = new AnthropicUpstream(new AnthropicEndpoint(address) { MessagesPath = messages, MostBodyBytes = spec.MostBodyBytes, Key = key, ExtraHeaders = spec.Headers }, _transport, FaultClassifier.Classify);
            return (anthropic, anthropic.Origin);
        }
        var openAi = new OpenAiUpstream(
            new OpenAiEndpoint(address)
            {
                ChatPath = spec.ChatPath,
                CompletionsPath = spec.CompletionsPath,
                EmbeddingsPath = spec.EmbeddingsPath,
                MostBodyBytes = spec.MostBodyBytes,
                Key = key,
                ExtraHeaders = spec.Headers,
            },
            _transport, FaultClassifier.Classify);
        return (openAi, openAi.Origin);
    }
}
