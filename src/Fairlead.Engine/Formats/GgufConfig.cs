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
    private readonly string _architecture;
    /// <summary>What changes nothing here: sizes that the tensors say, notes of the converter, settings of training.</summary>
    private static readonly string[] s_changesNothing =
        ["vocab_size", "tensor_data_layout", "pooling_type", "expert_shared_feed_forward_length", "rope.scaling.finetuned", "rope.scaling.original_context_length"];

    private readonly Utf8JsonWriter _json;
    private readonly HashSet<string> _accounted = new(s_changesNothing, StringComparer.Ordinal);
    private int _layers;
    private long _hidden;
    private long _heads;

    private GgufConfig(GgufFile file, string architecture, Utf8JsonWriter json)
    {
        _file = file;
        _architecture = architecture;
        _json = json;
    }

    /// <summary>The configuration of the model in <paramref name="file"/>.</summary>
    /// <exception cref="ModelFileException">Its architecture is not known here, it lacks a key that nothing else tells, or it has one that is not known and may change the answers.</exception>
    public static JsonConfig Make(GgufFile file)
    {
        GgufArchitecture known = GgufArchitecture.Of(file);
        ArrayBufferWriter<byte> bytes = new();
        using (Utf8JsonWriter json = new(bytes))
        {
            GgufConfig config = new(file, known.Name, json);
            json.WriteStartObject();
            config.Write(known);
            json.WriteEndObject();
            config.Finish();
        }

        return JsonConfig.Parse(file.Name, bytes.WrittenMemory);
    }

    // As with config.json: a key that nobody reads may change the mathematics, so it is refused by name.
    private void Finish()
    {
        string prefix = _architecture + ".";
        foreach (string key in _file.Keys)
        {
            if (key.StartsWith(prefix, StringComparison.Ordinal) && !_accounted.Contains(key[prefix.Length..]))
                throw _file.Refuse(key, $"is not known for architecture {_architecture}, and may change the model's answers; llama-server may serve this file");
        }
    }

    private void Write(GgufArchitecture known)
    {
        _json.WriteString("model_type", known.ModelType);
        _layers = (int)Wanted("block_count");
        _hidden = Wanted("embedding_length");
        _heads = Wanted("attention.head_count");
        if (_heads == 0)
            throw Refuse("attention.head_count", "must be at least 1");
        if (_file.Flag(Full("attention.causal")) is { } causal && causal == (known.Name == "bert"))
            throw Refuse("attention.causal", "is not supported the way it stands");
        WriteTokens();
        _json.WriteBoolean("tie_word_embeddings", !_file.Tensors.ContainsKey("output.weight"));
        if (known.Name is "gpt2" or "bloom" or "bert" && Whole("attention.head_count_kv") is { } shared && shared != _heads)
            throw Refuse("attention.head_count_kv", $"must be attention.head_count, {_heads}");
        switch (known.Name)
        {
            case "gpt2":
                WriteShape("n_embd", "n_layer", "n_head", "n_positions", "n_inner");
                WriteNumber("layer_norm_epsilon", "attention.layer_norm_epsilon");
                _json.WriteString("activation_function", "gelu_new");
                return;
            case "bloom":
                WriteShape("hidden_size", "n_layer", "n_head", "seq_length", null);
                if (Whole("feed_forward_length") is { } inner && inner != 4 * _hidden)
                    throw Refuse("feed_forward_length", "must be four times embedding_length");
                WriteNumber("layer_norm_epsilon", "attention.layer_norm_epsilon");
                return;
            case "bert":
                WriteShape("hidden_size", "num_hidden_layers", "num_attention_heads", "max_position_embeddings", "intermediate_size");
                WriteNumber("layer_norm_eps", "attention.layer_norm_epsilon");
                _json.WriteString("hidden_act", "gelu");
                _json.WriteString("position_embedding_type", "absolute");
                _json.WriteNumber("type_vocab_size", Rows("token_types.weight") ?? 0);
                return;
        }

        WriteShape("hidden_size", "num_hidden_layers", "num_attention_heads", "max_position_embeddings", known.Name == "falcon" ? null : "intermediate_size");
        long heads = Whole("attention.head_count_kv") ?? _heads;
        _json.WriteNumber(known.Name == "falcon" ? "num_kv_heads" : "num_key_value_heads", heads);
        long headSize = WriteHeadSize();
        WriteRope(headSize);
        switch (known.Name)
        {
            case "falcon":
                WriteNumber("layer_norm_epsilon", "attention.layer_norm_epsilon");
                _json.WriteNumber("ffn_hidden_size", Whole("feed_forward_length") ?? 4 * _hidden);
                _json.WriteBoolean("multi_query", true);
                _json.WriteBoolean("new_decoder_architecture", heads > 1);
                _json.WriteNumber("num_ln_in_parallel_attn", _file.Tensors.ContainsKey("blk.0.attn_norm_2.weight") ? 2 : 1);
                _json.WriteBoolean("parallel_attn", true);
                _json.WriteBoolean("bias", false);
                _json.WriteBoolean("alibi", false);
                _json.WriteString("activation", "gelu");
                return;
            case "starcoder2":
                WriteNumber("norm_epsilon", "attention.layer_norm_epsilon");
                _json.WriteString("hidden_act", "gelu_pytorch_tanh");
                _json.WriteBoolean("use_bias", _file.Tensors.ContainsKey("blk.0.attn_q.bias"));
                return;
        }

        if (known.ModelType is not ("mixtral" or "qwen2_moe" or "qwen3_moe") && (Whole("expert_count") ?? 0) + (Whole("expert_used_count") ?? 0) > 0)
            throw Refuse("expert_count", $"is not supported for architecture {_architecture}");
        WriteNumber("rms_norm_eps", "attention.layer_norm_rms_epsilon");
        if (known.Name is "gemma" or "gemma2" or "gemma3")
        {
            _json.WriteString("hidden_act", "gelu_pytorch_tanh");
            _json.WriteString("hidden_activation", "gelu_pytorch_tanh");
        }
        else
        {
            _json.WriteString("hidden_act", "silu");
            _json.WriteBoolean("attention_bias", _file.Tensors.ContainsKey("blk.0.attn_q.bias"));
        }

        switch (known.ModelType)
        {
            case "llama":
                _json.WriteBoolean("mlp_bias", _file.Tensors.ContainsKey("blk.0.ffn_up.bias"));
                break;
            case "mixtral":
                _json.WriteNumber("num_local_experts", Wanted("expert_count"));
                _json.WriteNumber("num_experts_per_tok", Wanted("expert_used_count"));
                break;
            case "qwen2_moe" or "qwen3_moe":
                _json.WriteNumber("num_experts", Wanted("expert_count"));
                _json.WriteNumber("num_experts_per_tok", Wanted("expert_used_count"));
                _json.WriteNumber("moe_intermediate_size", Whole("expert_feed_forward_length") ?? MiddleDimension("blk.0.ffn_gate_exps.weight"));
                if (_file.Tensors.ContainsKey("blk.0.ffn_gate_shexp.weight"))
                    _json.WriteNumber("shared_expert_intermediate_size", Rows("blk.0.ffn_gate_shexp.weight")!.Value);
                _json.WriteBoolean("norm_topk_prob", known.Name == "qwen3moe");
                _json.WriteNumber("decoder_sparse_step", 1);
                _json.WriteBoolean("qkv_bias", _file.Tensors.ContainsKey("blk.0.attn_q.bias"));
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
                WriteWindow(every: (int)Math.Clamp(Whole("attention.sliding_window_pattern") ?? 6, 1, int.MaxValue));
                _json.WriteNumber("rope_local_base_freq", Decimal("rope.freq_base_swa") ?? 10_000);
                _json.WriteNumber("query_pre_attn_scalar", _layers == 62 ? _hidden / _heads : headSize);
                break;
            default:
                if (Whole("attention.sliding_window") is > 0 and var window)
                {
                    _json.WriteNumber("sliding_window", window);
                    _json.WriteBoolean("use_sliding_window", true);
                }

                break;
        }
    }

    private void WriteTokens()
    {
        if (Rows("token_embd.weight") is { } rows)
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
        _json.WriteNumber(context, Wanted("context_length"));
        if (feedForward is not null && Whole("feed_forward_length") is { } length)
            _json.WriteNumber(feedForward, length);
    }

    private long WriteHeadSize()
    {
        long size = Whole("attention.key_length") ?? _hidden / _heads;
        if (Whole("attention.value_length") is { } values && values != size)
            throw Refuse("attention.value_length", $"differs from the length of keys ({size}), which is not supported");
        _json.WriteNumber("head_dim", size);
        return size;
    }

    private void WriteRope(long headSize)
    {
        _json.WriteNumber("rope_theta", Decimal("rope.freq_base") ?? 10_000); // llama.cpp's default
        long turned = Whole("rope.dimension_count") ?? headSize;
        if (turned != headSize)
            _json.WriteNumber("partial_rotary_factor", headSize == 0 ? 0 : (double)turned / headSize);

        // before December 2023 the factor alone stood there, first under another name
        double factor = Decimal("rope.scaling.factor") ?? Decimal("rope.scale_linear") ?? 1;
        string kind = Name("rope.scaling.type") ?? (factor == 1 ? "none" : "linear");
        long context = Wanted("context_length");
        if (_file.Tensors.ContainsKey("rope_freqs.weight"))
        {
            // Llama 3.1 and later: the converter has worked out the divisor of every frequency. "longrope" is the form of config.json that takes divisors as they are.
            WriteDivisors("rope_freqs.weight", "rope_freqs.weight", context, context, attentionFactor: 1);
            return;
        }

        if (_file.Tensors.ContainsKey("rope_factors_long.weight") && _file.Tensors.ContainsKey("rope_factors_short.weight"))
        {
            long original = Whole("rope.scaling.original_context_length") ?? context;
            WriteDivisors("rope_factors_short.weight", "rope_factors_long.weight", context, original, Decimal("rope.scaling.attn_factor") ?? 1);
            return;
        }

        switch (kind)
        {
            case "none":
                return;
            case "linear":
                _json.WriteStartObject("rope_scaling");
                _json.WriteString("rope_type", "linear");
                _json.WriteNumber("factor", factor);
                _json.WriteEndObject();
                return;
            case "yarn":
                _json.WriteStartObject("rope_scaling");
                _json.WriteString("rope_type", "yarn");
                _json.WriteNumber("factor", factor);
                _json.WriteNumber("original_max_position_embeddings", Whole("rope.scaling.original_context_length") ?? context);
                foreach ((string name, string key) in (ReadOnlySpan<(string, string)>)[("attention_factor", "yarn_attn_factor"), ("beta_fast", "yarn_beta_fast"), ("beta_slow", "yarn_beta_slow")])
                    WriteNumber(name, "rope.scaling." + key);
                _json.WriteEndObject();
                return;
            default:
                throw Refuse("rope.scaling.type", $"{Excerpt.Of(kind)} is not supported; none, linear and yarn are, and the tables that Llama 3.1 and Phi-3 carry");
        }
    }

    private void WriteDivisors(string shortTable, string longTable, long context, long original, double attentionFactor)
    {
        _json.WriteStartObject("rope_scaling");
        _json.WriteString("rope_type", "longrope");
        _json.WriteNumber("factor", original == 0 ? 1 : (double)context / original);
        _json.WriteNumber("attention_factor", attentionFactor);
        _json.WriteNumber("original_max_position_embeddings", original);
        WriteTable("short_factor", shortTable);
        WriteTable("long_factor", longTable);
        _json.WriteEndObject();
    }

    private unsafe void WriteTable(string name, string tensor)
    {
        _ = _file.TryGet(tensor, out Tensors.TensorView table);
        if (table.Type != Tensors.ElementType.F32 || table.Count > 1024)
            throw new ModelFileException(_file.Name, _file.Tensors[tensor].Offset, $"{tensor} is {table}; at most 1024 values of F32 are wanted");
        _json.WriteStartArray(name);
        for (int i = 0; i < table.Count; i++)
        {
            float value = BitConverter.Int32BitsToSingle(System.Buffers.Binary.BinaryPrimitives.ReadInt32LittleEndian(new ReadOnlySpan<byte>(table.Data + (4 * i), 4)));
            _json.WriteNumberValue(float.IsFinite(value) && value > 0 ? value : throw new ModelFileException(_file.Name, _file.Tensors[tensor].Offset, $"{tensor} holds {value}, which divides nothing"));
        }

        _json.WriteEndArray();
    }

    private void WriteWindow(int every)
    {
        if (Whole("attention.sliding_window") is not { } window)
            return;
        _json.WriteNumber("sliding_window", window);
        _json.WriteStartArray("layer_types");
        for (int i = 0; i < Math.Min(_layers, GgufFile.MaxTensors); i++)
            _json.WriteStringValue((i + 1) % every == 0 ? "full_attention" : "sliding_attention");
        _json.WriteEndArray();
    }

    private void WriteNumber(string name, string key)
    {
        if (Decimal(key) is { } number)
            _json.WriteNumber(name, number);
    }

    private string? Name(string key) => _file.Text(Full(key));

    private double? Decimal(string key) => _file.Number(Full(key));

    private string Full(string key)
    {
        _accounted.Add(key);
        return $"{_architecture}.{key}";
    }

    private long Wanted(string key) => Whole(key) ?? throw Refuse(key, "is missing");

    // one number for all layers, which some architectures write as a list with one entry a layer
    private long? Whole(string key)
    {
        string full = Full(key);
        if (!_file.TryGetType(full, out _, out bool isList))
            return null;
        if (!isList)
            return _file.Integer(full) is >= 0 and <= int.MaxValue and var number ? number : throw Refuse(key, "must be a whole number from 0 to 2147483647");
        int[] each = _file.Integers(full)!;
        return each.Length > 0 && each[0] >= 0 && Array.TrueForAll(each, value => value == each[0])
            ? each[0]
            : throw Refuse(key, "differs from layer to layer, which is not supported; llama-server serves such a model");
    }

    private long? Rows(string tensor) => _file.Tensors.TryGetValue(tensor, out GgufTensor? found) && found.Shape.Length == 2 ? found.Shape[0] : null;

    private long MiddleDimension(string tensor) => _file.Tensors.TryGetValue(tensor, out GgufTensor? found) && found.Shape.Length == 3
        ? found.Shape[1]
        : throw Refuse("expert_feed_forward_length", "is missing");

    private ModelFileException Refuse(string key, string reason) => _file.Refuse($"{_architecture}.{key}", reason);
}
