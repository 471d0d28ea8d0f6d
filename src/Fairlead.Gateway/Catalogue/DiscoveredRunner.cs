namespace Fairlead.Gateway.Catalogue;

/// <summary>A server that lists its own models: a local runner, or a configured server whose models the file does not state.</summary>
/// <param name="Name">Provider name in the catalogue, e.g. <c>ollama</c>.</param>
/// <param name="BaseUrl">With its <c>/v1</c> where it speaks OpenAI's dialect.</param>
/// <param name="Models">Model ids as it lists them.</param>
/// <param name="AbsentOnce">Models that the last listing lacked; they go when the next lacks them too.</param>
internal sealed record DiscoveredRunner(string Name, Uri BaseUrl, IReadOnlyList<string> Models, IReadOnlySet<string> AbsentOnce);
