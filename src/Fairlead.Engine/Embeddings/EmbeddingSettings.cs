using System.Collections.Immutable;
using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Embeddings;

/// <summary>What a sentence-transformers model says about its texts: how long they may be, what is put before them.</summary>
/// <param name="MaxTokens">Longest text in tokens, special tokens included; null where no file says so.</param>
/// <param name="Lowercase">Whether texts are put in lower case before the tokenizer sees them.</param>
/// <param name="Prompts">Named beginnings (<c>query: </c>) that callers may choose from.</param>
/// <param name="DefaultPrompt">The beginning of a text whose caller chose none; empty in most models.</param>
internal sealed record EmbeddingSettings(int? MaxTokens, bool Lowercase, ImmutableDictionary<string, string> Prompts, string DefaultPrompt)
{
    /// <summary>The transformer's settings have had several names, by the kind of encoder.</summary>
    private static readonly string[] s_names =
    [
        "sentence_bert_config.json", "sentence_roberta_config.json", "sentence_distilbert_config.json", "sentence_camembert_config.json", "sentence_albert_config.json", "sentence_xlm-roberta_config.json", "sentence_xlnet_config.json",
    ];

    /// <summary>Reads <c>sentence_bert_config.json</c> beside the transformer and <c>config_sentence_transformers.json</c> beside <c>modules.json</c>.</summary>
    /// <exception cref="ModelFileException">A file is refused, or asks for what is not supported.</exception>
    public static EmbeddingSettings Read(FolderFiles files, string transformer)
    {
        int? maxTokens = null;
        bool lowercase = false;
        foreach (string name in s_names)
        {
            if (ModuleFiles.Optional(files, transformer.Length == 0 ? name : $"{transformer}/{name}") is not { } config)
                continue;
            if (config.TextOrNull("transformer_task") is not (null or "feature-extraction"))
                throw config.Refuse("transformer_task", "is not supported: only feature-extraction gives vectors");
            if (config.TextOrNull("module_output_name") is not (null or "token_embeddings"))
                throw config.Refuse("module_output_name", "is not supported: only token_embeddings can be pooled");
            maxTokens = config.Has("max_seq_length") ? config.Count("max_seq_length") : null;
            lowercase = config.Flag("do_lower_case", false);
            break;
        }

        if (ModuleFiles.Optional(files, "config_sentence_transformers.json") is not { } model)
            return new EmbeddingSettings(maxTokens, lowercase, ImmutableDictionary<string, string>.Empty, "");
        if (model.TextOrNull("model_type") is not (null or "SentenceTransformer"))
            throw model.Refuse("model_type", "makes no embeddings");
        var prompts = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        if (model.Section("prompts") is { } named)
        {
            foreach ((string name, string text) in named.AllTexts)
                prompts.Add(name, text);
        }

        string? chosen = model.TextOrNull("default_prompt_name");
        string beginning = chosen is null ? "" : prompts.TryGetValue(chosen, out string? prompt) ? prompt : throw model.Refuse("default_prompt_name", "is not among prompts");
        return new EmbeddingSettings(maxTokens, lowercase, prompts.ToImmutable(), beginning);
    }
}
