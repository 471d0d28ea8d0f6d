using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tensors;
using Fairlead.Engine.Tests.LlamaCpp;

namespace Fairlead.Engine.Tests.Formats;

/// <summary>
/// Turns a golden checkpoint into the GGUF file that llama.cpp's converter makes of it (tensor names, rearranged rows, shifted norms, transposed
/// matrices, metadata keys), without its tokenizer. Written from the converter's side, so that it shares no table with the reader.
/// </summary>
internal static class HubToGguf
{
    /// <summary>The file as a writer, so that a caller can add a vocabulary. Matrices become <paramref name="type"/> where F32, F16 or BF16; norms and biases F32.</summary>
    public static GgufWriter Convert(ModelFolder hub, ElementType? type = null)
    {
        JsonConfig config = hub.Config;
        string architecture = config.Text("model_type") switch
        {
            "mixtral" or "mistral" => "llama",
            "qwen2_moe" => "qwen2moe",
            "qwen3_moe" => "qwen3moe",
            "gemma3_text" => "gemma3",
            var same => same,
        };
        GgufWriter writer = new();
        WriteMetadata(writer, architecture, config);
        WriteTensors(writer, architecture, config, hub.Weights, type);
        return writer;
    }

    /// <summary>Adds the WordPiece vocabulary of <paramref name="hub"/>, in which GGUF marks beginnings of words instead of continuations.</summary>
    public static void WriteWordPieces(GgufWriter writer, ModelFolder hub)
    {
        using JsonDocument tokenizer = JsonDocument.Parse(hub.TokenizerJson!);
        string[] pieces = [.. tokenizer.RootElement.GetProperty("model").GetProperty("vocab").EnumerateObject().OrderBy(static entry => entry.Value.GetInt32()).Select(static entry => entry.Name)];
        writer.Set("tokenizer.ggml.model", "bert").Set("tokenizer.ggml.pre", "default").Set("tokenizer.ggml.token_type_count", 2u);
        writer.Set("tokenizer.ggml.tokens", [.. pieces.Select(static piece => piece.StartsWith('[') && piece.EndsWith(']') ? piece : piece.StartsWith("##", StringComparison.Ordinal) ? piece[2..] : "\u2581" + piece)]);
        writer.Set("tokenizer.ggml.token_type", [.. pieces.Select(static piece => piece is "[PAD]" or "[UNK]" or "[CLS]" or "[SEP]" or "[MASK]" ? 3 : 1)]);
        foreach ((string key, string piece) in (ReadOnlySpan<(string, string)>)[("unknown", "[UNK]"), ("seperator", "[SEP]"), ("padding", "[PAD]"), ("cls", "[CLS]"), ("mask", "[MASK]")])
            writer.Set($"tokenizer.ggml.{key}_token_id", (uint)Array.IndexOf(pieces, piece));
    }

