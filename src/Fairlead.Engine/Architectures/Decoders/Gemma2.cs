using Fairlead.Engine.Layers;

namespace Fairlead.Engine.Architectures.Decoders;

/// <summary>Gemma 2 (Gemma Team 2024; reference: <c>modeling_gemma2.py</c>): norms before and after each sublayer, capped scores and logits, every other layer with a window.</summary>
internal static class Gemma2
{
    public static DecoderArchitecture Architecture { get; } = new("gemma2", Design, static (weights, design) => StandardNames.All(weights, design, Layer));

    /// <summary>One layer with its four norms.</summary>
    public static LayerWeights Layer(CheckpointReader weights, DecoderDesign design, int layer)
    {
        string name = $"model.layers.{layer}";
        return StandardNames.Attention(weights, design, layer) with
        {
            BeforeAttention = weights.Norm($"{name}.input_layernorm", design.Width, design.Norm),
            AfterAttention = weights.Norm($"{name}.post_attention_layernorm", design.Width, design.Norm),
            BeforeMlp = weights.Norm($"{name}.pre_feedforward_layernorm", design.Width, design.Norm),
            AfterMlp = weights.Norm($"{name}.post_feedforward_layernorm", design.Width, design.Norm),
            Mlp = StandardNames.GatedMlp(weights, design, $"{name}.mlp", design.FeedForward),
        };
    }

    private static DecoderDesign Design(ConfigReader config)
    {
        DecoderDesign design = Gemma.Common(config, context: 8192);
        config.Only("use_bidirectional_attention", supported: false, missing: false);
        return design with
        {
            AttentionScale = StandardConfig.Inverse(config.Number("query_pre_attn_scalar", 1e-6, 1e6, 256)),
            AttentionCap = (float)(config.Says("attn_logit_softcapping") ? config.Number("attn_logit_softcapping", 0, 1e6, 0) : 50),
            LogitCap = (float)(config.Says("final_logit_softcapping") ? config.Number("final_logit_softcapping", 0, 1e6, 0) : 30),
            Windows = StandardConfig.Windows(config, design.Layers, config.Int("sliding_window", 1, RopeConfig.LongestContext, 4096), layer => layer % 2 == 0),
        };
    }
}
