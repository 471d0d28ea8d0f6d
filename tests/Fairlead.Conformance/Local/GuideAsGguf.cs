using System.Text.Json;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Tensors;
using Fairlead.Engine.Tests.Formats;
using Fairlead.Shared;

namespace Fairlead.Conformance.Local;

/// <summary>The guide's weights, vocabulary and template as one GGUF file, as llama.cpp's own converter would make it: whoever reads it right answers as the guide does.</summary>
internal static class GuideAsGguf
{
    private const int NormalToken = 1, ControlToken = 3;

    public static string WriteTo(string path)
    {
        using ModelFolder hub = ModelFolder.Open(Path.Combine(Checkout.Root, "models", "guide"));
        GgufWriter writer = HubToGguf.Convert(hub, ElementType.F16);
        using JsonDocument tokenizer = JsonDocument.Parse(hub.TokenizerJson!);
        using JsonDocument settings = JsonDocument.Parse(File.ReadAllText(Path.Combine(Checkout.Root, "models", "guide", "tokenizer_config.json")));
        JsonElement model = tokenizer.RootElement.GetProperty("model");
        string[] tokens = [.. model.GetProperty("vocab").EnumerateObject().OrderBy(static entry => entry.Value.GetInt32()).Select(static entry => entry.Name)];
        HashSet<int> control = [.. tokenizer.RootElement.GetProperty("added_tokens").EnumerateArray().Select(static token => token.GetProperty("id").GetInt32())];
        writer.Set("tokenizer.ggml.model", "gpt2").Set("tokenizer.ggml.pre", "gpt-2");
        writer.Set("tokenizer.ggml.tokens", tokens);
        writer.Set("tokenizer.ggml.token_type", [.. Enumerable.Range(0, tokens.Length).Select(id => control.Contains(id) ? ControlToken : NormalToken)]);
        writer.Set("tokenizer.ggml.merges", [.. model.GetProperty("merges").EnumerateArray().Select(static merge => merge.ValueKind == JsonValueKind.String ? merge.GetString()! : string.Join(' ', merge.EnumerateArray()))]);
        foreach ((string key, string token) in (ReadOnlySpan<(string, string)>)[("bos", "bos_token"), ("eos", "eos_token"), ("padding", "pad_token")])
            writer.Set($"tokenizer.ggml.{key}_token_id", (uint)Array.IndexOf(tokens, settings.RootElement.GetProperty(token).GetString()));
        writer.Set("tokenizer.ggml.add_bos_token", false); // the template writes it
        writer.Set("tokenizer.chat_template", settings.RootElement.GetProperty("chat_template").GetString()!);
        writer.WriteTo(path);
        return path;
    }
}
