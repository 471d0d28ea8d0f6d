namespace Fairlead.Engine.Formats;

/// <summary>How llama.cpp's converter has rearranged the rows of a projection, and what gives them their places in the Hugging Face form back.</summary>
internal enum RowOrder
{
    /// <summary>As in the Hugging Face file.</summary>
    Same,

    /// <summary>Rows of a head: pairs side by side instead of halves one after the other, for rotary embedding by adjacent pairs.</summary>
    RotaryPairs,

    /// <summary>All queries, all keys, all values, instead of groups of queries with their key and value (falcon; bloom with one query a group).</summary>
    QkvByKind,
}

/// <summary>An architecture of GGUF that is known here: its name, its <c>model_type</c> on the Hub, and how its tensors are called there.</summary>
/// <param name="Name"><c>general.architecture</c>.</param>
/// <param name="ModelType">What <c>config.json</c> calls it.</param>
/// <param name="Outer">Names of the tensors outside the layers, GGUF → Hugging Face, without <c>.weight</c> or <c>.bias</c>.</param>
/// <param name="Layer">What stands for <c>blk.</c>, a number and a dot: <c>model.layers.{0}.</c></param>
/// <param name="Inner">Names within a layer.</param>
internal sealed record GgufArchitecture(string Name, string ModelType, IReadOnlyDictionary<string, string> Outer, string Layer, IReadOnlyDictionary<string, string> Inner)
{
    private static readonly Dictionary<string, string> s_outer = new()
    {
        ["token_embd"] = "model.embed_tokens",
        ["output_norm"] = "model.norm",
        ["output"] = "lm_head",
    };

    private static readonly Dictionary<string, string> s_attention = new()
    {
        ["attn_norm"] = "input_layernorm",
        ["attn_q"] = "self_attn.q_proj",
        ["attn_k"] = "self_attn.k_proj",
        ["attn_v"] = "self_attn.v_proj",
        ["attn_qkv"] = "self_attn.qkv_proj",
        ["attn_output"] = "self_attn.o_proj",
        ["attn_q_norm"] = "self_attn.q_norm",
        ["attn_k_norm"] = "self_attn.k_norm",
    };

    private static readonly Dictionary<string, string> s_gated = new(s_attention)
    {
        ["ffn_norm"] = "post_attention_layernorm",
        ["ffn_gate"] = "mlp.gate_proj",
        ["ffn_up"] = "mlp.up_proj",
        ["ffn_down"] = "mlp.down_proj",
    };

    private static readonly Dictionary<string, string> s_postNorms = new(s_gated)
    {
        ["post_attention_norm"] = "post_attention_layernorm",
        ["ffn_norm"] = "pre_feedforward_layernorm",
        ["post_ffw_norm"] = "post_feedforward_layernorm",
    };

    private static readonly Dictionary<string, string> s_experts = new(s_gated)
    {
        ["ffn_gate_inp"] = "mlp.gate",
        ["ffn_gate_exps"] = "mlp.experts.{0}.gate_proj",
        ["ffn_up_exps"] = "mlp.experts.{0}.up_proj",
        ["ffn_down_exps"] = "mlp.experts.{0}.down_proj",
        ["ffn_gate_inp_shexp"] = "mlp.shared_expert_gate",
        ["ffn_gate_shexp"] = "mlp.shared_expert.gate_proj",
        ["ffn_up_shexp"] = "mlp.shared_expert.up_proj",
        ["ffn_down_shexp"] = "mlp.shared_expert.down_proj",
    };

    private static readonly Dictionary<string, string> s_mixtral = new(s_attention)
    {
        ["ffn_norm"] = "post_attention_layernorm",
        ["ffn_gate_inp"] = "block_sparse_moe.gate",
        ["ffn_gate_exps"] = "block_sparse_moe.experts.{0}.w1",
        ["ffn_down_exps"] = "block_sparse_moe.experts.{0}.w2",
        ["ffn_up_exps"] = "block_sparse_moe.experts.{0}.w3",
    };

    private static readonly Dictionary<string, string> s_phi3 = new(s_gated) { ["ffn_up"] = "mlp.gate_up_proj" };

    private static readonly Dictionary<string, string> s_starcoder2 = new(s_gated) { ["ffn_up"] = "mlp.c_fc", ["ffn_down"] = "mlp.c_proj" };

    private static readonly Dictionary<string, string> s_gpt2Outer = new()
    {
        ["token_embd"] = "transformer.wte",
        ["position_embd"] = "transformer.wpe",
        ["output_norm"] = "transformer.ln_f",
        ["output"] = "lm_head",
    };

    private static readonly Dictionary<string, string> s_gpt2 = new()
    {
        ["attn_norm"] = "ln_1",
        ["attn_qkv"] = "attn.c_attn",
        ["attn_output"] = "attn.c_proj",
        ["ffn_norm"] = "ln_2",
        ["ffn_up"] = "mlp.c_fc",
        ["ffn_down"] = "mlp.c_proj",
    };

