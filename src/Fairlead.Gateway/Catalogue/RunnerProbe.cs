using Fairlead.Domain.Inference;
using Fairlead.Gateway.Settings;
using Fairlead.Upstreams.Providers;
using Microsoft.Extensions.Logging;

namespace Fairlead.Gateway.Catalogue;

/// <summary>Finds local runners on their usual loopback ports, and asks configured servers without a list of models for theirs.</summary>
internal sealed partial class RunnerProbe(ILogger log) : IDisposable
{
    /// <summary>Who listens where by default; the name is what the catalogue calls it.</summary>
    private static readonly (string Name, int Port)[] Usual =
    [
        ("ollama", 11434), ("lm-studio", 1234), ("vllm", 8000), ("llama-server", 8080), ("tgi", 3000),
    ];

    /// <summary>A name by which a runner is called once it is found, be it there now or not.</summary>
    public static bool IsUsual(string name) => Usual.Any(one => one.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    private readonly ProbeClient _client = new();

    /// <summary>The runners that answer now, or answered and may be busy; <paramref name="last"/> is what was known before.</summary>
    public async Task<IReadOnlyList<DiscoveredRunner>> FindAsync(GatewaySettings settings, IReadOnlyList<DiscoveredRunner> last, CancellationToken cancellationToken)
    {
        var asked = new List<(string Name, Uri Url, ProviderSpec Spec, EndpointKey? Key)>();
        foreach (ProviderSettings provider in settings.Providers)
        {
            if (provider.Url is { } url && provider.Models.IsEmpty && !ProviderTable.Known.ContainsKey(provider.Name))
            {
                ProviderSpec spec = ProviderTable.Find(provider.Name, url, provider.Dialect, provider.KeyForm);
                asked.Add((provider.Name, url, spec, provider.Key is { } key ? new EndpointKey(spec.Key, key.Reveal(), url) : null));
            }
        }
        if (settings.Discover)
        {
            foreach ((string name, int port) in Usual)
            {
                bool ours = port == settings.Listen.Port;
                bool configured = settings.Providers.Any(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase) || (p.Url is { IsLoopback: true } u && u.Port == port));
                if (!ours && !configured)
                {
                    var url = new Uri($"http://127.0.0.1:{port}/v1");
                    asked.Add((name, url, ProviderSpec.SelfHosted(name, url, Dialect.OpenAi), null));
                }
            }
        }
        DiscoveredRunner?[] found = await Task.WhenAll(asked.Select(async one =>
        {
            IReadOnlyList<string>? listed = await _client.ModelsAsync(one.Spec.ModelsUrl(one.Url), one.Key, cancellationToken);
            DiscoveredRunner? before = last.FirstOrDefault(r => r.Name == one.Name);
            if (before is null && listed is null)
                return null;
            if (before is null)
                LogFound(log, one.Name, one.Url, listed!.Count);
            return Listing.Merge(before, one.Name, one.Url, listed);
        }));
        return [.. found.OfType<DiscoveredRunner>()];
    }

    public void Dispose() => _client.Dispose();

    [LoggerMessage(EventId = 3302, Level = LogLevel.Information, Message = "{Name} answers at {Url} with {Models} models")]
    private static partial void LogFound(ILogger log, string name, Uri url, int models);
}
