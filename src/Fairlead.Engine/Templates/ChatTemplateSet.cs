using System.Text.Json;
using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Templates;

/// <summary>The chat templates of one model: mostly one, sometimes more by name (<c>default</c>, <c>tool_use</c>, <c>rag</c>).</summary>
/// <remarks>Immutable, for any number of threads. Where the sources come from, and which wins, is <see cref="ChatTemplates"/>' business.</remarks>
public sealed class ChatTemplateSet
{
    private const string ToolUse = "tool_use";

    private readonly Dictionary<string, ChatTemplate> _templates;

    private ChatTemplateSet(Dictionary<string, ChatTemplate> templates) => _templates = templates;

    /// <summary>The names, in no particular order.</summary>
    public IReadOnlyCollection<string> Names => _templates.Keys;

    /// <summary>Reads every template of a model.</summary>
    /// <param name="fileName">For messages: the model or the file the templates come from.</param>
    /// <param name="sources">The templates by name.</param>
    /// <returns>Null where the model has none: it cannot chat.</returns>
    /// <exception cref="ModelFileException">One of them cannot be read; the reason names it and the line.</exception>
    public static ChatTemplateSet? Parse(string fileName, IReadOnlyDictionary<string, string> sources)
    {
        if (sources.Count == 0)
            return null;
        return new ChatTemplateSet(sources.ToDictionary(
            static source => source.Key,
            source => ChatTemplate.Parse(source.Key == ChatTemplates.Default ? fileName : $"{fileName} ({source.Key})", source.Value),
            StringComparer.Ordinal));
    }

    /// <summary>
    /// The template for a conversation, as transformers' <c>get_chat_template</c> chooses: the named one, else <c>tool_use</c> where tools
    /// are offered and it exists, else <c>default</c>.
    /// </summary>
    /// <returns>Null where the name, or a default, does not exist; the caller then has <see cref="Names"/> to offer.</returns>
    public ChatTemplate? Choose(string? name, bool hasTools)
    {
        if (name is not null)
            return _templates.GetValueOrDefault(name);
        if (hasTools && _templates.TryGetValue(ToolUse, out ChatTemplate? forTools))
            return forTools;
        return _templates.GetValueOrDefault(ChatTemplates.Default);
    }

    /// <summary>The named tokens that templates write (<c>bos_token</c>, <c>eos_token</c>, …), from <c>tokenizer_config.json</c>.</summary>
    /// <param name="tokenizerConfig">The file's content, an object; null where there is none.</param>
    public static IReadOnlyDictionary<string, string> SpecialTokens(JsonElement? tokenizerConfig)
    {
        Dictionary<string, string> tokens = new(StringComparer.Ordinal);
        if (tokenizerConfig is not { ValueKind: JsonValueKind.Object } config)
            return tokens;
        foreach (string name in (ReadOnlySpan<string>)["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"])
        {
            // A token stands as its text, or as an object that says how it is matched.
            if (!config.TryGetProperty(name, out JsonElement token))
                continue;
            if (token.ValueKind == JsonValueKind.Object && token.TryGetProperty("content", out JsonElement content))
                token = content;
            if (token.ValueKind == JsonValueKind.String)
                tokens.Add(name, token.GetString()!);
        }

        return tokens;
    }
}
