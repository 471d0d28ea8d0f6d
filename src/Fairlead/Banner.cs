using Fairlead.Gateway;

namespace Fairlead;

/// <summary>What a start prints: where, which models, and one line that works as pasted. At most 15 lines.</summary>
internal static class Banner
{
    private const int MostProviders = 5;

    public static async Task WriteAsync(TextWriter output, ServerSummary summary, TimeSpan took)
    {
        string url = $"http://{(summary.Listen.Address.Equals(System.Net.IPAddress.Any) ? "localhost" : summary.Listen.Address)}:{summary.Listen.Port}";
        var lines = new List<string>
        {
            $"Fairlead {ProductVersion.Text}  ready in {took.TotalSeconds:0.0} s",
            $"  API        {url}/v1   (OpenAI-compatible)",
            $"  Data       {summary.DataFolder}",
        };
        string key = summary.FirstKeyFile is { } file ? $"$(cat {Quoted(file)})" : "YOUR-KEY";
        if (summary.Providers.Count == 0)
        {
            lines.Add("  Found      no provider yet. Any one of these adds the first, then start again:");
            lines.Add("               export TOGETHER_API_KEY=…      or OPENAI_API_KEY, GROQ_API_KEY, HF_TOKEN, …");
            lines.Add("               ollama serve                   or llama-server, LM Studio, vLLM, TGI");
            lines.Add("               providers: in fairlead.yaml    see docs/configuration.md");
        }
        foreach (ProviderSummary provider in summary.Providers.Take(MostProviders))
            lines.Add($"  {(provider.Found ? "Found     " : "Configured")} {provider.Name} → {provider.Offers} models");
        if (summary.Providers.Count > MostProviders)
            lines.Add($"             and {summary.Providers.Count - MostProviders} more: fairlead models");
        if (summary.ExampleModel is { } model)
        {
            lines.Add("Try it:");
            lines.Add($"  curl {url}/v1/chat/completions -H \"authorization: Bearer {key}\" -d '{{\"model\":\"{model}\",\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]}}'");
            lines.Add("Or:  fairlead chat        Next:  fairlead doctor");
        }
        foreach (string line in lines)
            await output.WriteLineAsync(line);
        await output.FlushAsync();
    }

    private static string Quoted(string path) => path.All(static c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '_') ? path : $"'{path.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
