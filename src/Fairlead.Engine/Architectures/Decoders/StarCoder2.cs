using Fairlead.Engine.Layers;

namespace Fairlead.Engine.Architectures.Decoders;

/// <summary>StarCoder 2 (Lozhkov et al. 2024; reference: <c>modeling_starcoder2.py</c>): layer norms, a bias everywhere, a feed-forward layer without a gate.</summary>
internal static class StarCoder2
{
    public static DecoderArchitecture Architecture { get; } = new("starcoder2", Design, static (weights, design) => StandardNames.All(weights, design, Layer));

    private static DecoderDesign Design(ConfigReader config)
    {
        DecoderDesign design = StandardConfig.Read(config, tied: true, context: 4096);
        config.Only("mlp_type", "default");
        config.Only("norm_type", "layer_norm");
        config.Ignore("activation_function", "attention_softmax_in_fp32", "layer_norm_epsilon", "scale_attention_softmax_in_fp32", "scale_attn_weights", "use_sliding_window"); // Its training code's; the class reads others.
        bool bias = config.Flag("use_bias", true);
        int window = config.Int("sliding_window", 0, RopeConfig.LongestContext, 0);
        return design with
        {
            Norm = NormKind.Layer,
            NormEpsilon = (float)config.Number("norm_epsilon", 0, 1, 1e-5),
            QkvBias = bias,
            OutputBias = bias,
            MlpBias = bias,
            Activation = StandardConfig.ActivationOf(config, "hidden_act", "gelu_pytorch_tanh"),
            Windows = StandardConfig.Windows(config, design.Layers, window, _ => true),
        };
    }

    private static LayerWeights Layer(CheckpointReader weights, DecoderDesign design, int layer)
    {
        string name = $"model.layers.{layer}";
        return StandardNames.Attention(weights, design, layer) with
        {
            BeforeAttention = weights.Norm($"{name}.input_layernorm", design.Width, design.Norm),
            BeforeMlp = weights.Norm($"{name}.post_attention_layernorm", design.Width, design.Norm),
            Mlp = new MlpWeights(
                null,
                weights.Linear($"{name}.mlp.c_fc", design.FeedForward, design.Width, design.MlpBias),
                weights.Linear($"{name}.mlp.c_proj", design.Width, design.FeedForward, design.MlpBias)),
        };
    }
}
