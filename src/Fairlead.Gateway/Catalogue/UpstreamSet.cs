using System.Collections.Concurrent;
using Fairlead.Gateway.Settings;
using Fairlead.Protocols.Faults;
using Fairlead.Protocols.OpenAi;
using Fairlead.Upstreams;
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

    private readonly ConcurrentDictionary<string, (string Print, Secret? Key, UpstreamWay Way, OpenAiUpstream Upstream)> _ways = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The way to a provider; null when it has no address here.</summary>
    public UpstreamWay? For(GatewaySettings settings, IReadOnlyList<DiscoveredRunner> runners, string provider)
    {
        ProviderSettings? configured = settings.Providers.FirstOrDefault(p => p.Name.Equals(provider, StringComparison.OrdinalIgnoreCase));
        Uri? url = configured?.Url ?? runners.FirstOrDefault(r => r.Name.Equals(provider, StringComparison.OrdinalIgnoreCase))?.BaseUrl;
        ProviderSpec? spec = ProviderTable.Known.GetValueOrDefault(provider);
        url ??= spec?.BaseUrl;
        if (url is null)
            return null;
        spec ??= ProviderSpec.SelfHosted(provider, url);
        string print = url.AbsoluteUri;
        if (_ways.TryGetValue(provider, out (string Print, Secret? Key, UpstreamWay Way, OpenAiUpstream Upstream) kept))
        {
            if (kept.Print == print && Equals(kept.Key, configured?.Key))
                return kept.Way;
            _transport.Forget(kept.Upstream.Origin);
        }
        var upstream = new OpenAiUpstream(
            new OpenAiEndpoint(url)
            {
                ChatPath = spec.ChatPath,
                CompletionsPath = spec.CompletionsPath,
                EmbeddingsPath = spec.EmbeddingsPath,
                Key = configured?.Key is { } key ? new EndpointKey(spec.Key, key.Reveal(), url) : null,
                ExtraHeaders = spec.Headers,
            },
            _transport, FaultClassifier.Classify);
        var way = new UpstreamWay(upstream, spec.RequestQuirks, spec.ResponseQuirks, spec.BadRequestMayBeTransient);
        _ways[provider] = (print, configured?.Key, way, upstream);
        return way;
    }

    public void Dispose() => _transport.Dispose();
}
