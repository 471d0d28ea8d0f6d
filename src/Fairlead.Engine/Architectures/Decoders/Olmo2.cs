using Fairlead.Engine.Layers;

namespace Fairlead.Engine.Architectures.Decoders;

/// <summary>OLMo 2 (OLMo Team 2024; reference: <c>modeling_olmo2.py</c>): norms after the sublayers instead of before, and on whole rows of queries and keys.</summary>
internal static class Olmo2
{
    public static DecoderArchitecture Architecture { get; } = new("olmo2", Design, static (weights, design) => StandardNames.All(weights, design, Layer));

    private static DecoderDesign Design(ConfigReader config)
    {
        bool bias = config.Flag("attention_bias", false);
        return StandardConfig.Read(config, context: 2048, epsilon: 1e-5) with { QkvBias = bias, OutputBias = bias, QkNorm = QkNorm.WholeRow };
    }

    private static LayerWeights Layer(CheckpointReader weights, DecoderDesign design, int layer)
    {
        string name = $"model.layers.{layer}";
        return StandardNames.Attention(weights, design, layer) with
        {
            AfterAttention = weights.Norm($"{name}.post_attention_layernorm", design.Width, design.Norm),
            AfterMlp = weights.Norm($"{name}.post_feedforward_layernorm", design.Width, design.Norm),
            Mlp = StandardNames.GatedMlp(weights, design, $"{name}.mlp", design.FeedForward),
        };
    }
}
