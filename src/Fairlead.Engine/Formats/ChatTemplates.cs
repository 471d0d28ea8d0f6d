using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Fairlead.Engine.Formats;

/// <summary>Where a model keeps its chat templates: a file, <c>tokenizer_config.json</c>, or GGUF metadata.</summary>
internal static class ChatTemplates
{
    /// <summary>The name of the ordinary template.</summary>
    public const string Default = "default";

    /// <summary>Longest template, 1 MiB; the longest real ones have 20 kB.</summary>
    private const int MaxBytes = 1 << 20;

    private const string Others = "additional_chat_templates";
    private const int MaxOthers = 16;

    /// <summary>
    /// Those of a folder: <c>chat_template.jinja</c> first, with the named ones of <c>additional_chat_templates</c>, then <c>chat_template.json</c>, then <c>tokenizer_config.json</c>, where it is a text or a list of
    /// <c>{"name", "template"}</c>. The order is that of transformers (<c>PreTrainedTokenizerBase._from_pretrained</c>).
    /// </summary>
    public static ImmutableDictionary<string, string> Of(FolderFiles files, JsonElement? tokenizerConfig)
    {
        if (Jinja(files, "chat_template.jinja") is { } ordinary)
        {
            var templates = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
            templates[Default] = ordinary;
            foreach (string name in files.Names(Others).Where(static name => name.EndsWith(".jinja", StringComparison.Ordinal) && FileNames.IsPlain(name)).Take(MaxOthers))
                templates[name[..^".jinja".Length]] = Jinja(files, $"{Others}/{name}")!;
            return templates.ToImmutable();
        }

        if (files.Read("chat_template.json", MaxBytes) is { } json)
            return FromJson(files.Shown("chat_template.json"), StrictJson.ParseObject(files.Shown("chat_template.json"), json));
        return tokenizerConfig is { } config ? FromJson(files.Shown("tokenizer_config.json"), config) : ImmutableDictionary<string, string>.Empty;
    }

    /// <summary>Those of a GGUF file: <c>tokenizer.chat_template</c>, and <c>tokenizer.chat_template.NAME</c> for others.</summary>
    public static ImmutableDictionary<string, string> Of(GgufFile file)
    {
        const string Key = "tokenizer.chat_template";
        var templates = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        if (file.Text(Key) is { } ordinary)
            templates[Default] = ordinary;
        foreach (string key in file.Keys)
        {
            if (key.StartsWith(Key + ".", StringComparison.Ordinal))
                templates[key[(Key.Length + 1)..]] = file.Text(key)!;
        }

        return templates.ToImmutable();
    }

    private static string? Jinja(FolderFiles files, string name)
    {
        if (files.Read(name, MaxBytes) is not { } bytes)
            return null;
        return Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : throw new ModelFileException(files.Shown(name), null, "not valid UTF-8");
    }

    private static ImmutableDictionary<string, string> FromJson(string file, JsonElement root)
    {
        var templates = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        if (!root.TryGetProperty("chat_template", out JsonElement value) || value.ValueKind == JsonValueKind.Null)
            return templates.ToImmutable();
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                templates[Default] = value.GetString()!;
                break;
            case JsonValueKind.Object:
                foreach (JsonProperty named in value.EnumerateObject())
                    templates[named.Name] = TextOf(file, named.Value);
                break;
            case JsonValueKind.Array:
                foreach (JsonElement named in value.EnumerateArray())
                {
                    if (named.ValueKind != JsonValueKind.Object || !named.TryGetProperty("name", out JsonElement name) || !named.TryGetProperty("template", out JsonElement template))
                        throw new ModelFileException(file, null, "chat_template must be a text or a list of {name, template}");
                    templates[TextOf(file, name)] = TextOf(file, template);
                }

                break;
            default:
                throw new ModelFileException(file, null, $"chat_template must be a text or a list of {{name, template}}, it is {StrictJson.Kind(value)}");
        }

        return templates.ToImmutable();
    }

    private static string TextOf(string file, JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : throw new ModelFileException(file, null, $"chat_template must hold texts, here is {StrictJson.Kind(value)}");
}