    private static void WriteMetadata(GgufWriter writer, string architecture, JsonConfig config)
    {
        string a = architecture + ".";
        int hidden = config.IntOrNull("hidden_size") ?? config.Int("n_embd"), heads = config.IntOrNull("num_attention_heads") ?? config.Int("n_head");
        writer.Set("general.architecture", architecture).Set("general.name", "golden");
        writer.Set(a + "block_count", (uint)(config.IntOrNull("num_hidden_layers") ?? config.Int("n_layer")));
        writer.Set(a + "context_length", (uint)(config.IntOrNull("max_position_embeddings") ?? config.IntOrNull("n_positions") ?? 2048));
        writer.Set(a + "embedding_length", (uint)hidden).Set(a + "attention.head_count", (uint)heads);
        writer.Set(a + "feed_forward_length", (uint)(config.IntOrNull("intermediate_size") ?? 4 * hidden));
        if ((config.IntOrNull("num_key_value_heads") ?? (config.Has("num_kv_heads") ? config.Flag("new_decoder_architecture", false) ? config.Int("num_kv_heads") : 1 : null)) is { } shared)
            writer.Set(a + "attention.head_count_kv", (uint)shared);
        if (config.IntOrNull("head_dim") is { } size && size != hidden / heads)
            writer.Set(a + "attention.key_length", (uint)size).Set(a + "attention.value_length", (uint)size);
        if (config.NumberOrNull("rms_norm_eps") is { } rms)
            writer.Set(a + "attention.layer_norm_rms_epsilon", (float)rms);
        if ((config.NumberOrNull("layer_norm_eps") ?? config.NumberOrNull("layer_norm_epsilon") ?? config.NumberOrNull("norm_epsilon")) is { } layerNorm)
            writer.Set(a + "attention.layer_norm_epsilon", (float)layerNorm);
        if (config.NumberOrNull("rope_theta") is { } theta)
            writer.Set(a + "rope.freq_base", (float)theta).Set(a + "rope.dimension_count", (uint)(config.IntOrNull("head_dim") ?? hidden / heads));
        WriteScaling(writer, a, config);
        if (architecture == "phi3" && config.IntOrNull("original_max_position_embeddings") is { } original)
            writer.Set(a + "rope.scaling.original_context_length", (uint)original);
        foreach ((string key, string name) in (ReadOnlySpan<(string, string)>)
            [("expert_used_count", "num_experts_per_tok"), ("expert_feed_forward_length", "moe_intermediate_size"), ("expert_shared_feed_forward_length", "shared_expert_intermediate_size")])
        {
            if (config.IntOrNull(name) is { } number)
                writer.Set(a + key, (uint)number);
        }

        if ((config.IntOrNull("num_local_experts") ?? config.IntOrNull("num_experts")) is { } experts)
            writer.Set(a + "expert_count", (uint)experts);
        if (architecture is "gemma2" or "gemma3" or "phi3" && config.IntOrNull("sliding_window") is { } window)
            writer.Set(a + "attention.sliding_window", (uint)window);
        foreach ((string key, string name) in (ReadOnlySpan<(string, string)>)
            [("attn_logit_softcapping", "attn_logit_softcapping"), ("final_logit_softcapping", "final_logit_softcapping"), ("attention.scale", "attention_multiplier"),
             ("embedding_scale", "embedding_multiplier"), ("residual_scale", "residual_multiplier"), ("logit_scale", "logits_scaling")])
        {
            if (config.NumberOrNull(name) is { } number)
                writer.Set(a + key, (float)number);
        }
    }

    private static void WriteScaling(GgufWriter writer, string a, JsonConfig config)
    {
        if (config.Section("rope_scaling") is not { } scaling)
            return;
        switch (scaling.Text("rope_type"))
        {
            case "linear":
                writer.Set(a + "rope.scaling.type", "linear").Set(a + "rope.scaling.factor", (float)scaling.Number("factor"));
                break;
            case "yarn":
                writer.Set(a + "rope.scaling.type", "yarn").Set(a + "rope.scaling.factor", (float)scaling.Number("factor"));
                writer.Set(a + "rope.scaling.original_context_length", (uint)scaling.Int("original_max_position_embeddings"));
                break;
            case "llama3":
                int size = config.IntOrNull("head_dim") ?? config.Int("hidden_size") / config.Int("num_attention_heads");
                double theta = config.Number("rope_theta"), low = scaling.Number("low_freq_factor"), high = scaling.Number("high_freq_factor"), factor = scaling.Number("factor"), original = scaling.Number("original_max_position_embeddings");
                float[] divisors = new float[size / 2];
                for (int i = 0; i < divisors.Length; i++)
                {
                    double wave = 2 * Math.PI * Math.Pow(theta, 2.0 * i / size), smooth = ((original / wave) - low) / (high - low);
                    divisors[i] = (float)(wave < original / high ? 1 : wave > original / low ? factor : 1 / (((1 - smooth) / factor) + smooth));
                }

                writer.Add("rope_freqs.weight", ElementType.F32, [divisors.Length], MemoryMarshal.AsBytes<float>(divisors).ToArray());
                break;
        }
    }

