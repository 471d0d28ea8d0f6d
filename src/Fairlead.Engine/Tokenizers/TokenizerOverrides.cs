using System.Text.Json;

namespace Fairlead.Engine.Tokenizers;

/// <summary>What <c>tokenizer_config.json</c> says beyond or against <c>tokenizer.json</c>.</summary>
/// <remarks>
/// Read are <c>add_bos_token</c>, <c>add_eos_token</c>, <c>bos_token</c>, <c>eos_token</c>, <c>unk_token</c>, <c>pad_token</c>,
/// <c>cls_token</c>, <c>sep_token</c>, <c>mask_token</c> and <c>added_tokens_decoder</c>. Not applied: <c>model_max_length</c> (whoever encodes decides
/// about length) and <c>clean_up_tokenization_spaces</c>, which Transformers applies to text after decoding and which would break streams.
/// </remarks>
public sealed record TokenizerOverrides
{
    /// <summary>Put the begin-of-text token before every text; null: as the tokenizer's file says.</summary>
    public bool? AddBeginOfText { get; init; }

    /// <summary>Put the end-of-text token behind every text; null: as the tokenizer's file says.</summary>
    public bool? AddEndOfText { get; init; }

    /// <summary>Text of the token that begins a text (<c>bos_token</c>), if one is named.</summary>
    public string? BeginOfText { get; init; }

    /// <summary>Text of the token that ends a text or a turn (<c>eos_token</c>), if one is named.</summary>
    public string? EndOfText { get; init; }

    /// <summary>Texts of unknown, padding, classifier, separator and mask token, where named: <c>unk_token</c> and so on by their key.</summary>
    public IReadOnlyDictionary<string, string> OtherTokens { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The class that Transformers would load (<c>tokenizer_class</c>), without <c>Fast</c>; only asked for where there is no <c>tokenizer.json</c>.</summary>
    internal string? TokenizerClass { get; init; }

    /// <summary>Flags of BERT's and GPT-2's tokenizers by their key, where given: <c>do_lower_case</c>, <c>strip_accents</c>, <c>add_prefix_space</c> ….</summary>
    internal IReadOnlyDictionary<string, bool> Flags { get; init; } = new Dictionary<string, bool>(StringComparer.Ordinal);

    /// <summary>Tokens of <c>added_tokens_decoder</c>, which count where <c>tokenizer.json</c> has none of that number.</summary>
    internal IReadOnlyList<AddedToken> AddedTokens { get; init; } = [];

    /// <summary>Reads a parsed <c>tokenizer_config.json</c>. Keys of another type than expected are taken as absent, as Transformers would not use them.</summary>
    public static TokenizerOverrides From(JsonElement tokenizerConfig)
    {
        if (tokenizerConfig.ValueKind != JsonValueKind.Object)
            return new TokenizerOverrides();
        var others = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string key in (ReadOnlySpan<string>)["unk_token", "pad_token", "cls_token", "sep_token", "mask_token"])
        {
            if (TokenText(tokenizerConfig, key) is { } text)
                others.Add(key, text);
        }

        var flags = new Dictionary<string, bool>(StringComparer.Ordinal);
        foreach (string key in (ReadOnlySpan<string>)["do_lower_case", "strip_accents", "tokenize_chinese_chars", "add_prefix_space"])
        {
            if (Flag(tokenizerConfig, key) is { } flag)
                flags.Add(key, flag);
        }

        return new TokenizerOverrides
        {
            TokenizerClass = TokenText(tokenizerConfig, "tokenizer_class")?.Replace("Fast", "", StringComparison.Ordinal),
            Flags = flags,
            AddBeginOfText = Flag(tokenizerConfig, "add_bos_token"),
            AddEndOfText = Flag(tokenizerConfig, "add_eos_token"),
            BeginOfText = TokenText(tokenizerConfig, "bos_token"),
            EndOfText = TokenText(tokenizerConfig, "eos_token"),
            OtherTokens = others,
            AddedTokens = [.. Added(tokenizerConfig)],
        };
    }

    private static IEnumerable<AddedToken> Added(JsonElement config)
    {
        if (!config.TryGetProperty("added_tokens_decoder", out JsonElement decoder) || decoder.ValueKind != JsonValueKind.Object)
            yield break;
        foreach (JsonProperty entry in decoder.EnumerateObject())
        {
            if (int.TryParse(entry.Name, out int id) && id is >= 0 and < Vocabulary.MostTokens && entry.Value.ValueKind == JsonValueKind.Object
                && entry.Value.TryGetProperty("content", out JsonElement content) && content.ValueKind == JsonValueKind.String)
            {
                yield return new AddedToken(id, Unicode.CodePoints.Repaired(content.GetString()!),
                    Special: Flag(entry.Value, "special") ?? false,
                    Normalized: Flag(entry.Value, "normalized") ?? false,
                    LeftStrip: Flag(entry.Value, "lstrip") ?? false,
                    RightStrip: Flag(entry.Value, "rstrip") ?? false,
                    SingleWord: Flag(entry.Value, "single_word") ?? false);
            }
        }
    }

    private static bool? Flag(JsonElement from, string key) =>
        from.TryGetProperty(key, out JsonElement value) && value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.ValueKind == JsonValueKind.True : null;

    // "<s>", or {"content": "<s>", …} as older files write it.
    private static string? TokenText(JsonElement from, string key)
    {
        if (!from.TryGetProperty(key, out JsonElement value))
            return null;
        if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty("content", out JsonElement content))
            value = content;
        return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
    }
}
