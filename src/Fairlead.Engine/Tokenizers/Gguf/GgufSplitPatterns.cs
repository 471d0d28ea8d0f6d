namespace Fairlead.Engine.Tokenizers.Gguf;

/// <summary>How byte-level vocabularies cut text, by the name in <c>tokenizer.ggml.pre</c>.</summary>
/// <remarks>
/// A GGUF file names the pre-tokenizer instead of holding it. The patterns are those of the models' own <c>tokenizer.json</c>, in the form and
/// under the names of llama.cpp (<c>llama-vocab.cpp</c>, v0.5.0): each cuts what the ones before it have left, and keeps what it does not match.
/// </remarks>
internal static class GgufSplitPatterns
{
    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";

    private const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)";

    private const string Cl100k = Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const string Qwen2 = Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const string Upper = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]";

    private const string Lower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]";

    private const string Tail = @"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const string O200k = @"[^\r\n\p{L}\p{N}]?" + Upper + "*" + Lower + "+" + Contractions + @"?|[^\r\n\p{L}\p{N}]?" + Upper + "+" + Lower + "*" + Contractions
        + @"?|\p{N}{1,3}" + Tail;

    private const string Tekken = @"[^\r\n\p{L}\p{N}]?" + Upper + "*" + Lower + @"+|[^\r\n\p{L}\p{N}]?" + Upper + "+" + Lower + @"*|\p{N}" + Tail;

    private const string Han = @"[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+";

    private const string DeepSeek3Words = @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const string CjkOfDeepSeek = @"[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+";

    // DeepSeek LLM lists the letters that have a case, as its training library's Unicode had them.
    private const string CasedLetters =
        @"A-Za-z\u00B5\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u01BA\u01BC-\u01BF\u01C4-\u0293\u0295-\u02AF\u0370-\u0373" +
        @"\u0376\u0377\u037B-\u037D\u037F\u0386\u0388-\u038A\u038C\u038E-\u03A1\u03A3-\u03F5\u03F7-\u0481" +
        @"\u048A-\u052F\u0531-\u0556\u10A0-\u10C5\u13A0-\u13F5\u13F8-\u13FD\u1C90-\u1CBA\u1CBD-\u1CBF\u1D00-\u1D2B" +
        @"\u1D6B-\u1D77\u1D79-\u1D9A\u1E00-\u1F15\u1F18-\u1F1D\u1F20-\u1F45\u1F48-\u1F4D\u1F50-\u1F57\u1F59\u1F5B" +
        @"\u1F5D\u1F5F-\u1F7D\u1F80-\u1FB4\u1FB6-\u1FBC\u1FBE\u1FC2-\u1FC4\u1FC6-\u1FCC\u1FD0-\u1FD3\u1FD6-\u1FDB" +
        @"\u1FE0-\u1FEC\u1FF2-\u1FF4\u1FF6-\u1FFC\u2102\u2107\u210A-\u2113\u2115\u2119-\u211D\u2124\u2126\u2128" +
        @"\u212A-\u212D\u212F-\u2134\u2139\u213C-\u213F\u2145-\u2149\u214E\u2183\u2184\u2C00-\u2C7B\u2C7E-\u2CE4" +
        @"\u2CEB-\u2CEE\u2CF2\u2CF3\uA640-\uA66D\uA680-\uA69B\uA722-\uA76F\uA771-\uA787\uA78B-\uA78E\uAB70-\uABBF" +
        @"\uFB00-\uFB06\uFB13-\uFB17\uFF21-\uFF3A\uFF41-\uFF5A\x{10400}-\x{1044F}\x{104B0}-\x{104D3}" +
        @"\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF}\x{1E900}-\x{1E943}";

    /// <summary>The patterns of that name, in order; null for a name that is not known or asks for more than patterns.</summary>
    public static string[]? Named(string pre) => pre switch
    {
        "default" => [@"[\p{P}\$\+<=>\^~\|]+", Gpt2, @"\p{N}+", "[0-9][0-9][0-9]"],
        "llama3" or "llama-v3" or "llama-bpe" or "falcon3" or "falcon-h1" or "pixtral" or "midm-2.0" or "lfm2" or "jina-v5-nano"
            or "dbrx" or "smaug-bpe" or "glm4" or "chatglm-bpe" => [Cl100k],
        "qwen2" or "deepseek-r1-qwen" or "kormo" or "f2llmv2" or "stablelm2" or "megrez" or "hunyuan" or "solar-open" or "grok-2" => [Qwen2],
        "qwen35" => [Contractions + @"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"],
        "gpt-2" or "phi-2" or "jina-es" or "jina-de" or "gigachat" or "jina-v2-es" or "jina-v2-de" or "a.x-4.0" or "mellum" or "modern-bert"
            or "jina-v1-en" or "jina-v2-code" or "roberta-bpe" or "mpt" or "olmo" or "jais" or "trillion" or "granite-docling" or "exaone4" => [Gpt2],
        "starcoder" or "refact" or "command-r" or "smollm" or "codeshell" or "exaone" or "minerva-7b" or "mellum2" => [@"\p{N}", Gpt2],
        "falcon" => [@"[\p{P}\$\+<=>\^~\|`]+", Gpt2, "[0-9][0-9][0-9]"],
        "bloom" or "poro-chat" or "gpt3-finnish" => [@" ?[^(\s|.,!?…。，、।۔،)]+"],
        "viking" => [@" ?[^(\s|.,!?…。，、।۔،)]+", @"\p{N}"],
        "deepseek-llm" => [@"[\r\n]", @"\s?[" + CasedLetters + "]+", @"\s?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+", @"\s+$", CjkOfDeepSeek, @"\p{N}+"],
        "deepseek-coder" => [@"[\r\n]", @"\s?\p{L}+", @"\s?\p{P}+", CjkOfDeepSeek, @"\p{N}"],
        "deepseek-v3" or "hunyuan-dense" or "joyai-llm" or "hy_v4" => [@"\p{N}{1,3}", Han, DeepSeek3Words],
        "tekken" => [Tekken],
        "gpt-4o" or "llama4" or "kanana2" or "talkie" or "minimax-m2" => [O200k],
        "tiny_aya" or "cohere2moe" => [@"\d{1,3}(?=(?:\d{3})*\b)", O200k],
        "superbpe" => [@"\p{N}+", @"(?=(\d{3})+(?!\d))"],
        "bailingmoe" or "bailingmoe2" or "llada-moe" => [@"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"],
        "seed-coder" => [Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+"],
        _ => null,
    };

    /// <summary>Whether a word that is a token counts as that token, whatever the merges say.</summary>
    public static bool IgnoresMerges(string pre) =>
        pre is "llama3" or "llama-v3" or "llama-bpe" or "falcon3" or "falcon-h1" or "pixtral" or "midm-2.0" or "lfm2" or "jina-v5-nano" or "tekken";

    /// <summary>Whether a file that does not say so puts the begin-of-text token before a text.</summary>
    public static bool AddsBeginOfText(string pre) => IgnoresMerges(pre);
}
