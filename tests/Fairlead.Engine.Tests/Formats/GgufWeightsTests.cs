using System.Text.Json;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Formats;

public sealed class GgufWeightsTests
{
    /// <summary>Keys of config.json that say nothing about the mathematics, or that a reader derives from others.</summary>
    private static readonly HashSet<string> s_silent =
    [
        "architectures", "attention_dropout", "attention_probs_dropout_prob", "attn_pdrop", "bos_token_id", "classifier_dropout", "torch_dtype", "embd_pdrop", "embedding_dropout", "eos_token_id",
        "hidden_dropout", "hidden_dropout_prob", "initializer_range", "max_window_layers", "output_router_logits", "pad_token_id", "pretraining_tp", "resid_pdrop", "residual_dropout",
        "router_aux_loss_coef", "router_jitter_noise", "slow_but_exact", "summary_activation", "summary_first_dropout", "summary_proj_to_labels", "summary_type", "summary_use_proj", "transformers_version",
        "use_cache", "reorder_and_upcast_attn", "scale_attn_by_inverse_layer_idx", "scale_attn_weights", "_sliding_window_pattern", "use_bidirectional_attention", "resid_dropout", "attention_dropout_prob",
    ];

    /// <summary>What GGUF cannot say of these checkpoints: a window that the converter drops for llama files, and figures that llama.cpp fixes by the size of the model.</summary>
    private static readonly HashSet<(string Model, string Key)> s_lost =
    [
        ("mistral", "model_type"), ("mistral", "sliding_window"), ("gemma2", "query_pre_attn_scalar"), ("smollm3", "no_rope_layers"), ("llama3-scaled", "rope_scaling"),
        ("phi3", "partial_rotary_factor"), // 1.0, which is what an absent one means
        ("falcon-mq", "num_kv_heads"), // 4 in the file, but with multi_query of the older layout there is one, and that is what GGUF says
    ];