    private static void WriteTensors(GgufWriter writer, string architecture, JsonConfig config, IWeights weights, ElementType? type)
    {
        int heads = config.IntOrNull("num_attention_heads") ?? config.Int("n_head");
        int shared = config.IntOrNull("num_key_value_heads") ?? heads;
        var experts = new SortedDictionary<string, SortedDictionary<int, (long[] Shape, float[] Values)>>(StringComparer.Ordinal);
        foreach (string name in weights.Names.Order(StringComparer.Ordinal))
        {
            if (architecture == "bert" && (name.StartsWith("pooler.", StringComparison.Ordinal) || name == "embeddings.position_ids"))
                continue; // the converter drops them
            (long[] shape, float[] values) = Read(weights, name);
            string renamed = Rename(architecture, config, name);
            string inner = Regex.Replace(renamed, @"^blk\.\d+\.|\.(weight|bias)$", "");
            if (architecture is "llama" or "granite" or "smollm3" && inner is "attn_q" or "attn_k")
                values = Permute(values, shape, inner == "attn_q" ? heads : shared);
            if (architecture == "bloom" && inner == "attn_qkv")
                values = KindsFromGroups(values, shape, heads, 1);
            if (architecture == "falcon" && inner == "attn_qkv")
            {
                int groups = config.Flag("new_decoder_architecture", false) ? config.Int("num_kv_heads") : 1;
                values = KindsFromGroups(values, shape, groups, heads / groups);
            }

            if (architecture.StartsWith("gemma", StringComparison.Ordinal) && name.EndsWith("norm.weight", StringComparison.Ordinal))
                values = Array.ConvertAll(values, static value => value + 1);
            if (architecture == "gpt2" && Regex.IsMatch(name, @"\.(c_attn|c_proj|c_fc)\.weight$"))
                (shape, values) = Transpose(shape, values);
            if (inner == "ffn_gate_inp_shexp")
                shape = [shape[1]];
            if (Regex.Match(renamed, @"^(blk\.\d+\.ffn_(?:gate|up|down)_exps)\.(\d+)\.weight$") is { Success: true } expert)
            {
                string all = expert.Groups[1].Value + ".weight";
                if (!experts.TryGetValue(all, out var each))
                    experts.Add(all, each = []);
                each.Add(int.Parse(expert.Groups[2].Value, CultureInfo.InvariantCulture), (shape, values));
                continue;
            }

            Add(writer, renamed, shape, values, type);
        }

        foreach ((string name, SortedDictionary<int, (long[] Shape, float[] Values)> each) in experts)
            Add(writer, name, [each.Count, .. each[0].Shape], [.. each.Values.SelectMany(static expert => expert.Values)], type);
    }

    private static string Rename(string architecture, JsonConfig config, string name)
    {
        (string, string)[] rules = architecture switch
        {
            "gpt2" => [(@"^transformer\.wte\.", "token_embd."), (@"^transformer\.wpe\.", "position_embd."), (@"^transformer\.ln_f\.", "output_norm."), (@"^transformer\.h\.(\d+)\.", "blk.$1."),
                (@"\.ln_1\.", ".attn_norm."), (@"\.ln_2\.", ".ffn_norm."), (@"\.attn\.c_attn\.", ".attn_qkv."), (@"\.attn\.c_proj\.", ".attn_output."), (@"\.mlp\.c_fc\.", ".ffn_up."), (@"\.mlp\.c_proj\.", ".ffn_down.")],
            "bloom" or "falcon" => [(@"^transformer\.word_embeddings\.", "token_embd."), (@"^transformer\.word_embeddings_layernorm\.", "token_embd_norm."), (@"^transformer\.ln_f\.", "output_norm."), (@"^transformer\.h\.(\d+)\.", "blk.$1."),
                (@"\.input_layernorm\.", ".attn_norm."), (@"\.ln_mlp\.", ".attn_norm."), (@"\.ln_attn\.", ".attn_norm_2."), (@"\.post_attention_layernorm\.", ".ffn_norm."), (@"\.self_attention\.query_key_value\.", ".attn_qkv."),
                (@"\.self_attention\.dense\.", ".attn_output."), (@"\.mlp\.dense_h_to_4h\.", ".ffn_up."), (@"\.mlp\.dense_4h_to_h\.", ".ffn_down.")],
            "bert" => [(@"^embeddings\.word_embeddings\.", "token_embd."), (@"^embeddings\.token_type_embeddings\.", "token_types."), (@"^embeddings\.position_embeddings\.", "position_embd."), (@"^embeddings\.LayerNorm\.", "token_embd_norm."),
                (@"^encoder\.layer\.(\d+)\.", "blk.$1."), (@"\.attention\.self\.query\.", ".attn_q."), (@"\.attention\.self\.key\.", ".attn_k."), (@"\.attention\.self\.value\.", ".attn_v."), (@"\.attention\.output\.dense\.", ".attn_output."),
                (@"\.attention\.output\.LayerNorm\.", ".attn_output_norm."), (@"\.intermediate\.dense\.", ".ffn_up."), (@"\.output\.dense\.", ".ffn_down."), (@"\.output\.LayerNorm\.", ".layer_output_norm.")],
            _ => [(@"^model\.embed_tokens\.", "token_embd."), (@"^model\.norm\.", "output_norm."), ("^lm_head\\.", "output."), (@"^model\.layers\.(\d+)\.", "blk.$1."), (@"\.input_layernorm\.", ".attn_norm."),
                (@"\.self_attn\.([qkv])_proj\.", ".attn_$1."), (@"\.self_attn\.qkv_proj\.", ".attn_qkv."), (@"\.self_attn\.o_proj\.", ".attn_output."), (@"\.self_attn\.([qk])_norm\.", ".attn_$1_norm."),
                (@"\.post_attention_layernorm\.", architecture is "gemma2" or "gemma3" or "olmo2" ? ".post_attention_norm." : ".ffn_norm."), (@"\.pre_feedforward_layernorm\.", ".ffn_norm."), (@"\.post_feedforward_layernorm\.", ".post_ffw_norm."),
                (@"\.mlp\.gate_up_proj\.", ".ffn_up."), (@"\.mlp\.c_fc\.", ".ffn_up."), (@"\.mlp\.c_proj\.", ".ffn_down."), (@"\.mlp\.(gate|up|down)_proj\.", ".ffn_$1."), (@"\.mlp\.gate\.", ".ffn_gate_inp."),
                (@"\.mlp\.experts\.(\d+)\.(gate|up|down)_proj\.", ".ffn_$2_exps.$1."), (@"\.mlp\.shared_expert_gate\.", ".ffn_gate_inp_shexp."), (@"\.mlp\.shared_expert\.(gate|up|down)_proj\.", ".ffn_$1_shexp."),
                (@"\.block_sparse_moe\.gate\.", ".ffn_gate_inp."), (@"\.block_sparse_moe\.experts\.(\d+)\.w1\.", ".ffn_gate_exps.$1."), (@"\.block_sparse_moe\.experts\.(\d+)\.w2\.", ".ffn_down_exps.$1."), (@"\.block_sparse_moe\.experts\.(\d+)\.w3\.", ".ffn_up_exps.$1.")],
        };
        return rules.Aggregate(name, static (text, rule) => Regex.Replace(text, rule.Item1, rule.Item2));
    }

