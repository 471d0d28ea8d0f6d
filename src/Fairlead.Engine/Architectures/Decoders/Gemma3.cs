using Fairlead.Engine.Layers;

namespace Fairlead.Engine.Architectures.Decoders;

/// <summary>Gemma 3, text (Gemma Team 2025; reference: <c>modeling_gemma3.py</c>): Gemma 2 with norms on queries and keys instead of caps, and rotary embeddings of their own for layers with a window.</summary>
internal static class Gemma3
{
    public static DecoderArchitecture Architecture { get; } = new("gemma3_text", Design, static (weights, design) => StandardNames.All(weights, design, Gemma2.Layer));

    /// <summary>Reads the options of the text model, which may stand in a group of a larger model's.</summary>
    public static DecoderDesign Design(ConfigReader config)
    {
        config.Only("use_bidirectional_attention", supported: false, missing: false);
        DecoderDesign design = Gemma.Common(config, context: 131_072, theta: 1e6);
        int pattern = config.Int("sliding_window_pattern", 1, StandardConfig.Most, config.Int("_sliding_window_pattern", 1, StandardConfig.Most, 6));
        bool[] sliding = StandardConfig.SlidingLayers(config, design.Layers, layer => (layer + 1) % pattern != 0);
        int window = config.Int("sliding_window", 1, RopeConfig.LongestContext, 4096);
        // Layers with a window never look far: their rotations are not stretched.
        var local = new RopeSettings
        {
            Theta = config.Number("rope_local_base_freq", 2, 1e12, 10_000),
            Dimensions = design.HeadDimension,
            OriginalContext = design.ContextLength,
        };
        return design with
        {
            QkNorm = QkNorm.PerHead,
            AttentionScale = StandardConfig.Inverse(config.Number("query_pre_attn_scalar", 1e-6, 1e6, 256)),
            LogitCap = (float)config.Number("final_logit_softcapping", 0, 1e6, 0),
            Windows = [.. sliding.Select(slides => slides ? window : 0)],
            Ropes = [design.Ropes[0], local],
            RopeOfLayer = [.. sliding.Select(slides => slides ? 1 : 0)],
        };
    }
}