    private static readonly Dictionary<string, string> s_bloomOuter = new()
    {
        ["token_embd"] = "transformer.word_embeddings",
        ["token_embd_norm"] = "transformer.word_embeddings_layernorm",
        ["output_norm"] = "transformer.ln_f",
        ["output"] = "lm_head",
    };

    private static readonly Dictionary<string, string> s_bloom = new()
    {
        ["attn_norm"] = "input_layernorm",
        ["attn_qkv"] = "self_attention.query_key_value",
        ["attn_output"] = "self_attention.dense",
        ["ffn_norm"] = "post_attention_layernorm",
        ["ffn_up"] = "mlp.dense_h_to_4h",
        ["ffn_down"] = "mlp.dense_4h_to_h",
    };

    // with two norms a layer, the plain name is the one before the feed-forward part
    private static readonly Dictionary<string, string> s_falconTwoNorms = new(s_bloom) { ["attn_norm"] = "ln_mlp", ["attn_norm_2"] = "ln_attn" };

    private static readonly Dictionary<string, string> s_bertOuter = new()
    {
        ["token_embd"] = "embeddings.word_embeddings",
        ["token_types"] = "embeddings.token_type_embeddings",
        ["position_embd"] = "embeddings.position_embeddings",
        ["token_embd_norm"] = "embeddings.LayerNorm",
    };

    private static readonly Dictionary<string, string> s_bert = new()
    {
        ["attn_q"] = "attention.self.query",
        ["attn_k"] = "attention.self.key",
        ["attn_v"] = "attention.self.value",
        ["attn_output"] = "attention.output.dense",
        ["attn_output_norm"] = "attention.output.LayerNorm",
        ["ffn_up"] = "intermediate.dense",
        ["ffn_down"] = "output.dense",
        ["layer_output_norm"] = "output.LayerNorm",
    };

    /// <summary>The architecture of <paramref name="file"/>.</summary>
    /// <exception cref="ModelFileException">The file names none, or one that is not known here.</exception>
    public static GgufArchitecture Of(GgufFile file)
    {
        const string Key = "general.architecture";
        string name = file.Text(Key) ?? throw new ModelFileException(file.Name, null, $"{Key} is missing: this file holds no model");
        const string Model = "model.layers.{0}.";
        return name switch
        {
            // the converter writes Mistral and Mixtral as llama too; only the experts tell
            "llama" when file.Integer("llama.expert_count") is > 0 => new(name, "mixtral", s_outer, Model, s_mixtral),
            "llama" or "qwen2" or "qwen3" or "gemma" or "granite" or "smollm3" => new(name, name, s_outer, Model, s_gated),
            "qwen2moe" => new(name, "qwen2_moe", s_outer, Model, s_experts),
            "qwen3moe" => new(name, "qwen3_moe", s_outer, Model, s_experts),
            "gemma2" or "olmo2" => new(name, name, s_outer, Model, s_postNorms),
            "gemma3" => new(name, "gemma3_text", s_outer, Model, s_postNorms),
            "phi3" => new(name, name, s_outer, Model, s_phi3),
            "starcoder2" => new(name, name, s_outer, Model, s_starcoder2),
            "gpt2" => new(name, name, s_gpt2Outer, "transformer.h.{0}.", s_gpt2),
            "bloom" => new(name, name, s_bloomOuter, "transformer.h.{0}.", s_bloom),
            "falcon" => new(name, name, s_bloomOuter, "transformer.h.{0}.", file.Tensors.ContainsKey("blk.0.attn_norm_2.weight") ? s_falconTwoNorms : s_bloom),
            "bert" => new(name, name, s_bertOuter, "encoder.layer.{0}.", s_bert),
            _ => throw file.Refuse(Key, $"models of architecture {Excerpt.Of(name)} are not read from GGUF; llama-server serves them"),
        };
    }

    /// <summary>What the converter did to the rows of a tensor within a layer (its GGUF name).</summary>
    public RowOrder OrderOf(string inner) => (Name, inner) switch
    {
        ("llama" or "granite" or "smollm3", "attn_q" or "attn_k") => RowOrder.RotaryPairs,
        ("bloom" or "falcon", "attn_qkv") => RowOrder.QkvByKind,
        _ => RowOrder.Same,
    };

    /// <summary>Whether the converter added 1 to this norm: Gemma's files hold weights around 0, and their readers add the 1.</summary>
    public bool AddsOne(string inner) => Name is "gemma" or "gemma2" or "gemma3" && inner.EndsWith("norm", StringComparison.Ordinal);

    /// <summary>Whether the Hugging Face file holds the transposed matrix (GPT-2's <c>Conv1D</c>).</summary>
    public bool IsTransposed(string inner) => Name == "gpt2" && inner is "attn_qkv" or "attn_output" or "ffn_up" or "ffn_down";
}