    private static unsafe (long[] Shape, float[] Values) Read(IWeights weights, string name)
    {
        Assert.True(weights.TryGet(name, out TensorView view));
        float[] values = new float[view.Count];
        Dequantize.Row(view.Type, view.Data, values);
        return ([.. view.Shape], values);
    }

    private static void Add(GgufWriter writer, string name, long[] shape, float[] values, ElementType? type)
    {
        ElementType stored = shape.Length < 2 ? ElementType.F32 : type ?? ElementType.F32;
        byte[] bytes = stored switch
        {
            ElementType.F32 => MemoryMarshal.AsBytes<float>(values).ToArray(),
            ElementType.F16 => MemoryMarshal.AsBytes<Half>(Array.ConvertAll(values, static value => (Half)value)).ToArray(),
            ElementType.BF16 => MemoryMarshal.AsBytes<ushort>(Array.ConvertAll(values, static value => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16))).ToArray(),
            _ => Quantizer.Encode(stored, values),
        };
        writer.Add(name, stored, shape, bytes);
    }

    // LlamaModel.permute: reshape(heads, 2, half, …).swapaxes(1, 2)
    private static float[] Permute(float[] values, long[] shape, int heads)
    {
        int rows = (int)shape[0], columns = values.Length / rows, half = rows / heads / 2;
        float[] permuted = new float[values.Length];
        int to = 0;
        for (int head = 0; head < heads; head++)
        {
            for (int i = 0; i < half; i++)
            {
                for (int side = 0; side < 2; side++)
                    Array.Copy(values, ((head * 2 * half) + (side * half) + i) * columns, permuted, to++ * columns, columns);
            }
        }

        return permuted;
    }

    // view(groups, queries + 2, size, …), then all queries, all keys, all values
    private static float[] KindsFromGroups(float[] values, long[] shape, int groups, int queries)
    {
        int rows = (int)shape[0], columns = values.Length / rows, size = rows / (groups * (queries + 2));
        List<float> result = [];
        foreach ((int first, int count) in ((int, int)[])[(0, queries), (queries, 1), (queries + 1, 1)])
        {
            for (int group = 0; group < groups; group++)
                result.AddRange(values.AsSpan(((group * (queries + 2)) + first) * size * columns, count * size * columns));
        }

        return [.. result];
    }

    private static (long[] Shape, float[] Values) Transpose(long[] shape, float[] values)
    {
        int rows = (int)shape[0], columns = (int)shape[1];
        float[] turned = new float[values.Length];
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < columns; c++)
                turned[(c * rows) + r] = values[(r * columns) + c];
        }

        return ([columns, rows], turned);
    }
}
