using System.Text.Json.Nodes;
using Fairlead.Engine.Architectures;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Tensors;
using Fairlead.Engine.Tests.Formats;

namespace Fairlead.Engine.Tests.Architectures;

/// <summary>What a configuration or a checkpoint may say, and what is refused by name.</summary>
public sealed class ConfigurationTests
{
    [Fact]
    public void The_newer_form_of_a_configuration_gives_the_scores_of_the_older_to_the_bit()
    {
        List<string> wrong = [];
        foreach (string name in Golden.Names)
        {
            using ModelFolder older = ModelFolder.Open(Goldens.Checkpoint(name));
            using CheckpointCopy copy = new(name, ToNewer);
            using ModelFolder newer = ModelFolder.Open(copy.Path);
            int[] ids = Golden.Load(name).Cases[^1].Ids;
            if (!Scores(older, ids).AsSpan().SequenceEqual(Scores(newer, ids)))
                wrong.Add(name);
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void An_architecture_that_this_engine_has_not_is_refused_with_what_serves_it()
    {
        ModelFileException refusal = Refusal("llama", config => config["model_type"] = "mamba");
        Assert.Contains("\"mamba\" is not among the models that this engine runs. llama-server", refusal.Reason, StringComparison.Ordinal);
        Assert.Contains("llama-server", refusal.Reason, StringComparison.Ordinal);
        Assert.Contains("vLLM", refusal.Reason, StringComparison.Ordinal);
        Assert.Contains("model_type", Refusal("llama", config => config.Remove("model_type")).Reason, StringComparison.Ordinal);
    }

    /// <summary>Each changes the mathematics; the last of each pair is what the refusal must name.</summary>
    [Fact]
    public void An_option_that_changes_the_mathematics_and_is_not_computed_is_refused_by_name()
    {
        (string Golden, string Option, JsonNode Value)[] options =
        [
            ("llama", "attention_sinks", true), ("llama", "query_pre_attn_scalar", 20), ("llama", "hidden_act", "snake"), ("llama", "sliding_window", 8), ("llama", "layer_types", new JsonArray("full_attention", "full_attention")),
            ("qwen2-moe", "use_sliding_window", true), ("qwen3", "layer_types", new JsonArray("full_attention", "chunked_attention")),
            ("gemma2", "use_bidirectional_attention", true), ("gemma3", "use_bidirectional_attention", true), ("gemma3", "attn_logit_softcapping", 50),
            ("phi3", "attention_bias", true), ("falcon-mq", "alibi", true), ("bloom", "apply_residual_connection_post_layernorm", true),
            ("gpt2", "scale_attn_by_inverse_layer_idx", true), ("gpt2", "add_cross_attention", true), ("gpt2", "activation_function", "mish"),
            ("smollm3", "no_rope_layers", new JsonArray(1, 0, 1)), ("smollm3", "no_rope_layers", new JsonArray(1, 2)), ("olmo2", "clip_qkv", 8), ("granite", "normalization_function", "layernorm"),
            ("starcoder2", "norm_type", "rms"), ("mixtral", "shared_intermediate_size", 64), ("mistral", "llama_4_scaling_beta", 0.1),
        ];
        List<string> wrong = [];
        foreach ((string golden, string option, JsonNode value) in options)
        {
            if (Refused(golden, config => config[option] = value.DeepClone()) is not { } reason || !reason.Contains(option, StringComparison.Ordinal) || !reason.Contains("vLLM", StringComparison.Ordinal))
                wrong.Add($"{golden}: {option} {Refused(golden, config => config[option] = value.DeepClone())}");
        }

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    [Fact]
    public void A_configuration_is_refused_before_any_tensor_is_asked_for()
    {
        using CheckpointCopy copy = new("llama", config => config["attention_sinks"] = true);
        using ModelFolder folder = ModelFolder.Open(copy.Path);
        using var weights = new NoWeights();
        Assert.Contains("attention_sinks", Assert.Throws<ModelFileException>(() =>
            Decoder.Load(new ConfigReader(folder.Config), new CheckpointReader("model", weights), new DecoderOptions())).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_scaling_of_positions_is_refused_where_it_is_unknown_or_incomplete()
    {
        (string Name, string Scaling)[] refused =
        [
            ("rope_type", """{ "rope_type": "ntk-by-parts", "factor": 2 }"""),
            ("mrope_section", """{ "rope_type": "linear", "factor": 2, "mrope_section": [2, 3, 3] }"""),
            ("factor", """{ "rope_type": "linear" }"""),
            ("factor", """{ "rope_type": "linear", "factor": 0.5 }"""),
            ("low_freq_factor", """{ "rope_type": "llama3", "factor": 8, "high_freq_factor": 4, "original_max_position_embeddings": 32 }"""),
            ("high_freq_factor", """{ "rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4, "original_max_position_embeddings": 32 }"""),
            ("short_factor", """{ "rope_type": "longrope", "long_factor": [1, 1, 1, 1, 1, 1, 1, 1] }"""),
            ("long_factor", """{ "rope_type": "longrope", "short_factor": [1, 1, 1, 1, 1, 1, 1, 1], "long_factor": [1] }"""),
            ("long_factor", """{ "rope_type": "longrope", "short_factor": [1, 1, 1, 1, 1, 1, 1, 1], "long_factor": [1, 1, 1, 1, 1, 1, 1, 0] }"""),
        ];
        List<string> wrong = [];
        foreach ((string name, string scaling) in refused)
        {
            if (Refused("llama", config => config["rope_scaling"] = JsonNode.Parse(scaling)) is not { } reason || !reason.Contains($"rope_scaling.{name}", StringComparison.Ordinal))
                wrong.Add(scaling);
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void Sizes_that_no_model_has_are_refused_before_they_are_multiplied()
    {
        (string Key, JsonNode Value)[] sizes =
        [
            ("hidden_size", 0), ("hidden_size", int.MaxValue), ("num_hidden_layers", 100_000), ("num_attention_heads", 0), ("num_attention_heads", 3), ("num_key_value_heads", 3), ("num_key_value_heads", 8),
            ("head_dim", 1 << 20), ("head_dim", 1), ("head_dim", 7), ("intermediate_size", -1), ("intermediate_size", int.MaxValue), ("vocab_size", int.MaxValue), ("max_position_embeddings", int.MaxValue),
            ("rope_theta", 0), ("rope_theta", -1), ("rms_norm_eps", -1), ("partial_rotary_factor", 0), ("partial_rotary_factor", 2), ("hidden_size", 64.5), ("hidden_size", "64"), ("tie_word_embeddings", 1),
        ];
        List<string> wrong = [];
        foreach ((string key, JsonNode value) in sizes)
        {
            if (Refused("llama", config => config[key] = value.DeepClone()) is not { } reason || !reason.Contains(key is "num_attention_heads" ? "heads" : key, StringComparison.Ordinal))
                wrong.Add($"{key} {value}: {Refused("llama", config => config[key] = value.DeepClone())}");
        }

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    [Fact]
    public void A_tensor_that_is_missing_or_has_another_shape_is_refused_by_name_with_both_shapes()
    {
        Assert.Contains("model.layers.2.self_attn.q_proj.weight [64 × 64] is missing", Refusal("llama", config => config["num_hidden_layers"] = 3).Reason, StringComparison.Ordinal);
        Assert.Contains("model.embed_tokens.weight is F32 [640 × 64], expected [641 × 64]", Refusal("llama", config => config["vocab_size"] = 641).Reason, StringComparison.Ordinal);
        Assert.Contains("self_attn.q_proj.bias [64] is missing", Refusal("llama", config => config["attention_bias"] = true).Reason, StringComparison.Ordinal);
        Assert.Contains("self_attn.k_proj.weight is F32 [32 × 64], expected [64 × 64]", Refusal("llama", config => config["num_key_value_heads"] = 4).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_that_the_architecture_has_no_place_for_is_refused_and_not_left_out()
    {
        Assert.Contains("model.layers.1.input_layernorm.weight has no place in this architecture (9 such in all)", Refusal("llama", config => config["num_hidden_layers"] = 1).Reason, StringComparison.Ordinal);

        // A bias that the configuration does not speak of: read as Llama, Qwen 2 would answer without it.
        string reason = Refusal("qwen2", config =>
        {
            config["model_type"] = "llama";
            config.Remove("layer_types");
            config.Remove("max_window_layers");
        }).Reason;
        Assert.Contains("model.layers.0.self_attn.k_proj.bias has no place in this architecture (6 such in all)", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void What_only_training_and_saving_need_may_stand_in_a_configuration()
    {
        using CheckpointCopy copy = new("llama", config =>
        {
            config["_name_or_path"] = "someone/model";
            config["auto_map"] = new JsonObject { ["AutoModel"] = "modeling.Model" };
            config["torch_dtype"] = "float32";
            config["pretraining_tp"] = 2;
            config["some_new_switch"] = false;
            config["some_new_list"] = new JsonArray();
            config["some_new_number"] = null;
            config["rope_scaling"] = new JsonObject { ["rope_type"] = "dynamic", ["factor"] = 4.0 };
        });
        using ModelFolder folder = ModelFolder.Open(copy.Path), plain = ModelFolder.Open(Goldens.Checkpoint("llama"));
        int[] ids = Golden.Load("llama").Cases[^1].Ids;
        Assert.Equal(Scores(plain, ids), Scores(folder, ids));
    }

    [Fact]
    public void Tensors_of_old_files_that_are_computed_anew_may_be_there()
    {
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint("gpt2"));
        using var weights = new MoreWeights(folder.Weights, "transformer.h.0.attn.bias", "transformer.h.1.attn.masked_bias", "lm_head.weight");
        var reader = new CheckpointReader("model.safetensors", weights);
        DecoderArchitecture architecture = ArchitectureRegistry.Find("config.json", "gpt2");
        architecture.Weights(reader, architecture.Design(new ConfigReader(folder.Config)));
        reader.Finish();
    }

    private static ModelFileException Refusal(string golden, Action<JsonObject> change)
    {
        using CheckpointCopy copy = new(golden, change);
        using ModelFolder folder = ModelFolder.Open(copy.Path);
        return Assert.Throws<ModelFileException>(() => Decoder.Load(folder).Dispose());
    }

    private static string? Refused(string golden, Action<JsonObject> change)
    {
        using CheckpointCopy copy = new(golden, change);
        using ModelFolder folder = ModelFolder.Open(copy.Path);
        try
        {
            Decoder.Load(folder, new DecoderOptions { Threads = 1 }).Dispose();
            return null;
        }
        catch (ModelFileException refusal)
        {
            return refusal.Reason;
        }
    }

    private static float[] Scores(ModelFolder folder, int[] ids)
    {
        using Decoder decoder = Decoder.Load(folder, new DecoderOptions { Threads = 1 });
        using KvCache cache = decoder.NewCache(8);
        return new Reader(decoder, cache).Read(ids);
    }

    /// <summary>What transformers 5 writes: <c>dtype</c>, and everything about positions under <c>rope_parameters</c>, by kind of layer for Gemma 3.</summary>
    private static void ToNewer(JsonObject config)
    {
        config["dtype"] = Take(config, "torch_dtype") ?? Take(config, "dtype");
        if (Take(config, "rope_theta") is not { } theta)
            return; // learned positions or slopes
        JsonObject rope = Take(config, "rope_scaling")?.AsObject() ?? new JsonObject { ["rope_type"] = "default" };
        rope["rope_theta"] = theta;
        if (Take(config, "partial_rotary_factor") is { } share)
            rope["partial_rotary_factor"] = share;
        config["rope_parameters"] = Take(config, "rope_local_base_freq") is { } local
            ? new JsonObject { ["full_attention"] = rope, ["sliding_attention"] = new JsonObject { ["rope_type"] = "default", ["rope_theta"] = local } }
            : rope;
    }

    private static JsonNode? Take(JsonObject config, string key)
    {
        JsonNode? value = config[key];
        config.Remove(key);
        return value;
    }

    /// <summary>Weights that may not be asked for.</summary>
    private sealed class NoWeights : IWeights
    {
        public IReadOnlyCollection<string> Names => [];

        public bool TryGet(string name, out TensorView tensor) => throw new InvalidOperationException($"{name} was asked for");

        public void Dispose()
        {
        }
    }

    /// <summary>Weights with a few tensors more.</summary>
    private sealed class MoreWeights(IWeights weights, params string[] more) : IWeights
    {
        public IReadOnlyCollection<string> Names => [.. weights.Names, .. more];

        public bool TryGet(string name, out TensorView tensor) => weights.TryGet(name, out tensor);

        public void Dispose()
        {
        }
    }
}
