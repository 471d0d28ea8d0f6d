using System.Buffers;
using System.Text.Json;

namespace Fairlead.Engine.Formats;

/// <summary>Says the metadata of a GGUF file as the <c>config.json</c> that it was converted from, so that every architecture reads one form.</summary>
/// <remarks>
/// Key names: gguf-py <c>constants.py</c>; what a converter writes and what it leaves to the reader: llama.cpp <c>convert_hf_to_gguf.py</c> and
/// <c>llama-model.cpp</c>. Shapes come from the tensors where the file is silent, for they cannot lie.
/// </remarks>
internal sealed class GgufConfig
{
    private readonly GgufFile _file;
    private readonly GgufKeys _keys;
    private readonly Utf8JsonWriter _json;
    private int _layers;
    private long _hidden;
    private long _heads;

    private GgufConfig(GgufFile file, GgufKeys keys, Utf8JsonWriter json) => (_file, _keys, _json) = (file, keys, json);

    /// <summary>The configuration of the model in <paramref name="file"/>.</summary>
    /// <exception cref="ModelFileException">Its architecture is not known here, it lacks a key that nothing else tells, or it has one that is not known and may change the answers.</exception>
    public static JsonConfig Make(GgufFile file)
    {
        GgufArchitecture known = GgufArchitecture.Of(file);
        ArrayBufferWriter<byte> bytes = new();
        using (Utf8JsonWriter json = new(bytes))
        {
            GgufKeys keys = new(file, known.Name);
            json.WriteStartObject();
            new GgufConfig(file, keys, json).Write(known);
            json.WriteEndObject();
            keys.RefuseUnread();
        }

        return JsonConfig.Parse(file.Name, bytes.WrittenMemory);
    }

    private void Write(GgufArchitecture known)
    {
        _json.WriteString("model_type", known.ModelType);
        _layers = (int)_keys.Wanted("block_count");
        _hidden = _keys.Wanted("embedding_length");
        _heads = _keys.Wanted("attention.head_count");
        if (_heads == 0)
            throw _keys.Refuse("attention.head_count", "must be at least 1");
        if (_keys.Flag("attention.causal") is { } causal && causal == (known.Name == "bert"))
            throw _keys.Refuse("attention.causal", "is not supported the way it stands");
        WriteTokens();
        _json.WriteBoolean("tie_word_embeddings", !_keys.Has("output.weight"));
        if (known.Name is "gpt2" or "bloom" or "bert" && _keys.Whole("attention.head_count_kv") is { } shared && shared != _heads)
            throw _keys.Refuse("attention.head_count_kv", $"must be attention.head_count, {_heads}");
        switch (known.Name)
        {
            case "gpt2":
                WriteShape("n_embd", "n_layer", "n_head", "n_positions", "n_inner");
                WriteNumber("layer_norm_epsilon", "attention.layer_norm_epsilon");
                _json.WriteString("activation_function", "gelu_new");
                return;
            case "bloom":
                WriteShape("hidden_size", "n_layer", "n_head", "seq_length", null);
                if (_keys.Whole("feed_forward_length") is { } inner && inner != 4 * _hidden)
                    throw _keys.Refuse("feed_forward_length", "must be four times embedding_length");
                WriteNumber("layer_norm_epsilon", "attention.layer_norm_epsilon");
                return;
            case "bert":
                WriteShape("hidden_size", "num_hidden_layers", "num_attention_heads", "max_position_embeddings", "intermediate_size");
                WriteNumber("layer_norm_eps", "attention.layer_norm_epsilon");
                _json.WriteString("hidden_act", "gelu");
                _json.WriteString("position_embedding_type", "absolute");
                _json.WriteNumber("type_vocab_size", _keys.Rows("token_types.weight") ?? 0);
                return;
        }

        WriteShape("hidden_size", "num_hidden_layers", "num_attention_heads", "max_position_embeddings", known.Name == "falcon" ? null : "intermediate_size");
        long heads = _keys.Whole("attention.head_count_kv") ?? _heads;
        _json.WriteNumber(known.Name == "falcon" ? "num_kv_heads" : "num_key_value_heads", heads);
        long headSize = WriteHeadSize();
        new GgufRope(_file, _keys, _json).Write(headSize);
        switch (known.Name)
        {
            case "falcon":
                WriteNumber("layer_norm_epsilon", "attention.layer_norm_epsilon");
                _json.WriteNumber("ffn_hidden_size", _keys.Whole("feed_forward_length") ?? 4 * _hidden);
                _json.WriteBoolean("multi_query", true);
                _json.WriteBoolean("new_decoder_architecture", heads > 1);
                _json.WriteNumber("num_ln_in_parallel_attn", _keys.Has("blk.0.attn_norm_2.weight") ? 2 : 1);
                _json.WriteBoolean("parallel_attn", true);
                _json.WriteBoolean("bias", false);
                _json.WriteBoolean("alibi", false);
                _json.WriteString("activation", "gelu");
                return;
            case "starcoder2":
                WriteNumber("norm_epsilon", "attention.layer_norm_epsilon");
                _json.WriteString("hidden_act", "gelu_pytorch_tanh");
                _json.WriteBoolean("use_bias", _keys.Has("blk.0.attn_q.bias"));
                return;
        }

        if (known.ModelType is not ("mixtral" or "qwen2_moe" or "qwen3_moe") && (_keys.Whole("expert_count") ?? 0) + (_keys.Whole("expert_used_count") ?? 0) > 0)
            throw _keys.Refuse("expert_count", $"is not supported for architecture {known.Name}");
        WriteNumber("rms_norm_eps", "attention.layer_norm_rms_epsilon");
        if (known.Name is "gemma" or "gemma2" or "gemma3")
        {
            _json.WriteString("hidden_act", "gelu_pytorch_tanh");
            _json.WriteString("hidden_activation", "gelu_pytorch_tanh");
        }
        else
        {
            _json.WriteString("hidden_act", "silu");
            _json.WriteBoolean("attention_bias", _keys.Has("blk.0.attn_q.bias"));
        }

        switch (known.ModelType)
        {
            case "llama":
                _json.WriteBoolean("mlp_bias", _keys.Has("blk.0.ffn_up.bias"));
                break;
            case "mixtral":
                _json.WriteNumber("num_local_experts", _keys.Wanted("expert_count"));
                _json.WriteNumber("num_experts_per_tok", _keys.Wanted("expert_used_count"));
                break;
            case "qwen2_moe" or "qwen3_moe":
                _json.WriteNumber("num_experts", _keys.Wanted("expert_count"));
                _json.WriteNumber("num_experts_per_tok", _keys.Wanted("expert_used_count"));
                _json.WriteNumber("moe_intermediate_size", _keys.Whole("expert_feed_forward_length") ?? _keys.MiddleDimension("blk.0.ffn_gate_exps.weight"));
                if (_keys.Has("blk.0.ffn_gate_shexp.weight"))
                    _json.WriteNumber("shared_expert_intermediate_size", _keys.Rows("blk.0.ffn_gate_shexp.weight")!.Value);
                _json.WriteBoolean("norm_topk_prob", known.Name == "qwen3moe");
                _json.WriteNumber("decoder_sparse_step", 1);
                _json.WriteBoolean("qkv_bias", _keys.Has("blk.0.attn_q.bias"));
                break;
            case "phi3":
                WriteNumber("original_max_position_embeddings", "rope.scaling.original_context_length");
                goto default;
            case "granite":
                WriteNumber("attention_multiplier", "attention.scale");
                WriteNumber("embedding_multiplier", "embedding_scale");
                WriteNumber("residual_multiplier", "residual_scale");
                WriteNumber("logits_scaling", "logit_scale");
                break;
            case "smollm3":
                _json.WriteNumber("no_rope_layer_interval", 4); // fixed in llama.cpp too: the file does not say it
                _json.WriteBoolean("mlp_bias", false);
                break;
            case "gemma2":
                WriteNumber("attn_logit_softcapping", "attn_logit_softcapping");
                WriteNumber("final_logit_softcapping", "final_logit_softcapping");
                WriteWindow(every: 2);
                // the 27 B model, known by its depth, scales by the width of a head as if it were hidden / heads
                _json.WriteNumber("query_pre_attn_scalar", _layers == 46 ? _hidden / _heads : headSize);
                break;
            case "gemma3_text":
                WriteNumber("final_logit_softcapping", "final_logit_softcapping");
                WriteWindow(every: (int)Math.Clamp(_keys.Whole("attention.sliding_window_pattern") ?? 6, 1, int.MaxValue));
                _json.WriteNumber("rope_local_base_freq", _keys.Decimal("rope.freq_base_swa") ?? 10_000);
                _json.WriteNumber("query_pre_attn_scalar", _layers == 62 ? _hidden / _heads : headSize);
                break;
            default:
                if (_keys.Whole("attention.sliding_window") is > 0 and var window)
                {
                    _json.WriteNumber("sliding_window", window);
                    _json.WriteBoolean("use_sliding_window", true);
                }

                break;
        }
    }

