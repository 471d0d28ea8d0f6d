using Fairlead.Engine.Layers;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Architectures.Decoders;

/// <summary>Phi-3, 3.5 and 4 (Abdin et al. 2024; reference: <c>modeling_phi3.py</c>): Llama with fused projections, a share of each head turned, LongRoPE.</summary>
internal static class Phi3
{
    public static DecoderArchitecture Architecture { get; } = new("phi3", Design, static (weights, design) => StandardNames.All(weights, design, Layer));

    private static DecoderDesign Design(ConfigReader config)
    {
        DecoderDesign design = StandardConfig.Read(config, context: 4096, epsilon: 1e-5);
        config.Only("attention_bias", supported: false, missing: false);
        config.Ignore("full_attn_mod", "interpolate_factor", "use_sliding_window"); // In published files, read by nobody.
        int window = config.Int("sliding_window", 0, RopeConfig.LongestContext, 0);
        return design with { Windows = StandardConfig.Windows(config, design.Layers, window, _ => true) };
    }

    private static LayerWeights Layer(CheckpointReader weights, DecoderDesign design, int layer)
    {
        string name = $"model.layers.{layer}";
        int queries = design.Heads * design.HeadDimension, keys = design.KvHeads * design.HeadDimension;
        TensorView gateUp = weights.Tensor($"{name}.mlp.gate_up_proj.weight", 2L * design.FeedForward, design.Width);
        return new LayerWeights
        {
            BeforeAttention = weights.Norm($"{name}.input_layernorm", design.Width, design.Norm),
            Qkv = QkvWeights.Concatenated(
                weights.Linear($"{name}.self_attn.qkv_proj", queries + (2 * keys), design.Width), design.Heads, design.KvHeads, design.HeadDimension),
            Output = weights.Linear($"{name}.self_attn.o_proj", design.Width, queries),
            BeforeMlp = weights.Norm($"{name}.post_attention_layernorm", design.Width, design.Norm),
            Mlp = new MlpWeights(
                new LinearWeights(gateUp.SliceRows(0, design.FeedForward), null),
                new LinearWeights(gateUp.SliceRows(design.FeedForward, design.FeedForward), null),
                weights.Linear($"{name}.mlp.down_proj", design.Width, design.FeedForward)),
        };
    }
}
