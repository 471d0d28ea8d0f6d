using Fairlead.Engine.Layers;

namespace Fairlead.Engine.Architectures.Decoders;

/// <summary>Mixtral (Jiang et al. 2024; reference: <c>modeling_mixtral.py</c>): Mistral with experts, whose weights for a token add up to 1.</summary>
internal static class Mixtral
{
    public static DecoderArchitecture Architecture { get; } = new("mixtral", Design, static (weights, design) => StandardNames.All(weights, design, Layer));

    private static DecoderDesign Design(ConfigReader config)
    {
        DecoderDesign design = StandardConfig.Read(config, context: 4096 * 32, theta: 1e6, epsilon: 1e-5);
        int window = config.Int("sliding_window", 0, RopeConfig.LongestContext, 0);
        int experts = config.Int("num_local_experts", 1, StandardConfig.Most, 8);
        return design with
        {
            Windows = StandardConfig.Windows(config, design.Layers, window, _ => true),
            Moe = new MoeSettings
            {
                Experts = experts,
                PerToken = config.Int("num_experts_per_tok", 1, experts, Math.Min(2, experts)),
                FeedForward = design.FeedForward,
                Normalised = true,
            },
        };
    }

    private static LayerWeights Layer(CheckpointReader weights, DecoderDesign design, int layer)
    {
        string name = $"model.layers.{layer}", moe = $"{name}.block_sparse_moe";
        int experts = design.Moe?.Experts ?? 0;
        return StandardNames.Attention(weights, design, layer) with
        {
            BeforeAttention = weights.Norm($"{name}.input_layernorm", design.Width, design.Norm),
            BeforeMlp = weights.Norm($"{name}.post_attention_layernorm", design.Width, design.Norm),
            Moe = new MoeWeights(weights.Linear($"{moe}.gate", experts, design.Width), [.. Enumerable.Range(0, experts).Select(Expert)], null, null),
        };

        MlpWeights Expert(int expert)
        {
            string at = $"{moe}.experts.{expert}";
            return new(
                weights.Linear($"{at}.w1", design.FeedForward, design.Width),
                weights.Linear($"{at}.w3", design.FeedForward, design.Width),
                weights.Linear($"{at}.w2", design.Width, design.FeedForward));
        }
    }
}
