using System.Collections.Immutable;
using Fairlead.Engine.Layers;

namespace Fairlead.Engine.Architectures.Decoders;

/// <summary>What the two generations of Qwen with experts have in common: which layers have them, and how they are named.</summary>
internal static class QwenExperts
{
    /// <summary>Reads the options of the experts of <paramref name="layers"/> layers.</summary>
    public static MoeSettings Read(ConfigReader config, int layers, int experts, int perToken, int feedForward, int sharedFeedForward)
    {
        // A window would be laid over all layers by one version of the reference and over some by another.
        config.Only("use_sliding_window", supported: false, missing: false);
        config.Ignore("sliding_window", "max_window_layers");

        experts = config.Int("num_experts", 1, StandardConfig.Most, experts);
        int step = config.Int("decoder_sparse_step", 1, StandardConfig.Most, 1);
        ImmutableArray<int> dense = config.Ints("mlp_only_layers") ?? [];
        return new MoeSettings
        {
            Experts = experts,
            PerToken = config.Int("num_experts_per_tok", 1, experts, Math.Min(perToken, experts)),
            FeedForward = config.Int("moe_intermediate_size", 1, StandardConfig.Widest, feedForward),
            SharedFeedForward = sharedFeedForward == 0 ? 0 : config.Int("shared_expert_intermediate_size", 1, StandardConfig.Widest, sharedFeedForward),
            Normalised = config.Flag("norm_topk_prob", false),
            SparseLayers = [.. Enumerable.Range(0, layers).Select(layer => !dense.Contains(layer) && (layer + 1) % step == 0)],
        };
    }

    /// <summary>One layer, with experts or without.</summary>
    public static LayerWeights Layer(CheckpointReader weights, DecoderDesign design, int layer)
    {
        if (design.Moe is not { } moe || !design.IsSparse(layer))
            return StandardNames.Layer(weights, design, layer);

        string name = $"model.layers.{layer}", mlp = $"{name}.mlp";
        bool shared = moe.SharedFeedForward > 0;
        return StandardNames.Attention(weights, design, layer) with
        {
            BeforeAttention = weights.Norm($"{name}.input_layernorm", design.Width, design.Norm),
            BeforeMlp = weights.Norm($"{name}.post_attention_layernorm", design.Width, design.Norm),
            Moe = new MoeWeights(
                weights.Linear($"{mlp}.gate", moe.Experts, design.Width),
                StandardNames.Experts(weights, design, moe, mlp),
                shared ? StandardNames.GatedMlp(weights, design, $"{mlp}.shared_expert", moe.SharedFeedForward) : null,
                shared ? weights.Linear($"{mlp}.shared_expert_gate", 1, design.Width) : null),
        };
    }
}