    private void WriteTokens()
    {
        if (_keys.Rows("token_embd.weight") is { } rows)
            _json.WriteNumber("vocab_size", rows);
        foreach ((string name, string key) in (ReadOnlySpan<(string, string)>)[("bos_token_id", "bos"), ("pad_token_id", "padding")])
        {
            if (TokenId(key) is { } id)
                _json.WriteNumber(name, id);
        }

        // more than one token may end an answer: of a text, of a turn, of a message
        long[] ends = [.. new[] { TokenId("eos"), TokenId("eot"), TokenId("eom") }.OfType<long>().Distinct()];
        if (ends.Length == 0)
            return;
        _json.WriteStartArray("eos_token_id");
        foreach (long id in ends)
            _json.WriteNumberValue(id);
        _json.WriteEndArray();
    }

    private long? TokenId(string which) => _file.Integer($"tokenizer.ggml.{which}_token_id");

    private void WriteShape(string hidden, string layers, string heads, string context, string? feedForward)
    {
        _json.WriteNumber(hidden, _hidden);
        _json.WriteNumber(layers, _layers);
        _json.WriteNumber(heads, _heads);
        _json.WriteNumber(context, _keys.Wanted("context_length"));
        if (feedForward is not null && _keys.Whole("feed_forward_length") is { } length)
            _json.WriteNumber(feedForward, length);
    }

    private long WriteHeadSize()
    {
        long size = _keys.Whole("attention.key_length") ?? _hidden / _heads;
        if (_keys.Whole("attention.value_length") is { } values && values != size)
            throw _keys.Refuse("attention.value_length", $"differs from the length of keys ({size}), which is not supported");
        _json.WriteNumber("head_dim", size);
        return size;
    }

    private void WriteWindow(int every)
    {
        if (_keys.Whole("attention.sliding_window") is not { } window)
            return;
        _json.WriteNumber("sliding_window", window);
        _json.WriteStartArray("layer_types");
        for (int i = 0; i < Math.Min(_layers, GgufFile.MaxTensors); i++)
            _json.WriteStringValue((i + 1) % every == 0 ? "full_attention" : "sliding_attention");
        _json.WriteEndArray();
    }

    private void WriteNumber(string name, string key)
    {
        if (_keys.Decimal(key) is { } number)
            _json.WriteNumber(name, number);
    }
}