    [Fact]
    public void A_converted_checkpoint_has_the_weights_of_the_original_under_their_names()
    {
        List<string> wrong = [];
        foreach (string path in Convertible())
        {
            using TemporaryFolder temporary = new();
            using ModelFolder hub = ModelFolder.Open(path);
            HubToGguf.Convert(hub).WriteTo(temporary["model.gguf"]);
            using ModelFolder gguf = ModelFolder.Open(temporary["model.gguf"]);
            string model = Path.GetFileName(path);
            IEnumerable<string> wanted = hub.Weights.Names.Where(name => !name.StartsWith("pooler.", StringComparison.Ordinal));
            wrong.AddRange(wanted.Except(gguf.Weights.Names).Select(name => $"{model}: {name} is missing"));
            wrong.AddRange(gguf.Weights.Names.Except(hub.Weights.Names).Select(name => $"{model}: {name} is new"));
            wrong.AddRange(wanted.Intersect(gguf.Weights.Names).Where(name => !Same(hub.Weights, gguf.Weights, name)).Select(name => $"{model}: {name} differs"));
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void The_metadata_of_a_converted_checkpoint_say_what_config_json_said()
    {
        List<string> wrong = [];
        foreach (string path in Convertible())
        {
            using TemporaryFolder temporary = new();
            using ModelFolder hub = ModelFolder.Open(path);
            HubToGguf.Convert(hub).WriteTo(temporary["model.gguf"]);
            using ModelFolder gguf = ModelFolder.Open(temporary["model.gguf"]);
            string model = Path.GetFileName(path);
            foreach (JsonProperty key in hub.Config.Root.EnumerateObject())
            {
                if (s_silent.Contains(key.Name) || s_lost.Contains((model, key.Name)) || IsNothing(key.Value))
                    continue;
                if (!gguf.Config.Root.TryGetProperty(key.Name, out JsonElement found))
                    wrong.Add($"{model}: {key.Name} {key.Value} is missing");
                else if (!SameValue(key.Value, found))
                    wrong.Add($"{model}: {key.Name} is {found}, was {key.Value}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void A_tensor_that_the_architecture_is_not_known_to_have_is_refused_and_not_ignored()
    {
        using TemporaryFolder temporary = new();
        using ModelFolder hub = ModelFolder.Open(Goldens.Checkpoint("llama"));
        HubToGguf.Convert(hub).Add("blk.0.attn_sinks.weight", ElementType.F32, [4], new byte[16]).WriteTo(temporary["model.gguf"]);
        ModelFileException refusal = Assert.Throws<ModelFileException>(() => ModelFolder.Open(temporary["model.gguf"]));
        Assert.Contains("blk.0.attn_sinks.weight is not known for architecture llama", refusal.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("llama.attention.clamp_kqv")]
    [InlineData("llama.rope.scaling.yarn_ext_factor")]
    [InlineData("llama.attention.scale")]
    public void A_key_of_the_architecture_that_nobody_reads_is_refused_and_not_ignored(string key)
    {
        using TemporaryFolder temporary = new();
        using ModelFolder hub = ModelFolder.Open(Goldens.Checkpoint("llama"));
        HubToGguf.Convert(hub).Set(key, 8f).WriteTo(temporary["model.gguf"]);
        ModelFileException refusal = Assert.Throws<ModelFileException>(() => ModelFolder.Open(temporary["model.gguf"]));
        Assert.Contains($"{key}: is not known for architecture llama", refusal.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Experts_of_a_file_from_before_they_were_joined_are_found_too()
    {
        using TemporaryFolder temporary = new();
        GgufWriter writer = new GgufWriter().Set("general.architecture", "llama").Set("llama.expert_count", 2u);
        for (int i = 0; i < 2; i++)
            writer.Add($"blk.3.ffn_gate.{i}.weight", ElementType.F32, [2, 3], new byte[24]);
        writer.WriteTo(temporary["old.gguf"]);
        using GgufFile file = GgufFile.Open(temporary["old.gguf"]);
        using GgufWeights weights = new(file);
        Assert.Equal(["model.layers.3.block_sparse_moe.experts.0.w1.weight", "model.layers.3.block_sparse_moe.experts.1.w1.weight"], weights.Names.Order(StringComparer.Ordinal));
    }

    // distilbert, roberta and the like have no architecture of their own in GGUF
    private static IEnumerable<string> Convertible() =>
        Directory.EnumerateDirectories(Path.Combine(Goldens.Data, "goldens")).Where(static path => Path.GetFileName(path) is not ("distilbert" or "roberta" or "xlm-roberta" or "mpnet")).Order(StringComparer.Ordinal).Append(Goldens.Guide);

    private static unsafe bool Same(IWeights a, IWeights b, string name)
    {
        Assert.True(a.TryGet(name, out TensorView left));
        Assert.True(b.TryGet(name, out TensorView right));
        float[] first = new float[left.Count], second = new float[right.Count];
        Dequantize.Row(left.Type, left.Data, first);
        Dequantize.Row(right.Type, right.Data, second);

        // a norm went up by one and down again: single precision keeps 2⁻²⁴ of that
        float bound = name.EndsWith("norm.weight", StringComparison.Ordinal) ? 1.2e-7f : 0;
        return left.Shape.AsSpan().SequenceEqual(right.Shape.AsSpan()) && first.Zip(second).All(pair => Math.Abs(pair.First - pair.Second) <= bound * Math.Max(1, Math.Abs(pair.First)));
    }

    // null, false, no list, and layers that are all of the ordinary kind: what an absent key means too
    private static bool IsNothing(JsonElement value) => value.ValueKind is JsonValueKind.Null or JsonValueKind.False ||
        (value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(static layer => layer.ValueKind == JsonValueKind.String && layer.GetString() == "full_attention"));

    private static bool SameValue(JsonElement a, JsonElement b) => (a.ValueKind, b.ValueKind) switch
    {
        (JsonValueKind.Number, JsonValueKind.Number) => Math.Abs(a.GetDouble() - b.GetDouble()) <= 1e-6 * Math.Abs(a.GetDouble()),
        (JsonValueKind.Object, JsonValueKind.Object) => a.EnumerateObject().All(property => b.TryGetProperty(property.Name, out JsonElement other) && SameValue(property.Value, other)),
        (JsonValueKind.Array, JsonValueKind.Array) => a.GetArrayLength() == b.GetArrayLength() && a.EnumerateArray().Zip(b.EnumerateArray()).All(pair => SameValue(pair.First, pair.Second)),
        _ => a.ValueKind == b.ValueKind && a.ToString() == b.ToString(),
    };
}
