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

    /// <summary>A small checkpoint with random weights.</summary>
    internal static string Folder { get; } = Path.Combine(Checkout.Root, "tests", "data", "goldens", "qwen2");

    /// <summary>The encoder whose vectors are known; null where the shared fixtures are not on this machine.</summary>
    internal static string? Encoder { get; } = Path.GetFullPath(Path.Combine(Checkout.Root, "..", "shared", "fixtures", "minilm")) is var path && Directory.Exists(path) ? path : null;

    public async ValueTask InitializeAsync()
    {
        _folder = new TempFolder();
        string broken = Directory.CreateDirectory(_folder["broken"]).FullName;
        File.WriteAllText(Path.Combine(broken, "config.json"), "{\"model_type\":\"llama\"}");
        File.WriteAllText(Path.Combine(broken, "model.safetensors"), "this is no header");
        string caller = Copy(Folder, _folder["caller"]);
        File.WriteAllText(Path.Combine(caller, "chat_template.jinja"), TemplateWithTools);
        Edit(caller, "\"max_position_embeddings\": 128", "\"max_position_embeddings\": 1024"); // room for tools
        string odd = Copy(Folder, _folder["odd"]);
        Edit(odd, "\"qwen2\"", "\"oracle9\"");
        _process = await FairleadProcess.StartAsync(
            $$"""
            local:
              qwen: { source: {{Folder}} }
              caller: { source: {{caller}} }
              broken: { source: {{broken}} }
              odd: { source: {{odd}} }
            {{(Encoder is null ? "" : $"  minilm: {{ source: {Encoder} }}")}}
            """,
            TestContext.Current.CancellationToken);
    }

    /// <summary>Calls as the Hermes and Qwen 2.5 families write them.</summary>
    private const string TemplateWithTools = """
        {%- if tools %}<|system|>
        {% for tool in tools %}{{ tool | tojson }}
        {% endfor %}{{ eos_token }}
        {% endif %}{% for m in messages %}<|{{ m.role }}|>
        {{ m.content or '' }}{% for call in m.tool_calls or [] %}
        <tool_call>
        {"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
        </tool_call>{% endfor %}{{ eos_token }}
        {% endfor %}{% if add_generation_prompt %}<|assistant|>
        {% endif %}
        """;

    private static void Edit(string folder, string old, string next)
    {
        string config = File.ReadAllText(Path.Combine(folder, "config.json"));
        Assert.Contains(old, config, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(folder, "config.json"), config.Replace(old, next, StringComparison.Ordinal));
    }

    private static string Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        return to;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();
        _folder?.Dispose();
    }
}
