using System.Net;
using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Inference;
using Fairlead.Gateway;
using Fairlead.Gateway.Settings;

namespace Fairlead;

/// <summary>What a start prints: where, which models, and one line that works as pasted. At most 15 lines.</summary>
internal static class Banner
{
    private const int MostProviders = 5;

    public static async Task WriteAsync(TextWriter output, ServerSummary summary, TimeSpan took)
    {
        string url = summary.Listen.Address.Equals(IPAddress.Any) || summary.Listen.Address.Equals(IPAddress.IPv6Any)
            ? $"http://localhost:{summary.Listen.Port}"
            : $"http://{summary.Listen}";
        // In a checkout the command is ./fairlead, and that script says so.
        string command = Environment.GetEnvironmentVariable("FAIRLEAD_COMMAND") is { Length: > 0 } script ? script : "fairlead";
        var lines = new List<string>
        {
            $"Fairlead {ProductVersion.Text}  ready in {took.TotalSeconds:0.0} s",
            $"  API        {url}/v1   (OpenAI-compatible; for Anthropic's clients without /v1)",
            $"  Data       {summary.DataFolder}",
        };
        string key = summary.FirstKeyFile is { } file ? $"$(cat {Quoted(file)})" : "YOUR-KEY";
        if (summary.Local.Count > 0)
            lines.Add($"  Local      {string.Join(", ", summary.Local.Take(MostProviders).Select(static name => $"local/{name}"))}{(summary.Local.Count > MostProviders ? $" and {summary.Local.Count - MostProviders} more" : "")}   (together at most {Quantities.Size(summary.FleetMemory)}: fleet.memory)");
        if (summary.Providers.Count == 0 && summary.Local.Count == 0)
        {
            lines.Add(summary.ExampleModel == Model.GuideId
                ? $"  Found      no provider yet, only {Model.GuideId}, which knows Fairlead and nothing else. Any one of these adds the first:"
                : "  Found      no provider yet. Any one of these adds the first:");
            lines.Add("               export TOGETHER_API_KEY=…      or OPENAI_API_KEY, GROQ_API_KEY, HF_TOKEN, …; then start again");
            lines.Add("               ollama serve                   or llama-server, LM Studio, vLLM, TGI; found within a minute");
            lines.Add("               providers: in fairlead.yaml    see docs/configuration.md; then start again");
        }
        foreach (ProviderSummary provider in summary.Providers.Take(MostProviders))
            lines.Add($"  {(provider.Found ? "Found     " : "Configured")} {provider.Name} → {Models(provider)}{(provider.Dialect == Dialect.Anthropic ? " (Anthropic's dialect)" : "")}");
        if (summary.Providers.Count > MostProviders)
            lines.Add($"             and {summary.Providers.Count - MostProviders} more: {command} models");
        if (summary.ExampleModel is { } model)
        {
            lines.Add("Try it:");
            lines.Add($"  curl {url}/v1/chat/completions -H \"authorization: Bearer {key}\" -d '{{\"model\":\"{model}\",\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"{Question(model)}\"}}]}}'");
            lines.Add($"Or:  {command} chat        Next:  {command} doctor");
        }
        else
        {
            lines.Add("Try it:");
            lines.Add($"  curl {url}/v1/models -H \"authorization: Bearer {key}\"");
            lines.Add($"Next:  {command} doctor");
        }
        foreach (string line in lines)
            await output.WriteLineAsync(line);
        await output.FlushAsync();
    }

    /// <summary>The guide has an answer to the one and none to the other.</summary>
    private static string Question(string model) => model == Model.GuideId ? "What is Fairlead?" : "hello";

    private static string Quoted(string path) => path.All(static c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '_') ? path : $"'{path.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static string Models(ProviderSummary provider) => provider.Offers switch
    {
        0 => $"no model with a known price; name some under providers.{provider.Name}.models",
        1 => "1 model",
        _ => $"{provider.Offers} models",
    };
}
