using Fairlead.Conformance.Local;
using Fairlead.Shared;

[assembly: AssemblyFixture(typeof(LocalGateway))]

namespace Fairlead.Conformance.Local;

/// <summary>The product with nothing but models of its own, started once: the guide, a folder, an encoder, and two that cannot be loaded.</summary>
public sealed class LocalGateway : IAsyncLifetime
{
    private FairleadProcess? _process;
    private TempFolder? _folder;

    internal FairleadProcess Process => _process!;

    /// <summary>A small checkpoint with random weights and a chat template that knows tools.</summary>
    internal static string Folder { get; } = Path.Combine(Checkout.Root, "tests", "data", "goldens", "qwen2");

    /// <summary>The encoder whose vectors are known; null where the shared fixtures are not on this machine.</summary>
    internal static string? Encoder { get; } = Path.GetFullPath(Path.Combine(Checkout.Root, "..", "shared", "fixtures", "minilm")) is var path && Directory.Exists(path) ? path : null;

    public async ValueTask InitializeAsync()
    {
        _folder = new TempFolder();
        string broken = Directory.CreateDirectory(_folder["broken"]).FullName;
        File.WriteAllText(Path.Combine(broken, "config.json"), "{\"model_type\":\"llama\"}");
        File.WriteAllText(Path.Combine(broken, "model.safetensors"), "this is no header");
        string odd = Directory.CreateDirectory(_folder["odd"]).FullName;
        foreach (string file in Directory.EnumerateFiles(Folder))
            File.Copy(file, Path.Combine(odd, Path.GetFileName(file)));
        string config = File.ReadAllText(Path.Combine(odd, "config.json"));
        File.WriteAllText(Path.Combine(odd, "config.json"), config.Replace("\"qwen2\"", "\"oracle9\"", StringComparison.Ordinal).Replace("Qwen2ForCausalLM", "Oracle9ForCausalLM", StringComparison.Ordinal));
        _process = await FairleadProcess.StartAsync(
            $$"""
            local:
              qwen: { path: {{Folder}} }
              broken: { path: {{broken}} }
              odd: { path: {{odd}} }
            {{(Encoder is null ? "" : $"  minilm: {{ path: {Encoder} }}")}}
            """,
            TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();
        _folder?.Dispose();
    }
}
