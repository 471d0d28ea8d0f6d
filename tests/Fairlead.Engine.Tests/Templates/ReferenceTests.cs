using System.Text.Json;
using Fairlead.Engine.Templates;

namespace Fairlead.Engine.Tests.Templates;

/// <summary>Templates against what transformers and Jinja2 made of them.</summary>
public class ReferenceTests
{
    [Fact]
    public void Every_real_template_renders_every_conversation_byte_for_byte_or_fails_where_the_reference_fails()
    {
        RealTemplates real = RealTemplates.Load();
        List<string> wrong = [];
        int texts = 0;
        int errors = 0;
        foreach (string name in real.Names)
        {
            ChatTemplate template = real.Template(name);
            foreach (string conversation in real.Conversations)
            {
                JsonElement expected = real.Expected(name, conversation);
                string? difference = Difference(template, real.Input(conversation), real.Clock, expected);
                if (difference is not null)
                    wrong.Add($"{name} / {conversation}: {difference}");
                if (expected.TryGetProperty("text", out _))
                    texts++;
                else
                    errors++;
            }
        }

        Assert.Equal(57 * 20, texts + errors);
        Assert.True(texts > 900 && errors > 100, $"{texts} texts, {errors} errors");
        Assert.True(wrong.Count == 0, $"{wrong.Count} differ:\n{string.Join('\n', wrong)}");
    }

    [Fact]
    public void The_templates_of_the_golden_checkpoints_render_as_transformers_renders_them()
    {
        Dictionary<string, string> folders = new() { ["llama3"] = "llama3-scaled", ["qwen2"] = "qwen2", ["llama2"] = "llama", ["gemma"] = "gemma" };
        using JsonDocument cases = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Goldens.Data, "goldens", "templates.json")));
        List<string> wrong = [];
        foreach (JsonElement one in cases.RootElement.EnumerateArray())
        {
            string folder = Goldens.Checkpoint(folders[one.GetProperty("tokenizer").GetString()!]);
            using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "tokenizer_config.json")));
            ChatTemplate template = ChatTemplate.Parse("chat_template.jinja", File.ReadAllText(Path.Combine(folder, "chat_template.jinja")));
            ChatTemplateInput input = new()
            {
                Messages = one.GetProperty("messages"),
                Tools = one.GetProperty("tools") is { ValueKind: JsonValueKind.Array } tools ? tools : null,
                AddGenerationPrompt = one.GetProperty("add_generation_prompt").GetBoolean(),
                SpecialTokens = config.RootElement.EnumerateObject()
                    .Where(static entry => entry.Name is "bos_token" or "eos_token" && entry.Value.ValueKind == JsonValueKind.String)
                    .ToDictionary(static entry => entry.Name, static entry => entry.Value.GetString()!),
            };
            if (Difference(template, input, TimeProvider.System, one) is { } difference)
                wrong.Add($"{one.GetProperty("tokenizer")} / {one.GetProperty("case")}: {difference}");
        }

        Assert.Equal(48, cases.RootElement.GetArrayLength());
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void The_shipped_model_gets_the_prompts_it_was_trained_on()
    {
        using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Goldens.Guide, "tokenizer_config.json")));
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Goldens.Data, "guide", "expected.json")));
        ChatTemplate template = ChatTemplate.Parse("tokenizer_config.json", config.RootElement.GetProperty("chat_template").GetString()!);
        int cases = 0;
        foreach (JsonElement one in expected.RootElement.GetProperty("cases").EnumerateArray())
        {
            string prompt = template.Render(
                new ChatTemplateInput { Messages = one.GetProperty("messages"), SpecialTokens = RealTemplates.Tokens("<|bos|>", "<|end|>") }, TimeProvider.System);
            Assert.Equal(one.GetProperty("prompt").GetString(), prompt);
            cases++;
        }

        Assert.Equal(11, cases);
    }

    /// <summary>Null where the template does what is expected of it.</summary>
    internal static string? Difference(ChatTemplate template, ChatTemplateInput input, TimeProvider clock, JsonElement expected)
    {
        string? error = expected.TryGetProperty("error", out JsonElement named) ? named.GetString() : null;
        try
        {
            string text = template.Render(input, clock);
            if (error is not null)
                return $"rendered, but expected {error}";
            string wanted = expected.GetProperty("text").GetString()!;
            if (text == wanted)
                return null;
            int same = text.AsSpan().CommonPrefixLength(wanted);
            return $"at {same}: …{Around(text, same)}… instead of …{Around(wanted, same)}…";
        }
        catch (ChatTemplateException refused)
        {
            if (error is null)
                return $"refused: {refused.Message}";
            string[] parts = error.Split(": ", 2);
            bool byTemplate = parts[0] == "TemplateError";
            // Python words the other errors; ours need only be errors. What the template itself says is the caller's to read.
            return refused.ByTemplate == byTemplate && (!byTemplate || refused.Reason == parts[1]) ? null : $"{refused.Reason} instead of {error}";
        }
    }

    private static string Around(string text, int at) =>
        JsonSerializer.Serialize(text[Math.Max(0, at - 30)..Math.Min(text.Length, at + 60)]);
}
